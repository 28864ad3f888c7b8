"""CPU seconds of factors with many levels: the engine, and a whole fit; with the ratio to GPBoost where it is installed.

Every case is a fresh process with one BLAS thread; a small case is fitted first, so that neither imports nor
compilation count. The peer fits the same rows in the same process. The targets are those of the laboratory.

    python -m benchmarks.levels [--cases 1000 10000 ...] [--limit SECONDS]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pandas as pd

ONE = "y ~ x1 + x2 + (1 | g)"
TWO = "y ~ x1 + x2 + (1 | g) + (1 | h)"


@dataclass(frozen=True)
class Case:
    """Binary rows, and the targets in CPU seconds."""

    formula: str
    levels: int
    engine: float
    fit: float
    second: int = 0  # levels of a second factor
    nested: bool = False  # the second holds levels of the first, which have 1 to 4 rows; else 10 to 20
    rows: int = 0  # so many, at any levels of both; of every pair of levels one, if negative
    intercept: float = -1.0
    sds: tuple[float, float] = (0.8, 0.5)


CASES = {
    "100": Case(ONE, 100, 0.03, 0.2),
    "1000": Case(ONE, 1_000, 0.027, 0.25),
    "10000": Case(ONE, 10_000, 0.11, 0.7),
    "100000": Case(ONE, 100_000, 1.0, 5.0),
    "crossed": Case(TWO, 1_000, 0.25, 0.6, second=200),
    "nested": Case(TWO, 1_595, 0.2, 0.6, second=161, nested=True, sds=(2.0, 1.0)),
    "verbagg": Case(TWO, 316, 0.15, 0.6, second=24, rows=-1, intercept=0.0, sds=(1.4, 0.4)),
    "60000": Case(TWO, 400, 0.6, 2.0, second=150, rows=60_000),
    "910000": Case(TWO, 35_000, 13.0, 20.0, second=26, rows=910_000, intercept=-4.0, sds=(0.6, 0.4)),
}


def frame(case: Case, seed: int = 1) -> pd.DataFrame:
    """Draw the rows of a case."""
    rng, levels, second = np.random.default_rng(seed), case.levels, case.second
    of = np.zeros(0, dtype=np.intp)
    if case.rows < 0:
        g, of = (axis.ravel() for axis in np.meshgrid(np.arange(levels), np.arange(second), indexing="ij"))
    elif case.rows:
        g, of = rng.integers(0, levels, case.rows), rng.integers(0, second, case.rows)
    else:
        g = np.repeat(np.arange(levels), rng.integers(*((1, 5) if case.nested else (10, 21)), levels))
    x1, x2 = rng.normal(size=len(g)).round(4), rng.integers(0, 5, len(g)) - 2.0
    eta = case.intercept + 0.5 * x1 + 0.3 * x2 + case.sds[0] * rng.normal(size=levels)[g]
    made = pd.DataFrame({"x1": x1, "x2": x2, "g": np.char.add("g", g.astype(str))})
    if second:
        if not case.rows:
            of = (
                np.sort(rng.integers(0, second, levels))[g]
                if case.nested
                else rng.integers(0, second, len(g))
            )
        eta = eta + case.sds[1] * rng.normal(size=second)[of]
        made["h"] = np.char.add("h", of.astype(str))
    return made.assign(y=(rng.random(len(g)) < 1 / (1 + np.exp(-eta))).astype(int))


def measured(name: str) -> dict[str, Any]:
    """Fit one case in this process."""
    from data_science import BayesianLogitModel, FitSettings, ModelSpecification
    from data_science.evaluation import reference

    case = CASES[name]
    settings, specification = FitSettings(engine="nested-laplace"), ModelSpecification(case.formula)
    for levels in (130, 400):  # both ways of what is left
        warm = frame(replace(case, levels=levels, second=case.second and 7, rows=min(case.rows, 4_000)))
        BayesianLogitModel(specification, settings=settings).fit(warm)
    rows, trees, grow = frame(case), [0.0], reference.log_scores

    def timed(*arguments: Any) -> Any:
        started = process_time()
        scores = grow(*arguments)
        trees[0] += process_time() - started
        return scores

    reference.log_scores = timed
    before, started = _peak_mb(), process_time()
    model = BayesianLogitModel(specification, settings=settings)
    report = model.fit(rows)
    found: dict[str, Any] = {"rows": len(rows), "fit": process_time() - started, "mb": _peak_mb() - before}
    found["trees"] = trees[0]  # of the learner that the verdict compares with
    found["engine"] = _engine(specification, rows, settings)
    found["khat"], found["sds"] = report.measured.khat, _sds(model)
    with tempfile.TemporaryDirectory() as folder:
        started = process_time()
        model.save(folder)
        found["save"], started = process_time() - started, process_time()
        loaded = BayesianLogitModel()
        loaded.load(folder)
        found["load"], started = process_time() - started, process_time()
        loaded.predict_proba(rows.head(1_000))
        found["predict"] = process_time() - started
        files = [path for path in Path(folder).rglob("*") if path.is_file() and path.name != "posterior.nc"]
        found["artifact_mb"] = sum(path.stat().st_size for path in files) / 1e6
    return found | _gpboost(rows)


def _engine(specification: Any, rows: pd.DataFrame, settings: Any) -> float:
    from data_science.engines.registry import engine
    from data_science.fitting.posterior_on import posed

    problem = posed(rows, specification, settings)
    started = process_time()
    engine("nested-laplace").draw(problem.design, problem.compressed, settings, lambda _: None)
    return process_time() - started


def _sds(model: Any) -> dict[str, float]:
    table = model.summary()
    return {str(name): round(float(table["mean"][name]), 3) for name in table.index if "_sigma" in name}


def _gpboost(rows: pd.DataFrame) -> dict[str, Any]:
    """CPU seconds of the quickest public tool, whose answer is a point estimate; nothing if not installed."""
    try:
        import gpboost
    except ImportError:
        return {}
    names = [name for name in "gh" if name in rows]
    started = process_time()
    model = gpboost.GPModel(
        group_data=rows[names].to_numpy(), likelihood="bernoulli_logit", num_parallel_threads=1
    )
    model.fit(y=rows["y"].to_numpy(), X=np.column_stack([np.ones(len(rows)), rows[["x1", "x2"]]]))
    return {"gpboost": process_time() - started}


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    """Measure the cases, each in a process of its own, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--limit", type=float, default=600.0, help="seconds of wall time a case")
    parser.add_argument("--one", choices=CASES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measured(options.one)))
        return
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    print(
        f"{'case':>8} {'rows':>9} {'engine':>8} {'x target':>8} {'fit':>8} {'x target':>8} {'x GPBoost':>9}  rest"
    )
    for case in options.cases:
        command = [sys.executable, "-m", "benchmarks.levels", "--one", case]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, env=environment, timeout=options.limit, check=False
            )
        except subprocess.TimeoutExpired:
            print(f"{case:>8} stopped at {options.limit:.0f} s")
            continue
        if done.returncode:
            raise SystemExit(done.stderr[-3000:])
        found = json.loads(done.stdout.strip().splitlines()[-1])
        of_engine, of_fit = CASES[case].engine, CASES[case].fit
        peer = f"{found['engine'] / found['gpboost']:9.2f}" if "gpboost" in found else f"{'-':>9}"
        rest = {k: v for k, v in found.items() if k not in ("rows", "engine", "fit", "gpboost")}
        rest = {k: round(v, 2) if isinstance(v, float) else v for k, v in rest.items()}
        print(
            f"{case:>8} {found['rows']:>9,} {found['engine']:8.3f} {found['engine'] / of_engine:8.1f} "
            f"{found['fit']:8.3f} {found['fit'] / of_fit:8.1f} {peer}  {rest}",
            flush=True,
        )


if __name__ == "__main__":
    main()
