"""What counts as standing out: groups large enough, deviations beyond those of shuffled labels, and no p-value of zero."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from book import exploration
from book.exploration import Screen


def levels(*counts):
    """Levels 1, 2, ... with so many clients."""
    return exploration.as_levels(pd.Series(np.repeat(np.arange(len(counts)) + 1, counts)))


def labels(*shares):
    """Labels of groups: so many ones among so many clients each."""
    return pd.Series(np.concatenate([np.repeat([1, 0], [ones, n - ones]) for ones, n in shares]))


def screen(observed, shuffled):
    return Screen(pd.DataFrame(), observed, np.array(shuffled))


@pytest.mark.parametrize(
    ("shuffled", "p_value", "stands_out"),
    [
        ([1.0] * 39, 1 / 40, True),
        ([1.0] * 18 + [3.0], 2 / 20, False),
        ([1.0] * 19, 1 / 20, False),  # as often as one time in twenty is not less
        ([1.0] * 38 + [3.0, 2.0], 2 / 41, True),
        ([1.0] * 37 + [3.0, 2.5], 3 / 40, False),
        ([2.5] * 4, 1.0, False),
    ],
)
def test_the_p_value_counts_the_data_as_one_of_the_shuffles(shuffled, p_value, stands_out):
    found = screen(2.5, shuffled)

    assert found.p_value == pytest.approx(p_value)
    assert (found.p_value < 0.05) is stands_out


@pytest.mark.parametrize(
    ("n", "rate", "judged"),
    [
        (20, 0.25, True),  # 5 ones are expected
        (19, 0.25, False),
        (20, 0.75, True),  # 5 zeros
        (19, 0.75, False),
        (1_000, 0.25, False),  # everybody: nothing to compare with
        (999, 0.25, True),
    ],
)
def test_a_group_is_judged_from_five_expected_ones_and_zeros_on(n, rate, judged):
    label = np.zeros(1_000, int)
    label[: round(1_000 * rate)] = 1
    groups = levels(*([n, 1_000 - n] if n < 1_000 else [n]))

    found = exploration.deviations(groups, label)

    assert np.isfinite(found["1"]) == judged


def test_groups_that_can_be_judged_are_named_beside_those_that_cannot():
    groups, label = {"attr": levels(60, 5, 335)}, labels((20, 60), (0, 5), (20, 335))

    found = exploration.screen(groups, label, n_shuffles=19)

    row = found.table.loc["attr"]
    assert (row["groups"], row["level"]) == (2, "1")
    law = stats.hypergeom(400, 40, 60)
    assert row["deviation"] == found.observed == pytest.approx((20 - law.mean()) / law.std())
    assert row["p_family"] == found.p_value == 1 / 20
    assert len(found.shuffled) == 19
    assert row["shuffled_95"] == pytest.approx(np.quantile(found.shuffled, 0.95))  # of one margin: of all


def test_a_margin_without_a_group_to_judge_deviates_by_nothing_and_hides_no_other():
    groups, label = {"tiny": levels(*[4] * 100), "attr": levels(100, 300)}, labels((20, 100), (20, 300))

    found = exploration.screen(groups, label, n_shuffles=19)

    assert found.table.loc["tiny", ["groups", "level", "deviation"]].tolist() == [
        0,
        "none is large enough",
        0,
    ]
    assert found.table.loc["tiny", "p_family"] == 1
    assert found.observed == found.table.loc["attr", "deviation"] > 3


@pytest.mark.parametrize(
    "shuffled",
    [lambda *given, **asked: exploration.screen(*given, **asked).shuffled, exploration.intervals_by_chance],
    ids=["the largest deviation", "intervals without the rate"],
)
def test_there_are_200_shuffles_the_same_every_time_unless_others_are_asked_for(shuffled):
    groups, label = {"attr": levels(100, 300)}, labels((20, 100), (20, 300))

    usual = shuffled(groups, label)

    assert len(usual) == 200
    assert np.array_equal(usual[:20], shuffled(groups, label, n_shuffles=20, seed=1))
    assert not np.array_equal(usual[:20], shuffled(groups, label, n_shuffles=20, seed=2))


def test_an_interval_that_ends_at_the_overall_rate_does_not_leave_it_out():
    table = pd.DataFrame({"low": [0.1, 0.2, 0.3, 0.0, 0.0], "high": [0.3, 0.4, 0.5, 0.2, 0.1]})

    assert exploration.intervals_without(table, 0.2) == 2


def test_the_middle_of_an_interval_is_the_median_and_the_interval_holds_95_percent():
    table = exploration.rate_intervals(levels(10, 4), labels((3, 10), (0, 4)))

    law = stats.beta(3.5, 7.5)
    assert table.loc["1", ["low", "middle", "high"]].tolist() == pytest.approx(
        [law.ppf(0.025), law.median(), law.ppf(0.975)]
    )
    assert table["n"].tolist() == [10, 4]
    assert table["positive"].tolist() == [3, 0]


def test_a_shuffled_label_is_dealt_to_the_same_clients_under_its_name():
    label = labels((20, 100)).rename("label").set_axis(range(7, 107))

    dealt = exploration.shuffled_label(label, 3)

    assert dealt.index.equals(label.index)
    assert dealt.name == "label"
    assert dealt.equals(exploration.shuffled_label(label, 3))
    assert not dealt.equals(exploration.shuffled_label(label, 4))
