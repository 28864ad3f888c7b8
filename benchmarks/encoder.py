"""CPU seconds to encode a column of many levels, with the ratio to category_encoders' GLMMEncoder where it is installed.

Both fit `y ~ 1 + (1 | level)` to the same rows in the same process, and their encodings are compared with the
truth. The peer is no dependency: install it beside the package, `pip install category-encoders`.

    python -m benchmarks.encoder [--levels 100 1000 10000] [--peer-limit 1000]
"""

from __future__ import annotations

import argparse
import warnings
from time import process_time

import numpy as np
import pandas as pd

_SD, _INTERCEPT = 0.8, -1.0


def rows_of(n_levels: int, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Make 10 to 20 rows for each level; also their labels and the levels' true effects by row."""
    rng = np.random.default_rng(seed)
    level = np.repeat(np.arange(n_levels), rng.integers(10, 21, n_levels))
    effect = _SD * rng.normal(size=n_levels)
    labels = (rng.random(len(level)) < 1 / (1 + np.exp(-_INTERCEPT - effect[level]))).astype(int)
    return pd.DataFrame({"level": np.char.add("g", level.astype(str))}), labels, effect[level]


def _rms(found: np.ndarray, truth: np.ndarray) -> float:
    return float(np.sqrt(np.mean((found - truth) ** 2)))


def _peer(frame: pd.DataFrame, labels: np.ndarray, truth: np.ndarray) -> tuple[float, float] | None:
    """CPU seconds and error of category_encoders; None if it is not installed."""
    try:
        from category_encoders import GLMMEncoder
    except ImportError:
        return None
    started = process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the peer's own dependencies
        encoded = GLMMEncoder(cols=["level"], binomial_target=True).fit(frame, labels).transform(frame)
    return process_time() - started, _rms(encoded["level"].to_numpy(), truth)


def main() -> None:
    """Print one line for each number of levels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--levels", type=int, nargs="+", default=[100, 1_000, 10_000, 100_000])
    parser.add_argument("--peer-limit", type=int, default=1_000, help="most levels that the peer is given")
    options = parser.parse_args()
    from data_science.sklearn import GLMMEncoder

    warm, labels, _ = rows_of(50)
    GLMMEncoder().fit(warm, labels)
    print(
        f"{'levels':>8} {'rows':>9} {'fit':>8} {'cross-fit':>9} {'error':>6} {'peer':>8} {'error':>6} {'ratio':>8}"
    )
    for n_levels in options.levels:
        frame, labels, truth = rows_of(n_levels)
        started = process_time()
        encoder = GLMMEncoder().fit(frame, labels)
        fit, started = process_time() - started, process_time()
        encoder.fit_transform(frame, labels)
        crossed = process_time() - started
        error = _rms(encoder.transform(frame)[:, 0], truth)
        line = f"{n_levels:>8,} {len(frame):>9,} {fit:8.3f} {crossed:9.3f} {error:6.3f}"
        peer = _peer(frame, labels, truth) if n_levels <= options.peer_limit else None
        print(
            line if peer is None else f"{line} {peer[0]:8.2f} {peer[1]:6.3f} {peer[0] / fit:8.0f}", flush=True
        )


if __name__ == "__main__":
    main()
