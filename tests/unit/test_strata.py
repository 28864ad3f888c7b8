"""Rows by stratum against the design matrix of the same rows."""

import numpy as np
import odd_covariates as odd
import pytest

from data_science.formula.design import encode, learn
from data_science.formula.specification import ModelSpecification
from data_science.likelihood import binomial
from data_science.likelihood.log_joint import Coordinates, Statistics, design_matrix
from data_science.likelihood.strata import Strata

KINDS = ["plain", "slopes by group", "interactions", "no intercept", "several trials", "units far from one"]


def posed(kind):
    """Return strata, the dense design in the same order, and a few draws."""
    make, formula = odd.KINDS[kind]
    frame = make().head(3_000)
    design = learn(ModelSpecification(formula), frame)
    rows = encode(design, frame)
    at = Coordinates.of(design, Statistics.of(design.encoding, rows))
    strata = Strata.of(design.encoding, rows, at)
    matrix = design_matrix(design.encoding, rows, at)[strata.order]
    draws = np.random.default_rng(3).normal(size=(140, matrix.shape[1]))  # more than go at once
    return strata, matrix, rows.trials[strata.order], draws


@pytest.mark.parametrize("kind", KINDS)
def test_the_linear_predictor_is_that_of_the_design(kind):
    strata, matrix, _, draws = posed(kind)
    slopes = strata.slopes(draws[0])

    eta = np.concatenate([strata.features[rows] @ slopes[stratum] for stratum, rows in strata.blocks(700)])

    np.testing.assert_allclose(eta, matrix @ draws[0], atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_the_log_partition_is_the_sum_over_all_rows(kind):
    strata, matrix, trials, draws = posed(kind)

    total = strata.log_partition(draws)

    np.testing.assert_allclose(total, binomial.log_partition(draws @ matrix.T) @ trials, rtol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_and_information_are_those_of_the_design(kind):
    strata, matrix, trials, draws = posed(kind)

    expected, information = strata.expected_and_information(draws[0])

    p = binomial.probability(matrix @ draws[0])
    np.testing.assert_allclose(expected, matrix.T @ (trials * p), atol=1e-6)
    np.testing.assert_allclose(information, (matrix.T * (trials * p * (1 - p))) @ matrix, atol=1e-6)


def test_rows_of_one_stratum_stand_together():
    frame = odd.plain().head(500)
    design = learn(ModelSpecification(odd.FORMULA), frame)
    rows = encode(design, frame)
    at = Coordinates.of(design, Statistics.of(design.encoding, rows))

    strata = Strata.of(design.encoding, rows, at)

    codes = rows.codes["g"][strata.order]
    assert strata.n_strata == 5
    assert [set(codes[a:b]) for a, b in zip(strata.starts[:-1], strata.starts[1:], strict=True)] == [
        {codes[a]} for a in strata.starts[:-1]
    ]
    assert sorted(strata.order) == list(range(500))
