"""Rows as codes and numbers: which rows are equal, in which column order they come, how they are cut."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving_cases import COMMON_FACTOR, DEFAULT, ROW

from data_science.errors import FeatureError
from data_science.prediction import rows as rows_module
from data_science.prediction.rows import RowReader, Rows, distinct_rows

READER = RowReader.of(DEFAULT, "population")

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
        distinct, places = distinct_rows(rows)

    table = pd.DataFrame({**codes, **numbers})
    assert distinct.n_rows == len(table.drop_duplicates())
    back = distinct.take(places)
    assert back.n_rows == n_rows
    for column, values in {**codes, **numbers}.items():
        again = back.codes[column] if column in codes else back.numbers[column]
        np.testing.assert_array_equal(again, values)


def test_rows_without_columns_are_all_equal():
    distinct, places = distinct_rows(Rows({}, {}, 4))

    assert distinct.n_rows == 1
    assert places.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("part", "n_rows"),
    [(slice(1, 3), 2), (slice(None), 5), (np.array([4, 0, 0]), 3), (slice(9, 9), 0)],
)
def test_some_rows_are_taken_with_their_number(part, n_rows):
    rows = Rows({"a": np.arange(5)}, {"x": np.arange(5) / 2}, 5)

    taken = rows.take(part)

    assert taken.n_rows == n_rows
    assert taken.codes["a"].tolist() == np.arange(5)[part].tolist()
    assert taken.numbers["x"].tolist() == (np.arange(5) / 2)[part].tolist()


@pytest.mark.parametrize("n_rows", [1, 9, 10, 11, 25])
def test_chunks_cover_a_frame_in_order(n_rows):
    frame = pd.DataFrame([ROW] * n_rows).assign(scd_a=np.arange(n_rows, dtype=float))

    parts = list(READER.chunks(frame, 10))

    assert [rows.n_rows for _, rows in parts] == [10] * (n_rows // 10) + [n_rows % 10] * (n_rows % 10 > 0)
    assert np.concatenate([rows.numbers["scd_a"] for _, rows in parts]).tolist() == list(range(n_rows))
    assert [(part.start, part.stop) for part, _ in parts] == [
        (first, min(first + 10, n_rows)) for first in range(0, n_rows, 10)
    ]


def test_the_row_that_cannot_be_read_is_counted_over_all_chunks():
    frame = pd.DataFrame([ROW] * 25).astype({"attr_a": object})
    frame.loc[23, "attr_a"] = "x"

    with pytest.raises(FeatureError, match=r"^row 23: attr_a is 'x' \(str\); expected an integer") as refusal:
        list(READER.chunks(frame, 10))
    assert refusal.value.column == "attr_a"


def test_column_orders_are_remembered_up_to_a_limit_and_read_right_beyond_it(monkeypatch):
    monkeypatch.setattr(rows_module, "REMEMBERED_LAYOUTS", 3)
    reader = RowReader.of(DEFAULT, "population")
    frame = pd.DataFrame([ROW])
    found, remembered = [], []

    for extra in range(5):
        for _ in range(2):
            found.append(reader.only_row(frame.assign(**{f"extra {extra}": 1})[[f"extra {extra}", *ROW]]))
            remembered.append(len(reader._layouts))

    assert found == [ROW] * 10
    assert remembered == [1, 1, 2, 2, 3, 3, 1, 1, 2, 2]


def test_a_column_that_is_missing_is_named_with_what_came_and_what_was_expected():
    with pytest.raises(FeatureError) as refusal:
        READER.one({"attr_a": 1, "attr_b": "a", 7: 1})

    assert str(refusal.value) == (
        "scd_a is missing; expected the columns attr_a, attr_b, scd_a, scd_b, got ['attr_a', 'attr_b', '7']"
    )
    assert refusal.value.column == "scd_a"


@pytest.mark.parametrize(
    ("encoding", "policy", "refusing"),
    [
        (DEFAULT, "population", set()),
        (DEFAULT, "refuse", {"attr_a", "attr_b"}),
        (COMMON_FACTOR, "population", {"attr_b"}),
        (COMMON_FACTOR, "refuse", {"attr_a", "attr_b"}),
    ],
)
def test_unseen_levels_are_refused_by_policy_and_in_common_effects(encoding, policy, refusing):
    levels = RowReader.of(encoding, policy).levels

    assert {column for column, reader in levels.items() if reader.refuses_unseen} == refusing
