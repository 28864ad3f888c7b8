"""A trained model on disk: saved here, read back by `loading`. Changes when what is stored changes."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_science.errors import ArtifactError, SettingsError
from data_science.prediction.predictor import Predictor
from data_science.storage import layout, versions
from data_science.storage import predictor_format as form
from data_science.storage.loading import Loaded as Loaded
from data_science.storage.loading import is_good as is_good
from data_science.storage.loading import load as load
from data_science.storage.loading import load_bambi_model as load_bambi_model
from data_science.storage.loading import open_posterior as open_posterior
from data_science.storage.loading import opened
from data_science.storage.manifest import DIAGNOSTICS, DRAWS, MODEL_CARD, PREDICTOR, PROTOCOL, REQUIRED
from data_science.storage.version_files import (
    MANIFEST,
    canonical,
    describe_files,
    make_folder,
    seal,
    sync,
    write_durably,
)
from data_science.storage.writing import writing_to

if TYPE_CHECKING:
    from datetime import datetime

PACKAGES = ("data_science", "numpy", "pandas", "pymc", "bambi", "arviz", "nutpie")

Writer = Callable[[Path], object]


def save(
    folder: str | Path,
    *,
    predictor: Predictor,
    diagnostics: Mapping[str, Any],
    model_card: str,
    writers: Mapping[str, Writer],
    provenance: Mapping[str, Any],
    now: datetime,
    keep: int = 5,
    role: versions.Role | None = None,
    why: str = "",
) -> Path:
    """Store a version that is complete and good, and give it its role; on any error nothing changes.

    Parameters
    ----------
    folder : path
        Folder of versions; made if it does not exist.
    predictor, diagnostics, model_card
        What serving needs, what the gates measured (JSON types), and one page for people.
    writers : mapping from file name to callable
        Each is called with the path it has to write; for `posterior.nc` and `bambi_model.cloudpickle`.
    provenance : mapping
        What it was trained on and how (JSON types).
    now : datetime
        Time of saving, with a time zone.
    keep : int
        How many of the newest good versions are kept.
    role, why : optional
        See `versions.publish`.

    Returns
    -------
    Path
        Folder of the new version.

    Raises
    ------
    ArtifactError
        If the folder cannot be written, or what was written cannot be read back.
    """
    if isinstance(keep, bool) or not isinstance(keep, Integral) or keep < 1:
        raise SettingsError(f"keep is {keep!r}; expected a whole number of at least 1")
    from datetime import UTC

    folder = layout.home(folder)
    with writing_to(folder):
        make_folder(folder)
        with versions.workplace(folder) as work:
            document = form.to_json(predictor)
            write_durably(work / PREDICTOR, document)
            write_durably(work / DRAWS, form.to_npz(predictor))
            write_durably(work / DIAGNOSTICS, _json(diagnostics, "diagnostics"))
            write_durably(work / MODEL_CARD, model_card.encode())
            for name, write in writers.items():
                write(work / name)
                sync(work / name)
            names = [*sorted(REQUIRED), *sorted(writers)]
            manifest = {
                "format": PROTOCOL,
                "saved_at": now.astimezone(UTC).isoformat(timespec="seconds"),
                "gates_passed": True,  # of every version: a fit that failed has raised. Every reader asks
                "provenance": dict(provenance),
                "packages": _packages(),
                "files": describe_files(work, names),
                "probes": form.probe(predictor),
            }
            _json(manifest, "provenance")

            def finish(name: str) -> None:
                write_durably(work / MANIFEST, seal({**manifest, "version": name}))
                opened(work)  # what cannot be loaded is not published

            suffix, at = hashlib.sha256(document).hexdigest()[:6], now.astimezone(UTC)
            return versions.publish(work, folder, suffix, at, finish, keep, is_good, role, why)


def _json(document: Mapping[str, Any], what: str) -> bytes:
    try:
        return canonical(document)
    except (TypeError, ValueError) as error:
        raise ArtifactError(
            f"the {what} cannot be stored as JSON ({error}); expected plain finite values"
        ) from error


def _packages() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": sys.version.split()[0]}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
