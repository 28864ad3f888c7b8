"""A batch of any dtype answers as its rows do one by one: nothing wraps, nothing is guessed."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from dtypes import FLOATS, NUMERIC, WRAPPED, column, columns, limits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving_cases import ATTR_A, ATTR_B, answer, predictor

from data_science.errors import FeatureError
from data_science.formula.encoding import Coding, Encoding, Factor, Term
from data_science.prediction import features
from data_science.prediction.features import LevelReader, read_number, read_numbers

TEXT_DTYPES = ["str", "string", "object", "category", "string[pyarrow]", "large_string[pyarrow]"]
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


def arrow(of):
    return pd.ArrowDtype(of)


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
    "sparse": pd.Series([0, 1, 0, 7], dtype="Sparse[int64]"),
    "sparse floats": pd.Series([1.0, 0.0, 7.0], dtype=pd.SparseDtype(float, 0.0)),
    "decimals of Arrow": pd.Series(
        [Decimal(1), Decimal("5.00"), Decimal(7)], dtype=arrow(pa.decimal128(9, 2))
    ),
    "a dictionary of Arrow": pd.Series([1, 7, 1], dtype=arrow(pa.dictionary(pa.int8(), pa.int64()))),
}


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_a_column_is_read_as_its_values_are_one_by_one(column):
    assert INTEGERS.read(column).tolist() == [INTEGERS.code(value) for value in column]


def test_no_dtype_has_its_values_read_one_by_one_unless_one_of_them_is_refused(monkeypatch):
    clean = [
        column([1, 2, 5], dtype, wrapped)
        for dtype in [*NUMERIC[:24], *FLOATS]
        for wrapped in (None, *WRAPPED)
    ]
    clean += [one for name, one in COLUMNS.items() if name != "object"]
    texts = [pd.Series(["a", "d "], dtype=dtype) for dtype in TEXT_DTYPES if dtype != "object"]
    monkeypatch.setattr(features, "_each_row", lambda *_: pytest.fail("a value at a time"))

    for one in clean:
        INTEGERS.read(one)
        assert read_numbers("c", one).tolist() == [float(value) for value in one]
    for one in texts:
        TEXTS.read(one)


MISSING = {
    "nullable": pd.Series([1, 2, None], dtype="Int64"),
    "nullable real": pd.Series([1, 2, None], dtype="Float64"),
    "NaN that is not missing": pd.Series([0.0, 1.0, 0.0], dtype="Float64")
    / pd.Series([1.0, 1.0, 0.0], dtype="Float64"),
    "arrow": pd.Series([1, 2, None], dtype="int64[pyarrow]"),
    "sparse": pd.Series([1.0, 2.0, np.nan], dtype="Sparse"),
    "category": pd.Series([1, 2, None], dtype="category"),
    "object": pd.Series([1, 2, None], dtype=object),
    "signalling": pd.Series([1, 2, Decimal("sNaN")], dtype=object),
    "decimals": pd.Series([Decimal(1), Decimal(2), None], dtype=arrow(pa.decimal128(9, 2))),
    "a category that is text": pd.Series(pd.Categorical([1, 2, "2"], categories=["2", 1, 2, "unused"])),
    "objects of lists": pd.Series([1, 2, [2]], dtype=object),
    "beyond any float": pd.Series([1, 2, 10**400], dtype=object),
    "complex": pd.Series([1, 2, 2 + 0j], dtype=object),
    "dates": pd.Series(pd.to_datetime(["2020-01-01"] * 3)).astype("timestamp[us][pyarrow]").iloc[[0] * 3],
    "lists of Arrow": pd.Series([[1], [2], [2]], dtype=arrow(pa.list_(pa.int64()))),
}


@pytest.mark.parametrize("values", MISSING.values(), ids=MISSING)
def test_a_value_that_is_no_number_is_refused_by_its_row_whatever_holds_it(values):
    first = next(
        row for row, value in enumerate(values) if answer(lambda v=value: read_number("c", v)) == "refused"
    )

    for ask in (lambda: read_numbers("c", values, 40), lambda: INTEGERS.read(values, 40)):
        with pytest.raises(FeatureError, match=f"^row {40 + first}: .* is "):
            ask()


@pytest.mark.parametrize("dtype", TEXT_DTYPES)
def test_text_columns_of_any_type_are_read_alike(dtype):
    column = pd.Series(["a", "d ", "zz", "c"], dtype=dtype)

    assert TEXTS.read(column).tolist() == [0, 3, len(ATTR_B.levels), 2]


def test_an_unused_category_harms_nobody():
    column = pd.Series(pd.Categorical([1, 2], categories=["not a number", 1, 2]))

    assert INTEGERS.read(column).tolist() == [0, 1]


def test_an_unseen_level_among_objects_has_no_value_read_twice(monkeypatch):
    whole, text = [1, 99, 2.0, 99, True, 99.0, 99] * 9, ["a", "zz", " d", "zz", np.str_("zz")] * 9
    expected = [
        [reader.code(value) for value in values] for reader, values in ((INTEGERS, whole), (TEXTS, text))
    ]
    asked = []
    code = LevelReader.code
    monkeypatch.setattr(LevelReader, "code", lambda reader, value: asked.append(value) or code(reader, value))

    read = [
        reader.read(pd.Series(values, dtype=object)).tolist()
        for reader, values in ((INTEGERS, whole), (TEXTS, text))
    ]

    assert read == expected
    assert len(asked) == 5 + 4
    with pytest.raises(FeatureError, match=r"^row 2: .* is 1.152.*float"):  # which the equal integer is not
        INTEGERS.read(pd.Series([1, 2**60, 2.0**60, 2**60], dtype=object))
