"""What one column holds and as what it can be read, value by value and at every limit."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from data_science.data.columns import EXPECTED, INTEGER_MAX, READ_AS, REAL_INTEGER_MAX, read

HUGE, EXACT = 2**63 - 1, 2**53


def column(values, dtype=object):
    return pd.Series(values, dtype=dtype, name="c", index=range(100, 100 + len(values)))


def faulty(reading):
    return reading.missing | reading.infinite | reading.refused


@pytest.mark.parametrize(
    ("value", "wanted", "refused"),
    [
        (HUGE, "integer", False),
        (HUGE + 1, "integer", True),
        (-HUGE, "integer", False),
        (-HUGE - 2, "integer", True),
        (HUGE, "key", False),
        (EXACT, "real", False),
        (EXACT + 1, "real", True),
        (-EXACT, "real", False),
        (-EXACT - 1, "real", True),
        (float(EXACT), "integer", False),
        (float(EXACT + 2), "integer", True),
        (-float(EXACT), "integer", False),
        (-float(EXACT + 2), "integer", True),
        (2.5, "integer", True),
        (-0.5, "integer", True),
        (1e300, "integer", True),
        (1e300, "real", False),
        (1e300, "number", False),
        (2.5, "level", True),
        (2.0, "level", False),
        (True, "real", True),
        (True, "integer", False),
        (True, "key", True),
        ("1", "number", True),
        ("1", "level", False),
        (1, "text", True),
        (np.inf, "integer", False),
    ],
)
def test_a_value_is_read_without_loss_or_refused(value, wanted, refused):
    reading = read(column([value]), wanted)

    assert reading.refused.tolist() == [refused]
    assert (reading.values is None) is (refused or value == np.inf)
    assert (INTEGER_MAX, REAL_INTEGER_MAX) == (HUGE, EXACT)


@pytest.mark.parametrize(
    ("dtype", "value", "wanted", "refused"),
    [
        ("int64", EXACT, "real", False),
        ("int64", EXACT + 1, "real", True),
        ("int64", -EXACT - 1, "real", True),
        ("uint64", EXACT + 1, "real", True),
        ("int64", HUGE, "integer", False),
        ("uint64", HUGE, "integer", False),
        ("uint64", HUGE + 1, "integer", True),
        ("float64", float(EXACT + 2), "integer", True),
        ("float64", 1e300, "real", False),
    ],
)
def test_a_value_of_a_typed_column_is_read_without_loss_or_refused_too(dtype, value, wanted, refused):
    assert read(column([value], dtype), wanted).refused.tolist() == [refused]


@pytest.mark.parametrize("wanted", READ_AS)
def test_every_wish_has_words_for_what_is_expected(wanted):
    assert EXPECTED[wanted]


@pytest.mark.parametrize(
    ("values", "wanted", "kind", "dtype"),
    [
        ([1, 2], "integer", "integer", "int64"),
        ([1.0, 2.0], "integer", "real", "int64"),
        ([True, False], "integer", "boolean", "int64"),
        ([True, False], "number", "boolean", "int64"),
        ([True, False], "level", "boolean", "bool"),
        ([1, 2], "real", "integer", "float64"),
        ([1, 2.5], "real", "real", "float64"),
        ([1, 2.5], "number", "real", "float64"),
        ([1, 2], "number", "integer", "int64"),
        ([3.0, 2], "level", "real", "int64"),
        ([3.0, 2], "key", "real", "int64"),
        (["a", "b"], "text", "text", "object"),
        (["a", "b"], "level", "text", "object"),
        (["a", "b"], "key", "text", "object"),
    ],
)
def test_a_column_is_typed_as_what_it_is_read_as(values, wanted, kind, dtype):
    reading = read(column(values), wanted)

    assert reading.kind == kind
    assert reading.values.dtype == dtype
    assert reading.values.tolist() == values
    assert reading.values.name == "c"
    assert reading.values.index.tolist() == [100, 101]
    assert not faulty(reading).any()


@pytest.mark.parametrize("dtype", [object, "float64"])
def test_missing_infinite_and_refused_rows_are_told_apart(dtype):
    reading = read(column([1.0, None, np.inf, 2.5, -np.inf, 3.0], dtype), "integer")

    assert reading.missing.tolist() == [False, True, False, False, False, False]
    assert reading.infinite.tolist() == [False, False, True, False, True, False]
    assert reading.refused.tolist() == [False, False, False, True, False, False]
    assert faulty(reading).tolist() == [False, True, True, True, True, False]
    assert reading.values is None


@pytest.mark.parametrize(
    ("values", "spoilt"), [([1.0, None], "missing"), ([1.0, np.inf], "infinite"), ([1.0, 2.5], "refused")]
)
def test_one_row_that_cannot_be_read_leaves_no_values(values, spoilt):
    reading = read(column(values), "integer")

    assert reading.values is None
    assert getattr(reading, spoilt).tolist() == [False, True]


def test_a_column_of_nothing_holds_nothing():
    reading = read(column([None, None]), "number")

    assert (reading.kind, reading.values) == ("nothing", None)
    assert reading.missing.all()
    assert not (reading.infinite | reading.refused).any()


def test_dates_and_mixtures_are_refused_where_they_are_not_missing():
    for values in ([pd.Timestamp(0), None], ["a", 1], [b"a", b"b"]):
        reading = read(column(values), "level")
        assert reading.values is None
        assert reading.refused.tolist() == [value is not None for value in values]


@pytest.mark.parametrize(
    ("categories", "wanted", "stays"),
    [
        (["b", "a"], "text", True),
        (["b", "a"], "level", True),
        ([2, 1], "level", True),
        ([2, 1], "real", False),
    ],
)
def test_a_category_stays_one_where_nothing_is_converted(categories, wanted, stays):
    values = pd.Series(pd.Categorical(categories, categories=categories, ordered=True))

    found = read(values, wanted).values

    assert isinstance(found.dtype, pd.CategoricalDtype) is stays
    assert found.tolist() == categories


NUMBERS = st.one_of(
    st.integers(), st.integers(-5, 5), st.booleans(), st.floats(), st.floats(-5, 5).map(round).map(float)
)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(
    values=st.lists(NUMBERS, min_size=1, max_size=4),
    wanted=st.sampled_from(["integer", "real", "number", "level"]),
)
def test_whatever_is_read_equals_what_came(values, wanted):
    reading = read(column(values), wanted)

    event("read" if reading.values is not None else "refused")
    if reading.values is not None:
        assert all(
            int(a) == int(b) and float(a) == float(b) for a, b in zip(reading.values, values, strict=True)
        )
    else:
        assert faulty(reading).any()


@pytest.mark.parametrize("wanted", ["level", "key", "integer"])
def test_decimals_that_would_share_a_float_are_no_whole_numbers(wanted):
    near = ["9007199254740992", "9007199254740993", "-9007199254740993", "1.00000000000000000001", "7.0"]
    column = pd.Series([*map(Decimal, near)], dtype=object)

    assert read(column, wanted).refused.tolist() == [False, True, True, True, False]
    assert not read(column, "real").refused.any()
    assert read(column[[0, 4]], wanted).values.tolist() == [2**53, 7]
