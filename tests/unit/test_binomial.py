"""The family's functions against SciPy's, in every form in which they stand; and that they stand once."""

import re
from pathlib import Path

import numpy as np
import pytest
from numba import njit
from scipy import special, stats

from data_science.likelihood import binomial

PACKAGE = Path(__file__).parents[2] / "data_science"
ETA = np.concatenate(
    [np.linspace(-40, 40, 401), [-800.0, -745.2, -37.0, -1e-300, 0.0, 1e-300, 37.0, 709.9, 800.0]]
)


def test_the_log_partition_is_the_log_of_one_plus_exp():
    np.testing.assert_allclose(binomial.log_partition(ETA), np.logaddexp(0, ETA), rtol=1e-14)


def test_the_probability_is_scipys_in_every_form():
    expected = special.expit(ETA)

    np.testing.assert_allclose(binomial.probability(ETA), expected, rtol=1e-14, atol=1e-307)
    np.testing.assert_allclose(
        [binomial.probability_of_one(eta) for eta in ETA.tolist()], expected, rtol=1e-14
    )
    np.testing.assert_allclose(binomial.log_partition_and_probability(ETA)[1], expected, rtol=1e-14)


def test_both_at_once_are_each_alone():
    np.testing.assert_array_equal(binomial.log_partition_and_probability(ETA)[0], binomial.log_partition(ETA))


@pytest.mark.parametrize("n_rows", [0, 1, 511, 512, 1_500])
def test_a_total_log_partition_is_the_sum_over_rows(n_rows):
    eta = np.random.default_rng(1).normal(0, 30, size=(n_rows, 4))
    eta[: min(n_rows, 600)] = 0.0  # where every factor of the product is two

    np.testing.assert_allclose(binomial.total_log_partition(eta), np.logaddexp(0, eta).sum(0), rtol=1e-13)


def test_derivatives_are_those_of_the_log_partition():
    eta, step = np.linspace(-12, 12, 97), 1e-4
    before, after = binomial.derivatives(eta - step, 4), binomial.derivatives(eta + step, 4)

    first, *higher = binomial.derivatives(eta, 4)

    np.testing.assert_allclose(first, special.expit(eta), rtol=1e-13)
    for derivative, low, high in zip(higher, before, after, strict=False):
        np.testing.assert_allclose(derivative, (high - low) / (2 * step), atol=1e-8)
    assert [len(binomial.derivatives(eta, order)) for order in (1, 2, 3, 4)] == [1, 2, 3, 4]


@pytest.mark.parametrize("trials", [1.0, 2.5, 1e4])
@pytest.mark.parametrize("compiled", [False, True])
def test_a_node_is_so_many_trials(trials, compiled):
    node = njit(error_model="numpy")(binomial.node) if compiled else binomial.node
    found = np.array([node(eta, trials) for eta in ETA.tolist()])

    np.testing.assert_allclose(found[:, 0], trials * np.logaddexp(0, ETA), rtol=1e-14)
    np.testing.assert_allclose(found[:, 1], trials * special.expit(ETA), rtol=1e-14)


def test_the_derivatives_are_the_cumulants_of_a_bernoulli_variable():
    eta = np.linspace(-6, 6, 13)
    p = binomial.probability(eta)

    mean, variance, skewness = stats.bernoulli.stats(special.expit(eta), moments="mvs")
    np.testing.assert_allclose(p, mean, rtol=1e-13)
    np.testing.assert_allclose(binomial.variance(p, p), variance, rtol=1e-12)
    np.testing.assert_allclose(binomial.variance(7 * p, p), 7 * variance, rtol=1e-12)
    np.testing.assert_allclose(binomial.asymmetry(eta), skewness * np.sqrt(variance), rtol=1e-12, atol=1e-15)


def test_the_log_probability_of_a_count_is_scipys():
    trials = np.array([1.0, 1.0, 2.0, 9.0, 300.0, 1e6])
    successes = np.array([0.0, 1.0, 1.0, 9.0, 41.0, 3e5])
    eta = np.array([[-7.0, 0.3], [-0.1, 12.0], [0.0, 1.0], [3.0, -2.0], [-2.0, -1.7], [-0.8, -0.9]])

    found = binomial.log_probability(successes, trials, eta)

    expected = stats.binom.logpmf(successes[:, None], trials[:, None], special.expit(eta))
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert (binomial.log_coefficient(successes[:2], trials[:2]) == 0).all()
    one = binomial.log_probability_of_one(successes[:2], eta[:2])
    np.testing.assert_allclose(one, found[:2], atol=1e-15)
    np.testing.assert_allclose(binomial.log_probability_against(np.exp(-eta)), special.log_expit(eta))


@pytest.mark.parametrize("eta", [-300.0, -3.0, 0.0, 0.7, 40.0])
def test_what_loops_do_with_odds_is_the_same_family(eta):
    odds, p, q = np.exp(eta), special.expit(eta), special.expit(-eta)

    found = [binomial.probability_at_odds(odds), binomial.failure_at_odds(odds), *binomial.both_chances(eta)]

    np.testing.assert_allclose(found, [p, q, p, q], rtol=1e-14)
    assert binomial.log_partition_at_odds(odds) == pytest.approx(np.logaddexp(0, eta), rel=1e-14)
    after, growth = binomial.moved(p, q, np.exp(-0.4))
    assert after == pytest.approx(special.expit(eta - 0.4), rel=1e-14)
    assert np.log(growth) == pytest.approx(np.logaddexp(0, eta - 0.4) - np.logaddexp(0, eta), abs=1e-14)


def test_the_link_undoes_its_inverse():
    for p in (1e-12, 0.1, 0.5, 0.9, 1 - 1e-12):
        assert binomial.probability_of_one(binomial.logit(p)) == pytest.approx(p, rel=1e-12)


def test_the_familys_functions_stand_in_one_place():
    one = r"1(?:\.0)?"
    forms = re.compile(
        rf"log1p\(|\bexpit\b|/ \({one} \+|np\.tanh\(|np\.log\({one} \+|logaddexp\({one}|\bbinom\b"
        rf"|(\b[\w.]+(?:\[\w+\])?) \* \({one} - \1|\* \({one} - (?:p|probability|chance|share)\)"
        r"|gammaln\((?:trials|successes)"
    )
    others = {
        "warehouse/functions.py",  # a formula's log1p, as a query
        "formula/priors/logistic.py",  # the prior's own tanh
        "formula/priors/student_t.py",  # its density
        "engines/conditional.py",  # the sinh-arcsinh's Jacobian
        "likelihood/compiled/likelihood.py",  # the same, by blocks in vector instructions
        "evaluation/pareto.py",  # the quantile of a generalised Pareto distribution
        "engines/marginal.py",  # areas of exponential pieces
        "evaluation/reference.py",  # the log score of another learner's probabilities
        "sklearn/classifier.py",  # log odds of a stored probability
        "sklearn/level_effects.py",  # the Jacobian of the scale of an sd
        "evaluation/decision_curve.py",  # a threshold from a ratio of costs
        "evaluation/contacted.py",  # the same
        "watch/effects.py",  # the entropy of probabilities, and the shares of histograms
        "watch/reference.py",  # the cost of labels, and the error of a share
        "watch/scoring.py",  # log scores of stored probabilities
    }
    elsewhere = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if forms.search(path.read_text(encoding="utf-8"))
    }

    assert elsewhere == {"likelihood/binomial.py", *others}


def test_the_reciprocal_of_a_probability_does_not_overflow():
    eta = np.array([-2_000.0, -30.0, 0.0, 5.0, 2_000.0])

    found = binomial.reciprocal_probability(eta)

    np.testing.assert_allclose(found[1:], 1 / binomial.probability(eta[1:]), rtol=1e-12)
    assert 1e303 < found[0] < 1e305
