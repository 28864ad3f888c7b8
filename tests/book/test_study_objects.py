"""Each object that the chapters share is made of this data set and of the fit that is described."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from book import study
from book.study import CANDIDATES, Study
from data_science.data.dataset import Dataset
from data_science.settings import Settings

FRAME = pd.DataFrame({"label": [0, 1, 1]})
DRAWS = object()


@pytest.fixture
def opened():
    """A study whose data and fit are at hand."""
    made = Study(Settings(seed=6))
    made.__dict__["data"] = Dataset(FRAME, 3, 0.5, "digest")
    made.__dict__["version"] = SimpleNamespace(path=Path("/cache/version"), diagnostics={"opinion": "fine"})
    return made


@pytest.fixture
def models(monkeypatch):
    """Every model that is made, as the classes of deployment would see it."""
    made = []

    class Model:
        def __init__(self, specification, *, seed):
            self.made_of, self.loaded = (specification, seed), None
            self.posterior = SimpleNamespace(load=lambda: DRAWS)
            made.append(self)

        def load(self, path):
            self.loaded = path

        def summary(self):
            return f"summary of {self.loaded}"

    monkeypatch.setattr(study, "BayesianLogitModel", Model)
    return made


def test_the_rows_are_said_to_come_from_what_the_database_states_of_them(opened):
    opened.__dict__["_features"] = (FRAME, SimpleNamespace(sentence=lambda n: f"{n} clients from a file"))

    assert opened.source == "3 clients from a file"


def test_the_frame_is_that_of_the_validated_rows(opened):
    assert opened.frame is FRAME


def test_the_design_is_learned_from_the_trained_model_and_these_rows(opened, monkeypatch):
    monkeypatch.setattr(study.design, "learn", lambda *given: given)

    specification, frame = opened.design

    assert specification is CANDIDATES["group effects"]
    assert frame is FRAME


def test_the_model_is_loaded_once_from_the_fit_that_is_described(opened, models):
    assert opened.model is opened.model

    (model,) = models
    assert opened.model is model
    assert model.made_of == (CANDIDATES["group effects"], 6)
    assert model.loaded == Path("/cache/version")


def test_posterior_summary_and_measurements_are_those_of_the_loaded_fit(opened, models):
    assert opened.posterior is DRAWS
    assert opened.summary == "summary of /cache/version"
    assert opened.measured == {"opinion": "fine"}


def test_the_trained_model_is_one_of_the_candidates_and_the_simplest_has_no_feature():
    assert next(iter(CANDIDATES)) == "intercept only"
    assert CANDIDATES["intercept only"].formula == "label ~ 1"
    assert len({specification.formula for specification in CANDIDATES.values()}) == len(CANDIDATES)
