"""The largest factor integrated out: the density against brute force, its derivatives, and draws of levels."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logsumexp
from scipy.stats import kstest

from data_science.errors import GateError
from data_science.formula.design import encode, learn
from data_science.formula.specification import ModelSpecification
from data_science.likelihood.collapse.density import Collapsed
from data_science.likelihood.collapse.drawing import QUANTILES
from data_science.likelihood.collapse.laplace import marginal_mode
from data_science.likelihood.collapse.plan import NotCollapsibleError, Plan
from data_science.likelihood.compression import merge
from data_science.likelihood.log_joint import Coordinates, LogJoint, Statistics, standard_priors


def grid(theta: float) -> np.ndarray:
    """Values of a level's effect, for brute force: fine where it can be well known, wide where it cannot."""
    return np.linspace(-16, 16, 4_001) if theta < 1 else np.linspace(-160, 160, 8_001)


def problem(frame: pd.DataFrame, formula: str) -> SimpleNamespace:
    """The collapsed density of a formula, and the joint that it is the integral of."""
    design = learn(ModelSpecification(formula), frame)
    rows = encode(design, frame)
    statistics = Statistics.of(design.encoding, rows)
    at, cells = Coordinates.of(design, statistics), merge(rows)
    plan = Plan.of(design.encoding, cells, statistics, at)
    density = Collapsed(plan, *standard_priors(design, at))
    return SimpleNamespace(density=density, plan=plan, joint=LogJoint.of(design, cells, statistics, at))


def binary(sizes, *, sd=1.0, slopes=(0.5,), seed=1, second=0) -> pd.DataFrame:
    """Binary rows by level, with numeric covariates, and a second factor where asked for."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(len(sizes)), sizes)
    frame = pd.DataFrame({"g": g, "y": 0} | {f"x{c}": rng.normal(size=len(g)) for c in range(len(slopes))})
    eta = -0.5 + sd * rng.normal(size=len(sizes))[g]
    eta = eta + sum(slope * frame[f"x{c}"] for c, slope in enumerate(slopes))
    if second:
        frame["h"] = rng.integers(0, second, len(g))
        frame.loc[: second - 1, "h"] = np.arange(second)
        eta = eta + 0.5 * rng.normal(size=second)[frame["h"]]
    frame["y"] = (rng.random(len(g)) < expit(eta)).astype(int)
    return frame


def trials(sizes, *, rows=2, sd=0.7, seed=1) -> pd.DataFrame:
    """Rows of many trials."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(len(sizes)), rows)
    size = np.repeat(sizes, rows)
    x = rng.normal(size=len(g))
    y = rng.binomial(size, expit(-1 + 0.5 * x + sd * rng.normal(size=len(sizes))[g]))
    return pd.DataFrame({"g": g, "x0": x, "y": y, "n": size})


def with_zeros(frame: pd.DataFrame, level: int) -> pd.DataFrame:
    return frame.assign(y=frame["y"].where(frame["g"] != level, 0))


ONE, TWO = "y ~ x0 + (1 | g)", "y ~ x0 + (1 | g) + (1 | h)"
CASES = {
    "three levels": (binary([5, 7, 3]), ONE, 0.0),
    "one row a level": (binary([1] * 4), ONE, 0.2),
    "all zero in a level": (with_zeros(binary([6, 9, 4]), 1), ONE, 0.0),
    "sd near 0": (binary([5, 7, 3]), ONE, -3.5),
    "sd near 10": (binary([5, 1, 3], sd=8.0), ONE, 2.3),
    "all zero at sd 10": (with_zeros(binary([6, 1, 4]), 0), ONE, 2.3),
    "2,000 rows in one level": (binary([2_000, 3, 8]), ONE, 0.0),
    "steep": (binary([8, 9, 5], slopes=(60.0,)), ONE, 0.0),
    "counts": (trials([3, 12, 40, 7]), "p(y, n) ~ x0 + (1 | g)", -0.3),
    "10,000 trials": (trials([10_000, 40, 10_000]), "p(y, n) ~ x0 + (1 | g)", -0.3),
    "two factors": (binary([5, 7, 3, 6], second=3), TWO, 0.0),
    "interaction groups": (binary([5, 7, 3, 6], second=2), "y ~ x0 + (1 | g:h) + (1 | h)", 0.0),
    "functions and an offset": (
        binary([5, 7, 3, 6], second=2),
        "y ~ poly(x0, 2) + (1 | g) + (scale(x0) | h) + offset(exp(x0))",
        0.0,
    ),
    "slopes by a smaller factor": (binary([5, 7, 3, 6], second=2), "y ~ x0 + (1 | g) + (x0 | h)", 0.0),
}


def points(case: SimpleNamespace, theta: float, n: int = 4, spread: float = 0.4, scale: float = 1.0):
    """Some values of what is left, the log sd of the factor integrated out near ``theta``."""
    rng = np.random.default_rng(3)
    v = spread * rng.normal(size=(n, case.plan.n_left))
    v[:, case.plan.n_others + 1 :] += scale
    sds = 0.1 * rng.normal(size=(n, case.density.n_sds))
    sds[:, case.plan.block] += theta
    return v, sds


def by_brute_force(case: SimpleNamespace, v, theta) -> np.ndarray:
    """Log of the integral of the joint density over every level, on a grid of values."""
    joint, plan, found = case.joint, case.plan, []
    matrix = np.asarray(joint.matrix.toarray() if hasattr(joint.matrix, "toarray") else joint.matrix)
    values = grid(case.theta)
    step = values[1] - values[0]
    for one, sds in zip(v, theta, strict=True):
        x = np.zeros(joint.n_coefficients)
        x[plan.left] = one
        all_eta = joint.eta(x)
        base = joint.value(x, sds) + joint.weights @ np.logaddexp(0, all_eta)
        for level in plan.levels:
            inside = matrix[:, level] != 0
            log_likelihood = joint.successes[level] * values
            for eta, weight in zip(all_eta[inside], joint.weights[inside], strict=True):
                log_likelihood = log_likelihood - weight * np.logaddexp(0, eta + values)
            log_likelihood -= 0.5 * np.exp(-2 * sds[plan.block]) * values**2  # its constant is in the joint
            base += logsumexp(log_likelihood) + np.log(step)
        found.append(base)
    return np.array(found)


@pytest.fixture(scope="module", params=CASES)
def case(request):
    frame, formula, theta = CASES[request.param]
    found = problem(frame, formula)
    found.name, found.theta = request.param, theta
    found.scale = 45.0 if request.param == "steep" else 0.5
    return found


def modes(case) -> np.ndarray:
    return np.zeros(len(case.plan.levels))


def test_the_density_is_the_integral_of_the_joint(case):
    v, theta = points(case, case.theta, scale=case.scale)

    found = case.density.at(v, theta, modes(case), np.random.default_rng(1))

    assert found.lost == 0
    np.testing.assert_allclose(found.log_density, by_brute_force(case, v, theta), atol=2e-4, rtol=1e-9)


def test_one_point_at_a_time_gives_the_same_value(case):
    v, theta = points(case, case.theta, scale=case.scale)

    found = case.density.at(v, theta, modes(case), np.random.default_rng(1)).log_density

    slopes = [case.density.slope(a, b, modes(case)).value for a, b in zip(v, theta, strict=True)]
    np.testing.assert_allclose(found, slopes, atol=3e-4, rtol=1e-9)


def test_gradient_and_hessian_are_the_density_s(case):
    (v,), (theta,) = points(case, case.theta, n=1, scale=case.scale)
    slope, h, r = case.density.slope(v, theta, modes(case)), 1e-4, len(v)

    def at(shift, lift=0.0) -> object:
        lifted = theta.copy()
        lifted[case.plan.block] += lift
        return case.density.slope(v + shift, lifted, modes(case))

    pairs = [(at(h * e), at(-h * e)) for e in np.eye(r)]
    gradient = np.array([(up.value - down.value) / (2 * h) for up, down in pairs])
    precision = np.array(
        [(down.likelihood_gradient - up.likelihood_gradient) / (2 * h) for up, down in pairs]
    )
    up, down = at(0 * v, h), at(0 * v, -h)
    scale = max(1.0, float(np.abs(slope.precision).max()))
    np.testing.assert_allclose(slope.gradient, gradient, atol=2e-4 * scale)
    np.testing.assert_allclose(slope.precision, precision, atol=1e-4 * scale)
    np.testing.assert_allclose(slope.cross, (up.gradient - down.gradient) / (2 * h), atol=1e-4 * scale)
    block = case.plan.block
    assert slope.first[block] == pytest.approx((up.value - down.value) / (2 * h), abs=1e-3)
    second = (up.first[block] - down.first[block]) / (2 * h)
    assert slope.second[block] == pytest.approx(second, abs=1e-3 * max(1.0, abs(second)))


def test_no_level_is_drawn_that_could_not_be_integrated(case, monkeypatch):
    monkeypatch.setattr("data_science.likelihood.collapse.density.integrals", lambda *_: 2)
    (v,), (theta,) = points(case, case.theta, n=1, scale=case.scale)

    with pytest.raises(GateError, match=r"2 integrals over .* failed"):
        case.density.drawn(v, theta, modes(case), 8, slice(0, 3), np.random.default_rng(6))


def test_levels_are_drawn_from_their_conditional_distributions(case):
    (v,), (theta,) = points(case, case.theta, n=1, scale=case.scale)
    n = 2_048
    many, sds = np.tile(v, (n, 1)), np.tile(theta, (n, 1))

    found = case.density.at(many, sds, modes(case), np.random.default_rng(5), draw=True, moments=True)
    close = modes(case)
    case.density.slope(v, theta, close)  # moves them to where the levels' modes are
    drawn, quantiles, _ = case.density.drawn(
        v, theta, close, n, slice(0, len(close)), np.random.default_rng(6)
    )

    x = np.zeros(case.joint.n_coefficients)
    x[case.plan.left] = v
    matrix = np.asarray(case.joint.matrix)
    for place, level in enumerate(case.plan.levels):
        moments = found.moments[place, 0]
        values = moments[2] + 14 * np.sqrt(moments[3]) * np.linspace(-1, 1, 4_001)  # wide, and fine enough
        inside = matrix[:, level] != 0
        log_density = case.joint.successes[level] * values
        log_density = log_density - 0.5 * np.exp(-2 * theta[case.plan.block]) * values**2
        for eta, weight in zip(case.joint.eta(x)[inside], case.joint.weights[inside], strict=True):
            log_density = log_density - weight * np.logaddexp(0, eta + values)
        density = np.exp(log_density - log_density.max())
        cumulative = (np.cumsum(density) - density / 2) / density.sum()
        for sample in (found.drawn[place], drawn[place]):
            uniform = np.interp(sample, values, cumulative)
            assert kstest(uniform, "uniform").pvalue > 1e-5, (case.name, place)
        at_quantiles = np.interp(quantiles[place], values, cumulative)
        np.testing.assert_allclose(at_quantiles, QUANTILES, atol=1e-3)
        mean = density @ values / density.sum()
        variance = density @ (values - mean) ** 2 / density.sum()
        down, up = (density @ np.exp(sign * values) / density.sum() for sign in (-1, 1))
        assert moments[2] == pytest.approx(mean, abs=3e-4 * np.sqrt(variance))
        assert moments[3] == pytest.approx(variance, rel=2e-3)
        for ours, exact in zip(moments[:2], (down, up), strict=True):
            # Where a level has no success, odds against one are infinite but for the prior; no row asks.
            # At an sd of 10 grids end where the density does, which is early for odds of 50 or more.
            assert exact > 1e6 or ours == pytest.approx(exact, rel=5e-3 if exact < 50 else 0.06)


def test_a_finer_grid_changes_nothing(case):
    v, theta = points(case, case.theta, scale=case.scale)

    coarse, fine = (
        case.density.at(v, theta, modes(case), np.random.default_rng(1), **options)
        for options in ({}, {"step": 0.4, "reach": 10.0})
    )

    np.testing.assert_allclose(coarse.log_density, fine.log_density, atol=2e-4, rtol=1e-9)


def test_what_cannot_be_integrated_is_said_to_be_lost():
    found = problem(*CASES["three levels"][:2])
    v, theta = points(found, 0.0, scale=4_000.0)  # log odds of thousands

    assert found.density.at(v, theta, modes(found), np.random.default_rng(1)).lost > 0


def test_the_mode_is_where_the_gradient_vanishes():
    found = problem(binary([6] * 40, second=5), TWO)
    start = modes(found)

    centre, curvature = marginal_mode(found.density, start)

    assert np.abs(found.density.slope(centre.v, centre.theta, start).gradient).max() < 1e-2
    assert (curvature >= 1).all()


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        ("y ~ x0", "no factor has an intercept of its own"),
        ("y ~ x0 + (0 + x0 | g)", "no factor has an intercept of its own"),
    ],
)
def test_a_formula_without_a_factor_to_integrate_out_is_declined(formula, reason):
    with pytest.raises(NotCollapsibleError, match=reason):
        problem(binary([5, 7, 3]), formula)


def test_two_factors_of_many_levels_are_declined():
    frame = binary([1] * 1_400, second=600)

    with pytest.raises(NotCollapsibleError, match=r"beside 1\|g 602 coefficients are left; expected at most"):
        problem(frame, TWO)
