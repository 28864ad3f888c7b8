import datetime
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hand_sums import logit_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from serving_cases import ATTR_A, ATTR_B, COMMON_FACTOR, DEFAULT, ROW, predictor

from data_science.errors import FeatureError
from data_science.formula.encoding import Factor
from data_science.prediction.features import LevelReader, read_number, read_numbers
from data_science.prediction.rows import RowReader

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
    with pytest.raises(FeatureError, match="levels that read as the same"):
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


@pytest.mark.parametrize("column", ROW)
def test_a_missing_column_is_named(column):
    row = {name: value for name, value in ROW.items() if name != column}

    with pytest.raises(FeatureError, match=f"{column} is missing; expected the columns"):
        predictor().predict_one(row)
    with pytest.raises(FeatureError, match=f"{column} is missing; expected the columns"):
        predictor().predict(pd.DataFrame([row]))


@pytest.mark.parametrize(("n_rows", "count"), [(0, "0 rows"), (2, "2 rows")])
def test_predict_takes_exactly_one_row(n_rows, count):
    frame = pd.DataFrame([ROW] * n_rows, columns=list(ROW))

    with pytest.raises(FeatureError, match=f"{count}; expected exactly one"):
        predictor().predict(frame)


def test_an_empty_batch_is_refused():
    with pytest.raises(FeatureError, match="0 rows; expected at least one"):
        predictor().predict_batch(pd.DataFrame([], columns=list(ROW)))


def test_a_column_that_is_there_twice_is_refused():
    frame = pd.DataFrame([[1, 2, "c", 0.5, 3]], columns=["attr_a", "attr_a", "attr_b", "scd_a", "scd_b"])

    with pytest.raises(FeatureError, match="attr_a appears 2 times"):
        predictor().predict(frame)


@pytest.mark.parametrize("given_value", [None, 3, "row", [ROW], {"attr_a": 1}])
def test_predict_refuses_what_is_no_frame_and_points_to_predict_one(given_value):
    with pytest.raises(FeatureError, match=r"expected a DataFrame\. Use predict_one"):
        predictor().predict(given_value)


def test_predict_one_refuses_what_is_no_mapping():
    with pytest.raises(FeatureError, match="expected a mapping"):
        predictor().predict_one([1, "c", 0.5, 3])


@pytest.mark.parametrize("unseen", [{"attr_a": 9}, {"attr_b": "z"}])
def test_the_policy_refuse_refuses_unseen_levels_everywhere(unseen):
    strict = predictor(unseen="refuse")
    row = {**ROW, **unseen}

    for ask in (strict.predict_one, lambda row: strict.predict_batch(pd.DataFrame([ROW, row]))):
        with pytest.raises(FeatureError, match="a level not seen in training; expected one of"):
            ask(row)


def test_a_column_of_a_common_effect_has_no_unseen_levels_under_any_policy():
    model = predictor(COMMON_FACTOR)

    assert model.predict_one({**ROW, "attr_a": 9}) in (0, 1)
    with pytest.raises(FeatureError, match=r"attr_b is 'z' .*not seen in training"):
        model.predict_one({**ROW, "attr_b": "z"})


def test_a_batch_names_the_row_it_refuses_counted_over_the_whole_frame(monkeypatch):
    monkeypatch.setattr("data_science.prediction.predictor.CHUNK", 10)
    frame = pd.DataFrame([ROW] * 25)
    frame.loc[17, "scd_a"] = np.nan

    with pytest.raises(FeatureError, match="row 17: scd_a is nan"):
        predictor().predict_batch(frame)


COLUMNS = {
    "int8": pd.Series([1, 2, 5, 7], dtype="int8"),
    "uint64": pd.Series([1, 2, 5, 2**64 - 1], dtype="uint64"),
    "int64 far apart": pd.Series([1, 2, 5, -(2**62)]),
    "float": pd.Series([1.0, 2.0, 5.0, 7.0]),
    "object": pd.Series([1, True, 5.0, Decimal(7)], dtype=object),
    "category": pd.Series([1, 2, 5, 7], dtype="category"),
    "nullable": pd.Series([1, 2, 5, 7], dtype="Int64"),
    "boolean": pd.Series([True, False, True, False]),
    "nullable boolean": pd.Series([True, False], dtype="boolean"),
    "arrow": pd.Series([1, 2, 7], dtype="int64[pyarrow]"),
}


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_a_column_is_read_as_its_values_are_one_by_one(column):
    assert INTEGERS.read(column).tolist() == [INTEGERS.code(value) for value in column]


@pytest.mark.parametrize("dtype", ["str", "string", "object", "category", "string[pyarrow]"])
def test_text_columns_of_any_type_are_read_alike(dtype):
    column = pd.Series(["a", "d ", "zz", "c"], dtype=dtype)

    assert TEXTS.read(column).tolist() == [0, 3, UNSEEN_TEXT, 2]


def test_an_unused_category_harms_nobody():
    column = pd.Series(pd.Categorical([1, 2], categories=["not a number", 1, 2]))

    assert INTEGERS.read(column).tolist() == [0, 1]


SCALARS = st.one_of(
    st.integers(-3, 9),
    st.integers(),
    st.floats(),
    st.floats(0, 6).map(round),
    st.booleans(),
    st.none(),
    st.sampled_from(["a", "b ", " c", "D", "", "1", "2.0", "nan", "zz", "ä"]),
    st.text(max_size=3),
    st.binary(max_size=2),
    st.decimals(),
    st.fractions(),
    st.complex_numbers(),
    st.sampled_from(
        [np.int8(1), np.float32(2), np.float64("nan"), np.str_("a"), np.bool_(True), pd.NA, pd.NaT]
    ),
    st.sampled_from(
        [np.timedelta64(1, "D"), np.datetime64("NaT", "D"), datetime.date(2026, 1, 1), [], (), {}, set()]
    ),
)
ROWS = st.fixed_dictionaries(
    {
        "attr_a": st.one_of(st.integers(1, 5), SCALARS),
        "attr_b": st.one_of(st.sampled_from("abcd"), SCALARS),
        "scd_a": st.one_of(st.floats(0, 1), SCALARS),
        "scd_b": st.one_of(st.integers(1, 5), SCALARS),
    }
)
MODELS = {"default": predictor(), "with a common factor": predictor(COMMON_FACTOR)}


def answer(ask):
    """Return what was answered, or that it was refused: nothing else may happen."""
    try:
        return ask()
    except FeatureError:
        return "refused"


@settings(max_examples=400, deadline=None)
@given(row=ROWS, model=st.sampled_from(sorted(MODELS)))
def test_any_mapping_gives_the_label_of_its_levels_or_a_feature_error(row, model):
    found = answer(lambda: MODELS[model].predict_proba_one(row))

    if found != "refused":
        clean = {
            "attr_a": int(row["attr_a"]),
            "attr_b": str(row["attr_b"]).strip(),
            "scd_a": float(row["scd_a"]),
            "scd_b": float(row.get("scd_b", 0)) if model == "default" else 0.0,
        }
        reader = RowReader.of(MODELS[model].encoding, "population")
        codes, numbers = reader.one(clean)
        assert reader.one(row) == (codes, numbers)
        assert found == MODELS[model].predict_proba_one(clean)
        assert found == pytest.approx(expit(logit_of(MODELS[model], clean)), rel=1e-12, abs=1e-14)


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(ROWS, min_size=1, max_size=4), typed=st.booleans())
@pytest.mark.filterwarnings("ignore")  # pandas warns about odd mixtures while it builds the frame
def test_a_batch_answers_as_its_rows_do_one_by_one(rows, typed):
    model = MODELS["default"]
    frame = pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=object) for name in rows[0]})
    frame = frame.infer_objects() if typed else frame

    one_by_one = [answer(lambda i=i: model.predict(frame.iloc[[i]])) for i in range(len(frame))]

    batch = answer(lambda: model.predict_batch(frame).tolist())
    assert batch == ("refused" if "refused" in one_by_one else one_by_one)


def test_the_reader_asks_only_for_the_columns_of_the_formula():
    assert RowReader.of(DEFAULT, "population").columns == ("attr_a", "attr_b", "scd_a", "scd_b")
