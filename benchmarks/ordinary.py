"""Ordinary data: whole processes and a second fit inside one, against plain Bambi's default and Bambi with nutpie.

Run: ``python -m benchmarks.ordinary [--tables FOLDER] [--rounds N] [--only NAME ...]`` (needs the `train` extra).

Every contestant is a fresh process with warm caches that reads a CSV file, fits four chains, computes ESS and
r_hat of every parameter, fits once more, and says when each was done; the wall time of the whole process is
until the first was. Rounds alternate the contestants, and the medians count. The tables with eight covariates
are made here; FOLDER may hold ``contraception.csv`` (mlmRev's Contraception: use, age and age_squared in
decades, urban, livch, district) and ``wells.csv`` (carData's Wells: switch, arsenic, dist100, education),
which are others' and downloaded by nobody.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

START = """
import json, os, resource, sys, time
path, formula, who = sys.argv[1:4]
def say(ess, rhat, since, stages=None):
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(each.ru_utime + each.ru_stime for each in spent)
    print(json.dumps({"ess": ess, "rhat": rhat, "fit": time.perf_counter() - since, "cpu": cpu, "stages": stages}),
          flush=True)
import pandas as pd
frame = pd.read_csv(path, dtype={"district": str, "livch": str, "g": str})
"""
OURS = (
    START
    + """
from data_science import pipeline
from data_science.formula.specification import ModelSpecification
for _ in range(2):
    since = time.perf_counter()
    fit = pipeline.fit(frame, ModelSpecification(formula), engine=who)
    table = fit.summary
    say(float(table["ess_bulk"].min()), float(table["r_hat"].max()), since, dict(fit.report.seconds))
"""
)
BAMBI = (
    START
    + """
import arviz as az, bambi as bmb
how = {} if who == "Bambi" else {"inference_method": "nutpie"}
for _ in range(2):
    since = time.perf_counter()
    drawn = bmb.Model(formula, frame, family="bernoulli").fit(random_seed=1, progressbar=False, **how)
    table = az.summary(drawn, kind="diagnostics", round_to="none")
    say(float(table["ess_bulk"].astype(float).min()), float(table["r_hat"].astype(float).max()), since)
"""
)
CONTESTANTS = {"Bambi": BAMBI, "Bambi, nutpie": BAMBI, "nested-laplace": OURS, "nuts": OURS}
PEERS = ("Bambi", "Bambi, nutpie")
EIGHT = "y ~ x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + (1 | g)"


@dataclass(frozen=True, slots=True)
class Fits:
    """What a process said: seconds of all until the first fit was done, and of a second fit."""

    ess: float
    whole: float
    second: float
    cpu: float
    second_cpu: float
    stages: dict[str, float]

    @property
    def rate(self) -> float:
        """Effective draws per second of the whole process."""
        return self.ess / self.whole


def eight_covariates(n_rows: int) -> pd.DataFrame:
    """Return rows with eight independent covariates and twelve groups."""
    rng = np.random.default_rng(1)
    covariates, group = rng.normal(size=(n_rows, 8)), rng.integers(0, 12, n_rows)
    eta = -0.5 + covariates @ rng.normal(0, 0.5, 8) + rng.normal(0, 0.6, 12)[group]
    frame = pd.DataFrame(covariates, columns=[f"x{k}" for k in range(1, 9)])
    happened = rng.random(n_rows) < 1 / (1 + np.exp(-eta))
    return frame.assign(g=[f"g{k:02d}" for k in group], y=happened.astype(int))


def tables(given: Path | None, folder: Path) -> Iterator[tuple[str, Path, str]]:
    """Name, file and formula of every table that is there."""
    others = {
        "contraception": "use ~ age + age_squared + urban + livch + (1 | district)",
        "wells": "switch ~ arsenic + dist100 + education",
    }
    for name, formula in others.items():
        path = (given or folder) / f"{name}.csv"
        if path.exists():
            yield name, path, formula
        else:
            print(f"{name}: not measured, since {path.name} is not in --tables", file=sys.stderr)
    for n_rows in (300, 30_000):
        path = folder / f"{n_rows}.csv"
        eight_covariates(n_rows).to_csv(path, index=False)
        yield f"{n_rows:,} rows x 8", path, EIGHT


def run(who: str, path: Path, formula: str) -> Fits:
    """Run one process."""
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", CONTESTANTS[who], str(path), formula, who]
    started, said, times = perf_counter(), [], []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True
    ) as process:
        for line in process.stdout or ():
            if line.startswith("{"):
                times.append(perf_counter() - started)
                said.append(json.loads(line))
    if process.returncode:
        raise SystemExit(f"{who} failed on {path.name}: run `{sys.executable} -c ...` by hand to see why")
    first, second = said
    spent = second["cpu"] - first["cpu"]
    return Fits(first["ess"], times[0], second["fit"], first["cpu"], spent, first["stages"] or {})


def median(rounds: list[Fits]) -> dict[str, float]:
    """Return medians over rounds."""
    names = ("ess", "whole", "second", "cpu", "second_cpu", "rate")
    return {name: statistics.median(getattr(each, name) for each in rounds) for name in names}


def show(name: str, found: dict[str, list[Fits]]) -> None:
    """Print a table: ratios are to the better of the two ways of Bambi, in each column."""
    measured = {who: median(rounds) for who, rounds in found.items()}
    peers = [measured[who] for who in PEERS if who in measured]
    print(
        f"\n{name}\n{'':16}{'min ESS':>9}{'whole s':>9}{'ratio':>7}{'CPU s':>7}{'ESS/s':>9}{'ratio':>7}"
        f"{'second s':>10}{'ratio':>7}{'CPU s':>7}"
    )
    for who, own in measured.items():
        ratios = ["", "", ""]
        if peers and who not in PEERS:
            ratios = [
                f"{min(peer['whole'] for peer in peers) / own['whole']:.1f}×",
                f"{own['rate'] / max(peer['rate'] for peer in peers):.1f}×",
                f"{min(peer['second'] for peer in peers) / own['second']:.1f}×",
            ]
        print(
            f"{who:16}{own['ess']:>9,.0f}{own['whole']:>9.2f}{ratios[0]:>7}{own['cpu']:>7.1f}{own['rate']:>9,.0f}"
            f"{ratios[1]:>7}{own['second']:>10.2f}{ratios[2]:>7}{own['second_cpu']:>7.1f}",
            flush=True,
        )
    for who in found:
        stages: dict[str, Any] = found[who][-1].stages
        if stages:
            print(f"  {who}: " + ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in stages.items()))


def main() -> None:
    """Run all contestants on each table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", type=Path, help="folder with contraception.csv and wells.csv")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=list(CONTESTANTS), default=list(CONTESTANTS))
    chosen = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors at the start")
    with tempfile.TemporaryDirectory() as folder:
        for name, path, formula in tables(chosen.tables, Path(folder)):
            for who in chosen.only:
                run(who, path, formula)  # compiles what is compiled once
            found: dict[str, list[Fits]] = {who: [] for who in chosen.only}
            for _ in range(chosen.rounds):
                for who in chosen.only:
                    found[who].append(run(who, path, formula))
            show(name, found)
    print(f"\nload average {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
