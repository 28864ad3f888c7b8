"""What a prediction costs, against peers in the same run; each line has the target beside the ratio.

Run: ``python -m benchmarks.serving`` (needs the `train` extra, scikit-learn, skl2onnx and onnxruntime).
Figures are the median over rounds of CPU time, each round long enough for the clock; rounds of what is
compared alternate, so that a change of the machine's speed meets both.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

# One thread each: CPU time of a pool of spinning threads would flatter us.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from benchmarks import peers

Call = Callable[[], object]
ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison; the target is a ratio of costs."""

    what: str
    cost: str
    peer: str
    target: float | None
    faster: bool  # whether the peer is to be slower by the target, or ours to cost at most the target


LINES = (
    Line("predict(one-row frame)", "predict", "scikit-learn", 100, True),
    Line("predict(one-row frame)", "predict", "iat", 5, False),
    Line("predict(one-row frame)", "predict", "ONNX Runtime", None, True),
    Line("predict(one-row frame)", "predict", "Bambi", None, True),
    Line("predict_one(mapping)", "predict_one", "scikit-learn", 5_000, True),
    Line("predict_one(mapping)", "predict_one", "ONNX Runtime, arrays ready", None, True),
    Line("predict_one(mapping)", "predict_one", "Bambi", None, True),
    Line("predict_interval_one(mapping)", "interval_one", "scikit-learn", None, True),
    Line("predict_proba, 10^7 rows", "proba", "copy", 10, False),
    Line("predict_batch, 10^7 rows", "batch", "copy", None, False),
    Line("predict_interval, 10^6 rows", "interval", "proba, 10^6 rows", 10, False),
    Line("predict_proba, 10^6 rows", "proba, 10^6 rows", "scikit-learn, 10^6 rows", None, True),
    Line("predict_proba, 10^6 rows", "proba, 10^6 rows", "ONNX Runtime, 10^6 rows", None, True),
)


def one_row_calls() -> dict[str, Call]:
    """Return what is timed on one row."""
    ours, pipeline = peers.predictor(), peers.scikit_learn()
    session, (model, posterior) = peers.onnx(pipeline), peers.bambi()
    row, frame = peers.ROW, pd.DataFrame([peers.ROW])
    feed = onnx_feed(frame)
    return {
        "predict": lambda: ours.predict(frame),
        "predict_one": lambda: ours.predict_one(row),
        "interval_one": lambda: ours.predict_interval_one(row),
        "iat": lambda: (frame.iat[0, 0], frame.iat[0, 1], frame.iat[0, 2], frame.iat[0, 3]),
        "scikit-learn": lambda: pipeline.predict(frame),
        "ONNX Runtime": lambda: session.run(None, onnx_feed(frame)),
        "ONNX Runtime, arrays ready": lambda: session.run(None, feed),
        "Bambi": lambda: model.predict(posterior, kind="response_params", data=frame, inplace=False),
    }


def many_row_calls(n_rows: int) -> dict[str, Call]:
    """Return what is timed on many rows; ``n_rows`` stands for 10^7, a tenth of it for 10^6."""
    ours, pipeline = peers.predictor(), peers.scikit_learn()
    session = peers.onnx(pipeline)
    many, some = peers.rows(n_rows), peers.rows(n_rows // 10)
    text = some.astype({"attr_b": str})
    feed = onnx_feed(text)
    columns = [many["attr_b"].array.codes, *(many[name].to_numpy() for name in ("attr_a", "scd_a", "scd_b"))]
    copies = [np.copy(column) for column in columns]
    return {
        "copy": lambda: [np.copyto(copy, column) for copy, column in zip(copies, columns, strict=True)],
        "proba": lambda: ours.predict_proba(many),
        "batch": lambda: ours.predict_batch(many),
        "proba, 10^6 rows": lambda: ours.predict_proba(some),
        "interval": lambda: ours.predict_interval(some),
        "scikit-learn, 10^6 rows": lambda: pipeline.predict_proba(text),
        "ONNX Runtime, 10^6 rows": lambda: session.run(None, feed),
    }


def onnx_feed(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the frame's columns as ONNX Runtime takes them."""
    return {
        "attr_a": frame[["attr_a"]].to_numpy(np.int64),
        "attr_b": frame[["attr_b"]].to_numpy(object),
        "scd_a": frame[["scd_a"]].to_numpy(np.float32),
        "scd_b": frame[["scd_b"]].to_numpy(np.float32),
    }


def cpu_seconds(calls: dict[str, Call], round_s: float) -> dict[str, float]:
    """Return the median CPU time of one call each, rounds alternating between them."""
    for call in calls.values():
        call()  # compiles and caches what a process does once
    repeats = {name: max(1, int(round_s / _timed(call, 1))) for name, call in calls.items()}
    rounds = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            rounds[name].append(_timed(call, repeats[name]) / repeats[name])
    return {name: statistics.median(times) for name, times in rounds.items()}


def _timed(call: Call, repeats: int) -> float:
    start = time.process_time()
    for _ in range(repeats):
        call()
    return max(time.process_time() - start, 1e-7)


def _shown(seconds: float) -> str:
    return f"{seconds * 1e6:,.2f} µs" if seconds < 1e-3 else f"{seconds * 1e3:,.1f} ms"


def main() -> None:
    """Print the table; exit with 1 if a target is missed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=10**7, help="rows that stand for 10^7 (default: that)")
    chosen = arguments.parse_args()
    costs = cpu_seconds(one_row_calls(), round_s=0.05)
    costs |= cpu_seconds(many_row_calls(chosen.rows), round_s=0.0)

    missed = []
    print(f"{'ours':30} {'CPU':>12}   {'peer':26} {'CPU':>12} {'ratio':>10}   target")
    for line in LINES:
        ours, peer = costs[line.cost], costs[line.peer]
        ratio = peer / ours if line.faster else ours / peer
        sign = "at least" if line.faster else "at most"
        target = f"{sign} {line.target:,}x" if line.target else "-"
        costs_shown = f"{_shown(ours):>12}   {line.peer:26} {_shown(peer):>12}"
        print(f"{line.what:30} {costs_shown} {ratio:>9,.1f}x   {target}")
        if line.target and (ratio < line.target if line.faster else ratio > line.target):
            missed.append(f"{line.what} against {line.peer}: {ratio:,.1f}, {target}")
    if missed:
        raise SystemExit("missed: " + "; ".join(missed))


if __name__ == "__main__":
    main()
