"""Scoring a table in DuckDB against fetching it, predict_batch and writing back; `python -m benchmarks.pushdown`.

CPU seconds of the process, since wall time depends on what else runs. The unit is `count(*), sum(x)` of the table.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable

import ibis
import numpy as np

from data_science import BayesianLogitModel
from data_science.examples import clients


def main() -> None:
    """Print CPU seconds, rows per second and units of each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    n_rows = parser.parse_args().rows
    warnings.simplefilter("ignore")
    model = BayesianLogitModel(engine="nested-laplace")
    model.fit(clients(5_000))
    connection = ibis.duckdb.connect()
    frame = clients(n_rows, seed=2).drop(columns="label")
    connection.con.register("frame", frame)
    connection.raw_sql("CREATE TABLE clients AS SELECT * FROM frame")
    table = connection.table("clients")

    def fetch_predict_write() -> None:
        fetched = connection.con.sql("SELECT * FROM clients").df()
        scored = fetched.assign(probability=model.predict_proba(fetched), label=model.predict_batch(fetched))
        connection.con.register("scored", scored)
        connection.raw_sql("CREATE OR REPLACE TABLE back AS SELECT * FROM scored")

    def in_the_engine(interval: float | None) -> Callable[[], object]:
        def run() -> None:
            connection.create_table("scores", model.score(table, interval=interval), overwrite=True)

        return run

    unit = _seconds(lambda: connection.raw_sql("SELECT count(*), sum(scd_a) FROM clients").fetchall(), 20)
    print(f"{n_rows:,} rows; the unit is {unit:.4f} CPU s")
    ways = {
        "score, without an interval": in_the_engine(None),
        "score": in_the_engine(0.95),
        "fetch, predict_proba and predict_batch, write back": fetch_predict_write,
    }
    for name, run in ways.items():
        took = _seconds(run, 3)
        print(f"{name:52s} {took:7.2f} CPU s {n_rows / took / 1e6:6.2f} M rows/s {took / unit:8.0f} units")


def _seconds(run: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return float(np.median(taken))


if __name__ == "__main__":
    main()
