"""Values become levels that have their order, are told apart, and are not more than a reader can look at."""

import numpy as np
import pandas as pd
import pytest

from book import exploration
from book.exploration import CROSS

MOST = 12  # levels of a number


def tenths_of(values):
    """Names of the tenths, and the values that lie in each."""
    levels = exploration.as_levels(values)
    return {name: values[levels == name] for name in levels.cat.categories}


def test_a_number_with_many_values_is_cut_and_one_with_few_is_not():
    few, many = pd.Series(list(range(MOST)) * 5), pd.Series(list(range(MOST + 1)) * 5)

    assert exploration.as_levels(few).cat.categories.tolist() == [str(value) for value in range(MOST)]
    assert len(exploration.as_levels(many).cat.categories) == 10


def test_text_is_never_cut():
    levels = exploration.as_levels(pd.Series([f"level {n:02}" for n in range(30)]))

    assert len(levels.cat.categories) == 30


@pytest.mark.parametrize("values", [[3, 1, 2], np.arange(50.0), list("cab")], ids=["few", "many", "text"])
def test_levels_are_in_their_order_and_belong_to_their_clients(values):
    values = pd.Series(values, index=range(7, 7 + len(values)), name="scd_a")

    levels = exploration.as_levels(values)

    assert levels.cat.ordered
    assert levels.index.equals(values.index)
    assert levels.name == "scd_a"
    assert levels.sort_values().index.tolist()[0] == values.idxmin()
    crossed = exploration.crossed(levels, levels)
    assert crossed.cat.ordered
    assert crossed.index.equals(values.index)
    assert crossed.loc[values.index[0]] == CROSS.join([str(levels.iloc[0])] * 2)


def test_a_tenth_holds_the_values_between_the_ends_it_is_named_by():
    tenths = tenths_of(pd.Series(np.arange(101.0)))

    assert list(tenths)[:2] == ["0.00 to 10.00", "10.00 to 20.00"]
    assert list(tenths)[-1] == "90.00 to 100.00"
    for name, values in tenths.items():
        low, high = map(float, name.split(" to "))
        assert low <= values.min() <= values.max() <= high
        assert len(values) == pytest.approx(10, abs=1)


@pytest.mark.parametrize(
    ("scale", "first"),
    [
        (1_000.0, "0.00 to 100.00"),
        (0.01, "0.000 to 0.001"),
        (1e-7, "0.00000000 to 0.00000001"),
        (1e-8, "0.0 to 1e-09"),  # eight decimals do not tell them apart
    ],
)
def test_names_have_two_decimals_and_more_only_where_they_are_needed(scale, first):
    tenths = tenths_of(pd.Series(np.arange(101) / 100 * scale).round(12))

    assert next(iter(tenths)) == first
    assert len(tenths) == 10


def test_ties_make_fewer_tenths_and_lose_nobody():
    values = pd.Series([0.0] * 500 + list(np.linspace(0, 1, 500)))

    tenths = tenths_of(values)

    assert len(tenths) < 10
    assert sum(map(len, tenths.values())) == 1_000


def test_single_features_are_listed_without_the_pairs():
    frame = pd.DataFrame({"attr_a": [1, 1, 2], "attr_b": list("abb"), "scd_a": [1, 2, 3]})
    groups = exploration.margins(frame, ("attr_a", "attr_b", "scd_a"))

    assert [name for name, _ in exploration.level_rows(groups)] == ["attr_a", "attr_b", "scd_a"]
    assert len(groups) == 6
    assert all(levels is groups[name] for name, levels in exploration.level_rows(groups))
    assert list(exploration.margins(frame, ("attr_a", "attr_b"), pairs=False)) == ["attr_a", "attr_b"]
