"""For every row the query decides as `predict_batch`, in DuckDB."""

import ibis
import pytest
from odd_rows import models, odd_rows, require_equal

from data_science.warehouse.scoring import score

ROWS = odd_rows(3_000)
MODELS = models()
TOLERANCE = {"functions": 1e-13, "polynomials": 1e-13}  # logarithms and powers differ in their last bit


@pytest.fixture(scope="module")
def clients():
    connection = ibis.duckdb.connect()
    schema = "idx INT, attr_a INT, attr_b TEXT, attr_c BOOLEAN, scd_a DOUBLE, scd_b DOUBLE"
    connection.raw_sql(f"CREATE TABLE clients ({schema})")
    connection.con.executemany("INSERT INTO clients VALUES (?, ?, ?, ?, ?, ?)", ROWS.values.tolist())
    return connection.table("clients")


@pytest.mark.parametrize("name", MODELS)
def test_every_row_is_decided_as_by_the_model(name, clients):
    scores = score(MODELS[name], clients).order_by("idx").to_pyarrow().to_pandas()

    require_equal(MODELS[name], ROWS, scores, TOLERANCE.get(name, 1e-15))
