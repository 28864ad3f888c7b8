"""The worst of many parameters: what its r_hat and ESS reach where nothing is wrong, and where one thing is."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from arviz_stats.base import array_stats
from scipy import stats

from data_science.engines.importance import least_effective
from data_science.evaluation import diagnostics
from data_science.evaluation.diagnostics import worst_rhat_by_chance
from data_science.judgement.gates import judge
from data_science.limits import ESS_MIN, RHAT_MAX

SEEDS = 100
LENGTHS = (250, 1_000)


def estimates(draws):
    """ArviZ's of every parameter, draws of shape (chain, draw, parameter)."""
    axes = {"chain_axis": 0, "draw_axis": 1}
    return pd.DataFrame(
        {
            "ess_bulk": array_stats.ess(draws, method="bulk", **axes),
            "ess_tail": array_stats.ess(draws, method="tail", prob=(0.05, 0.95), **axes),
            "r_hat": array_stats.rhat(draws, **axes),
        },
        index=[f"x[{k}]" for k in range(draws.shape[2])],
    )


def failures(table, draws, n_parameters):
    """What the gates say of the parameters in the table, if they are the worst of so many."""
    values = xr.Dataset({"x": (("chain", "draw", "k"), draws)}, attrs={"engine": "nuts"})
    measured = diagnostics.measure(xr.DataTree.from_dict({"posterior": values}), table, (0.0, 1.0), 0.5)
    chance = worst_rhat_by_chance(n_parameters, *draws.shape[:2])
    return judge(replace(measured, rhat_by_chance=chance)).failures


def sticky(draws, rng):
    """One chain stays where it was ninety-nine times in a hundred."""
    for t in range(1, draws.shape[1]):
        draws[1, t] = np.where(rng.random(draws.shape[2]) < 0.99, draws[1, t - 1], draws[1, t])


def slow(draws, rng):
    """Neighbouring draws have a correlation of .98."""
    for t in range(1, draws.shape[1]):
        draws[:, t] = 0.98 * draws[:, t - 1] + math.sqrt(1 - 0.98**2) * draws[:, t]


def shifted(draws, rng):
    draws[2] += 0.8


def scaled(draws, rng):
    draws[3] *= 2.0


@pytest.mark.parametrize("n_draws", LENGTHS)
@pytest.mark.parametrize("fault", [slow, shifted, scaled, sticky])
def test_one_bad_parameter_among_ten_thousand_is_refused(fault, n_draws):
    rng = np.random.default_rng(12)
    draws = rng.normal(size=(4, n_draws, SEEDS))  # the one of each seed
    fault(draws, rng)

    table = estimates(draws)

    refused = [failures(table.iloc[[k]], draws[..., [k]], 10_000) for k in range(SEEDS)]
    assert sum(map(bool, refused)) >= 0.99 * SEEDS


def worst_pass(n_parameters, n_draws, seeds):
    """In how many seeds independent draws pass, of so many parameters, and what ESS the worst has."""
    passed, lowest = 0, []
    for seed in range(seeds):
        draws = np.random.default_rng(seed).normal(size=(4, n_draws, n_parameters))
        table = estimates(draws)
        passed += not failures(table, draws, n_parameters)
        lowest.append(table[["ess_bulk", "ess_tail"]].to_numpy().min())
    return passed, np.array(lowest)


def test_independent_draws_of_hundreds_of_parameters_pass_and_their_worst_ess_is_as_expected():
    passed, lowest = worst_pass(300, 250, seeds=8)

    assert passed >= 7
    assert (lowest > ESS_MIN * 1_000 / least_effective(300, 1_000, 10_000)).sum() >= 7


@pytest.mark.slow  # a quarter of an hour
@pytest.mark.parametrize("n_draws", LENGTHS)
def test_independent_draws_of_ten_thousand_parameters_pass(n_draws):
    passed, lowest = worst_pass(10_000, n_draws, seeds=SEEDS if n_draws < 1_000 else SEEDS // 5)

    assert passed >= 0.99 * len(lowest) - 1  # one more by chance


@pytest.mark.parametrize(("n_parameters", "n_draws"), [(0, 100), (5, 3)])
def test_where_nothing_is_compared_chance_explains_nothing(n_parameters, n_draws):
    assert worst_rhat_by_chance(n_parameters, 4, n_draws) == 0.0


def test_the_shortest_chains_and_a_single_parameter_are_compared():
    """Four draws: two halves of two each, whose F ratio has 7 and 8 degrees of freedom."""
    ratio = stats.f.ppf(1 - 0.01 / 2, 7, 8)

    assert worst_rhat_by_chance(1, 4, 4) == pytest.approx(np.sqrt(1 + (ratio - 1) / 2))


def test_a_dozen_parameters_of_long_chains_keep_the_limit_of_one():
    assert worst_rhat_by_chance(13, 4, 2_000) < RHAT_MAX


def test_the_limit_is_no_further_off_than_chance_asks_for():
    rng = np.random.default_rng(11)

    worst = max(
        float(array_stats.rhat(rng.normal(size=(4, 150, 300)), chain_axis=0, draw_axis=1).max())
        for _ in range(10)
    )

    assert worst_rhat_by_chance(300, 4, 150) < 1.5 * worst - 0.5


@pytest.mark.parametrize(("n_parameters", "n_kept", "n_asked", "least"), [
    (13, 8_000, 8_000, (500, 540)), (10_000, 1_000, 8_000, (900, 1_000)), (5, 40, 40, (20, 20)),
    (5, 40, 8_000, (500, 4_000)),
])  # fmt: skip
def test_draws_are_enough_for_the_worst_of_so_many_or_as_many_as_were_asked_for(
    n_parameters, n_kept, n_asked, least
):
    assert least[0] <= least_effective(n_parameters, n_kept, n_asked) <= least[1]
