"""Intervals are the conjugate posterior's, and shuffling is the yardstick."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from book import exploration
from book.exploration import CROSS
from tests.frames import features


def clients(n: int = 2_000, seed: int = 1, effect: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = features(rng, n)
    return frame.assign(label=(rng.random(n) < 0.1 + effect * (frame["attr_b"] == "d")).astype(int))


def test_an_interval_is_that_of_the_beta_posterior():
    groups = exploration.as_levels(pd.Series([1] * 10 + [2] * 4))
    label = pd.Series([1] * 3 + [0] * 7 + [0] * 4)

    table = exploration.rate_intervals(groups, label, prob=0.9)

    assert table.loc["1", ["low", "high"]].tolist() == pytest.approx(
        stats.beta(3.5, 7.5).interval(0.9), abs=1e-12
    )
    assert table.loc["2", "positive"] == 0
    assert table.loc["2", "low"] > 0


def test_a_continuous_feature_is_cut_into_tenths_of_the_clients():
    values = pd.Series(np.random.default_rng(1).random(1_000))

    levels = exploration.as_levels(values)

    assert levels.value_counts().tolist() == pytest.approx([100] * 10, abs=2)


def test_levels_keep_their_order_and_pairs_have_every_combination():
    groups = exploration.margins(clients(), ("attr_a", "attr_b"))

    assert groups["attr_a"].cat.categories.tolist() == list("12345")
    pair, first = (
        groups["attr_a" + CROSS + "attr_b"],
        [str(groups[name].iloc[0]) for name in ("attr_a", "attr_b")],
    )
    assert len(pair.cat.categories) == 20
    assert pair.iloc[0] == CROSS.join(first)


def test_a_deviation_is_in_standard_deviations_of_the_hypergeometric_distribution():
    groups = exploration.as_levels(pd.Series([1] * 100 + [2] * 300))
    label = np.r_[np.ones(20), np.zeros(80), np.ones(20), np.zeros(280)].astype(int)

    found = exploration.deviations(groups, label)

    law = stats.hypergeom(400, 40, 100)
    assert found["1"] == pytest.approx((20 - law.mean()) / law.std())
    assert found["1"] == pytest.approx(-found["2"])


def test_groups_too_small_to_judge_are_left_out():
    groups = exploration.as_levels(pd.Series([1] * 5 + [2] * 395))

    assert np.isnan(exploration.deviations(groups, np.arange(400) % 10 == 0)["1"])


def test_a_real_difference_stands_out_of_all_groups():
    frame = clients(effect=0.15)

    found = exploration.screen(exploration.margins(frame), frame["label"], n_shuffles=50)

    assert found.p_value < 0.05
    assert "attr_b" in found.table["p_family"].idxmin()


def test_without_signal_something_stands_out_about_one_time_in_twenty():
    groups = exploration.margins(clients(600), pairs=False)
    draws = (clients(600, seed=seed)["label"] for seed in range(60))

    p_values = [exploration.screen(groups, label, n_shuffles=39, seed=7).p_value for label in draws]

    assert stats.kstest(p_values, "uniform").pvalue > 0.001
    assert sum(p < 0.05 for p in p_values) <= 9  # binomial(60, 0.05) exceeds 9 once in 1,000


def test_a_shuffled_label_keeps_the_rate():
    label = clients()["label"]

    assert exploration.shuffled_label(label, 3).sum() == label.sum()
    assert (exploration.shuffled_label(label, 3) != label).any()


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e6])
def test_the_names_of_tenths_tell_them_apart_on_any_scale(scale):
    levels = exploration.as_levels(pd.Series(np.random.default_rng(1).random(1_000) * scale))

    assert len(set(levels.cat.categories)) == 10


def test_a_group_that_is_most_of_the_clients_hardly_ever_leaves_out_the_overall_rate():
    groups = {"attr": exploration.as_levels(pd.Series([1] * 1_900 + [2] * 100))}
    label = pd.Series((np.arange(2_000) % 10 == 0).astype(int))

    found = exploration.intervals_by_chance(groups, label, n_shuffles=400, seed=2)

    # The large group misses it never, the small one about as often as the 5 % of its interval.
    assert found.max() <= 1
    assert 0.01 < found.mean() < 0.09


def test_combinations_that_no_client_has_are_not_groups():
    frame = pd.DataFrame({"attr_a": [1, 1, 2], "attr_b": ["a", "b", "b"]})

    pair = exploration.margins(frame, ("attr_a", "attr_b"))["attr_a" + CROSS + "attr_b"]

    assert pair.cat.categories.tolist() == ["1" + CROSS + "a", "1" + CROSS + "b", "2" + CROSS + "b"]


def test_where_no_group_is_large_enough_none_is_named():
    frame = clients(30)

    found = exploration.screen(exploration.margins(frame, pairs=False), frame["label"], n_shuffles=10)

    assert found.table["groups"].sum() == 0
    assert set(found.table["level"]) == {"none is large enough"}
