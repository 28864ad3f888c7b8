"""A trained model read from disk: audited, then constructed. Nothing here knows how one is written.

No file of an artifact can run code when it is loaded; the one that could, the Bambi model, is read only by
:func:`load_bambi_model`, on demand and after its digest was checked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_science.errors import ArtifactError, installing
from data_science.prediction.predictor import Predictor
from data_science.storage import layout
from data_science.storage import predictor_format as form
from data_science.storage.manifest import (
    BAMBI_MODEL,
    DIAGNOSTICS,
    DRAWS,
    POSTERIOR,
    PREDICTOR,
    read_listed,
    read_manifest,
)
from data_science.storage.version_files import audit_files, parse_json

if TYPE_CHECKING:
    import pandas as pd
    from xarray import DataTree

PARSED = frozenset({PREDICTOR, DRAWS, DIAGNOSTICS})
ATTEMPTS = 20  # how often a reader follows LATEST while versions are published and pruned under its eyes
SUMMARY = ("mean", "sd", "q5", "q50", "q95", "ess_bulk", "ess_tail", "r_hat", "mcse_mean")


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
    def reference(self) -> dict[str, Any] | None:
        """What later rows are compared with; older versions have none."""
        from data_science.storage.references import read_reference

        return read_reference(self.path)

    @property
    def posterior(self) -> DataTree:
        """The full posterior, read lazily."""
        return open_posterior(self.path)


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
    folder = layout.home(folder)
    if layout.is_version(folder):
        return opened(folder)
    for _ in range(ATTEMPTS):
        latest = None
        try:
            latest = layout.read_latest(folder)
            return opened(layout.located(folder, latest))
        except ArtifactError as error:
            if latest is not None and _moved_on(folder, latest):
                continue  # the version was pruned while we read it, and a newer one is there
            return _fall_back(folder, latest, error)
    raise ArtifactError(f"{folder / layout.LATEST} changed {ATTEMPTS} times while it was read. Try again")


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

    from data_science.storage.without_rows import sealed

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


def opened(version: Path) -> Loaded:
    """Audit one version and construct it; another is no substitute.

    Raises
    ------
    ArtifactError
        Naming the file that cannot be trusted or read.
    """
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
        return layout.read_latest(folder) != latest
    except ArtifactError:
        return False


def _fall_back(folder: Path, latest: str | None, reason: ArtifactError) -> Loaded:
    """Open the newest good version but ``latest``, those in question last, and say so; or raise why not."""
    import logging  # slow to import, and seldom needed, as who may not serve is

    from data_science.storage.roles import in_question

    names = layout.listed(folder)
    older = [name for name in names if latest is None or name < latest]
    newer = [name for name in names if latest is not None and name > latest]  # never became LATEST
    why = f"{folder / layout.LATEST}: {reason}" if latest and latest not in names else str(reason)
    for name in sorted(older + newer, key=in_question(folder).__contains__):
        try:
            loaded = opened(folder / name)
        except ArtifactError as error:
            why += f"; skipped version {name}: {error}"
            continue
        logging.getLogger(__name__).warning("fell back to version %s: %s", name, why)
        return replace(loaded, fallback=why)
    if not names:
        raise ArtifactError(f"{folder} contains no model: {why}. Train one first") from reason
    raise ArtifactError(f"{why}. No other good version in {folder} to fall back to") from reason
