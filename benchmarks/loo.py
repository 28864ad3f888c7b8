"""PSIS-LOO of 150,000 clients from nodes against ArviZ over rows, as ratios in one run.

Run: ``python -m benchmarks.loo`` (needs the extra ``train``). Both ways start from the same encoded rows and
the same posterior draws, each in its own process, so that peak memory is its own. The peer is ArviZ's
array-level ``loo`` over chunks of rows: all rows at once need the log-likelihood in memory several times.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np
import pandas as pd
from arviz_stats.base import array_stats

from data_science.engines.posterior import Posterior
from data_science.engines.registry import FitSettings, engine
from data_science.evaluation.loo import loo, standard_error
from data_science.evaluation.pointwise import log_likelihood
from data_science.formula.design import Design, encode, learn
from data_science.formula.encoding import Encoding
from data_science.formula.rows import Observations
from data_science.formula.specification import ModelSpecification
from data_science.likelihood.fidelity import compress_enough

CHUNK = 1_000  # rows at a time for the peer


@dataclass(frozen=True, slots=True)
class Measured:
    """One way of computing elpd_loo."""

    elpd: float
    se: float
    p: float
    n_evaluations: int
    wall_s: float
    cpu_s: float
    before_mb: float  # of the process before it started: imports, rows, draws
    peak_mb: float


def clients(n_rows: int, *, signal: bool, seed: int = 0) -> pd.DataFrame:
    """Make clients as in the feature store: 9 % positives, with or without effects."""
    rng = np.random.default_rng(seed)
    a = rng.choice(5, n_rows, p=[0.5, 0.05, 0.1, 0.15, 0.2])
    b = rng.choice(4, n_rows, p=[0.1, 0.2, 0.3, 0.4])
    v, s = rng.random(n_rows), rng.integers(1, 6, n_rows)
    eta = np.full(n_rows, -2.3)
    if signal:
        effects_a, effects_b = np.array([-0.6, 0.3, 0, 0.5, -0.2]), np.array([0.4, -0.3, 0.2, -0.3])
        eta = -3 + 1.2 * v + 0.1 * (s - 3) + effects_a[a] + effects_b[b]
    label = (rng.random(n_rows) < 1 / (1 + np.exp(-eta))).astype(int)
    return pd.DataFrame(
        {"attr_a": a + 1, "attr_b": np.array(list("abcd"))[b], "scd_a": v, "scd_b": s, "label": label}
    )


def from_nodes(design: Design, rows: Observations, posterior: Posterior, n_draws: int) -> tuple[float, ...]:
    """Ours: elpd, se, p, evaluations."""
    found = loo(design, rows, posterior, n_draws=n_draws)
    return found.elpd, found.se, found.p, len(found.weights)


def from_rows(design: Design, rows: Observations, posterior: Posterior, n_draws: int) -> tuple[float, ...]:
    """Compute the same with ArviZ, row by row."""
    coefficients, _ = posterior.thinned(n_draws)
    parts = [
        _arviz(design.encoding, rows.take(slice(start, start + CHUNK)), coefficients)
        for start in range(0, len(rows), CHUNK)
    ]
    elpd, p = np.concatenate(parts, axis=1)
    return elpd.sum(), standard_error(elpd, np.ones(len(elpd)), len(elpd)), p.sum(), len(elpd)


def _arviz(encoding: Encoding, rows: Observations, coefficients: np.ndarray) -> np.ndarray:
    values = log_likelihood(encoding, rows, coefficients)
    elpd, _, p = array_stats.loo(values[:, None, :])
    return np.stack([elpd, p])


def in_own_process(way: Callable[[], tuple[float, ...]]) -> Measured:
    """Run in a fork of this process and measure that."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(way, sender))
    process.start()
    measured = receiver.recv()
    process.join()
    return measured


def _measure(way: Callable[[], tuple[float, ...]], sender: Connection) -> None:
    before_mb = _peak_mb()
    wall, cpu = time.perf_counter(), time.process_time()
    elpd, se, p, n_evaluations = way()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    sender.send(Measured(elpd, se, p, int(n_evaluations), wall, cpu, before_mb, _peak_mb()))


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure both ways in both scenarios and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=150_000)
    parser.add_argument("--draws", type=int, default=2_000)
    chosen = parser.parse_args()
    print(f"{chosen.rows:,} rows, {chosen.draws:,} draws; all log-likelihoods at once would take "
          f"{8e-9 * chosen.rows * chosen.draws:.1f} GB for one copy")  # fmt: skip
    print(f"{'scenario, way':<28}{'elpd_loo':>14}{'SE':>10}{'p_loo':>9}{'evaluations':>13}"
          f"{'wall s':>9}{'CPU s':>8}{'peak MB':>9}{'of it before':>13}")  # fmt: skip
    for name, signal in (("no-signal", False), ("signal", True)):
        frame = clients(chosen.rows, signal=signal)
        design = learn(ModelSpecification(), frame)
        rows = encode(design, frame)
        settings = FitSettings(engine="nested-laplace", seed=1)
        compressed = compress_enough(design, rows)
        posterior = engine("nested-laplace").draw(design, compressed, settings, lambda _: None)
        task = (design, rows, posterior, chosen.draws)
        ours = in_own_process(lambda task=task: from_nodes(*task))
        peer = in_own_process(lambda task=task: from_rows(*task))
        for way, m in (("nodes", ours), ("ArviZ, rows", peer)):
            print(f"{f'{name}, {way}':<28}{m.elpd:>14.4f}{m.se:>10.4f}{m.p:>9.4f}{m.n_evaluations:>13,}"
                  f"{m.wall_s:>9.2f}{m.cpu_s:>8.2f}{m.peak_mb:>9.0f}{m.before_mb:>13.0f}")  # fmt: skip
        print(f"{name}: {peer.wall_s / ours.wall_s:.0f} times faster by wall, "
              f"{peer.cpu_s / ours.cpu_s:.0f} by CPU; elpd differs by {abs(peer.elpd - ours.elpd):.1g}, "
              f"SE by {abs(peer.se - ours.se):.1g}")  # fmt: skip


if __name__ == "__main__":
    main()
