"""A stored result is reused where it answers the same question of the same data, and nowhere else."""

import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

import data_science
from book import reuse
from data_science import ModelSpecification, Predictor
from data_science.data.dataset import Dataset
from data_science.extension import ENGINES, PRIORS, SOURCES
from data_science.formula.encoding import Encoding, Term
from data_science.storage import artifact, layout

ONE, OTHER = ModelSpecification("label ~ 1"), ModelSpecification("label ~ 1 + scd_a")
PREDICTOR = Predictor(Encoding((Term("Intercept"),)), np.zeros(1), np.zeros((2, 1)), np.zeros((2, 0)))


def data(fingerprint="this"):
    return Dataset(pd.DataFrame({"made of": [fingerprint]}), 1, 0.5, fingerprint)


def store(folder, fingerprint, specification, bfmi=0.9, keep=5, held="a verdict"):
    return artifact.save(
        folder,
        predictor=PREDICTOR,
        diagnostics={"diagnostics": {"bfmi_min": bfmi}, "verdict": None if held is None else {}},
        model_card="",
        writers={},
        provenance={"data": {"fingerprint": fingerprint}, "specification": specification.to_json()},
        now=datetime.now(UTC),
        keep=keep,
    )


@pytest.fixture
def fits(monkeypatch):
    """Every fit that is made: its data, specification and seed."""
    made = []

    class Model:
        def __init__(self, specification, *, seed):
            self.specification, self.seed = specification, seed

        def fit(self, frame):
            self.fingerprint = frame["made of"][0]
            made.append((self.fingerprint, self.specification, self.seed))

        def save(self, folder, *, keep):
            return store(folder, self.fingerprint, self.specification, keep=keep)

    monkeypatch.setattr(reuse, "BayesianLogitModel", Model)
    return made


@pytest.fixture
def fitted(tmp_path):
    def ask(fingerprint="this", specification=ONE, seed=1):
        return reuse.fitted_version(
            data(fingerprint),
            specification,
            stored=tmp_path / "models",
            cache_folder=tmp_path / "cache",
            seed=seed,
        )

    return ask


def test_the_same_question_is_answered_by_one_fit(fits, fitted):
    assert fitted().path == fitted().path
    assert fits == [("this", ONE, 1)]


@pytest.mark.parametrize(
    "other",
    [{"fingerprint": "that"}, {"specification": OTHER}, {"seed": 2}],
    ids=lambda other: next(iter(other)),
)
def test_other_data_another_model_or_another_seed_are_fitted_anew_and_kept_beside(fits, fitted, other):
    first, second = fitted(), fitted(**other)

    assert len(fits) == 2
    assert second.path.parent != first.path.parent
    assert fitted().path == first.path
    assert fitted(**other).path == second.path
    assert len(fits) == 2


def test_the_training_jobs_model_of_the_same_data_is_taken_as_it_is(fits, fitted, tmp_path):
    path = store(tmp_path / "models", "this", ONE)

    assert fitted().path == path
    assert not fits


@pytest.mark.parametrize(
    ("fingerprint", "specification", "bfmi", "held"),
    [
        ("that", ONE, 0.9, "a verdict"),
        ("this", OTHER, 0.9, "a verdict"),
        ("this", ONE, None, "a verdict"),
        ("this", ONE, 0.9, None),
    ],
    ids=["other data", "another model", "no chains to show", "no verdict to quote"],
)
def test_the_training_jobs_model_is_left_alone_where_it_answers_something_else(
    fits, fitted, tmp_path, fingerprint, specification, bfmi, held
):
    path = store(tmp_path / "models", fingerprint, specification, bfmi, held=held)

    found = fitted()

    assert found.path != path
    assert found.manifest["provenance"]["data"]["fingerprint"] == "this"
    assert len(fits) == 1
    assert layout.listed(tmp_path / "models") == [path.name]


def test_a_cached_fit_of_other_data_is_not_reused_even_under_the_same_key(fits, fitted, monkeypatch):
    monkeypatch.setattr(reuse, "key", lambda *_: "the same")

    for fingerprint in ("this", "that", "this", "that", "this"):
        assert fitted(fingerprint).manifest["provenance"]["data"]["fingerprint"] == fingerprint

    assert len(fits) == 5
    assert len(layout.listed(fitted().path.parent)) == 3


def measured(value, calls):
    calls.append(value)
    return 10 * value


def measured_otherwise(value, calls):
    calls.append(value)
    return 20 * value


def test_a_computation_is_done_once_for_each_identity_and_function(tmp_path):
    calls = []

    def ask(value, *identity, compute=measured):
        return reuse.remembered(tmp_path, compute, *identity, value=value, calls=calls)

    assert ask(1, "data", [2, "x"]) == 10
    assert ask(7, "data", [2, "x"]) == 10  # the arguments themselves are not looked at
    assert ask(3, "data", [3, "x"]) == 30
    assert ask(4, "other data", [2, "x"]) == 40
    assert ask(5, "data", [2, "x"], compute=measured_otherwise) == 100
    assert calls == [1, 3, 4, 5]


def test_a_key_is_the_same_for_the_same_identity_and_short_enough_for_a_folder():
    assert reuse.key({"a": 1, "b": 2}, 3) == reuse.key({"b": 2, "a": 1}, 3)
    assert len(reuse.key(1)) == 16
    assert len({reuse.key(1, 2), reuse.key(2, 1), reuse.key([1, 2]), reuse.key(1)}) == 4


@pytest.mark.parametrize("library", ["numpy", "scipy", "pandas", "scikit-learn", "pymc", "nutpie", "numba"])
def test_another_version_of_a_library_makes_another_key(monkeypatch, library):
    before = reuse.key("it")
    monkeypatch.setattr(reuse, "version", lambda name: "0" if name == library else metadata.version(name))

    assert reuse.key("it") != before


FILES = [
    *(
        f"{part}/module.py"
        for part in (
            "data",
            "formula",
            "likelihood",
            "engines",
            "fitting",
            "prediction",
            "evaluation",
            "judgement",
            "report",
        )
    ),
    "data/deeper/module.py",
    "pipeline.py",
    "selection.py",
    "attempts.py",
    "limits.py",
    "settings/fit.py",
]


@pytest.mark.parametrize("changed", FILES)
def test_another_line_of_what_computes_makes_another_key(monkeypatch, tmp_path, changed):
    for source in [*FILES, "model.py"]:
        (tmp_path / source).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / source).write_text(source)
    monkeypatch.setattr(data_science, "__file__", str(tmp_path / "__init__.py"))
    before = reuse._code_digest.__wrapped__()

    (tmp_path / "model.py").write_text("how it is called computes nothing")
    assert reuse._code_digest.__wrapped__() == before
    (tmp_path / changed).write_text("another line")
    assert reuse._code_digest.__wrapped__() != before


@pytest.mark.parametrize("registry", [ENGINES, PRIORS, SOURCES], ids=lambda registry: registry.kind)
@pytest.mark.parametrize("home", ["another", "another.deeper:THING"], ids=["a module", "in a package"])
def test_another_line_of_an_extension_makes_another_key(monkeypatch, tmp_path, registry, home):
    source = tmp_path / ("another.py" if home == "another" else "another/deeper.py")
    source.parent.mkdir(exist_ok=True)
    source.write_text("THING = 1")
    (source.parent / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    before = reuse.key("it")

    monkeypatch.setitem(registry.homes, "toy", home)
    registered = reuse.key("it")
    source.write_text("THING = 2")

    assert len({before, registered, reuse.key("it")}) == 3


def test_an_extension_of_an_installed_package_is_part_of_a_key(monkeypatch, tmp_path):
    (tmp_path / "installed_toy.py").write_text("def draw(): ...")
    info = tmp_path / "installed_toy-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: installed_toy\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[data_science.engines]\ntoy = installed_toy\n")
    before = reuse.key("it")
    monkeypatch.syspath_prepend(tmp_path)

    assert reuse.key("it") != before
    assert "installed_toy" in reuse._extension_digests()


@pytest.mark.parametrize("home", ["nowhere:draw", "by_hand"])
def test_an_extension_without_a_file_is_known_by_its_home(monkeypatch, home):
    monkeypatch.setitem(sys.modules, "by_hand", ModuleType("by_hand"))
    before = reuse.key("it")

    monkeypatch.setitem(ENGINES.homes, "toy", home)

    assert reuse.key("it") == reuse.key("it") != before


def test_the_digest_is_of_the_package_that_runs(monkeypatch):
    digest = reuse._code_digest()
    monkeypatch.setattr(reuse, "_code_digest", lambda: "other code")
    other = reuse.key("it")
    monkeypatch.setattr(reuse, "_code_digest", lambda: digest)

    assert reuse.key("it") != other
    assert (Path(data_science.__file__).parent / "pipeline.py").is_file()
