"""As many Gauss nodes as moments determine: of few points, of narrow cells, of skew ones."""

import numpy as np
import pytest

from data_science.likelihood.quadrature import chebyshev_of_powers, supported

RNG = np.random.default_rng(1)
MEASURES = {
    "one point, often": np.full(40, 0.3),
    "two points": np.repeat([-0.9, 0.8], [30, 3]),
    "five points": RNG.choice([-1.0, -0.2, 0.1, 0.4, 1.0], 100),
    "nine rows": RNG.uniform(-1, 1, 9),
    "many rows": RNG.uniform(-1, 1, 5_000),
    "a narrow cell": RNG.uniform(0.30, 0.31, 5_000),
    "a skew one": np.clip(RNG.lognormal(-4, 1, 5_000) - 1, -1, 1),
}


@pytest.mark.parametrize("name", MEASURES)
def test_nodes_lie_among_the_values_and_have_their_moments(name):
    u = MEASURES[name]
    sums = np.array([[np.sum(u**k) for k in range(12)]])
    low, high = np.array([u.min()]), np.array([u.max()])

    ((_, nodes, weights),) = [
        found for found in supported(chebyshev_of_powers(sums, low, high)) if len(found[0])
    ]

    half = (high - low) / 2
    at = ((low + high) / 2 + half * nodes).ravel()
    assert (weights > 0).all()
    assert at.min() >= u.min() - 1e-9
    assert at.max() <= u.max() + 1e-9
    assert len(at) == min(6, len(np.unique(u))) or name == "a narrow cell"
    assert len(at) >= 3 or len(np.unique(u)) < 3
    for k in range(2 * len(at)):  # about the middle, to the digits of the whole range
        moment = weights[0] @ (half * nodes[0]) ** k
        assert moment == pytest.approx(np.sum((u - (low + high) / 2) ** k), abs=3e-9 * len(u))
