"""The same mutants for the same code: a draw by package that edits elsewhere do not disturb."""

import ast
import hashlib
from collections import Counter
from collections.abc import Collection
from itertools import zip_longest
from pathlib import Path

from .candidates import candidates
from .mutant import Mutant

SEED = 20261128
# A package's name: the folders or files it consists of, those of earlier trees (`--tree`) included.
PACKAGES = {
    "data": ("data_science/data",),
    "database": ("data_science/database", "data_science/sources"),
    "formula": ("data_science/formula",),
    "likelihood": ("data_science/likelihood",),
    "engines": ("data_science/engines",),
    "judgement": (
        "data_science/attempts.py",
        "data_science/fitting",
        "data_science/judgement",
        *(
            f"data_science/evaluation/{name}.py"
            for name in (
                "__init__", "agreement", "blind", "candidates", "comparison", "copies", "diagnostics", "dispersion", "evidence",
                "evidence_of", "family", "form", "leak", "loo", "missing", "pareto", "pointwise", "power", "reference",
                "refits", "written_names",
            )
        ),
        "data_science/report/verdict.py",
    ),
    "prediction": ("data_science/prediction",),
    "storage": ("data_science/storage",),
    "book": (
        "data_science/study",
        "data_science/report/findings",
        "data_science/report/wording.py",
        *(
            f"data_science/evaluation/{name}.py"
            for name in (
                "average_predictions", "calibration", "contacted", "cross_validation", "decision_curve", "discrimination", "effects",
                "explained", "performance", "planted", "prior_checks", "replication",
            )
        ),
        *(f"book/{name}.py" for name in ("chains", "chapter", "downloads", "exploration", "forms", "reuse", "snapshot", "sources", "study", "tables")),
        "book/charts",
    ),
    "job": ("data_science/*.py", "data_science/cli", "data_science/settings", "data_science/report/__init__.py", "data_science/report/card.py", "data_science/report/summary.py", "main.py"),
    "sklearn": ("data_science/sklearn",),
    "warehouse": ("data_science/warehouse",),
    "watch": ("data_science/watch",),
    "deployment": ("deployment",),
    "mle": ("mle/machine_learning_engineering",),
    "de": ("de",),
}  # fmt: skip
#: What only the build of a whole book runs, which judges no mutant.
NOT_DRAWN = (
    "book/_ext",
    *(
        f"book/{name}.py"
        for name in ("__init__", "build", "execution", "kernels", "paper", "printing", "site")
    ),
)
PER_FILE_AND_OPERATOR = 2
PER_PACKAGE_AND_OPERATOR = 3  # numbers are everywhere: half of the sample would be "constant"


def files(tree: Path, package: str) -> list[str]:
    """The source files of a package, relative to ``tree``."""
    found = set()
    for place in PACKAGES[package]:
        for path in tree.glob(place):
            found |= set(path.rglob("*.py")) if path.is_dir() else {path}
    names = (path.relative_to(tree).as_posix() for path in found)
    return sorted(name for name in names if package_of(name) == package)


def package_of(file: str) -> str:
    """The package that a file is counted under."""
    for name, places in PACKAGES.items():
        if any(_is_in(file, place) for place in places):
            return name
    raise ValueError(f"{file} belongs to no package of {', '.join(PACKAGES)}")


def _is_in(file: str, place: str) -> bool:
    same_depth = file.count("/") == place.count("/")
    return file.startswith(f"{place}/") or (same_depth and Path(file).match(place))


def draw(
    tree: Path, per_package: int, seed: int = SEED, packages: Collection[str] = PACKAGES
) -> list[Mutant]:
    """``per_package`` mutants of each of the ``packages``, in turn, the same on every call.

    Each mutant has a place in the queue of its own, from the seed and its own text. So a change of the code
    moves no other mutant in or out, and two commits are compared on nearly the same changes.
    """
    drawn = []  # one list for each package
    for package in packages:
        queue = [mutant for file in files(tree, package) for mutant in candidates(tree, file)]
        queue.sort(key=lambda mutant: hashlib.sha256(repr((seed, mutant.key)).encode()).digest())
        drawn.append(_first(queue, per_package, tree))
    return [mutant for turn in zip_longest(*drawn) for mutant in turn if mutant]


def _first(queue: list[Mutant], wanted: int, tree: Path) -> list[Mutant]:
    taken: list[Mutant] = []
    places: set[tuple[str, int]] = set()
    count: Counter[str | tuple[str, str]] = Counter()
    for mutant in queue:
        if len(taken) == wanted:
            break
        here = (mutant.file, mutant.line)
        full = (
            count[mutant.operator] >= PER_PACKAGE_AND_OPERATOR
            or count[mutant.file, mutant.operator] >= PER_FILE_AND_OPERATOR
        )
        if full or here in places or not changes(mutant, tree):
            continue
        taken.append(mutant)
        places.add(here)
        count.update([mutant.operator, (mutant.file, mutant.operator)])
    return taken


def changes(mutant: Mutant, tree: Path) -> bool:
    """Whether the mutated file is Python, and another program than the original."""
    source = (tree / mutant.file).read_bytes()
    try:
        return ast.dump(ast.parse(mutant.apply(source))) != ast.dump(ast.parse(source))
    except SyntaxError:
        return False
