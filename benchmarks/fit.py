"""Effective draws per second of whole cold processes: both engines against the documented Bambi default.

Every contestant is a fresh Python process that reads the same rows from a file, imports what it needs, fits its
default number of chains and computes diagnostics. The figure is the smallest bulk ESS over every reported parameter (group sds
included) per second of total wall time. The peer gets a time limit; what it reached then is reported, nothing
extrapolated: draws kept until the limit count, and if it has none its ESS is 0.

    python -m benchmarks.fit [--clients N] [--limit SECONDS] [--scenario no-signal signal]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from time import perf_counter

import pandas as pd

from de.embedded import embedded_company

OURS = """
import json, sys, time
started = time.perf_counter()
import pandas as pd
from data_science import pipeline
from data_science.engines.registry import FitSettings
frame = pd.read_pickle(sys.argv[1])
fit = pipeline.fit(frame, settings=FitSettings(engine=sys.argv[2], second_opinion=False, draws=int(sys.argv[3])))
table, measured = fit.summary, fit.report.measured
print(json.dumps({
    "ess": table["ess_bulk"].min(), "rhat": table["r_hat"].max(), "divergences": measured.n_divergences,
    "khat": measured.khat, "stages": dict(fit.report.seconds),
}))
"""

# Sampling in the background is stopped at the limit by nothing but the documented draws: chains of 1000 + 1000,
# as Bambi and PyMC document; a callback keeps what was drawn when the time is over.
PEER = """
import json, sys, time
started = time.perf_counter()
import arviz as az, bambi as bmb, numpy as np, pandas as pd, pymc as pm
frame = pd.read_pickle(sys.argv[1])
limit = float(sys.argv[2])
model = bmb.Model("label ~ 1 + scd_a + scd_b + (1 | attr_a) + (1 | attr_b)", frame, family="bernoulli")
model.build()
def stop(trace, draw):
    if time.perf_counter() - started > limit:
        raise KeyboardInterrupt
kept = None
with model.backend.model:
    names = [v.name for v in model.backend.model.unobserved_RVs if v.name != "p" and not v.name.endswith("_offset")]
    try:
        kept = pm.sample(1000, tune=1000, random_seed=1, progressbar=False, callback=stop,
                         var_names=names, compute_convergence_checks=False)
    except (KeyboardInterrupt, ValueError) as error:
        print(json.dumps({"ess": 0.0, "note": f"no draw was kept within the limit ({type(error).__name__})"}))
if kept is not None:
    table = az.summary(kept, kind="diagnostics", round_to="none")
    print(json.dumps({
        "ess": float(table["ess_bulk"].astype(float).min()), "rhat": float(table["r_hat"].astype(float).max()),
        "divergences": int(kept.sample_stats["diverging"].sum()), "n_draws": int(kept.posterior.sizes["draw"]),
        "n_chains": int(kept.posterior.sizes["chain"]),
    }))
"""


def run(code: str, *arguments: str, limit_s: float | None = None) -> dict[str, object]:
    """Time a cold process; peak memory is that of the process and its children."""
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    command = ["/usr/bin/time", "-f", "%M", sys.executable, "-c", code, *arguments]
    started = perf_counter()
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired:
        return {"ess": 0.0, "seconds": limit_s, "note": "stopped at the limit"}
    seconds = perf_counter() - started
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return {**found, "seconds": seconds, "peak_mb": int(done.stderr.strip().splitlines()[-1]) / 1024}


def show(name: str, found: dict[str, object], peer_rate: float | None) -> float:
    """Print one row and return effective draws per second."""
    rate = float(found["ess"]) / float(found["seconds"])
    ratio = f"{rate / peer_rate:8,.0f}×" if peer_rate else " " * 9
    extra = ", ".join(
        f"{k} {v}"
        for k, v in found.items()
        if k not in {"ess", "seconds", "peak_mb", "stages"} and v is not None
    )
    print(
        f"{name:<16}{found['ess']:>9,.0f}{found['seconds']:>10,.1f}{rate:>12,.3f}{ratio}"
        f"{found.get('peak_mb', 0):>9,.0f}  {extra}",
        flush=True,
    )
    return rate


def main() -> None:
    """Run all contestants on each scenario."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=150_000)
    parser.add_argument("--limit", type=float, default=1_200.0, help="seconds that the peer may take")
    parser.add_argument("--scenario", nargs="+", default=["no-signal", "signal"])
    options = parser.parse_args()
    for scenario in options.scenario:
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "frame.pickle")
            with (
                embedded_company(scenario, options.clients, 1) as company,
                closing(company.connect()) as link,
            ):
                with link.cursor() as cursor:
                    cursor.execute(
                        "SELECT idx, attr_a, attr_b, scd_a, scd_b, label FROM feature_store ORDER BY idx"
                    )
                    columns = [column.name for column in cursor.description]
                    pd.DataFrame(cursor.fetchall(), columns=columns).to_pickle(path)
            print(f"\n{scenario}, {options.clients:,} clients")
            print(f"{'':<16}{'min ESS':>9}{'wall s':>10}{'ESS/s':>12}{'ratio':>9}{'peak MB':>9}")
            ours = {
                "nuts": run(OURS, path, "nuts", "2000"),
                "nested-laplace": run(OURS, path, "nested-laplace", "4000"),
            }
            peer = run(PEER, path, str(options.limit), limit_s=options.limit + 120)
            peer_rate = show("Bambi default", peer, None)
            for name, found in ours.items():
                show(name, found, peer_rate)
            for name, found in ours.items():
                print(f"  {name}: " + ", ".join(f"{k} {v:.2f} s" for k, v in found["stages"].items()))


if __name__ == "__main__":
    main()
