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
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pandas as pd

ONE, TWO, NESTED = (
    "y ~ x1 + x2 + (1 | g)",
    "y ~ x1 + x2 + (1 | g) + (1 | h)",
    "y ~ x1 + x2 + (1 | c) + (1 | g)",
)
#: Case: formula, levels, levels of a second factor, targets of the engine and of the whole fit in CPU seconds.
CASES: dict[str, tuple[str, int, int, float, float]] = {
    "100": (ONE, 100, 0, 0.03, 0.2),
    "1000": (ONE, 1_000, 0, 0.027, 0.25),
    "10000": (ONE, 10_000, 0, 0.11, 0.7),
    "100000": (ONE, 100_000, 0, 1.0, 5.0),
    "crossed": (TWO, 1_000, 200, 0.25, 0.6),
    "nested": (NESTED, 1_595, 161, 0.2, 0.6),
}


def frame(levels: int, second: int, *, nested: bool, seed: int = 1) -> pd.DataFrame:
    """Binary rows by level: 10 to 20 each, or 1 to 4 in nested levels with large sds."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, levels) if nested else rng.integers(10, 21, levels)
    g = np.repeat(np.arange(levels), sizes)
    x1, x2 = rng.normal(size=len(g)).round(4), rng.integers(0, 5, len(g)) - 2.0
    eta = -1 + 0.5 * x1 + 0.3 * x2 + (2.0 if nested else 0.8) * rng.normal(size=levels)[g]
    made = pd.DataFrame({"x1": x1, "x2": x2, "g": np.char.add("g", g.astype(str))})
    if second:
        of = np.sort(rng.integers(0, second, levels))[g] if nested else rng.integers(0, second, len(g))
        eta = eta + (1.0 if nested else 0.5) * rng.normal(size=second)[of]
        made["c" if nested else "h"] = np.char.add("h", of.astype(str))
    return made.assign(y=(rng.random(len(g)) < 1 / (1 + np.exp(-eta))).astype(int))


def measured(case: str) -> dict[str, Any]:
    """Fit one case in this process."""
    from data_science import BayesianLogitModel, FitSettings, ModelSpecification

    formula, levels, second, *_ = CASES[case]
    settings, specification = FitSettings(engine="nested-laplace"), ModelSpecification(formula)
    warm = frame(130, 7 if second else 0, nested=case == "nested")
    BayesianLogitModel(specification, settings=settings).fit(warm)
    rows = frame(levels, second, nested=case == "nested")
    before, started = _peak_mb(), process_time()
    model = BayesianLogitModel(specification, settings=settings)
    report = model.fit(rows)
    found: dict[str, Any] = {"rows": len(rows), "fit": process_time() - started, "mb": _peak_mb() - before}
    found["engine"] = _engine(specification, rows, settings)
    found["khat"], found["sds"] = report.measured.khat, _sds(model)
    with tempfile.TemporaryDirectory() as folder:
        started = process_time()
        model.save(folder)
        found["save"], started = process_time() - started, process_time()
        loaded = BayesianLogitModel()
        loaded.load(folder)
        found["load"] = process_time() - started
        files = [path for path in Path(folder).rglob("*") if path.is_file() and path.name != "posterior.nc"]
        found["artifact_mb"] = sum(path.stat().st_size for path in files) / 1e6
    return found | _gpboost(rows, second, nested=case == "nested")


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


def _gpboost(rows: pd.DataFrame, second: int, *, nested: bool) -> dict[str, Any]:
    """CPU seconds of the quickest public tool, whose answer is a point estimate; nothing if not installed."""
    try:
        import gpboost
    except ImportError:
        return {}
    names = ["g", *(["c" if nested else "h"] if second else [])]
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
        of_engine, of_fit = CASES[case][3:]
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
