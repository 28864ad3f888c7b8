"""The normal proposal with a few wider draws: its density, and its spread."""

import numpy as np
import pytest
from scipy import stats

from data_science.engines.defensive import defensive_normal, log_defensive


@pytest.mark.parametrize("order", [1, 4, 30])
def test_the_defensive_density_is_a_mixture_of_two_normals(order):
    z = np.random.default_rng(5).normal(size=(20, order)) * 2

    found = log_defensive(z)

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
