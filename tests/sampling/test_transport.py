"""Transport coordinates: the density against plain Bambi and NumPy, the gradient against differences."""

import numpy as np
import pytest
from frames import clients, herds, long_tailed
from peers import bambi_on, log_densities
from scipy.special import expit

from data_science.engines.posterior import Posterior, to_tree
from data_science.engines.transport_model import transport_model
from data_science.formula.design import encode, learn
from data_science.formula.priors import Prior
from data_science.formula.specification import ModelSpecification
from data_science.likelihood.compiled import kernel
from data_science.likelihood.fidelity import compress_enough
from data_science.likelihood.laplace import transport_at

HEAVY = {
    "Intercept": Prior("StudentT", nu=3, mu=0, sigma=2),
    "common": Prior("Cauchy", alpha=0, beta=1),
    "group_sd": Prior("InverseGamma", alpha=2, beta=1),
}
MODELS = {
    "default": (ModelSpecification(), clients(1_500)),
    "no groups": (ModelSpecification("label ~ scd_a * attr_b"), clients(1_500)),
    "slopes": (ModelSpecification("label ~ scd_a + (scd_a | attr_a) + (h | attr_b)"), clients(1_500)),
    "heavy-tailed priors": (ModelSpecification("label ~ scd_a + (1 | attr_a)", priors=HEAVY), clients(1_500)),
    "trials": (ModelSpecification("p(incidence, size) ~ period + (1 | herd)"), herds()),
    "arrow, one effect a level": (
        ModelSpecification("label ~ scd_b + (1 | attr_a) + (1 | store)"),
        long_tailed(1_500, 70),
    ),
    "arrow, two effects a level": (
        ModelSpecification("label ~ scd_b + (scd_b | store) + (1 | attr_b)"),
        long_tailed(1_500, 70),
    ),
    "arrow and nothing else": (ModelSpecification("label ~ 0 + (1 | store)"), long_tailed(1_500, 70)),
}
N_POINTS = 6


@pytest.fixture(params=MODELS)
def carried(request):
    """Frame, design, compressed, transport, and points (theta, z) around the reference."""
    specification, frame = MODELS[request.param]
    design = learn(specification, frame)
    compressed = compress_enough(design, encode(design, frame))
    transport = transport_at(compressed.joint, compressed.mode)
    is_arrow = request.param.startswith("arrow")
    assert bool(compressed.elimination.order.head.size) is is_arrow
    rng = np.random.default_rng(2)
    thetas = compressed.mode.theta + 0.5 * rng.normal(size=(N_POINTS, compressed.joint.n_sds))
    zs = rng.normal(size=(N_POINTS, compressed.joint.n_coefficients))
    return frame, design, compressed, transport, thetas, zs


def dense_precision(compressed, transport, theta: np.ndarray) -> np.ndarray:
    """P(theta) by plain NumPy, from the reference mode."""
    joint, matrix = compressed.joint, np.asarray(compressed.joint.matrix)
    p = expit(matrix @ compressed.mode.x)
    hessian = matrix.T @ ((joint.weights * p * (1 - p))[:, None] * matrix)
    return hessian + np.diag(transport.common_precision + joint.spread(np.exp(-2 * theta)))


def test_the_density_is_bambis_plus_the_log_determinant_of_the_map(carried):
    frame, design, compressed, transport, thetas, zs = carried
    at = compressed.at
    x = np.array([transport.coefficients(t, z) for t, z in zip(thetas, zs, strict=True)])
    posterior = Posterior(at.to_raw(x)[None], at.sds_to_raw(thetas)[None], {}, {"engine": "none"})
    centred = x[:, at.intercept] if at.intercept is not None else np.full(N_POINTS, np.nan)
    draws = to_tree(design, posterior)["posterior"].to_dataset()

    plain = log_densities(bambi_on(frame, design), draws, centred)

    ours = np.array([transport.log_density(t, z)[0] for t, z in zip(thetas, zs, strict=True)])
    log_dets = [np.linalg.slogdet(dense_precision(compressed, transport, t))[1] for t in thetas]
    assert np.ptp(plain - 0.5 * np.array(log_dets) - ours) < 1e-3


def test_coefficients_are_whitened_by_the_precision(carried):
    *_, compressed, transport, thetas, zs = carried
    theta, z = thetas[0], zs[0]

    mean, x = transport.coefficients(theta, 0 * z), transport.coefficients(theta, z)

    precision = dense_precision(compressed, transport, theta)
    np.testing.assert_allclose(precision @ mean, transport.linear, rtol=1e-7, atol=1e-7)
    assert (x - mean) @ precision @ (x - mean) == pytest.approx(z @ z)


def test_the_reference_mode_is_where_z_is_zero(carried):
    *_, compressed, transport, _, zs = carried

    x = transport.coefficients(compressed.mode.theta, 0 * zs[0])

    np.testing.assert_allclose(x, compressed.mode.x, atol=1e-4)


def test_gradients_are_those_of_finite_differences(carried):
    *_, transport, thetas, zs = carried
    for theta, z in zip(thetas[:2], zs[:2], strict=True):
        flat, n_sds = np.concatenate([theta, z]), len(theta)

        _, by_theta, by_z = transport.log_density(theta, z)

        found = np.concatenate([by_theta, by_z])
        for i in range(len(flat)):
            step = np.zeros_like(flat)
            step[i] = 1e-5
            ends = [transport.log_density(p[:n_sds], p[n_sds:])[0] for p in (flat + step, flat - step)]
            assert found[i] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-4, abs=1e-4)


def test_pymc_sees_the_same_value_and_gradient(carried):
    *_, transport, thetas, zs = carried
    model = transport_model(transport)
    point = {"theta": thetas[0], "z": zs[0]}

    value = model.compile_logp(mode="FAST_COMPILE")(point)
    gradient = model.compile_dlogp(mode="FAST_COMPILE")(point)

    expected, by_theta, by_z = transport.log_density(thetas[0], zs[0])
    assert value == pytest.approx(expected)
    np.testing.assert_allclose(gradient, np.concatenate([by_theta, by_z]))


def test_the_compiled_density_is_that_of_numpy(carried):
    *_, transport, thetas, zs = carried
    loops = kernel.compiled(transport)
    assert loops is not transport

    for theta, z in zip(thetas, zs, strict=True):
        found, expected = (t.log_density(theta, z) for t in (loops, transport))
        for ours, numpys in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, numpys, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(
            loops.coefficients(theta, z), transport.coefficients(theta, z), rtol=1e-9, atol=1e-9
        )


@pytest.mark.parametrize("theta", [[-800.0, 0.0], [0.0, 800.0], [-400.0, 400.0]], ids=str)
def test_overflowing_sds_are_impossible_not_fatal(theta):
    specification, frame = MODELS["default"]
    design = learn(specification, frame)
    compressed = compress_enough(design, encode(design, frame))
    transport = transport_at(compressed.joint, compressed.mode)
    point = {"theta": np.array(theta), "z": np.zeros(compressed.joint.n_coefficients)}

    with np.errstate(all="ignore"):
        value = transport_model(transport).compile_logp(mode="FAST_COMPILE")(point)
        compiled = kernel.compiled(transport).log_density(point["theta"], point["z"])[0]

    assert not value > -1e30
    assert not compiled > -1e30
