"""Whatever the book computes, it computes with the seed of the settings."""

from dataclasses import replace

import pandas as pd
import pytest

from book import study
from book.study import Study
from data_science.evaluation import cross_validation
from data_science.settings import Settings


@pytest.fixture
def computed(monkeypatch):
    """What is computed, with its identity and arguments, instead of computing it."""
    found = {}

    def remember(folder, compute, *identity, **arguments):
        found[compute.__name__] = (identity, arguments)
        raise LookupError

    monkeypatch.setattr(study.reuse, "remembered", remember)
    monkeypatch.setattr(Study, "_identity", [])
    monkeypatch.setattr(Study, "frame", pd.DataFrame())
    return found


def test_the_comparison_is_drawn_with_the_seed_of_the_settings(computed):
    with pytest.raises(LookupError):
        _ = Study(replace(Settings(), seed=5)).comparison

    identity, arguments = computed["compare"]
    assert 5 in identity
    assert arguments["settings"].seed == 5


def test_the_candidates_of_cross_validation_are_drawn_with_its_seed(monkeypatch):
    seeds = []

    def fit(train, specification, settings):
        seeds.append(settings.seed)
        raise LookupError

    monkeypatch.setattr(cross_validation, "posterior_on", fit)
    frame = pd.DataFrame(
        {"attr_a": [1, 2] * 10, "attr_b": list("ab") * 10, "scd_a": range(20), "scd_b": [1, 2] * 10,
         "label": [0, 0, 1, 1] * 5}
    )  # fmt: skip

    with pytest.raises(LookupError):
        cross_validation.cross_validate(frame, {"all": study.CANDIDATES["group effects"]}, seed=9)

    assert seeds == [9]
