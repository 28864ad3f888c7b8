"""Matched nodes against all rows: what they cost, how far off they are, from how many rows on they pay.

CPU seconds throughout, so that a busy machine says nearly the same as a quiet one. "Error" is the largest over
300 fresh draws of Laplace's posterior, and of the same twice as wide, of the log density on nodes against that on
all rows. An engine's time is that of evaluating the density, so "ratio" is the time of one evaluation on all rows
over that on nodes; where both fits are affordable, they are run.

    python -m benchmarks.compression            # tables
    python -m benchmarks.compression ROWS COLS  # one whole fit by nested Laplace, for its own process
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import process_time
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from data_science.engines.registry import FitSettings, engine
from data_science.fitting.posterior_on import posterior_on
from data_science.formula.design import Design, encode, learn
from data_science.formula.rows import Observations
from data_science.formula.specification import ModelSpecification
from data_science.likelihood import certified
from data_science.likelihood.fidelity import Compressed, compress_enough
from data_science.likelihood.log_joint import LogJoint, design_matrix
from data_science.likelihood.node_certificate import log_ratio

TABLES = ((150_000, 2), (150_000, 5), (1_000_000, 5), (150_000, 10), (1_000_000, 10))
EVEN = (300, 600, 1_000, 2_000, 4_000, 8_000)
PROCESSES = ((150_000, 5), (1_000_000, 10))
ENGINES = ("nested-laplace", "nuts")
DRAWS = 300


def frame(n_rows: int, n_columns: int, seed: int = 0) -> pd.DataFrame:
    """Make rows with nine groups and columns of many kinds: skewed, heavy-tailed, correlated .95, counts."""
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=n_rows)
    kinds: list[Callable[[], np.ndarray]] = [
        lambda: rng.exponential(size=n_rows),
        lambda: normal,
        lambda: rng.standard_t(4, size=n_rows),
        lambda: 0.95 * normal + np.sqrt(1 - 0.95**2) * rng.normal(size=n_rows),
        lambda: rng.poisson(2.0, size=n_rows).astype(float),
        lambda: rng.normal(size=n_rows),
        lambda: rng.lognormal(0, 0.5, size=n_rows),
        lambda: rng.uniform(-1.7, 1.7, size=n_rows),
    ]
    columns = np.column_stack([kinds[min(j, 7) if j < 8 else 5]() for j in range(n_columns)])
    a, b = rng.choice(5, n_rows, p=[0.5, 0.05, 0.1, 0.15, 0.2]), rng.choice(4, n_rows, p=[0.1, 0.2, 0.3, 0.4])
    standard = (columns - columns.mean(0)) / columns.std(0)
    slopes, of_a, of_b = (rng.normal(0, sd, size) for sd, size in ((0.4, n_columns), (0.5, 5), (0.5, 4)))
    chance = 1 / (1 + np.exp(2.3 - standard @ slopes - of_a[a] - of_b[b]))
    numeric = {f"x{j}": columns[:, j] for j in range(n_columns)}
    letters = {"a": np.array(list("abcde"))[a], "b": np.array(list("klmn"))[b]}
    return pd.DataFrame({"y": (rng.random(n_rows) < chance).astype(int), **numeric, **letters})


def specification(n_columns: int, *, grouped: bool = True) -> ModelSpecification:
    """Return all columns, and both factors as groups."""
    columns = " + ".join(f"x{j}" for j in range(n_columns))
    return ModelSpecification(f"y ~ {columns}{' + (1 | a) + (1 | b)' if grouped else ''}")


def posed(n_rows: int, n_columns: int, *, grouped: bool = True) -> tuple[Design, Observations]:
    """Return a design and its encoded rows."""
    table = frame(n_rows, n_columns)
    design = learn(specification(n_columns, grouped=grouped), table)
    return design, encode(design, table)


@contextmanager
def timed(seconds: dict[str, float], name: str, owner: Any, attribute: str) -> Iterator[None]:
    """Add up the CPU seconds of every call of a function."""
    function = getattr(owner, attribute)

    def call(*args: Any, **kwargs: Any) -> Any:
        started = process_time()
        result = function(*args, **kwargs)
        seconds[name] = seconds.get(name, 0.0) + process_time() - started
        return result

    with patch.object(owner, attribute, call):
        yield


def evaluation_s(joint: LogJoint, x: np.ndarray) -> float:
    """CPU seconds of one value, gradient and curvature, as an engine asks for them: the least of three."""
    found = []
    for _ in range(3):
        started = process_time()
        for each in x:
            joint.log_likelihood(each)
        found.append((process_time() - started) / len(x))
    return min(found)


def errors(found: Compressed) -> tuple[float, float]:
    """Largest errors on fresh draws, one and two posterior sds wide."""
    assert found.nodes is not None
    rng, mode = np.random.default_rng(99), found.mode
    steps = np.array([mode.factor.solve_upper(rng.normal(size=len(mode.x))) for _ in range(DRAWS)])
    x = np.concatenate([mode.x[None], mode.x + steps, mode.x + 2 * steps])
    error = log_ratio(found.nodes.strata, found.joint, x)
    error -= error[0]
    return float(np.abs(error[1 : 1 + DRAWS]).max()), float(np.abs(error[1 + DRAWS :]).max())


def compression_row(n_rows: int, n_columns: int) -> None:
    """Print one row of the first table."""
    design, rows = posed(n_rows, n_columns)
    seconds: dict[str, float] = {}
    with (
        timed(seconds, "pilot", certified._Climb, "_pilot"),
        timed(seconds, "nodes", certified, "match"),
        timed(seconds, "once more", certified, "reduced"),
        timed(seconds, "certificate", certified.Evidence, "around"),
    ):
        started = process_time()
        found = compress_enough(design, rows)
        whole = process_time() - started
    if found.nodes is None:
        print(f"{n_rows:>10,} x {n_columns:<3} {found.sentence}", flush=True)
        return
    narrow, wide = errors(found)
    on_rows = LogJoint(
        design_matrix(design.encoding, rows, found.at), rows.trials, found.joint.successes,
        found.joint.common_priors, found.joint.sd_priors, found.joint.block_sizes,
    )  # fmt: skip
    ratio = evaluation_s(on_rows, found.mode.x[None]) / evaluation_s(
        found.joint, np.tile(found.mode.x, (50, 1))
    )
    parts = "".join(
        f"{seconds.get(name, 0.0):>12.2f}" for name in ("pilot", "nodes", "once more", "certificate")
    )
    print(f"{n_rows:>10,} x {n_columns:<3}{whole:>8.2f}{parts}{len(found.cells):>8,}{narrow:>10.2g}{wide:>10.2g}"
          f"{ratio:>9,.0f}", flush=True)  # fmt: skip


def fit_s(design: Design, rows: Observations, name: str, *, exact: bool) -> tuple[int, float]:
    """Nodes, and CPU seconds of compression and engine together."""
    started = process_time()
    found = compress_enough(design, rows, exact=exact)
    engine(name).draw(design, found, FitSettings(second_opinion=False), lambda _: None)
    return len(found.cells), process_time() - started


def even_row(n_rows: int, *, grouped: bool) -> None:
    """Print one row of the second table."""
    design, rows = posed(n_rows, 3, grouped=grouped)
    print(f"{n_rows:>10,} x 3{', groups' if grouped else '':<9}", end="")
    for name in ENGINES:
        with patch.object(certified, "LEAST_ROWS", 0):
            n_nodes, on_nodes = fit_s(design, rows, name, exact=False)
        _, on_rows = fit_s(design, rows, name, exact=True)
        print(f"{n_nodes:>8,}{on_nodes:>8.2f}{on_rows:>8.2f}{on_rows / on_nodes:>8.2f}", end="")
    print(flush=True)


def process_row(n_rows: int, n_columns: int) -> None:
    """Print what one whole process takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "benchmarks.compression", str(n_rows), str(n_columns)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{n_rows:>10,} x {n_columns:<3}{cpu:>8.2f} CPU s with the making of the table; {output}", flush=True
    )


def one_fit(n_rows: int, n_columns: int) -> None:
    """Fit as a user does, and say what compression did."""
    started = process_time()
    table = frame(n_rows, n_columns)
    made = process_time() - started
    fitted = posterior_on(table, specification(n_columns), FitSettings(engine="nested-laplace"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{made:.2f} of it to make the table, peak {peak:,.0f} MB; {fitted.problem.compressed.sentence}")


def main() -> None:
    """Print the tables."""
    print(f"{'compression: CPU s':<16}{'whole':>5}{'pilot':>12}{'nodes':>12}{'once more':>12}{'certificate':>12}"
          f"{'nodes':>8}{'error':>10}{'2x':>10}{'ratio':>9}")  # fmt: skip
    with threadpool_limits(1):
        for size in TABLES:
            compression_row(*size)
        for name in ENGINES:  # the first call imports, and loads or makes compiled code
            fit_s(*posed(300, 3), name, exact=True)
        heads = (f"{name:>14}: s on nodes, on rows" for name in ENGINES)
        print(
            f"\n{'fit, CPU s':<23}{''.join(heads)}, each with the number of nodes before and the ratio after"
        )
        for grouped in (False, True):
            for n_rows in EVEN:
                even_row(n_rows, grouped=grouped)
    print("\nwhole process, nested-laplace, nine groups, 4 x 2,000 draws")
    for size in PROCESSES:
        process_row(*size)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        one_fit(int(sys.argv[1]), int(sys.argv[2]))
    else:
        main()
