"""Tables that speak Arrow are read once at the door, in training and in prediction, as the same pandas frame is."""

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from serving_cases import ROW, predictor

from data_science import compare
from data_science.data.frames import as_frame
from data_science.errors import DataScienceError, FeatureError, SchemaError
from data_science.formula.design import encode, learn
from data_science.formula.specification import ModelSpecification
from data_science.formula.training_data import validated

FRAME = pd.DataFrame(
    {
        "y": np.arange(24) // 2 % 2,
        "x": np.linspace(0, 1, 24),
        "k": np.resize([3, 1, 2], 24),
        "g": np.resize(["b", "a"], 24),
    }
)
SPECIFICATION = ModelSpecification("y ~ x + (1 | k) + g")
CLIENTS = pd.DataFrame([ROW, {**ROW, "attr_b": "new", "scd_a": 0.1}])


class Other:
    """A table of a library that only speaks Arrow, as polars' and DuckDB's do beside all else."""

    def __init__(self, table, columns=("another", "meaning")):
        self.table, self.columns = table, columns

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)

    def __len__(self):
        return 10**6


def record_batch(table):
    return table.combine_chunks().to_batches()[0]


def reader(table):
    return pa.RecordBatchReader.from_batches(table.schema, table.to_batches())


def dictionaries(table):
    """The same with each column of text coded by a dictionary, as categories and Parquet files are."""
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            table = table.set_column(place, field.name, table.column(place).dictionary_encode())
    return table


SPEAKING = [lambda table: table, Other, record_batch, reader, dictionaries]


@pytest.mark.parametrize("speaking", SPEAKING)
def test_training_reads_a_table_as_it_reads_the_same_frame(speaking):
    data = validated(speaking(pa.Table.from_pandas(FRAME)), SPECIFICATION, None)

    expected = validated(FRAME, SPECIFICATION, None)
    assert data.fingerprint == expected.fingerprint
    design, rows = (learn(SPECIFICATION, data.frame), encode(learn(SPECIFICATION, data.frame), data.frame))
    theirs = learn(SPECIFICATION, expected.frame)
    assert design.encoding == theirs.encoding
    assert rows.codes["g"].tolist() == encode(theirs, expected.frame).codes["g"].tolist()


@pytest.mark.parametrize("speaking", SPEAKING)
@pytest.mark.parametrize("ask", ["predict_batch", "predict_proba", "predict_interval"])
def test_prediction_reads_a_table_as_it_reads_the_same_frame(speaking, ask):
    model = predictor()

    found = getattr(model, ask)(speaking(pa.Table.from_pandas(CLIENTS)))

    np.testing.assert_array_equal(found, getattr(model, ask)(CLIENTS))


@pytest.mark.parametrize("speaking", SPEAKING)
def test_one_row_of_a_table_is_predicted_and_explained(speaking):
    model, one = predictor(), pa.Table.from_pandas(CLIENTS.head(1))

    assert model.predict(speaking(one)) == model.predict(CLIENTS.head(1))
    assert model.explain(speaking(one)) == model.explain(CLIENTS.head(1))
    with pytest.raises(FeatureError, match="the features have 2 rows; expected exactly one"):
        model.predict(speaking(pa.Table.from_pandas(CLIENTS)))


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.int16(), pa.bool_()])
@pytest.mark.parametrize("formula", ["y ~ c", "y ~ (1 | c)", "y ~ C(c)"])
def test_a_column_of_an_arrow_dictionary_is_read_as_the_category_it_is(kind, formula):
    values = [True, False] * 12 if pa.types.is_boolean(kind) else np.resize([2, 1], 24).tolist()
    values = [str(value) for value in values] if kind in (pa.string(), pa.large_string()) else values
    coded = pa.chunked_array([pa.array(values, kind).dictionary_encode()])
    column = pd.Series(pd.arrays.ArrowExtensionArray(coded))
    specification = ModelSpecification(formula)

    typed = validated(FRAME.assign(c=column), specification, None).frame

    category = validated(FRAME.assign(c=pd.Series(values).astype("category")), specification, None).frame
    design = learn(specification, typed)
    assert design.encoding == learn(specification, category).encoding
    assert sorted(design.encoding.factors[0].levels) == sorted(set(values))
    # the frame that came predicts as the one that was trained on
    assert encode(design, typed).codes["c"].tolist() == encode(design, category).codes["c"].tolist()


def test_a_response_in_an_arrow_dictionary_is_read_and_a_null_in_one_is_refused():
    coded = pa.chunked_array([pa.array([0, 1] * 12).dictionary_encode()])
    with_null = pa.chunked_array([pa.array([0, None] * 12).dictionary_encode()])

    frames = [FRAME.assign(y=pd.Series(pd.arrays.ArrowExtensionArray(one))) for one in (coded, with_null)]

    assert validated(frames[0], SPECIFICATION, None).base_rate == 0.5
    with pytest.raises(SchemaError, match="y: NULL or NaN in 12 of 24 rows, first at row 1"):
        validated(frames[1], SPECIFICATION, None)


@pytest.mark.parametrize(
    "table",
    [pa.array([1, 2]), pa.Table, FRAME["x"], FRAME.to_dict("list"), None, "a.csv"],
    ids=lambda one: type(one).__name__,
)
def test_what_is_no_table_is_refused_with_what_one_is(table):
    with pytest.raises(
        SchemaError, match=r"expected a DataFrame with plain columns, or a table that speaks Arrow"
    ):
        validated(table, SPECIFICATION, None)
    with pytest.raises(FeatureError, match=r"expected a DataFrame|is missing; expected"):
        predictor().predict_batch(table)


class Lazy:
    """A table that is not computed before it is asked, as polars' LazyFrame."""

    def __init__(self, computed):
        self.computed = computed

    @property
    def columns(self):
        raise AssertionError("asking it costs what a computation does")

    def collect(self):
        return self.computed


class Dataset:
    """Files that become a table when they are read, as Arrow's dataset."""

    schema = None

    def __init__(self, table):
        self.table = table

    def to_table(self):
        return self.table


@pytest.mark.parametrize(
    ("of", "said", "made"),
    [
        (lambda frame: Lazy(pa.Table.from_pandas(frame)), "of type Lazy, of which collect()", Lazy.collect),
        (lambda frame: Dataset(pa.Table.from_pandas(frame)), "which to_table()", Dataset.to_table),
        (lambda frame: frame.to_dict("list"), "of type dict, of which pandas.DataFrame(...)", pd.DataFrame),
        (lambda frame: frame.to_dict("records"), "list, of which pandas.DataFrame(...)", pd.DataFrame),
        (lambda frame: frame.to_records(index=False), "which pandas.DataFrame(...)", pd.DataFrame),
        (lambda frame: frame.set_axis([[1] * frame.shape[1], frame.columns], axis=1), "each column has several",
         lambda frame: frame.droplevel(0, axis=1)),
    ],
)  # fmt: skip
def test_what_becomes_a_table_is_refused_with_how_and_without_showing_what_it_holds(of, said, made):
    frame = FRAME.assign(x=np.linspace(0.123, 1, 24))

    with pytest.raises(SchemaError, match=re.escape(said)) as refused:
        validated(of(frame), SPECIFICATION, None)

    assert "0.123" not in str(refused.value)
    assert (
        validated(made(of(frame)), SPECIFICATION, None).fingerprint
        == validated(frame, SPECIFICATION, None).fingerprint
    )
    if "several" not in said:
        with pytest.raises(FeatureError, match=re.escape(said)):
            predictor().predict_batch(of(CLIENTS))


class Unreadable(Other):
    """A table with a type of its library's own, as polars' Int128."""

    def __arrow_c_stream__(self, requested_schema=None):
        raise ValueError("unsupported format string: '_pli128'")


def test_a_table_with_a_type_that_is_not_arrows_is_refused_with_the_reason():
    table = Unreadable(pa.Table.from_pandas(FRAME))

    with pytest.raises(SchemaError, match=r"of type Unreadable.* '_pli128'\).*Cast the others to int64"):
        validated(table, SPECIFICATION, None)
    with pytest.raises(SchemaError, match="Unreadable"):
        predictor().predict_proba(table)


@pytest.mark.parametrize("kind", [pa.decimal128(38, 0), pa.decimal256(50, 0), pa.decimal128(30, 2)])
@pytest.mark.parametrize("speaking", SPEAKING[:2])
def test_decimals_of_an_arrow_table_are_the_numbers_that_they_are_there(speaking, kind):
    table = pa.Table.from_pandas(FRAME.assign(x=np.arange(24) % 7, n=3))
    for name in ("x", "y", "n"):
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, table.column(name).cast(kind))
    formulas = ["y ~ x + (1 | k)", "p(y, n) ~ x", "y ~ (1 | x)", "y['1'] ~ C(x)"]
    plain = FRAME.assign(x=np.arange(24) % 7, n=3)

    for specification in map(ModelSpecification, formulas):
        found, expected = (validated(t, specification, None).frame for t in (speaking(table), plain))

        assert learn(specification, found).encoding == learn(specification, expected).encoding
        assert encode(learn(specification, found), found).successes.tolist() == FRAME["y"].tolist()


def test_texts_of_any_arrow_layout_are_texts():
    for kind in (pa.string(), pa.large_string(), pa.string_view()):
        values = pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array(FRAME["g"].tolist(), kind)]))

        typed = validated(FRAME.assign(g=pd.Series(values)), SPECIFICATION, None)

        assert typed.fingerprint == validated(FRAME, SPECIFICATION, None).fingerprint


@pytest.mark.parametrize(
    "index",
    [
        pd.MultiIndex.from_product([range(12), ["a", "b"]]), [0] * 24, range(24, 0, -1), [np.nan] * 24,
        pd.date_range("2020", periods=24, tz="Europe/Berlin"), pd.CategoricalIndex(["a", "b"] * 12),
        pd.Index(range(24), name="x"), pd.Index(FRAME["y"][::-1], name="y"),
    ],
)  # fmt: skip
def test_the_index_of_a_frame_means_nothing(index):
    moved = FRAME.set_axis(index, axis=0)

    data = validated(moved, SPECIFICATION, None)

    assert data.fingerprint == validated(FRAME, SPECIFICATION, None).fingerprint
    event = ModelSpecification("g['a'] ~ x")
    assert validated(moved, event, None).frame["g"].tolist() == FRAME["g"].eq("a").astype(int).tolist()
    rows = CLIENTS.set_axis(moved.index[:2], axis=0)
    np.testing.assert_array_equal(predictor().predict_interval(rows), predictor().predict_interval(CLIENTS))


def test_a_frame_passes_the_door_as_it_is_and_without_pyarrow_the_reason_is_said(monkeypatch):
    def missing(_):
        raise ImportError("pyarrow")

    monkeypatch.setattr(pd.DataFrame, "from_arrow", missing)

    assert as_frame(FRAME) is FRAME
    with pytest.raises(
        DataScienceError, match="of type Other, and reading Arrow needs pyarrow, which is not inst"
    ):
        as_frame(Other(pa.Table.from_pandas(FRAME)))


@pytest.mark.parametrize("column", ["idx", "self", "label", "index"])
def test_a_general_frame_has_no_reserved_names(column):
    frame = FRAME.rename(columns={"k": column})

    for formula in ("y ~ x", f"y ~ x + (1 | {column})", f"y ~ x + {column}"):
        assert validated(frame, ModelSpecification(formula), None).n_rows == 24


def test_in_the_companys_own_table_no_client_may_repeat():
    rows = pd.DataFrame([ROW] * 4).assign(idx=[1, 2, 2, 3], label=[0, 1, 0, 1])

    with pytest.raises(SchemaError, match="idx: a repeated value in 2 of 4 rows"):
        validated(rows, ModelSpecification(), None)


@pytest.mark.parametrize(
    "candidates", [None, "y ~ x", SPECIFICATION, ["y ~ x", "y ~ 1"], [], [SPECIFICATION], 3]
)
def test_what_are_no_two_candidates_is_refused(candidates):
    with pytest.raises(DataScienceError, match=r"at least two|expected ModelSpecification"):
        compare(candidates, FRAME)
