"""The log joint density against SciPy and finite differences, and the coordinates it is stated in."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy import stats
from scipy.special import expit

from data_science.errors import GateError
from data_science.formula.design import blocks, encode, learn
from data_science.formula.places import Places
from data_science.formula.priors import Prior
from data_science.formula.specification import ModelSpecification
from data_science.likelihood import laplace
from data_science.likelihood import log_joint as module
from data_science.likelihood.arrow import Elimination, Order
from data_science.likelihood.compression import merge
from data_science.likelihood.laplace import conditional_mode, reference_mode, transport_at
from data_science.likelihood.log_joint import Coordinates, LogJoint, Statistics, design_matrix

FORMULA = "label ~ x * g + (x | h) + (1 | g:h)"
OTHER = {
    "Intercept": Prior("Normal", mu=-1, sigma=2),
    "common": Prior("StudentT", nu=4, mu=0.5, sigma=2),
    "group_sd": Prior("Gamma", alpha=2, beta=1),
    "1|h": Prior("InverseGamma", alpha=2, beta=1),
}
PEERS = {
    "Normal": lambda a: stats.norm(a["mu"], a["sigma"]),
    "StudentT": lambda a: stats.t(a["nu"], a["mu"], a["sigma"]),
    "HalfNormal": lambda a: stats.halfnorm(scale=a["sigma"]),
    "Gamma": lambda a: stats.gamma(a["alpha"], scale=1 / a["beta"]),
    "InverseGamma": lambda a: stats.invgamma(a["alpha"], scale=a["beta"]),
}


def frame(n_rows=80, unit=1.0, seed=1):
    rng = np.random.default_rng(seed)
    found = pd.DataFrame(
        {
            "x": rng.normal(3, 1, n_rows),
            "g": rng.choice(["a", "b", "c"], n_rows),
            "h": rng.choice(["u", "v"], n_rows),
        }
    )
    eta = found["x"] - 3 + (found["g"] == "b")
    return found.assign(label=(rng.random(n_rows) < expit(eta)).astype(int), x=found["x"] * unit)


def density(formula=FORMULA, priors=None, **options):
    data = frame(**options)
    design = learn(ModelSpecification(formula, priors=priors or {}), data)
    rows = encode(design, data)
    statistics = Statistics.of(design.encoding, rows)
    at = Coordinates.of(design, statistics)
    return data, design, rows, at, LogJoint.of(design, merge(rows), statistics, at)


def raw_design(design, rows):
    matrix = np.zeros((len(rows), design.encoding.n_coefficients))
    for term in design.encoding.terms:
        positions = Places.of(term).rows(rows.codes, len(rows))
        here = np.flatnonzero(positions < term.n_coefficients)
        columns = design.encoding.slices[term.name].start + positions[here]
        matrix[here, columns] = term.multipliers(rows.numeric, len(rows))[here]
    return matrix


@pytest.mark.parametrize("priors", [{}, OTHER], ids=["default priors", "other priors"])
def test_the_density_is_prior_times_likelihood_by_scipy(priors):
    data, design, rows, at, joint = density(priors=priors)
    rng = np.random.default_rng(2)
    matrix = raw_design(design, rows)
    values, expected = [], []

    for _ in range(3):
        x, theta = rng.normal(size=joint.n_coefficients), rng.normal(size=joint.n_sds)
        raw, sds = at.to_raw(x), at.sds_to_raw(theta)
        total = stats.bernoulli.logpmf(data["label"], expit(matrix @ raw)).sum()
        for k, (term, expression) in enumerate(blocks(design.encoding)):
            effects = raw[design.encoding.slices[term.name]].reshape(term.n_expressions, -1)[expression]
            prior = design.priors[term.name]
            total += stats.norm(0, sds[k]).logpdf(effects).sum()
            total += PEERS[prior.name](prior.arguments).logpdf(sds[k]) + theta[k]
        centred = raw.copy()
        centred[0] = x[0]  # the prior of the intercept is at centred predictors
        for term in design.encoding.common:
            prior = design.priors[term.name]
            total += (
                PEERS[prior.name](prior.arguments).logpdf(centred[design.encoding.slices[term.name]]).sum()
            )
        values.append(float(joint.value(x, theta)))
        expected.append(total)

    np.testing.assert_allclose(np.diff(values), np.diff(expected), rtol=1e-9)  # up to the units' constant


@pytest.mark.parametrize("priors", [{}, OTHER], ids=["default priors", "other priors"])
def test_gradients_are_those_of_finite_differences(priors):
    *_, joint = density(priors=priors)
    rng = np.random.default_rng(3)
    x, theta, step = rng.normal(size=joint.n_coefficients), rng.normal(size=joint.n_sds), 1e-6

    _, likelihood, curvature = joint.log_likelihood(x)
    _, prior, precision, by_theta = joint.log_prior(x, theta)

    def slope(of, at):
        return [(of(at + step * e) - of(at - step * e)) / (2 * step) for e in np.eye(len(at))]

    np.testing.assert_allclose(likelihood, slope(lambda v: joint.log_likelihood(v)[0], x), atol=1e-6)
    np.testing.assert_allclose(prior, slope(lambda v: joint.log_prior(v, theta)[0], x), atol=1e-6)
    np.testing.assert_allclose(by_theta, slope(lambda v: joint.log_prior(x, v)[0], theta), atol=1e-5)
    second = np.array(slope(lambda v: joint.log_likelihood(v)[1], x))
    np.testing.assert_allclose(joint.matrix.T @ (curvature[:, None] * joint.matrix), -second, atol=1e-5)
    np.testing.assert_allclose(
        precision, -np.diag(slope(lambda v: joint.log_prior(v, theta)[1], x)), atol=1e-6
    )


def test_many_points_are_evaluated_as_one_by_one():
    *_, joint = density()
    rng = np.random.default_rng(4)
    x, theta = rng.normal(size=(5, joint.n_coefficients)), rng.normal(size=(5, joint.n_sds))

    together = joint.value(x, theta)

    np.testing.assert_allclose(
        together, [joint.value(*pair) for pair in zip(x, theta, strict=True)], rtol=1e-12
    )


def test_a_linear_predictor_of_any_size_has_a_finite_density():
    *_, joint = density("label ~ x")

    for size in (1e3, -1e3):
        value, gradient, curvature = joint.log_likelihood(np.full(2, size))
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()
        assert (curvature >= 0).all()


@pytest.mark.parametrize("unit", [1e-140, 1e-12, 1e-6, 1.0, 1e6, 1e12, 1e100])
def test_the_unit_of_a_column_reaches_no_engine(unit):
    _, _, _, at, joint = density(unit=unit)
    _, _, _, plain_at, plain = density()

    np.testing.assert_allclose(joint.matrix, plain.matrix, rtol=0, atol=1e-9)
    np.testing.assert_allclose(joint.successes, plain.successes, rtol=0, atol=1e-8)
    np.testing.assert_allclose(at.scale[1] / unit, plain_at.scale[1], rtol=1e-9)


@pytest.mark.parametrize("size", [0.0, 2.0**-40, 1.0, 3.0])
def test_a_column_that_does_not_vary_keeps_its_unit(size):
    data = frame().assign(x=size)
    design = learn(ModelSpecification("label ~ x", standardize=False), data)

    at = Coordinates.of(design, Statistics.of(design.encoding, encode(design, data)))

    assert at.scale[1] == 1.0


def test_a_zero_slope_for_groups_keeps_the_unit():
    data = frame().assign(x=0.0)
    design = learn(ModelSpecification("label ~ 0 + g + (0 + x | h)", standardize=False), data)

    at = Coordinates.of(design, Statistics.of(design.encoding, encode(design, data)))

    assert at.block_scale.tolist() == [1.0]


def test_coordinates_scale_each_group_term_by_what_multiplies_it():
    data, design, _, at, _ = density()

    rms = np.sqrt((data["x"] ** 2).mean())
    assert dict(zip([term.name for term, _ in blocks(design.encoding)], at.block_scale, strict=True)) == {
        "1|h": 1.0,
        "x|h": pytest.approx(rms),
        "1|g:h": 1.0,
    }
    effects = design.encoding.slices["x|h"]
    np.testing.assert_allclose(at.scale[effects], rms)


@pytest.mark.parametrize("limit", [10**9, 10], ids=["dense", "sparse"])
def test_a_design_is_the_same_dense_or_sparse(limit, monkeypatch):
    _, design, rows, at, joint = density()
    monkeypatch.setattr(module, "_DENSE", limit)

    found = design_matrix(design.encoding, merge(rows), at)

    assert sp.issparse(found) is (limit == 10)
    np.testing.assert_allclose(found.toarray() if sp.issparse(found) else found, joint.matrix, atol=1e-12)
    x = np.random.default_rng(5).normal(size=(3, joint.n_coefficients))
    by_hand = raw_design(design, rows) @ at.to_raw(x).T
    every = design_matrix(design.encoding, rows, at)
    np.testing.assert_allclose(every @ x.T, by_hand, atol=1e-10)


def test_statistics_are_sums_over_raw_rows():
    data, design, rows, _, _ = density()
    matrix = raw_design(design, rows)

    found = Statistics.of(design.encoding, rows)

    np.testing.assert_allclose(found.successes, matrix.T @ data["label"], rtol=1e-12)
    np.testing.assert_allclose(found.first, matrix.sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.second, (matrix**2).sum(axis=0), rtol=1e-12)
    assert found.total_successes == data["label"].sum()
    assert found.n_rows == 80


def test_values_per_sd_are_spread_over_and_gathered_from_their_coefficients():
    *_, joint = density()

    spread = joint.spread(np.arange(1.0, 4.0))

    assert spread.tolist() == [0.0] * 6 + [1.0, 1.0, 2.0, 2.0] + [3.0] * 6
    assert joint.gather(spread).tolist() == [2.0, 4.0, 18.0]
    assert joint.block_starts.tolist() == [0, 2, 4]
    assert density("label ~ x")[-1].gather(np.ones((2, 2))).shape == (2, 0)


def test_the_conditional_mode_has_no_gradient_and_laplaces_volume():
    _, design, _, _, joint = density(priors=OTHER)
    theta = np.array([-0.5, 0.3, 0.1])

    mode = conditional_mode(
        joint, Elimination.of(Order.of(design.encoding), joint.matrix), theta, np.zeros(16)
    )

    gradient = joint.log_likelihood(mode.x)[1] + joint.log_prior(mode.x, theta)[1]
    np.testing.assert_allclose(gradient, 0, atol=1e-4)
    curvature, precision = joint.log_likelihood(mode.x)[2], joint.log_prior(mode.x, theta)[2]
    hessian = joint.matrix.T @ (curvature[:, None] * joint.matrix) + np.diag(np.maximum(precision, 0))
    volume = 0.5 * (16 * np.log(2 * np.pi) - np.linalg.slogdet(hessian)[1])
    assert mode.log_marginal == pytest.approx(float(joint.value(mode.x, theta)) + volume, abs=1e-3)


def test_the_reference_mode_has_the_sds_of_the_highest_marginal_in_range():
    _, design, _, _, joint = density("label ~ x + (1 | g)", n_rows=300)
    elimination = Elimination.of(Order.of(design.encoding), joint.matrix)

    mode = reference_mode(joint, elimination)

    grid = np.linspace(-3, 3.5, 131)
    marginals = [conditional_mode(joint, elimination, np.array([t]), mode.x).log_marginal for t in grid]
    assert mode.log_marginal >= max(marginals) - 0.01
    transport = transport_at(joint, mode)
    np.testing.assert_allclose(transport.coefficients(mode.theta, np.zeros(len(mode.x))), mode.x, atol=1e-8)


def test_a_density_that_is_no_number_is_refused_with_advice():
    _, design, _, _, joint = density("label ~ x")
    elimination = Elimination.of(Order.of(design.encoding), joint.matrix)

    with (
        np.errstate(invalid="ignore"),
        pytest.raises(GateError, match=r"no proper mode: .*; give proper priors"),
    ):
        conditional_mode(joint, elimination, np.empty(0), np.full(2, np.nan))


def test_a_mode_that_is_not_found_in_time_is_refused(monkeypatch):
    monkeypatch.setattr(laplace, "_MAX_STEPS", 2)
    _, design, _, _, joint = density("label ~ x")
    elimination = Elimination.of(Order.of(design.encoding), joint.matrix)

    with pytest.raises(GateError, match="no mode of the coefficients after 2 Newton steps; check the priors"):
        conditional_mode(joint, elimination, np.empty(0), np.full(2, 5.0))


def test_a_step_that_would_overshoot_is_halved_until_the_density_rises():
    _, design, _, _, joint = density("label ~ x")
    theta, mode = (
        np.empty(0),
        reference_mode(joint, Elimination.of(Order.of(design.encoding), joint.matrix)).x,
    )
    start = mode + np.array([0.5, 0.5])
    value = float(joint.value(start, theta))

    x, reached = laplace._line_search(joint, theta, start, 10 * (mode - start), value)

    size = float(np.linalg.norm(x - start) / np.linalg.norm(10 * (mode - start)))
    assert reached == pytest.approx(float(joint.value(x, theta)))
    assert reached > value > float(joint.value(start + 2 * (x - start), theta))
    assert np.log2(size) == pytest.approx(round(np.log2(size)))
