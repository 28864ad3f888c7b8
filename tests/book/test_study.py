"""What the chapters share is asked for with the settings that it is about."""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from book import chapter, reuse, snapshot, study
from book.study import CANDIDATES, Study
from data_science.data.dataset import FEATURE_STORE, Dataset
from data_science.errors import ArtifactError
from data_science.evaluation.cross_validation import BASELINES, cross_validate
from data_science.formula.specification import ModelSpecification
from data_science.selection import Selection, compare
from data_science.settings import Settings
from tests.held_verdicts import SEEN, verdict

BENT = "label ~ bs(scd_a, df=5)"
EXPANDED = {**CANDIDATES, "expansion 1": ModelSpecification(BENT)}
SETTINGS = Settings(
    model_folder=Path("/models"),
    book_cache=Path("/cache"),
    seed=6,
    cost_false_positive=1,
    cost_false_negative=9,
)

DATA = Dataset(pd.DataFrame({"label": [0, 1]}), 2, 0.5, "digest")


@pytest.fixture
def opened():
    """A study whose data are at hand."""
    made = Study(SETTINGS)
    made.__dict__["data"] = DATA
    return made


@pytest.fixture
def remembered(monkeypatch):
    """What is asked of the cache: identities and arguments."""
    seen = []

    def remember(cache_folder, compute, *identity, **arguments):
        seen.append((cache_folder, compute, identity, arguments))
        names = [*(specification.formula for specification in CANDIDATES.values()), BENT]
        kinds = ("loo", "waic", "weight", "verdict")
        loos, waics, weights, verdicts = ({name: (name, kind) for name in names} for kind in kinds)
        return Selection(loos, waics, weights, verdicts=verdicts, proposed={BENT: names[2]})

    monkeypatch.setattr(reuse, "remembered", remember)
    return seen


@pytest.mark.parametrize(
    "environ", [{"SEED": "6"}, {"SEED": "6", "BOOK_SNAPSHOT": ""}], ids=["unset", "empty"]
)
def test_a_chapter_by_itself_is_about_the_database_of_its_environment(monkeypatch, environ):
    monkeypatch.setattr(os, "environ", environ)

    assert chapter.study() == Study(Settings(seed=6), None)


def test_a_chapter_of_a_build_is_about_its_snapshot(monkeypatch):
    monkeypatch.setattr(os, "environ", chapter.handed_on({"SEED": "6"}, Path("/taken")))

    assert chapter.study() == Study(Settings(seed=6), Path("/taken"))


@pytest.mark.parametrize(
    ("version", "threshold"),
    [("/models/20261122T101500Z-1f3a9c", 0.42), ("/cache/models/key/20261122T101500Z-1f3a9c", 0.1)],
    ids=["the training job's", "of the costs of this environment"],
)
def test_the_threshold_is_that_of_the_model_that_is_described(opened, version, threshold):
    opened.__dict__["version"] = SimpleNamespace(path=Path(version))
    opened.__dict__["model"] = SimpleNamespace(model=SimpleNamespace(threshold=0.42))

    assert opened.threshold == pytest.approx(threshold)


def test_the_fit_is_looked_for_where_the_settings_say(opened, monkeypatch):
    monkeypatch.setattr(reuse, "fitted_version", lambda *asked, **where: (asked, where))

    asked, where = opened.version

    assert asked == (DATA, CANDIDATES["group effects"])
    assert where == {"stored": Path("/models"), "cache_folder": Path("/cache"), "seed": 6}


def test_candidates_are_compared_on_these_data_and_named_as_in_the_book(opened, remembered):
    found = opened.comparison

    ((cache_folder, compute, identity, arguments),) = remembered
    assert (cache_folder, compute) == (Path("/cache"), compare)
    assert identity == ("digest", {name: one.to_json() for name, one in CANDIDATES.items()}, 6)
    assert arguments["settings"].seed == 6
    assert arguments["frame"] is DATA.frame
    assert arguments["specifications"] == list(CANDIDATES.values())
    for kind, named in (("loo", found.loos), ("waic", found.waics), ("weight", found.weights)):
        assert named == {name: (one.formula, kind) for name, one in EXPANDED.items()}
    assert found.proposed == {"expansion 1": "group effects"}
    assert opened.candidates == EXPANDED


def test_cross_validation_is_of_these_data_folds_and_seed(opened, remembered):
    opened.cross_validation  # noqa: B018 - the access asks

    _, (cache_folder, compute, identity, arguments) = (
        remembered  # first the candidates, which may bring others
    )
    assert (cache_folder, compute) == (Path("/cache"), cross_validate)
    assert identity[0] == "digest"
    assert identity[1] == {name: one.to_json() for name, one in CANDIDATES.items()}
    assert identity[2] == [list(BASELINES), [BENT], 5, 6]
    assert arguments["frame"] is DATA.frame
    assert (arguments["candidates"], arguments["n_folds"], arguments["seed"]) == (EXPANDED, 5, 6)


def test_what_is_said_of_the_fit_is_the_verdict_of_the_model(opened):
    held = verdict(form="wrong", form_seen=SEEN | {"gain": 700.0})
    opened.__dict__["model"] = SimpleNamespace(verdict=held)

    assert opened.held == held.sentences[0] == opened.said("Form")
    assert opened.said("Advice") == held.sentences[-1]
    assert opened.said("Warning") == ""


def test_a_fit_without_a_verdict_makes_no_book(opened):
    opened.__dict__.update(model=SimpleNamespace(verdict=None), version=SimpleNamespace(path="/models/old"))

    with pytest.raises(ArtifactError, match="/models/old was stored before fits had a verdict"):
        _ = opened.verdict


def test_the_rows_are_read_once_from_the_snapshot_and_held_to_the_contract(monkeypatch):
    seen = []

    def read(*asked):
        seen.append(asked)
        return asked[1]

    def features(*asked):
        seen.append((asked[0], snapshot.FEATURES, asked[1]))
        return "rows", "their source"

    monkeypatch.setattr(snapshot, "read", read)
    monkeypatch.setattr(snapshot, "features", features)
    monkeypatch.setattr(study, "validated", lambda *given: given)
    opened = Study(SETTINGS, Path("/taken"))

    assert opened.data == ("rows", opened.specification, FEATURE_STORE)
    assert opened.data is opened.data
    assert set(opened.sources) == set(snapshot.READERS)
    assert all(name == table for name, table in opened.sources.items())
    assert len(seen) == len(snapshot.READERS) + 1
    assert {(settings, folder) for settings, _, folder in seen} == {(SETTINGS, Path("/taken"))}


def test_the_versions_shown_are_those_that_are_installed(opened):
    assert opened.versions["numpy"] == np.__version__
    assert {"data_science", "pymc", "bambi", "arviz", "pandas", "scipy", "scikit-learn"} < set(
        opened.versions
    )
