"""Training on a table and scoring one in DuckDB, against fetching its rows; `python -m benchmarks.pushdown`.

CPU seconds of the process, since wall time depends on what else runs. The unit is `count(*), sum(x)` of the table.
Memory is what the process gains at its peak by a way, for which each runs in a process of its own: `--way`.
"""

from __future__ import annotations

import argparse
import resource
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import ibis
import numpy as np

from data_science import BayesianLogitModel, FitSettings, ModelSpecification
from data_science.examples import clients
from data_science.fitting.posterior_on import posed
from data_science.formula import training_data
from data_science.warehouse import training
from data_science.warehouse.relation import Relation


def main() -> None:
    """Print CPU seconds, rows per second and units of each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--way", choices=("sums", "fetch"), help="train by one way only, from a Parquet file")
    parser.add_argument("--parquet", help="the file, which is written if it is not there")
    options = parser.parse_args()
    n_rows = options.rows
    warnings.simplefilter("ignore")
    if options.way:
        train(Path(options.parquet), n_rows, options.way)
        return
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


def train(path: Path, n_rows: int, way: str) -> None:
    """Print what it takes to come from the rows of a Parquet file to the compressed problem."""
    if not path.exists():
        clients(n_rows, seed=2).to_parquet(path)
    connection = ibis.duckdb.connect()
    table = connection.read_parquet(path)
    specification, settings = ModelSpecification(), FitSettings(engine="nested-laplace")
    unit = _seconds(lambda: connection.raw_sql(f"SELECT count(*), sum(scd_a) FROM '{path}'").fetchall(), 5)
    relation = Relation.of(table)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    if way == "sums":
        data = training.validated(relation, specification)
    else:
        data = training_data.validated(relation.ask(table), specification, None)
    read = time.process_time() - start
    problem = posed(data.frame, specification, settings)
    took = time.process_time() - start
    gained = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(
        f"{way}: {data.n_rows:,} rows, the unit {unit:.3f} CPU s; read in {read / unit:.1f}, posed in {took / unit:.1f} "
        f"units ({took:.2f} CPU s), {gained:.0f} MB more\n{problem.compressed.sentence}"
    )


def _seconds(run: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return float(np.median(taken))


if __name__ == "__main__":
    main()
