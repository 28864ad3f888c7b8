"""Reading rows: in which column order they come, how they are cut, what is refused."""

import numpy as np
import pandas as pd
import pytest
from serving_cases import COMMON_FACTOR, DEFAULT, ROW

from data_science.errors import FeatureError
from data_science.prediction import rows as rows_module
from data_science.prediction.rows import RowReader

READER = RowReader.of(DEFAULT, "population")


@pytest.mark.parametrize("n_rows", [1, 9, 10, 11, 25])
def test_chunks_cover_a_frame_in_order(n_rows):
    frame = pd.DataFrame([ROW] * n_rows).assign(scd_a=np.arange(n_rows, dtype=float))

    parts = list(READER.chunks(frame, 10))

    assert [len(rows) for _, rows in parts] == [10] * (n_rows // 10) + [n_rows % 10] * (n_rows % 10 > 0)
    assert np.concatenate([rows.numeric["scd_a"] for _, rows in parts]).tolist() == list(range(n_rows))
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
