"""Coefficients given group sds: the proposal's stated density is the density of what it draws."""

import numpy as np
import pytest
from hand_made import clients, compressed, learned
from scipy import stats

from data_science.engines import conditional
from data_science.engines.conditional import Conditionals, conditionals, defensive_normal
from data_science.likelihood.laplace import conditional_mode, transport_at

FRAME = clients(60)
DESIGN = learned("label ~ scd_a + (1 | attr_b)", FRAME)
FOUND = compressed(DESIGN, FRAME)
N = DESIGN.encoding.n_coefficients
THETA = FOUND.mode.theta + np.linspace(-2, 1, 7)[:, None]


@pytest.fixture(params=["dense", "one by one"])
def source(request, monkeypatch):
    if request.param == "one by one":
        monkeypatch.setattr(conditional, "DENSE_ORDER", 0)
    made = Conditionals(FOUND.joint, FOUND.elimination, transport_at(FOUND.joint, FOUND.mode), FOUND.mode.x)
    assert made.is_dense is (request.param == "dense")
    return made


def test_the_stated_density_is_that_of_a_change_of_variables(source):
    z = np.random.default_rng(1).normal(size=(len(THETA), N))

    _, log_density, _ = conditionals(source, THETA, z)

    step = 1e-5
    for k in range(len(THETA)):
        moved = z[k] + step * np.concatenate([np.eye(N), -np.eye(N)])
        x = conditionals(source, np.repeat(THETA[k : k + 1], 2 * N, axis=0), moved)[0]
        jacobian = (x[:N] - x[N:]) / (2 * step)
        expected = conditional.log_defensive(z[k]) - np.linalg.slogdet(jacobian)[1]
        assert log_density[k] == pytest.approx(expected, abs=1e-6)


def test_the_joint_density_that_comes_with_a_draw_is_exact(source):
    z = np.random.default_rng(2).normal(size=(len(THETA), N))

    x, _, log_joint = conditionals(source, THETA, z)

    np.testing.assert_allclose(log_joint, FOUND.joint.value(x, THETA), rtol=1e-12)


def test_without_noise_a_draw_is_near_the_mode(source):
    x, _, _ = conditionals(source, THETA, np.zeros((len(THETA), N)))

    for theta, found in zip(THETA, x, strict=True):
        mode = conditional_mode(FOUND.joint, FOUND.elimination, theta, FOUND.mode.x)
        sds = np.sqrt(mode.factor.inverse_diagonal())
        assert np.abs((found - mode.x) / sds).max() < 0.5  # what the skewness moves


def test_the_marginal_is_laplaces_at_each_mode_up_to_a_constant(source):
    found = source.log_marginal(THETA)

    expected = [
        conditional_mode(FOUND.joint, FOUND.elimination, theta, FOUND.mode.x).log_marginal for theta in THETA
    ]
    np.testing.assert_allclose(found - found[0], np.array(expected) - expected[0], atol=1e-4)


def test_the_draws_of_one_theta_are_right_in_mean_and_spread(source):
    """By importance weights: those of a good proposal are nearly equal, of a wrong one they are not."""
    rng = np.random.default_rng(3)
    theta = np.repeat(FOUND.mode.theta[None], 500, axis=0)

    _, log_density, log_joint = conditionals(source, theta, defensive_normal(500, N, rng))

    weights = np.exp(log_joint - log_density - (log_joint - log_density).max())
    efficiency = weights.sum() ** 2 / (500 * (weights**2).sum())
    assert efficiency > (0.85 if source.is_dense else 0.6)  # bending is worth a lot with sixty rows


def test_batches_change_nothing(source, monkeypatch):
    z = np.random.default_rng(4).normal(size=(len(THETA), N))
    whole = conditionals(source, THETA, z)

    monkeypatch.setattr(conditional, "_ENTRIES", 3 * FOUND.joint.matrix.size)

    for found, expected in zip(conditionals(source, THETA, z), whole, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert [len(part) for part in conditional._batches(source, THETA)] == [3, 3, 1]


def test_a_start_is_the_better_of_the_transports_mean_and_the_reference(source):
    far = FOUND.mode.theta + np.array([[0.0], [8.0]])

    starts = source.starts(far)

    at_reference = FOUND.joint.value(np.broadcast_to(FOUND.mode.x, starts.shape), far)
    assert (FOUND.joint.value(starts, far) >= at_reference).all()
    np.testing.assert_allclose(starts[0], FOUND.mode.x, atol=1e-5)


@pytest.mark.parametrize("order", [1, 4, 30])
def test_the_defensive_density_is_a_mixture_of_two_normals(order):
    z = np.random.default_rng(5).normal(size=(20, order)) * 2

    found = conditional.log_defensive(z)

    scale = 1 + order**-0.5
    narrow, wide = (stats.norm(0, sd).logpdf(z).sum(axis=1) for sd in (1, scale))
    np.testing.assert_allclose(found, np.log(0.95 * np.exp(narrow) + 0.05 * np.exp(wide)), rtol=1e-9)


@pytest.mark.parametrize("order", [1, 4])
def test_defensive_draws_have_the_variance_of_the_mixture(order):
    z = defensive_normal(200_000, order, np.random.default_rng(6))

    assert z.shape == (200_000, order)
    np.testing.assert_allclose(z.var(axis=0), 0.95 + 0.05 * (1 + order**-0.5) ** 2, rtol=0.015)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=0.012)
    wide = stats.kurtosis((z**2).sum(axis=1) if order == 1 else z[:, 0])
    assert wide > 0  # heavier than one normal
