"""The architecture is kept by machine: import contracts, light serving, no names of places."""

import json
import subprocess
import sys
import tomllib
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

STORED = ROOT / "tests" / "compatibility" / "artifacts" / "format_1" / "company"
#: Modules of ours that a process pays for at its cold start, by room. A new one is a cost to be weighed.
SERVING = {
    "": {"arrays", "data", "errors", "formula", "likelihood", "model", "prediction", "storage", "warehouse"},
    "data": {"frames"},
    "formula": {"encoding", "places", "rows"},
    "likelihood": {"binomial"},
    "prediction": {
        "correction", "draws", "features", "intervals", "order_statistics", "predictor",
        "rows", "scorer", "tables",
    },
    "storage": {"layout", "loading", "manifest", "predictor_format", "version_files"},
    "warehouse": {"door"},
}  # fmt: skip


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


def contract(words: str) -> dict[str, list[str]]:
    """The import contract whose name begins so."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (found,) = [each for each in settings["contracts"] if each["name"].startswith(words)]
    return found


def modules_in(folder: str) -> set[str]:
    """Names of the modules and packages of a package."""
    package, dotted = ROOT / folder, folder.replace("/", ".")
    return {
        f"{dotted}.{path.stem}"
        for path in package.iterdir()
        if path.stem != "__init__" and (path.suffix == ".py" or (path / "__init__.py").exists())
    }


@pytest.mark.parametrize(
    ("words", "room", "door"),
    [
        ("One door to PostgreSQL", "data_science.sources", "data_science.sources.postgres"),
        ("One door to the MLE", None, "data_science.model"),
    ],
)
def test_a_door_is_the_only_one_whatever_module_is_added(words, room, door):
    everything = modules_in("data_science")
    if room is not None:
        everything = everything - {room} | modules_in(room.replace(".", "/"))

    assert set(contract(words)["source_modules"]) == everything - {door}


def test_the_package_may_import_nobody_who_stands_beside_it():
    beside = {path.parent.name for path in ROOT.glob("*/*.py")} - {
        "data_science",
        "docs",
        "mle",
        "tests",
        "docker",
    }

    assert beside | {"main"} <= set(contract("The package stands alone")["forbidden_modules"])


@pytest.mark.parametrize(
    "code",
    [
        "from data_science import BayesianLogitModel; BayesianLogitModel()",
        "from data_science import Predictor",
        "import data_science.judgement.gates",
        "import data_science.settings.environment",
    ],
    ids=["the model", "the predictor", "the gates", "the settings"],
)
def test_what_is_light_imports_no_library_of_training_and_no_pandas(code):
    assert not modules_after(code) & {*HEAVY, "pandas"}


def test_loading_and_a_first_label_import_nothing_that_writes_or_trains():
    row = {"attr_a": 1, "attr_b": "c", "scd_a": 0.55, "scd_b": 3}
    loaded = modules_after(
        "from data_science import BayesianLogitModel\n"
        "model = BayesianLogitModel()\n"
        f"model.load({str(STORED)!r})\n"
        f"model.predict_one({row!r})"
    )

    allowed = {".".join(filter(None, (room, name))) for room, names in SERVING.items() for name in names}
    ours = {name.partition(".")[2] for name in loaded if name.startswith("data_science.")}
    assert ours - allowed == set()
    assert allowed - ours == set(), "no longer imported: strike it from the list"
    assert not loaded & {*HEAVY, "pandas", "logging", "asyncio", "argparse", "importlib.metadata", "tempfile"}


def test_a_fit_by_nested_laplace_imports_no_compiler_and_no_sampler():
    fitted = modules_after(
        "from data_science import BayesianLogitModel, ModelSpecification\n"
        "from data_science.examples import clients\n"
        "formula = 'label ~ scd_a + (1 | attr_b)'\n"
        "BayesianLogitModel(ModelSpecification(formula), engine='nested-laplace').fit(clients(500))"
    )

    assert not fitted & {
        "bambi",
        "dask",
        "matplotlib.pyplot",
        "numba",
        "nutpie",
        "pymc",
        "pytensor",
        "sqlalchemy",
    }


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
