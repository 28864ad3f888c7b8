"""The architecture is kept by machine: import contracts, light serving, no names of places."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = [
    "arviz",
    "arviz_stats",
    "bambi",
    "formulae",
    "matplotlib",
    "numba",
    "nutpie",
    "pymc",
    "pytensor",
    "scipy",
    "sqlalchemy",
]


def modules_after(code: str) -> set[str]:
    """Names of the modules that a fresh interpreter holds after running ``code``."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_every_import_contract_is_kept():
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "code",
    [
        "from data_science import BayesianLogitModel; BayesianLogitModel()",
        "from data_science import Predictor",
    ],
    ids=["the model", "the predictor"],
)
def test_what_serving_imports_brings_no_library_of_training_and_no_pandas(code):
    assert not modules_after(code) & {*HEAVY, "pandas"}


def test_importing_the_package_alone_imports_nothing_heavy():
    assert not modules_after("import data_science") & {*HEAVY, "numpy", "pandas"}


def test_every_public_name_resolves():
    import data_science

    for name in data_science.__all__:
        assert getattr(data_science, name) is not None


def test_no_module_is_longer_than_300_lines():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "data_science").rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 300
    }

    assert not long
