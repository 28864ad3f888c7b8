"""The manifest of a version: what it must say before any other file is looked at.

Owns the number of the format. To change the format: raise ``PROTOCOL``, keep reading the old ones, whose
examples are under ``tests/compatibility/artifacts/``, and store an example of the new one there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data_science.errors import ArtifactError
from data_science.storage.version_files import MANIFEST, REMEDY, parse_json, read_checked, read_small, unseal

PROTOCOL = 1
PREDICTOR = "predictor.json"
DRAWS = "draws.npz"
DIAGNOSTICS = "diagnostics.json"
MODEL_CARD = "model_card.md"
POSTERIOR = "posterior.nc"
BAMBI_MODEL = "bambi_model.cloudpickle"
REQUIRED = frozenset({PREDICTOR, DRAWS, DIAGNOSTICS, MODEL_CARD})
LARGEST = 2**22  # bytes of a manifest


def read_manifest(version: Path) -> dict[str, Any]:
    """Return the manifest of a version.

    Raises
    ------
    ArtifactError
        If it is missing, changed, from a newer format, or of a fit that failed its gates.
    """
    path = version / MANIFEST
    data = read_small(path, LARGEST)
    number = parse_json(data, path).get("format")
    # Before the digest: a newer format may be sealed in another way.
    if type(number) is int and number > PROTOCOL:
        raise ArtifactError(
            f"{path} has format {number}; this data_science reads up to {PROTOCOL}: upgrade it"
        )
    manifest = unseal(data, path)
    if type(number) is not int or number < 1:
        raise ArtifactError(f"{path} has format {number!r}; expected 1 to {PROTOCOL}. {REMEDY}")
    if manifest.get("gates_passed") is not True:
        raise ArtifactError(
            f"{path} says that the fit failed its checks: do not serve this model, train again"
        )
    if not _describes_files(manifest.get("files")) or not isinstance(manifest.get("probes"), list):
        raise ArtifactError(f"{path} does not describe {sorted(REQUIRED)} and probes. {REMEDY}")
    return manifest


def read_listed(version: Path, name: str, *, keep: bool) -> bytes:
    """Return one file's content after its digest was checked, or b"" unless it is to be kept."""
    files = read_manifest(version)["files"]
    if name not in files:
        raise ArtifactError(
            f"{version / name} was not stored with this version; expected one of {sorted(files)}"
        )
    return read_checked(version / name, files[name]["bytes"], files[name]["sha256"], keep=keep)


def _describes_files(files: object) -> bool:
    if not isinstance(files, dict) or not files.keys() >= REQUIRED:
        return False
    return all(
        not {"/", "\\", "\0"} & set(name)
        and name not in ("", ".", "..")
        and isinstance(entry, dict)
        and type(entry.get("bytes")) is int
        and isinstance(entry.get("sha256"), str)
        for name, entry in files.items()
    )
