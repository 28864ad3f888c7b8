"""A prediction taken apart: parts that sum to it, for clients from the lowest to the highest probability."""

import numpy as np
import pytest
from scipy.special import logit

from data_science.evaluation.explained import examples, explained
from data_science.examples import clients
from data_science.formula.design import learn
from data_science.formula.specification import ModelSpecification
from data_science.prediction.predictor import Predictor

FRAME = clients(301)


@pytest.fixture(scope="module")
def predictor():
    design = learn(ModelSpecification(), FRAME)
    draws = np.random.default_rng(1).normal(0, 0.5, (40, design.encoding.n_coefficients))
    return Predictor(design.encoding, draws.mean(axis=0), draws, np.ones((40, 2)))


def test_the_examples_have_the_lowest_the_median_and_the_highest_probability(predictor):
    probability = predictor.predict_proba(examples(predictor, FRAME))

    everybody = predictor.predict_proba(FRAME)
    assert probability.tolist() == [everybody.min(), np.median(everybody), everybody.max()]


def test_the_parts_sum_to_the_log_odds_and_are_nothing_on_average(predictor):
    found = explained(predictor, FRAME, examples(predictor, FRAME))
    everybody = explained(predictor, FRAME, FRAME)

    assert list(found.index) == [
        "average",
        "scd_a",
        "scd_b",
        "attr_a",
        "attr_b",
        "probability",
        "low",
        "high",
    ]
    assert found.iloc[:-3].sum().to_numpy() == pytest.approx(logit(found.loc["probability"]))
    assert everybody.loc["scd_a":"attr_b"].mean(axis=1).to_numpy() == pytest.approx(np.zeros(4), abs=1e-12)
    interval = predictor.predict_interval(FRAME)
    assert everybody.loc[["low", "high"]].to_numpy().T.tolist() == interval.tolist()
