"""NUTS with the largest factor integrated out: its density and gradient, and its posterior."""

import numpy as np
import pytest
from frames import sparse
from monte_carlo import estimates, scalars, tail_points, worst
from scipy.optimize import approx_fprime

from data_science.engines import nuts, nuts_collapsed
from data_science.engines.posterior import to_tree
from data_science.engines.registry import FitSettings, engine
from data_science.engines.transport_model import log_density, model_of
from data_science.formula.design import encode, learn
from data_science.formula.specification import ModelSpecification
from data_science.likelihood.collapse.whitened import Whitened
from data_science.likelihood.fidelity import compress_enough


def prepared(formula="y ~ x + (1 | g)", frame=None):
    frame = sparse(60) if frame is None else frame
    design = learn(ModelSpecification(formula), frame)
    return design, compress_enough(design, encode(design, frame))


@pytest.fixture(scope="module")
def problem():
    return prepared()


@pytest.fixture(scope="module")
def whitened(problem):
    return nuts_collapsed.whitened(*problem)


@pytest.mark.parametrize("seed", range(3))
def test_the_pymc_model_is_the_collapsed_density_and_its_gradient_that_of_differences(whitened, seed):
    point = np.random.default_rng(seed).normal(size=3)
    evaluate = log_density(model_of(whitened, 1, 2))

    value, gradient = evaluate(point)

    theta, v = whitened.left(point[:1], point[1:])
    found = whitened.density.at(v[None], theta[None], whitened.modes, np.random.default_rng(0))
    centre = whitened.density.at(
        whitened.v[None], whitened.theta[None], whitened.modes, np.random.default_rng(0)
    )
    expected = found.log_density[0] - centre.log_density[0]
    assert value - evaluate(np.zeros(3))[0] == pytest.approx(expected, abs=1e-3)
    np.testing.assert_allclose(
        gradient, approx_fprime(point, lambda at: evaluate(at)[0], 1e-6), rtol=1e-3, atol=1e-3
    )


def test_at_its_mode_the_density_is_nearly_standard_normal(whitened):
    centre = whitened.log_density(np.zeros(1), np.zeros(2))[0]

    def fall(step):
        return centre - np.mean([whitened.log_density(s[:1], s[1:])[0] for s in (step, -step)])

    falls = [fall(step) for step in np.eye(3)]

    assert np.allclose(falls[1:], 0.5, atol=0.1)
    assert falls[0] == pytest.approx(0.5, abs=0.2)  # of the log sd, which is skewed


def test_where_integrals_fail_the_sampler_is_told_to_turn_back(whitened):
    value, *gradients = whitened.log_density(np.array([80.0]), np.zeros(2))

    assert value == -np.inf
    assert not np.concatenate(gradients).any()


def test_it_gives_the_posterior_of_importance_sampling_and_says_which_way_it_took(problem, monkeypatch):
    design, compressed = problem
    monkeypatch.setattr(nuts, "FROM_LEVELS", 40)

    ours = engine("nuts").draw(design, compressed, FitSettings(seed=4), lambda _: None)

    theirs = engine("nested-laplace").draw(design, compressed, FitSettings(seed=3), lambda _: None)
    assert str(ours.attributes["way"]).startswith("the 60 levels of g are integrated out, NUTS over the 3")
    mine, others = (scalars(to_tree(design, p)["posterior"].to_dataset()) for p in (ours, theirs))
    tails = tail_points(others)
    deviation = worst(
        estimates(mine, tails), estimates(others, tails, float(theirs.attributes["efficiency"]))
    )
    assert deviation.is_noise, deviation


@pytest.mark.parametrize(
    ("formula", "levels", "expected"),
    [
        ("y ~ x + (1 | g)", 199, False),
        ("y ~ x + (1 | g)", 200, True),
        ("y ~ x + (1 + x | g)", 200, False),
        ("y ~ x + (0 + x | g)", 200, False),
        ("y ~ x + (1 | g) + (1 | y2)", 200, False),
        ("y ~ x", 200, False),
    ],
)
def test_it_pays_for_one_factor_of_many_levels(formula, levels, expected):
    frame = sparse(levels).assign(y2=lambda one: one["y"].astype(str))

    assert nuts.pays(learn(ModelSpecification(formula), frame).encoding) is expected


@pytest.mark.parametrize(
    ("draws", "tune", "expected"), [(2_000, 500, (400, 250)), (4_000, 1_000, (800, 500)), (100, 1, (100, 1))]
)
def test_chains_are_as_long_as_what_is_left_needs_and_never_longer_than_asked_for(draws, tune, expected):
    shorter = nuts_collapsed.shortened(FitSettings(draws=draws, tune=tune))

    assert (shorter.draws, shorter.tune) == expected


def test_where_what_is_left_has_no_mode_the_ordinary_way_is_taken(problem, monkeypatch):
    def no_mode(_):
        raise nuts_collapsed.GateError("no mode")

    monkeypatch.setattr(Whitened, "of", no_mode)

    assert nuts_collapsed.whitened(*problem) is None
