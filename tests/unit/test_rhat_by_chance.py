"""What the largest of many r_hat reaches where nothing is wrong."""

import numpy as np
import pytest
from arviz_stats.base import array_stats
from scipy import stats

from data_science.evaluation.diagnostics import worst_rhat_by_chance
from data_science.limits import RHAT_MAX


def test_the_worst_of_many_good_r_hat_exceeds_its_limit_by_chance_once_in_a_hundred():
    """Split chains of 75 draws, 300 parameters; more than 3 excesses of 30 are rarer than once in a thousand."""
    rng = np.random.default_rng(11)
    limit = worst_rhat_by_chance(300, 4, 150)

    worst = [
        float(array_stats.rhat(rng.normal(size=(4, 150, 300)), chain_axis=0, draw_axis=1).max())
        for _ in range(30)
    ]

    assert sum(found > limit for found in worst) <= 3
    assert limit < 1.5 * max(worst) - 0.5  # and it is no further off than chance asks for


def test_one_bad_parameter_among_many_is_beyond_chance():
    rng = np.random.default_rng(12)
    limit = worst_rhat_by_chance(10_000, 4, 250)

    for _ in range(20):
        draws = rng.normal(size=(4, 250, 1))
        draws[0] += 1.0
        assert float(array_stats.rhat(draws, chain_axis=0, draw_axis=1)[0]) > limit


@pytest.mark.parametrize(("n_parameters", "n_draws"), [(0, 100), (5, 3)])
def test_where_nothing_is_compared_chance_explains_nothing(n_parameters, n_draws):
    assert worst_rhat_by_chance(n_parameters, 4, n_draws) == 0.0


def test_the_shortest_chains_and_a_single_parameter_are_compared():
    """Four draws: two halves of two each, whose F ratio has 7 and 8 degrees of freedom."""
    ratio = stats.f.ppf(1 - 0.01 / 2, 7, 8)

    assert worst_rhat_by_chance(1, 4, 4) == pytest.approx(np.sqrt(1 + (ratio - 1) / 2))


def test_a_dozen_parameters_of_long_chains_keep_the_limit_of_one():
    assert worst_rhat_by_chance(13, 4, 2_000) < RHAT_MAX
