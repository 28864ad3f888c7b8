"""Coefficients given group sds: the proposal's stated density is the density of what it draws."""

import numpy as np
import pytest
from hand_made import clients, compressed, learned

from data_science.engines import conditional
from data_science.engines.conditional import Conditional, hats
from data_science.engines.defensive import defensive_normal, log_defensive
from data_science.engines.knots import Searcher
from data_science.likelihood.arrow import Elimination, Order
from data_science.likelihood.laplace import conditional_mode

FRAME = clients(60)
FRAME["region"] = FRAME["attr_a"].to_numpy() % 3
FORMULAS = {
    "no sd": "label ~ scd_a",
    "one sd": "label ~ scd_a + (1 | attr_b)",
    "two sds": "label ~ scd_a + (1 | attr_b) + (1 | attr_a)",
    "four sds, the centre's Hessian": "label ~ (scd_a | attr_b) + (1 | attr_a) + (1 | region)",
    "one factor eliminated": "label ~ (scd_a | attr_b) + (1 | attr_a)",
}


class Source:
    """A problem, its proposal, and log sds to propose at."""

    def __init__(self, formula, *, eliminated):
        found = compressed(learned(formula, FRAME), FRAME)
        self.joint, elimination, mode = found.joint, found.elimination, found.mode
        if eliminated:
            order = Order(
                np.arange(self.joint.n_common, self.joint.n_common + 8).reshape(2, 4).T, np.array([])
            )
            rest = np.setdiff1d(np.arange(self.joint.n_coefficients), order.head)
            elimination = Elimination.of(Order(order.head, rest), self.joint.matrix)
        self.searcher = Searcher(self.joint, elimination)
        self.centre = self.searcher.at(mode.theta, mode.x)
        self.axes = [self.searcher.along(self.centre, k) for k in range(self.joint.n_sds)]
        self.proposal = Conditional.between(self.joint, self.centre, self.axes)
        self.theta = mode.theta + np.linspace(-2, 1, 7)[:, None] * np.linspace(1, 0.3, self.joint.n_sds)


@pytest.fixture(params=FORMULAS, scope="module")
def source(request):
    return Source(FORMULAS[request.param], eliminated=request.param == "one factor eliminated")


def test_the_stated_density_is_that_of_a_change_of_variables(source):
    n = source.joint.n_coefficients
    z = np.random.default_rng(1).normal(size=(len(source.theta), n))

    _, log_density = source.proposal.draw(source.theta, z)

    step = 1e-5
    for k in (0, 3, 6):
        moved = z[k] + step * np.concatenate([np.eye(n), -np.eye(n)])
        x = source.proposal.draw(np.repeat(source.theta[k : k + 1], 2 * n, axis=0), moved)[0]
        jacobian = (x[:n] - x[n:]) / (2 * step)
        expected = log_defensive(z[k]) - np.linalg.slogdet(jacobian)[1]
        assert log_density[k] == pytest.approx(expected, abs=1e-5)


def test_without_noise_a_draw_at_a_knot_is_its_mode_but_for_what_skewness_moves(source):
    knots = [source.centre, *(axis[len(axis) // 4] for axis in source.axes)]
    theta = np.array([knot.theta for knot in knots])

    x, _ = source.proposal.draw(theta, np.zeros((len(knots), source.joint.n_coefficients)))

    for knot, found in zip(knots, x, strict=True):
        mode = conditional_mode(source.joint, source.searcher.elimination, knot.theta, source.centre.mode.x)
        sds = np.sqrt(mode.factor.inverse_diagonal())
        assert np.abs((found - mode.x) / sds).max() < 0.6


def test_up_to_three_sds_the_spread_at_any_knot_is_that_of_its_own_curvature(source):
    n = source.joint.n_coefficients
    far = [knot for axis in source.axes for knot in (axis[0], axis[-1])] if len(source.axes) <= 3 else []
    step = 1e-5 * np.concatenate([np.eye(n), -np.eye(n)])

    for knot in [source.centre, *far]:
        x, _ = source.proposal.draw(np.repeat(knot.theta[None], 2 * n, axis=0), step)
        bent = (x[:n] - x[n:]) / 2e-5 / np.cosh(knot.bend)[:, None]  # each axis stretched by its skewness
        covariance = np.array([knot.mode.factor.solve(row) for row in np.eye(n)])
        np.testing.assert_allclose(bent.T @ bent, covariance, rtol=1e-4, atol=1e-6)


def test_the_draws_of_one_theta_are_right_in_mean_and_spread(source):
    """By importance weights: those of a good proposal are nearly equal, of a wrong one they are not."""
    rng, joint = np.random.default_rng(3), source.joint
    theta = np.repeat(source.centre.theta[None], 500, axis=0)

    x, log_density = source.proposal.draw(theta, defensive_normal(500, joint.n_coefficients, rng))

    log_weights = joint.value(x, theta) - log_density
    weights = np.exp(log_weights - log_weights.max())
    assert weights.sum() ** 2 / (500 * (weights**2).sum()) > 0.7


def test_batches_change_nothing(source, monkeypatch):
    z = np.random.default_rng(4).normal(size=(len(source.theta), source.joint.n_coefficients))
    whole = source.proposal.draw(source.theta, z)

    monkeypatch.setattr(conditional, "_ENTRIES", 1)

    for found, expected in zip(source.proposal.draw(source.theta, z), whole, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_sds_far_out_on_several_axes_at_once_are_proposed_at():
    source = Source("label ~ scd_a + (1 | attr_b) + (1 | attr_a) + (1 | region)", eliminated=False)
    far = np.array([[-12.0] * 3, [12.0] * 3, [-12.0, 12.0, 0.0]])

    x, log_density = source.proposal.draw(far, np.zeros((3, source.joint.n_coefficients)))

    assert np.isfinite(x).all()
    assert np.isfinite(log_density).all()


def test_hats_interpolate_linearly_and_stay_constant_beyond():
    points, values = np.array([-1.0, 0.0, 2.0]), np.array([-5.0, -0.25, 0.0, 1.5, 9.0])

    share = hats(points, values)

    np.testing.assert_allclose(share @ points, [-1.0, -0.25, 0.0, 1.5, 2.0])
    np.testing.assert_allclose(share.sum(axis=1), 1)
    assert hats(points[:1], values).tolist() == [[1.0]] * 5
