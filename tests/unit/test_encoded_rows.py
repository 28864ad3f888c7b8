"""Encoded rows: which are equal, how some of them are taken, where their coefficients are."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_science.formula import rows as rows_module
from data_science.formula.rows import Observations, Rows

NUMBERS = st.sampled_from([
    [0.0, 1.0], [-3.0, 2.0], [0.5, 0.25], [4095.0, 0.0], [4096.0, 0.0], [1e15, 1e15 + 1.0],
    [2.0**53, 2.0**53 + 2.0], [1e300, -1e300], [-0.0, 0.0], [1e-300, 0.0], [7.0, 8.0, 4103.0, 4102.5],
])  # fmt: skip
COLUMNS = st.one_of(
    NUMBERS.map(lambda values: ("number", values)),
    st.sampled_from([2, 3, 1000]).map(lambda n: ("code", list(range(n)))),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kinds=st.lists(COLUMNS, min_size=1, max_size=4),
    n_rows=st.integers(1, 60),
    seed=st.integers(0, 2**32 - 1),
    most_places=st.sampled_from([1, 5, 2**20]),
)
def test_rows_are_equal_exactly_if_all_their_values_are(kinds, n_rows, seed, most_places):
    rng = np.random.default_rng(seed)
    codes, numbers = {}, {}
    for place, (kind, values) in enumerate(kinds):
        drawn = rng.choice(values, n_rows)
        if kind == "code":
            codes[f"c{place}"] = drawn.astype(np.intp)
        else:
            numbers[f"n{place}"] = drawn.astype(float)
    rows = Rows(codes, numbers, n_rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "MOST_PLACES", most_places)
        first, places = rows.distinct()

    table = pd.DataFrame({**codes, **numbers})
    assert first.tolist() == table.drop_duplicates().index.tolist()  # in the order in which they come
    back = rows.take(first).take(places)
    assert len(back) == n_rows
    for column, values in {**codes, **numbers}.items():
        again = back.codes[column] if column in codes else back.numeric[column]
        np.testing.assert_array_equal(again, values)


def test_rows_without_columns_are_all_equal():
    first, places = Rows({}, {}, 4).distinct()

    assert first.tolist() == [0]
    assert places.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("part", "n_rows"),
    [(slice(1, 3), 2), (slice(None), 5), (np.array([4, 0, 0]), 3), (slice(9, 9), 0)],
)
def test_some_rows_are_taken_with_their_number(part, n_rows):
    rows = Rows({"a": np.arange(5)}, {"x": np.arange(5) / 2}, 5)

    taken = rows.take(part)

    assert len(taken) == n_rows
    assert taken.codes["a"].tolist() == np.arange(5)[part].tolist()
    assert taken.numeric["x"].tolist() == (np.arange(5) / 2)[part].tolist()


def test_no_rows_are_distinct_from_nothing():
    first, places = Rows({"g": np.zeros(0, dtype=np.intp)}, {"x": np.zeros(0)}, 0).distinct()

    assert (first.tolist(), places.tolist()) == ([], [])


def test_many_levels_do_not_overflow_the_numbering_of_places():
    rng = np.random.default_rng(9)
    codes = {f"g{k}": rng.integers(0, 1000, 3_000) for k in range(8)}  # 10^24 products of levels

    first, _ = Rows(codes, {}, 3_000).distinct()

    assert len(first) == len(pd.DataFrame(codes).drop_duplicates())


def test_a_numeric_column_can_be_left_out():
    rows = Rows({"g": np.array([0, 1])}, {"x": np.array([1.0, 2.0]), "z": np.array([3.0, 4.0])}, 2)

    rest = rows.without("x")

    assert (list(rest.codes), list(rest.numeric), len(rest)) == (["g"], ["z"], 2)
    assert list(rows.numeric) == ["x", "z"]


@pytest.mark.parametrize(
    ("most", "kept"),
    [(5, [0, 25, 50, 75, 100]), (1, [0]), (2, [0, 100]), (101, range(101)), (10**6, range(101))],
)
def test_thinned_rows_are_the_first_the_last_and_evenly_spaced_ones_between(most, kept):
    thinned = Rows({}, {"x": np.arange(101.0)}, 101).thinned(most)

    assert thinned.numeric["x"].tolist() == list(kept)
    assert len(thinned) == len(kept)


def test_observations_that_are_taken_keep_their_response():
    rows = Observations(
        {"g": np.array([0, 1, 2])}, {}, 3, np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0])
    )

    taken = rows.take(np.array([2, 0]))

    assert len(taken) == 2
    assert (taken.codes["g"].tolist(), taken.successes.tolist(), taken.trials.tolist()) == (
        [2, 0],
        [2, 0],
        [3, 1],
    )
    assert type(rows.without("x")) is Rows
