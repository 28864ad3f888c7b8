"""Columns that alone all but determine the response, as what was recorded after it does."""

from __future__ import annotations

import numpy as np

from data_science.arrays import Floats, Ints
from data_science.formula.rows import Observations
from data_science.limits import LEAK_AUC, LEAK_ENTROPY

_BINS = 50  # of a numeric column
_RARER_MIN = 10  # of the rarer response; fewer are separated by chance


def leaks(rows: Observations) -> tuple[str, ...]:
    """Name the columns with most of the response's entropy, or with nearly every pair in order."""
    y, n = rows.successes, rows.trials
    if min(y.sum(), (n - y).sum()) < _RARER_MIN:
        return ()
    found = [name for name, codes in rows.codes.items() if _share_of_entropy(codes, y, n) > LEAK_ENTROPY]
    for name, values in rows.numeric.items():
        bins = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)[1:-1]))
        share = _share_of_entropy(np.searchsorted(bins, values), y, n)
        if share > LEAK_ENTROPY or abs(_auc(values, y, n) - 0.5) > LEAK_AUC - 0.5:
            found.append(name)
    return tuple(found)


def _share_of_entropy(codes: Ints, successes: Floats, trials: Floats) -> float:
    """Share that the levels' own rates explain, less a nat for each level: chance explains half of one."""
    y, n = np.bincount(codes, successes), np.bincount(codes, trials)
    whole = _entropy(y.sum(keepdims=True), n.sum(keepdims=True))
    return float((whole - _entropy(y, n) - (np.count_nonzero(n) - 1)) / whole)


def _entropy(successes: Floats, trials: Floats) -> float:
    """Nats that are left open by rates."""
    parts = (successes, trials - successes)
    logs = (np.log(np.divide(trials, part, out=np.ones(len(part)), where=part > 0)) for part in parts)
    return float(sum(part @ log for part, log in zip(parts, logs, strict=True)))


def _auc(values: Floats, successes: Floats, trials: Floats) -> float:
    """Share of pairs of a success and a failure in which the success has the larger value."""
    _, places = np.unique(values, return_inverse=True)
    y, z = np.bincount(places, successes), np.bincount(places, trials - successes)
    return float((y * (np.cumsum(z) - 0.5 * z)).sum() / (y.sum() * z.sum()))
