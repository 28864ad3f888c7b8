"""A trained model on disk: save, load. Changes when what is stored with a model changes.

No file of an artifact can run code when it is loaded; the one that could, the Bambi model, is read only by
:func:`load_bambi_model`, on demand and after its digest was checked.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_science.errors import ArtifactError, SettingsError, installing
from data_science.prediction.predictor import Predictor
from data_science.storage import predictor_format as form
from data_science.storage import roles, versions
from data_science.storage.manifest import (
    BAMBI_MODEL,
    DIAGNOSTICS,
    DRAWS,
    MODEL_CARD,
    POSTERIOR,
    PREDICTOR,
    PROTOCOL,
    REQUIRED,
    read_listed,
    read_manifest,
)
from data_science.storage.version_files import (
    MANIFEST,
    audit_files,
    canonical,
    describe_files,
    make_folder,
    parse_json,
    seal,
    sync,
    write_durably,
)
from data_science.storage.without_rows import sealed
from data_science.storage.writing import home, writing_to

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd
    from xarray import DataTree

PARSED = frozenset({PREDICTOR, DRAWS, DIAGNOSTICS})
ATTEMPTS = 20  # how often a reader follows LATEST while versions are published and pruned under its eyes
SUMMARY = ("mean", "sd", "q5", "q50", "q95", "ess_bulk", "ess_tail", "r_hat", "mcse_mean")
PACKAGES = ("data_science", "numpy", "pandas", "pymc", "bambi", "arviz", "nutpie")

Writer = Callable[[Path], object]


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """One version, audited and constructed."""

    path: Path  # absolute: the process may go elsewhere before it reads another file
    predictor: Predictor
    manifest: dict[str, Any]
    diagnostics: dict[str, Any]
    fallback: str | None = None  # why this is not the version that LATEST names, if it is not

    @property
    def summary(self) -> pd.DataFrame:
        """The posterior of every parameter, by Bambi's names."""
        import pandas as pd

        records = self.diagnostics.get("summary")
        if not isinstance(records, list):
            raise ArtifactError(f"{self.path / DIAGNOSTICS} has no summary. Train again")
        return pd.DataFrame(records).set_index("parameter")[list(SUMMARY)]  # JSON has sorted its keys

    @property
    def posterior(self) -> DataTree:
        """The full posterior, read lazily."""
        return open_posterior(self.path)


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

    folder = home(folder)
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
                _open(work)  # what cannot be loaded is not published

            suffix, at = hashlib.sha256(document).hexdigest()[:6], now.astimezone(UTC)
            return versions.publish(work, folder, suffix, at, finish, keep, is_good, role, why)


def load(folder: str | Path) -> Loaded:
    """Read, audit and only then construct a model.

    Parameters
    ----------
    folder : path
        One version, or a folder of versions: then the one LATEST names or, with a warning in the log, the
        newest older good one.

    Raises
    ------
    ArtifactError
        Naming the file that cannot be trusted or read, and what to do.
    """
    folder = home(folder)
    if versions.is_version(folder):
        return _open(folder)
    for _ in range(ATTEMPTS):
        latest = None
        try:
            latest = versions.read_latest(folder)
            return _open(versions.located(folder, latest))
        except ArtifactError as error:
            if latest is not None and _moved_on(folder, latest):
                continue  # the version was pruned while we read it, and a newer one is there
            return _fall_back(folder, latest, error)
    raise ArtifactError(f"{folder / versions.LATEST} changed {ATTEMPTS} times while it was read. Try again")


def is_good(version: Path) -> bool:
    """Whether a version passes the audit."""
    try:
        _audit(version)
    except ArtifactError:
        return False
    return True


def load_bambi_model(version: str | Path, *, trust: bool) -> Any:
    """Return the Bambi model of one version; unpickling runs code, so the caller must say that it is trusted.

    Raises
    ------
    ArtifactError
        If ``trust`` is not True, or the file is not the one that training wrote.
    """
    if trust is not True:
        raise ArtifactError(
            f"{Path(version) / BAMBI_MODEL} is a pickle, which can run any code; "
            "pass trust=True if you know who trained this model"
        )
    import cloudpickle

    content = read_listed(Path(version), BAMBI_MODEL, keep=True)  # its digest was checked
    return sealed(cloudpickle.loads(content), Path(version).name)


def open_posterior(version: str | Path) -> DataTree:
    """Return the full posterior of one version, read lazily after its digest was checked.

    Raises
    ------
    ArtifactError
        If the file is missing or not the one that training wrote, or the packages to read it are missing.
    """
    path = Path(version) / POSTERIOR
    read_listed(Path(version), POSTERIOR, keep=False)
    try:
        import xarray

        return xarray.open_datatree(path, engine="h5netcdf")
    except ImportError as error:
        raise ArtifactError(f"{path} needs xarray and h5netcdf: {installing('train')}") from error


def _open(version: Path) -> Loaded:
    manifest, contents = _audit(version)
    diagnostics = parse_json(contents[DIAGNOSTICS], version / DIAGNOSTICS)
    predictor = form.construct(contents[PREDICTOR], contents[DRAWS], version)
    form.reproduce(predictor, manifest["probes"], version)
    return Loaded(version.absolute(), predictor, manifest, diagnostics)


def _audit(version: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    manifest = read_manifest(version)
    return manifest, audit_files(version, manifest["files"], PARSED)


def _moved_on(folder: Path, latest: str) -> bool:
    try:
        return versions.read_latest(folder) != latest
    except ArtifactError:
        return False


def _fall_back(folder: Path, latest: str | None, reason: ArtifactError) -> Loaded:
    """Open the newest good version but ``latest``, those in question last, and say so; or raise why not."""
    import logging  # slow to import, and seldom needed

    names = versions.listed(folder)
    older = [name for name in names if latest is None or name < latest]
    newer = [name for name in names if latest is not None and name > latest]  # never became LATEST
    why = f"{folder / versions.LATEST}: {reason}" if latest and latest not in names else str(reason)
    for name in sorted(older + newer, key=roles.in_question(folder).__contains__):
        try:
            loaded = _open(folder / name)
        except ArtifactError as error:
            why += f"; skipped version {name}: {error}"
            continue
        logging.getLogger(__name__).warning("fell back to version %s: %s", name, why)
        return replace(loaded, fallback=why)
    if not names:
        raise ArtifactError(f"{folder} contains no model: {why}. Train one first") from reason
    raise ArtifactError(f"{why}. No other good version in {folder} to fall back to") from reason


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
