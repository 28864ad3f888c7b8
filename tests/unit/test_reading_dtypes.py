"""A batch of any dtype answers as its rows do one by one: nothing wraps, nothing is guessed."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from dtypes import NUMERIC, column, columns, limits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving_cases import ATTR_A, ATTR_B, answer, predictor

from data_science.formula.encoding import Coding, Encoding, Factor, Term
from data_science.prediction.features import LevelReader, read_number, read_numbers

INTEGERS = LevelReader(ATTR_A, refuses_unseen=False)
TEXTS = LevelReader(ATTR_B, refuses_unseen=False)
LEVELS = st.sampled_from(
    [(-1, 0, 1), (-2, -1), (0, 1, 2, 5), (1, 2), (False, True), (0.5, 1.0, 2.0), (-1, 2**20), (255, 256)]
)


def together(answers):
    return "refused" if "refused" in answers else answers


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values=columns(), levels=LEVELS, strict=st.booleans())
def test_a_column_of_any_dtype_has_the_codes_of_its_values_one_by_one(values, levels, strict):
    reader = LevelReader(Factor("c", levels), refuses_unseen=strict)

    batch = answer(lambda: reader.read(values).tolist())

    assert batch == together([answer(lambda value=value: reader.code(value)) for value in values])
    plain = [value if isinstance(value, bool) else int(value) for value in values]
    expected = [levels.index(value) if value in levels else len(levels) for value in plain]
    if batch != "refused":
        assert batch == expected
    elif reader.kind != "boolean":
        assert strict
        assert len(levels) in expected


@pytest.mark.parametrize("dtype", NUMERIC)
@pytest.mark.parametrize("levels", [(-1, 0), (-1, 2**53), (0, 1)])
def test_the_extremes_of_a_dtype_are_no_level_unless_they_equal_one(dtype, levels):
    extremes = list(limits(dtype))
    reader = LevelReader(Factor("c", levels), refuses_unseen=False)

    codes = reader.read(column(extremes, dtype)).tolist()

    assert codes == [levels.index(value) if value in levels else len(levels) for value in extremes]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values=columns())
def test_a_numeric_column_of_any_dtype_has_the_numbers_of_its_values_one_by_one(values):
    numbers = read_numbers("c", values)

    assert numbers.dtype == np.float64
    assert numbers.tolist() == [read_number("c", value) for value in values]
    assert numbers.tolist() == [float(value) for value in values.tolist()]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values=columns(), common=st.booleans(), unseen=st.sampled_from(["population", "refuse"]))
def test_a_batch_one_row_frames_and_mappings_agree_on_labels_and_probabilities(values, common, unseen):
    factor = Factor("c", (-1, 0, 1, 2, 5))
    term = Term("c", codings=(Coding(factor, True),)) if common else Term("1|c", groups=(factor,))
    model = predictor(Encoding((Term("Intercept"), term)), unseen=unseen)
    frame = pd.DataFrame({"c": values})

    labels = answer(lambda: model.predict_batch(frame).tolist())
    chances = answer(lambda: model.predict_proba(frame).tolist())

    rows = [frame.iloc[[row]] for row in range(len(frame))]
    assert labels == together([answer(lambda row=row: model.predict(row)) for row in rows])
    mappings = [{"c": value} for value in values.tolist()]
    one_by_one = together([answer(lambda m=m: model.predict_proba_one(m)) for m in mappings])
    # the scalar and the array form of the inverse link may differ in the last bit
    if "refused" in (chances, one_by_one):
        assert chances == one_by_one
    else:
        assert chances == pytest.approx(one_by_one, rel=1e-14)


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

    assert TEXTS.read(column).tolist() == [0, 3, len(ATTR_B.levels), 2]


def test_an_unused_category_harms_nobody():
    column = pd.Series(pd.Categorical([1, 2], categories=["not a number", 1, 2]))

    assert INTEGERS.read(column).tolist() == [0, 1]
