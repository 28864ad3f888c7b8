"""What engines do differently, one by one: each gave a wrong score, an error or another type before it was known."""

import math
from dataclasses import replace

import ibis
import numpy as np
import pandas as pd
import pytest
from odd_rows import JOINED
from serving_cases import predictor

from data_science.errors import FeatureError, SettingsError, SpecificationError
from data_science.formula.derived import Derived
from data_science.formula.encoding import Encoding, Factor, Term
from data_science.formula.expressions import Call, Column
from data_science.prediction.unseen import UnseenLevel
from data_science.warehouse.columns import PADDING
from data_science.warehouse.lookup import MOST_ENTRIES
from data_science.warehouse.scoring import SCORES, score, sql

MODEL = predictor()
ROW = {"attr_a": 1, "attr_b": "a", "scd_a": 0.5, "scd_b": 2.0}


@pytest.fixture(scope="module")
def engine():
    return ibis.duckdb.connect()


def scored(engine, values, model=MODEL, **options):
    """Score one row whose columns are SQL expressions."""
    written = ROW | {"attr_b": "'a'"} | values
    columns = ", ".join(f"{value} AS {name}" for name, value in written.items())
    engine.raw_sql(f"CREATE OR REPLACE TABLE one AS SELECT {columns}")
    return score(model, engine.table("one"), **options).to_pyarrow().to_pylist()[0]


def test_padding_is_what_python_strips():
    assert sorted(PADDING) == [chr(code) for code in range(0x110000) if chr(code).isspace()]


@pytest.mark.parametrize(
    ("column", "value", "equal"),
    [
        ("attr_a", "1::DOUBLE", 1),
        ("attr_a", "1.0::DECIMAL(9, 2)", 1),
        ("attr_a", "TRUE", 1),
        ("attr_a", "18446744073709551615::UBIGINT", 2**64 - 1),
        ("scd_a", "TRUE", True),
        ("scd_a", "FALSE", False),
        ("scd_a", "0.1::FLOAT", np.float32(0.1)),
        ("scd_a", "12345678901234567.891::DECIMAL(20, 3)", 12345678901234567.891),
        ("scd_a", "9007199254740993::BIGINT", 2**53 + 1),
    ],
)
def test_a_value_of_another_type_that_equals_is_read(engine, column, value, equal):
    found = scored(engine, {column: value})

    assert found["probability"] == pytest.approx(MODEL.predict_proba_one(ROW | {column: equal}), rel=1e-15)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("attr_a", "'1'"),
        ("attr_a", "1.5::DOUBLE"),
        ("attr_a", "1.5::DECIMAL(9, 2)"),
        ("attr_a", "1e300"),
        ("attr_a", "DATE '2026-01-01'"),
        ("attr_b", "1"),
        ("attr_b", "TRUE"),
        ("scd_a", "'0.5'"),
        ("scd_a", "NULL::DOUBLE"),
        ("scd_a", "NULL::BOOLEAN"),
        ("scd_a", "'NaN'::DOUBLE"),
        ("scd_a", "'inf'::FLOAT"),
        ("scd_a", "TIMESTAMP '2026-01-01 00:00:00'"),
    ],
)
def test_what_cannot_be_read_without_guessing_is_unread_and_has_no_score(engine, column, value):
    found = scored(engine, {column: value})

    assert found["unread"] is True
    assert [found[name] for name in ("probability", "lower", "upper", "label")] == [None] * 4


def test_nan_in_parquet_is_unread_though_its_statistics_say_there_is_none(engine, tmp_path):
    engine.raw_sql(
        f"COPY (SELECT 1 AS attr_a, 'a' AS attr_b, unnest([0.5, 'NaN'::DOUBLE]) AS scd_a, 2.0 AS scd_b) "
        f"TO '{tmp_path / 'rows.parquet'}'"
    )

    found = score(MODEL, engine.read_parquet(tmp_path / "rows.parquet")).to_pyarrow().to_pylist()

    assert sorted(row["unread"] for row in found) == [False, True]
    assert all((row["probability"] is None) == row["unread"] for row in found)


def test_text_of_a_statement_is_one_query_that_writes_nothing_and_compiles_for_every_dialect():
    for dialect in ("duckdb", "postgres", "pyspark", "databricks", "snowflake", "bigquery", "trino", "mssql"):
        text = sql(predictor(JOINED, unseen="refuse"), dialect, "clients")

        assert text.split()[0] in ("SELECT", "WITH")
        assert not {"CREATE", "DROP", "INSERT"} & set(text.upper().split())
        assert dialect != "duckdb" or "isnan" not in text.lower()
        assert not {"GREATEST(", "LEAST("} & set(text.upper().split())


def test_the_response_and_other_columns_are_kept_unless_a_score_has_their_name(engine):
    found = scored(engine, {"label": "7", "ds_1": "'mine'", "client": "42"})

    assert list(found) == ["attr_a", "attr_b", "scd_a", "scd_b", "ds_1", "client", *SCORES]
    assert (found["ds_1"], found["client"], found["label"]) == ("mine", 42, MODEL.predict_one(ROW))


def test_levels_that_are_floats_or_truth_values_are_looked_up_to_the_last_bit(engine):
    values = tuple(k / 7 for k in range(45))
    model = predictor(
        Encoding(
            (
                Term("Intercept"),
                Term("1|f", groups=(Factor("f", values),)),
                Term("1|t", groups=(Factor("t", (False, True)),)),
            )
        )
    )

    for value, truth in ((values[31], True), (values[3] + 1e-15, False)):
        found = scored(engine, {"f": f"{value!r}::DOUBLE", "t": str(truth)}, model)
        row = {"f": value, "t": truth}
        assert found["probability"] == pytest.approx(model.predict_proba_one(row), rel=1e-15)
        assert found["unseen"] is model.reader.has_unseen(row)


def test_the_interval_is_near_the_quantiles_of_many_draws(engine):
    model = predictor(n_draws=4000)
    frame = pd.DataFrame([ROW | {"scd_a": x, "attr_a": a} for x in np.linspace(-3, 4, 40) for a in (1, 3, 9)])
    engine.con.register("frame", frame)
    engine.raw_sql("CREATE OR REPLACE TABLE many AS SELECT *, row_number() OVER () AS k FROM frame")

    found = score(model, engine.table("many")).order_by("k").to_pyarrow().to_pandas()

    # Normal draws: what is left is the error of 4,000 draws' 2.5% quantile, some 0.04 sd of the logit.
    assert np.abs(found[["lower", "upper"]].to_numpy() - model.predict_interval(frame)).max() < 0.02


@pytest.mark.parametrize("averaged", ["unread", "plug-in"])
def test_an_average_that_has_no_form_leaves_the_row_unread_unless_asked_to_leave_it_out(engine, averaged):
    model = replace(MODEL, unseen_levels={"attr_a": UnseenLevel(0.1, 0.4)})

    seen, unseen = (scored(engine, {"attr_a": str(a)}, model, averaged=averaged) for a in (1, 77))
    assert seen["probability"] == pytest.approx(model.predict_proba_one(ROW), rel=1e-15)
    assert unseen["unread"] is (averaged == "unread")
    if averaged == "plug-in":
        expected = model.predict_proba_one(ROW | {"attr_a": 77}, "plug-in")
        assert unseen["probability"] == pytest.approx(expected, rel=1e-15)


def test_what_cannot_be_written_is_refused_by_name(engine):
    spline = Derived(
        "bs(x)",
        ("s",),
        Call("bs", Column("x"), (), {"_knots": [0.0] * 8 + [1.0] * 8, "_degree": 7, "_intercept": True}),
    )
    splines = predictor(Encoding((Term("s", ("s",)),), (spline,)))
    wide = int(math.sqrt(MOST_ENTRIES)) + 1
    factors = (Factor("a", tuple(range(wide))), Factor("b", tuple(range(wide))))
    crossed = predictor(Encoding(tuple(Term(f"1|{f.column}", groups=(f,)) for f in factors)), n_draws=5)

    with pytest.raises(SpecificationError, match=r"bs\(x\).*spline of degree 7"):
        scored(engine, {"x": "0.5"}, splines)
    with pytest.raises(SettingsError, match=r"combinations of a and b.*interval=None"):
        scored(engine, {"a": "1", "b": "1"}, crossed)
    assert scored(engine, {"a": "1", "b": "1"}, crossed, interval=None)["unread"] is False
    with pytest.raises(FeatureError, match="scd_b is missing"):
        score(
            MODEL,
            ibis.table({"attr_a": "int64", "attr_b": "string", "scd_a": "float64"}, name="t"),
            dialect="duckdb",
        )
    for wrong, options in (
        (pd.DataFrame([ROW]), {}),
        (engine.table("one"), {"interval": 1.5}),
        (engine.table("one"), {"averaged": "mean"}),
    ):
        with pytest.raises(SettingsError, match="expected"):
            score(MODEL, wrong, **options)
    with pytest.raises(SettingsError, match="no one engine"):
        score(
            MODEL,
            ibis.table(
                {"scd_a": "float64"} | dict.fromkeys(("attr_a", "scd_b"), "int64") | {"attr_b": "string"},
                name="t",
            ),
        )
    with pytest.raises(SettingsError, match="dialect 'cobol'"):
        sql(MODEL, "cobol")
