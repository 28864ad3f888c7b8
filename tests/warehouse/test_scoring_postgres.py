"""For every row the query decides as `predict_batch`, in PostgreSQL, whose statements end where a number overflows."""

import ibis
import pandas as pd
import pytest
from odd_rows import models, odd_rows, require_equal
from psycopg2.extras import execute_values

from data_science.warehouse.scoring import SCORES, sql

ROWS = odd_rows(1_500, seed=2)
MODELS = models()
OFTEN = {
    "functions",
    "corrected",
    "averaged",
    "many levels",
    "refusing pairs",
}  # what PostgreSQL may do otherwise
TOLERANCE = {"functions": 1e-13, "polynomials": 1e-13}  # logarithms and powers differ in their last bit
TYPES = {
    "idx": "int32",
    "attr_a": "int32",
    "attr_b": "string",
    "attr_c": "boolean",
    "scd_a": "float64",
    "scd_b": "float64",
}


@pytest.fixture(scope="module")
def clients(postgres):
    postgres(
        "CREATE TEMPORARY TABLE odd (idx int, attr_a int, attr_b text, attr_c boolean, "
        "scd_a double precision, scd_b double precision)"
    )
    execute_values(postgres.cursor, "INSERT INTO odd VALUES %s", ROWS.values.tolist(), page_size=1000)
    return ibis.table(TYPES, name="odd")


@pytest.mark.parametrize(
    "name", [name if name in OFTEN else pytest.param(name, marks=pytest.mark.slow) for name in MODELS]
)
def test_every_row_is_decided_as_by_the_model(name, clients, postgres):
    text = sql(MODELS[name], "postgres", clients)

    rows = pd.DataFrame(postgres(text), columns=[*TYPES, *SCORES]).sort_values("idx", ignore_index=True)

    require_equal(MODELS[name], ROWS, rows, TOLERANCE.get(name, 1e-15))
