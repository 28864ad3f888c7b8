"""The pilot point: near the mode of all rows whatever the first stage found, or refused."""

import numpy as np
import odd_covariates as odd
import pytest

from data_science.errors import GateError
from data_science.formula.design import encode, learn
from data_science.formula.specification import ModelSpecification
from data_science.likelihood import pilot
from data_science.likelihood.arrow import Elimination, Order
from data_science.likelihood.compression import merge
from data_science.likelihood.laplace import conditional_mode
from data_science.likelihood.log_joint import Coordinates, LogJoint, Statistics
from data_science.likelihood.pilot import find_pilot, mode_of_part
from data_science.likelihood.strata import Strata

THETA = np.array([-0.7])


def posed(make=odd.plain):
    frame = make()
    design = learn(ModelSpecification(odd.FORMULA), frame)
    rows = encode(design, frame)
    statistics = Statistics.of(design.encoding, rows)
    at = Coordinates.of(design, statistics)
    return design, rows, statistics, at, Strata.of(design.encoding, rows, at)


@pytest.fixture(scope="module")
def problem():
    design, rows, statistics, at, strata = posed()
    joint = LogJoint.of(design, merge(rows), statistics, at)
    elimination = Elimination.of(Order.of(design.encoding), joint.matrix)
    return joint, strata, conditional_mode(joint, elimination, THETA, np.zeros(joint.n_coefficients))


def prior_of(joint):
    return lambda x: joint.log_prior(x, THETA)[:3]


@pytest.mark.parametrize("far", [0.0, 1.0, 5.0])
def test_the_search_ends_within_a_twentieth_of_an_sd_of_the_mode(far, problem):
    joint, strata, mode = problem
    start = mode.x + far * np.random.default_rng(1).normal(size=len(mode.x))

    found = find_pilot(strata, joint.successes, prior_of(joint), start)

    assert found.distance(mode.x) < 0.05
    np.testing.assert_allclose(
        np.sqrt(np.diag(np.linalg.inv(found.lower @ found.lower.T))),
        np.sqrt(mode.factor.inverse_diagonal()),
        rtol=0.02,
    )


def test_roots_are_those_of_the_covariance_of_intercepts_and_slopes(problem):
    joint, strata, mode = problem
    found = find_pilot(strata, joint.successes, prior_of(joint), mode.x)

    roots = found.roots(strata)

    covariance = np.linalg.inv(found.lower @ found.lower.T)
    maps = strata.map.toarray().reshape(strata.n_strata, -1, len(mode.x))
    np.testing.assert_allclose(
        np.swapaxes(roots, 1, 2) @ roots, maps @ covariance @ np.swapaxes(maps, 1, 2), atol=1e-12
    )


def test_the_mode_of_a_part_is_some_sds_away_and_no_more():
    design, rows, statistics, at, strata = posed()

    joint, theta, x = mode_of_part(design, rows, statistics, at, np.random.default_rng(1))

    whole = find_pilot(strata, posterior_successes(statistics, at), prior_of(joint), x)
    assert theta.tolist() == [-0.7]
    # a quarter of the rows: sqrt(3) sds in each of nine coefficients, and a wide margin
    assert 0.5 < whole.distance(x) < 15


def test_a_part_without_a_mode_starts_from_zero(monkeypatch):
    def refuse(*_):
        raise GateError("the posterior has no proper mode")

    monkeypatch.setattr(pilot, "conditional_mode", refuse)
    design, rows, statistics, at, _ = posed()

    _, _, x = mode_of_part(design, rows, statistics, at, np.random.default_rng(1))

    assert x.tolist() == [0.0] * design.encoding.n_coefficients


def test_a_posterior_without_a_proper_mode_is_refused():
    *_, statistics, at, strata = posed(odd.duplicated)
    nothing = np.zeros(len(at.scale))

    with pytest.raises(GateError, match=r"no proper mode|no mode of the coefficients"):
        find_pilot(
            strata, posterior_successes(statistics, at), lambda x: (np.float64(0.0), -0 * x, nothing), nothing
        )


def posterior_successes(statistics, at):
    return (statistics.successes - at.centre * statistics.total_successes) / at.scale
