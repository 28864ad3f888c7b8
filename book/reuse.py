"""Fits and computations done once per data set and specification: the stored model where it is the same one.

Changes when what makes a result outdated changes: the data, the question asked of it, or this package's code.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import joblib

import data_science
from data_science.data.dataset import Dataset
from data_science.errors import ArtifactError
from data_science.extension import ENGINES, PRIORS, SOURCES
from data_science.formula.specification import ModelSpecification
from data_science.model import BayesianLogitModel
from data_science.storage import artifact
from data_science.storage.artifact import Loaded

log = logging.getLogger(__name__)

_CODE = (  # what computes results
    "data", "formula", "likelihood", "engines", "fitting", "prediction", "evaluation", "judgement", "report",
)  # fmt: skip
_LIBRARIES = (  # results may change with them
    "arviz-stats", "bambi", "formulae", "numba", "numpy", "nutpie", "pandas", "pymc", "pytensor",
    "scikit-learn", "scipy",
)  # fmt: skip


def fitted_version(
    data: Dataset, specification: ModelSpecification, *, stored: Path, cache_folder: Path, seed: int = 1
) -> Loaded:
    """Return a stored fit: the training job's newest, a cached one, or one that is made now.

    Parameters
    ----------
    data : Dataset
        Validated rows.
    specification : ModelSpecification
    stored : Path
        Folder of versions of the training job; used if its newest was fitted to the same data and
        specification.
    cache_folder : Path
        Where a fit made here is kept, in a folder named by data, specification, seed and code.
    seed : int
        Of the sampler, for a fit made here.

    Raises
    ------
    GateError
        If the posterior is not fit to be read.
    """
    kept = cache_folder / "models" / key(data.fingerprint, specification.to_json(), seed)
    for folder in (stored, kept):
        if found := _same(folder, data, specification):
            return found
    model = BayesianLogitModel(specification, seed=seed)
    model.fit(data.frame)  # kept beside what another build may be reading
    return artifact.load(model.save(kept, keep=3))


def remembered[T](cache_folder: Path, compute: Callable[..., T], *identity: Any, **arguments: Any) -> T:
    """Return ``compute(**arguments)``, computed once for each ``identity``.

    Parameters
    ----------
    cache_folder : Path
        Where results are pickled; only this package reads them back.
    compute : callable
        A function at the top of a module.
    *identity
        What the result depends on, with JSON types; the arguments themselves are not looked at.
    **arguments
        Passed on.
    """
    memory = joblib.Memory(cache_folder / "results", verbose=0)
    return memory.cache(_computed, ignore=["compute", "arguments"])(  # type: ignore[no-any-return]
        compute=compute,
        name=f"{compute.__module__}.{compute.__qualname__}",
        key=key(*identity),
        arguments=arguments,
    )


def key(*identity: Any) -> str:
    """Name a computation by what it depends on: the identity, the code that computes, and its libraries."""
    code = [_code_digest(), _extension_digests(), [version(name) for name in _LIBRARIES]]
    text = json.dumps([*identity, code], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _computed(compute: Callable[..., Any], name: str, key: str, arguments: dict[str, Any]) -> Any:  # noqa: ARG001 (part of joblib's key)
    return compute(**arguments)


@cache
def _code_digest() -> str:
    root = Path(data_science.__file__).parent
    sources = [source for part in _CODE for source in sorted((root / part).rglob("*.py"))]
    alone = ("attempts.py", "limits.py", "pipeline.py", "selection.py", "settings/fit.py")
    sources += [root / name for name in alone]
    return _digest(sources)


def _extension_digests() -> dict[str, str]:
    """Digest the code of each engine, prior and source that is not of this package, by its home."""
    homes = {home for registry in (ENGINES, PRIORS, SOURCES) for home in registry.all_homes().values()}
    packages = {home: re.split("[.:]", home)[0] for home in homes}
    return {home: _digest(_sources_of(name)) for home, name in packages.items() if name != "data_science"}


def _sources_of(package: str) -> list[Path]:
    """List the files of a package, or the file of a module; none of what is not in files."""
    try:
        spec = find_spec(package)
    except ValueError:  # a module that somebody made by hand
        return []
    if spec is None:
        return []
    if spec.submodule_search_locations is not None:
        return sorted(path for at in spec.submodule_search_locations for path in Path(at).rglob("*.py"))
    return [Path(spec.origin)] if spec.has_location and spec.origin else []


def _digest(sources: Iterable[Path]) -> str:
    return hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()


def _same(folder: Path, data: Dataset, specification: ModelSpecification) -> Loaded | None:
    """Return the folder's newest good version if it was fitted to the same data and specification."""
    try:
        loaded = artifact.load(folder)
    except ArtifactError as error:
        log.debug("no model to reuse in %s: %s", folder, error)
        return None
    provenance = loaded.manifest["provenance"]
    same = (
        provenance["data"]["fingerprint"] == data.fingerprint
        and provenance["specification"] == specification.to_json()
        and loaded.diagnostics["diagnostics"].get("bfmi_min") is not None  # the book shows energies
        and loaded.diagnostics.get("verdict") is not None  # and says what is held of the fit
    )
    return loaded if same else None
