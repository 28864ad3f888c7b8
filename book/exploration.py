"""Label rates by feature and by pairs of features, with intervals, and what chance alone would show.

Changes with the questions that the exploration asks of the data before any model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from data_science.arrays import Floats
from data_science.report.wording import CROSS

Margins = dict[str, "pd.Series[Any]"]  # name of a feature or pair -> level of each client

FEATURES = ("attr_a", "attr_b", "scd_a", "scd_b")
MOST_LEVELS = 12  # a numeric feature with more distinct values is cut into tenths
_TENTHS = 10


def as_levels(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return the values as levels, in their order; a continuous feature is cut into tenths of the clients."""
    if values.nunique() <= MOST_LEVELS or not pd.api.types.is_numeric_dtype(values):
        names = [str(value) for value in sorted(values.unique())]
        return values.astype(str).astype(pd.CategoricalDtype(names, ordered=True))
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _TENTHS + 1)))
    names = [f"{low} to {high}" for low, high in pairwise(_told_apart(edges))]
    codes = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(names) - 1)
    return pd.Series(
        pd.Categorical.from_codes(codes, pd.Index(names), ordered=True), index=values.index, name=values.name
    )


def margins(frame: pd.DataFrame, features: Sequence[str] = FEATURES, *, pairs: bool = True) -> Margins:
    """Return every feature as levels, and every pair of features as the combinations that clients have."""
    found: Margins = {name: as_levels(frame[name]) for name in features}
    for first, second in combinations(features, 2) if pairs else ():
        found[first + CROSS + second] = crossed(found[first], found[second]).cat.remove_unused_categories()
    return found


def _told_apart(edges: Floats) -> list[str]:
    """Write numbers with as few decimals, two at least, as tell all of them apart."""
    for digits in range(2, 9):
        written = [f"{edge:.{digits}f}" for edge in edges]
        if len(set(written)) == len(edges):
            return written
    return [repr(float(edge)) for edge in edges]


def crossed(first: pd.Series[Any], second: pd.Series[Any]) -> pd.Series[Any]:
    """Return the combination of two features' levels, all of them in order."""
    names = [f"{a}{CROSS}{b}" for a in first.cat.categories for b in second.cat.categories]
    codes = first.cat.codes.to_numpy(np.intp) * len(second.cat.categories) + second.cat.codes
    return pd.Series(pd.Categorical.from_codes(codes, pd.Index(names), ordered=True), index=first.index)


def rate_intervals(groups: pd.Series[str], label: pd.Series[int], prob: float = 0.95) -> pd.DataFrame:
    """Posterior of the label's rate in each group, each group on its own (Beta, Jeffreys' prior).

    Parameters
    ----------
    groups : Series
        Level of each client.
    label : Series
        0 or 1.
    prob : float
        Posterior probability inside the interval.

    Returns
    -------
    DataFrame
        Indexed by level: ``n``, ``positive``, and the interval ``low``, ``middle`` (median), ``high``.
    """
    n, positive = _counts(groups, label.to_numpy())
    tail = (1 - prob) / 2
    low, middle, high = stats.beta.ppf([[tail], [0.5], [1 - tail]], positive + 0.5, n - positive + 0.5)
    columns = {"n": n, "positive": positive, "low": low, "middle": middle, "high": high}
    return pd.DataFrame(columns, index=pd.Index(groups.cat.categories)).astype({"n": int, "positive": int})


@dataclass(frozen=True, slots=True)
class Screen:
    """The largest deviation of any group's rate from the overall rate, beside what shuffled labels show."""

    table: pd.DataFrame  # one row per margin: groups, level, deviation, shuffled_95, p_family
    observed: float  # largest deviation over all margins, in standard deviations
    shuffled: Floats  # the same of each shuffled label, shape (shuffle,)

    @property
    def p_value(self) -> float:
        """Share of data sets without any signal whose largest deviation is at least as large."""
        return _p_value(self.observed, self.shuffled)


def screen(groups: Margins, label: pd.Series[int], *, n_shuffles: int = 200, seed: int = 1) -> Screen:
    """Look at every group of every margin at once, and shuffle the label to see what chance shows.

    The distribution of the largest deviation over all groups of shuffled labels is the yardstick:
    it counts how many groups were looked at, and how they overlap (Westfall and Young 1993).

    Parameters
    ----------
    groups : mapping from margin to levels
        From :func:`margins`.
    label : Series
        0 or 1.
    n_shuffles, seed : int
    """
    values, rng = label.to_numpy(), np.random.default_rng(seed)
    seen = {name: deviations(levels, values) for name, levels in groups.items()}
    shuffles = (rng.permutation(values) for _ in range(n_shuffles))
    largest = np.array(
        [[_largest(deviations(levels, shuffled)) for levels in groups.values()] for shuffled in shuffles]
    )
    of_all = largest.max(axis=1)
    table = pd.DataFrame.from_dict(
        {
            name: {
                "groups": int(found.notna().sum()),
                "level": found.abs().idxmax() if found.notna().any() else "none is large enough",
                "deviation": _largest(found),
                "shuffled_95": float(np.quantile(largest[:, position], 0.95)),
                "p_family": _p_value(_largest(found), of_all),
            }
            for position, (name, found) in enumerate(seen.items())
        },
        orient="index",
    )
    return Screen(table, float(table["deviation"].max()), of_all)


def deviations(groups: pd.Series[str], label: npt.NDArray[np.integer]) -> pd.Series[float]:
    """Return each group's positives minus those expected, in standard deviations of a shuffled label.

    Groups too small for their deviation to be about normal are missing: those in which fewer than 5 positives
    or 5 negatives are expected.
    """
    n, positive = _counts(groups, label)
    total, rate = len(label), float(label.mean())
    variance = n * rate * (1 - rate) * (total - n) / max(total - 1, 1)  # hypergeometric
    enough = (n * min(rate, 1 - rate) >= 5) & (variance > 0)
    found = np.divide(positive - n * rate, np.sqrt(variance), where=enough, out=np.full(len(n), np.nan))
    return pd.Series(found, index=groups.cat.categories)


def intervals_without(table: pd.DataFrame, rate: float) -> int:
    """Count the intervals of a table of :func:`rate_intervals` that leave out the overall rate."""
    return int(((table["low"] > rate) | (table["high"] < rate)).sum())


def intervals_by_chance(
    groups: Mapping[str, pd.Series[str]], label: pd.Series[int], *, n_shuffles: int = 200, seed: int = 1
) -> Floats:
    """Count the intervals that leave out the overall rate when the label is shuffled, shape (shuffle,).

    A group is itself part of the overall rate, so that they are fewer than one in twenty.
    """
    rng, rate = np.random.default_rng(seed), float(label.mean())
    found = []
    for _ in range(n_shuffles):
        shuffled = pd.Series(rng.permutation(label.to_numpy()))
        tables = (rate_intervals(levels, shuffled) for levels in groups.values())
        found.append(sum(intervals_without(table, rate) for table in tables))
    return np.array(found, dtype=float)


def shuffled_label(label: pd.Series[int], seed: int) -> pd.Series[int]:
    """Return the same labels dealt to other clients: what data without any signal look like."""
    return pd.Series(np.random.default_rng(seed).permutation(label), index=label.index, name=label.name)


def level_rows(groups: Margins) -> Iterator[tuple[str, pd.Series[str]]]:
    """Yield the margins of single features."""
    yield from ((name, levels) for name, levels in groups.items() if CROSS not in name)


def _counts(groups: pd.Series[str], label: npt.NDArray[np.integer]) -> tuple[Floats, Floats]:
    codes, n_levels = groups.cat.codes.to_numpy(np.intp), len(groups.cat.categories)
    n = np.bincount(codes, minlength=n_levels).astype(float)
    return n, np.bincount(codes, weights=label, minlength=n_levels)


def _largest(found: pd.Series[float]) -> float:
    return float(found.abs().max()) if found.notna().any() else 0.0


def _p_value(observed: float, shuffled: Floats) -> float:
    # The data set counts as one of its own shuffles: no p-value is zero (Phipson and Smyth 2010).
    return float((1 + (shuffled >= observed).sum()) / (1 + len(shuffled)))
