"""Values read as levels and numbers, one by one and by the column, or refused."""

import datetime
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from serving_cases import ATTR_A, ATTR_B, answer

from data_science.errors import FeatureError
from data_science.formula.encoding import Factor
from data_science.prediction.features import LevelReader, read_number, read_numbers

INTEGERS = LevelReader(ATTR_A, refuses_unseen=False)
TEXTS = LevelReader(ATTR_B, refuses_unseen=False)
TRUTHS = LevelReader(Factor("vip", (False, True)), refuses_unseen=False)
REALS = LevelReader(Factor("dose", (0.5, 1.0)), refuses_unseen=False)
UNSEEN_INTEGER, UNSEEN_TEXT = 5, 4


@pytest.mark.parametrize(
    ("reader", "value", "code"),
    [
        (INTEGERS, 1, 0),
        (INTEGERS, 5.0, 4),
        (INTEGERS, True, 0),
        (INTEGERS, np.True_, 0),
        (INTEGERS, np.int8(2), 1),
        (INTEGERS, np.float32(3), 2),
        (INTEGERS, Decimal("4.0"), 3),
        (INTEGERS, Fraction(4, 2), 1),
        (INTEGERS, 6, UNSEEN_INTEGER),
        (INTEGERS, 0, UNSEEN_INTEGER),
        (INTEGERS, False, UNSEEN_INTEGER),
        (INTEGERS, 10**30, UNSEEN_INTEGER),
        (TEXTS, "c", 2),
        (TEXTS, "c ", 2),
        (TEXTS, " c\n", 2),
        (TEXTS, np.str_("d"), 3),
        (TEXTS, "C", UNSEEN_TEXT),
        (TEXTS, "cc", UNSEEN_TEXT),
        (TRUTHS, True, 1),
        (TRUTHS, 0, 0),
        (TRUTHS, 1.0, 1),
        (REALS, 0.5, 0),
        (REALS, 1, 1),
        (REALS, 0.75, 2),
    ],
)
def test_a_value_that_equals_a_level_is_that_level_and_another_is_unseen(reader, value, code):
    assert reader.code(value) == code
    assert reader.read(pd.Series([value], dtype=object)).tolist() == [code]


@pytest.mark.parametrize(
    "value", [None, math.nan, math.inf, pd.NA, pd.NaT, b"1", [1], (1,), {}, 1j, object()]
)
@pytest.mark.parametrize("reader", [INTEGERS, TEXTS, TRUTHS, REALS], ids=lambda reader: reader.kind)
def test_what_cannot_be_a_level_of_any_column_is_refused(reader, value):
    with pytest.raises(FeatureError, match=f"{reader.factor.column} is .*; expected"):
        reader.code(value)


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        (INTEGERS, "1"),
        (INTEGERS, "1.0"),
        (INTEGERS, 1.5),
        (INTEGERS, 1e300),
        (INTEGERS, Decimal("1.5")),
        (INTEGERS, Decimal("NaN")),
        (INTEGERS, Decimal("sNaN")),
        (INTEGERS, np.timedelta64(1, "D")),
        (INTEGERS, np.datetime64("2026-11-22")),
        (INTEGERS, datetime.timedelta(1)),
        (INTEGERS, np.array(1)),
        (TEXTS, 1),
        (TEXTS, ""),
        (TEXTS, "  "),
        (TEXTS, True),
        (TRUTHS, 2),
        (TRUTHS, "True"),
        (REALS, "0.5"),
    ],
)
def test_a_value_that_would_have_to_be_guessed_is_refused(reader, value):
    with pytest.raises(FeatureError, match=f"{reader.factor.column} is .*; expected"):
        reader.code(value)


@pytest.mark.parametrize(
    ("reader", "value", "code"),
    [
        (INTEGERS, 2.0**53, UNSEEN_INTEGER),
        (INTEGERS, -(2.0**53), UNSEEN_INTEGER),
        (INTEGERS, 2.0**53 + 2, None),
        (INTEGERS, -(2.0**53) - 2, None),
        (INTEGERS, np.float32(2.0**54), None),
        (INTEGERS, 2**53 + 1, UNSEEN_INTEGER),
        (INTEGERS, Decimal(2**53 + 1), UNSEEN_INTEGER),
        (TRUTHS, 1.0, 1),
        (TRUTHS, 0.0, 0),
        (TRUTHS, -1, None),
        (TRUTHS, 0.5, None),
        (REALS, 2**60, 2),
        (REALS, True, 1),
    ],
)
def test_at_the_edge_of_what_a_number_can_say_it_is_read_or_refused(reader, value, code):
    found = [answer(lambda: reader.code(value)), answer(lambda: reader.read(pd.Series([value]))[0])]

    assert found == ["refused" if code is None else code] * 2


def test_a_level_of_no_text_is_a_level():
    reader = LevelReader(Factor("attr", ("", "a")), refuses_unseen=False)

    assert [reader.code(value) for value in ("", "  ", "a", "b")] == [0, 0, 1, 2]


@pytest.mark.parametrize(
    ("n_levels", "shown"),
    [
        (1, "expected an integer such as 1"),
        (8, "expected an integer such as 1, 2, 3, 4, 5, 6, 7, 8"),
        (9, "expected an integer such as 1, 2, 3, 4, 5, 6, 7, 8, ... (9 levels)"),
    ],
)
def test_a_message_shows_up_to_eight_levels(n_levels, shown):
    reader = LevelReader(Factor("attr", tuple(range(1, n_levels + 1))), refuses_unseen=False)

    with pytest.raises(FeatureError) as refusal:
        reader.code("x")

    assert str(refusal.value) == f"attr is 'x' (str); {shown}"
    assert refusal.value.column == "attr"


@pytest.mark.parametrize(
    ("reader", "wanted"),
    [(INTEGERS, "an integer"), (TEXTS, "text"), (TRUTHS, "a truth value"), (REALS, "a number")],
)
def test_a_message_says_what_kind_of_level_is_expected(reader, wanted):
    with pytest.raises(
        FeatureError, match=rf"{reader.factor.column} is None \(NoneType\); expected {wanted} such"
    ):
        reader.code(None)


@pytest.mark.parametrize(
    ("reader", "value", "known"),
    [(ATTR_A, 6, "1, 2, 3, 4, 5"), (ATTR_B, "z", "'a', 'b', 'c', 'd'")],
)
def test_an_unseen_level_that_is_refused_is_named_beside_the_known_ones(reader, value, known):
    strict = LevelReader(reader, refuses_unseen=True)

    for ask in (strict.code, lambda value: strict.read(pd.Series([reader.levels[0], value]))):
        with pytest.raises(FeatureError) as refusal:
            ask(value)
        assert f"a level not seen in training; expected one of {known}" in str(refusal.value)
        assert refusal.value.column == reader.column


WIDE = 2**16


@pytest.mark.parametrize(
    "levels",
    [(-3, -1, 0, 4), (0, WIDE - 1), (0, WIDE), (2**53, 2**53 + 1), (-(2**53), 2 - 2**53), (-(2**60), -5)],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["int64", "float64", "object"])
def test_a_column_is_read_like_its_values_however_far_apart_the_levels_are(levels, dtype):
    reader = LevelReader(Factor("attr", levels), refuses_unseen=False)
    values = [*levels, levels[0] - 1, levels[-1] + 1, 0, levels[0]]
    if dtype == "float64":
        values = [value for value in values if abs(value) < 2**53]
    column = pd.Series(values, dtype=dtype)

    codes = reader.read(column).tolist()

    assert codes == [levels.index(value) if value in levels else len(levels) for value in values]
    assert codes == [reader.code(value) for value in column]


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "bool", "object", "Int64"])
def test_a_numeric_column_is_read_as_its_values_are(dtype):
    values = [True, False, True] if dtype == "bool" else [1, 0, 2]

    found = read_numbers("scd_a", pd.Series(values, dtype=dtype))

    assert found.dtype == np.float64
    assert found.tolist() == [float(value) for value in values]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", ["float64", "object"])
def test_the_first_row_whose_number_is_not_finite_is_named(bad, dtype):
    values = pd.Series([0.5, 1.0, bad, 2.0, bad], dtype=dtype)

    with pytest.raises(
        FeatureError, match=rf"^row 12: scd_a is {bad} \(float\w*\); expected a finite number$"
    ) as refusal:
        read_numbers("scd_a", values, first=10)
    assert refusal.value.column == "scd_a"


def test_finite_numbers_whose_sum_overflows_are_read():
    assert read_numbers("scd_a", pd.Series([1.7e308, 1.7e308])).tolist() == [1.7e308, 1.7e308]


@pytest.mark.parametrize("dtype", ["object", "category", "str", "Int64"])
def test_the_first_row_whose_level_cannot_be_read_is_named(dtype):
    reader, values, shown = (
        (INTEGERS, [1, 2, pd.NA, 2, pd.NA], "<NA>")
        if dtype == "Int64"
        else (TEXTS, ["a", "b", " ", "c", " "], "' '")
    )

    with pytest.raises(FeatureError, match=f"^row 102: {reader.factor.column} is {shown}"):
        reader.read(pd.Series(values, dtype=dtype), first=100)


@pytest.mark.parametrize("dtype", ["category", "str"])
def test_a_missing_text_is_refused_with_its_row(dtype):
    with pytest.raises(FeatureError, match=r"^row 1: attr_b is nan"):
        TEXTS.read(pd.Series(["a", None, "b"], dtype=dtype))


@pytest.mark.parametrize("levels", [(1, "a"), (1, True), (None,), ((1,),)])
def test_levels_of_mixed_kinds_are_refused(levels):
    with pytest.raises(FeatureError, match="expected only text, only integers"):
        LevelReader(Factor("attr", levels), refuses_unseen=False)


def test_levels_that_differ_only_in_padding_are_refused():
    with pytest.raises(FeatureError, match="levels that cannot be told apart when read"):
        LevelReader(Factor("attr", ("a", "a ")), refuses_unseen=False)


@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1.0), (True, 1.0), (np.float32(0.5), 0.5), (np.int64(3), 3.0), (Decimal("0.25"), 0.25)],
)
def test_numbers_are_read_as_floats(value, number):
    assert read_number("scd_a", value) == number
    assert type(read_number("scd_a", value)) is float


@pytest.mark.parametrize(
    "value",
    [
        None,
        math.nan,
        -math.inf,
        np.float64("nan"),
        "0.5",
        b"1",
        1j,
        pd.NA,
        10**400,
        np.timedelta64(1, "D"),
        [0.5],
    ],
)
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(FeatureError, match=r"scd_a is .*; expected a finite number"):
        read_number("scd_a", value)
