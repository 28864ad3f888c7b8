"""Rows by stratum against the design matrix of the same rows."""

import numpy as np
import odd_covariates as odd
import pandas as pd
import pytest

from data_science.formula.design import encode, learn
from data_science.formula.specification import ModelSpecification
from data_science.likelihood import binomial
from data_science.likelihood.compression import merge
from data_science.likelihood.linear_predictor import linear_predictor
from data_science.likelihood.log_joint import Coordinates, LogJoint, Statistics, design_matrix
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


def test_functions_contrasts_and_offsets_are_features_of_known_or_unknown_slope_in_each_stratum():
    rng, n = np.random.default_rng(5), 600
    frame = pd.DataFrame(
        {
            "x": rng.uniform(1, 3, n),
            "z": rng.normal(size=n),
            "g": rng.choice(list("abc"), n),
            "y": np.arange(n) % 2,
        }
    )
    formula = "y ~ bs(x, df=4) + S(g):log(x) + T(g, 'c') + (scale(z) | g) + offset(z) + offset(I(x / 2))"
    design = learn(ModelSpecification(formula), frame)
    rows = encode(design, frame)
    at = Coordinates.of(design, Statistics.of(design.encoding, rows))
    matrix, offset = design_matrix(design.encoding, rows, at), (frame["z"] + frame["x"] / 2).to_numpy()
    draws = rng.normal(size=(30, matrix.shape[1]))

    strata = Strata.of(design.encoding, rows, at)

    eta = draws @ matrix.T + offset
    assert strata.n_strata == 3
    assert strata.features.shape[1] == 1 + 4 + 1 + 1 + 1  # the contrasts of g are constant in a stratum
    np.testing.assert_allclose(
        strata.log_partition(draws), binomial.log_partition(eta).sum(axis=1), rtol=1e-10
    )
    p = binomial.probability(eta[0])
    expected, information = strata.expected_and_information(draws[0])
    np.testing.assert_allclose(expected, matrix.T @ p, atol=1e-8)
    np.testing.assert_allclose(information, (matrix.T * (p * (1 - p))) @ matrix, atol=1e-8)
    raw = at.to_raw(draws).T
    np.testing.assert_allclose(linear_predictor(design.encoding, rows, raw), eta.T, atol=1e-8)
    nodes = merge(rows)
    joint = LogJoint.of(design, nodes, Statistics.of(design.encoding, rows), at)
    assert joint.log_likelihood(draws)[0] == pytest.approx(
        draws @ joint.successes - strata.log_partition(draws)
    )


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
