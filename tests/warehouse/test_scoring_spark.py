"""For every row the query decides as `predict_batch`, in Spark, whose literals are decimals and whose text has escapes."""

import ibis
import numpy as np
import pytest
from odd_rows import models, odd_rows, require_equal

from data_science.warehouse.scoring import SCORES, sql

pytestmark = [
    pytest.mark.slow,
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore"),  # of pandas 3, which PySpark does not know, and of its sockets
]
ROWS = odd_rows(1_000, seed=3)
MODELS = models()
TOLERANCE = {"functions": 1e-13, "polynomials": 1e-13}  # logarithms and powers differ in their last bit
TYPES = {"idx": "int32", "attr_a": "int32", "attr_b": "string", "attr_c": "boolean", "scd_a": "float64", "scd_b": "float64"}  # fmt: skip


@pytest.fixture(scope="module")
def spark():
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "1")
        .getOrCreate()
    )
    schema = "idx int, attr_a int, attr_b string, attr_c boolean, scd_a double, scd_b double"
    rows = [
        tuple(v.item() if isinstance(v, np.generic) else v for v in row) for row in ROWS.to_numpy().tolist()
    ]
    session.createDataFrame(rows, schema).createOrReplaceTempView("odd")
    yield session
    session.stop()


@pytest.mark.parametrize("name", MODELS)
def test_every_row_is_decided_as_by_the_model(name, spark):
    import pandas as pd

    text = sql(MODELS[name], "pyspark", ibis.table(TYPES, name="odd"))

    rows = [tuple(row) for row in spark.sql(text).collect()]

    scores = pd.DataFrame(rows, columns=[*TYPES, *SCORES]).sort_values("idx", ignore_index=True)
    require_equal(MODELS[name], ROWS, scores, TOLERANCE.get(name, 1e-15))
