"""What is measured of predictions: pairs in order, positives among the best, labels at a threshold.

What follows from it is the verdict's to say.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from data_science.evaluation.comparison import Comparison, Difference
from data_science.evaluation.decision_curve import Strategies
from data_science.evaluation.discrimination import Concordance
from data_science.limits import KHAT_MAX
from data_science.report.wording import count, exactly, listed, percent


def measured_gain(gain: Difference) -> str:
    """Say how large a gain in log score is."""
    return f"{_nats(gain.elpd)} over all {gain.n_rows:,} clients (standard error {gain.se:,.1f})"


def measured_differences(methods: pd.DataFrame, reference: str, named: str) -> str:
    """Say how far each method's log score is from that of a reference.

    Parameters
    ----------
    methods : DataFrame
        Scores of all methods, with ``difference`` and ``se``.
    reference : str
    named : str
        What the reference is called in the sentence.
    """
    rows = methods.drop(index=reference).iterrows()
    parts = [f"{name} {_nats(row['difference'])} (standard error {row['se']:,.1f})" for name, row in rows]
    return f"beside {named}, {listed(parts)}"


def concordant(found: Concordance) -> str:
    """Say how often the model ranks two clients of different labels rightly."""
    coin = "tossing a coin would be right in 50 %"
    measured = (
        f"in {percent(found.middle)} of pairs (95 % interval {percent(found.low)} to {percent(found.high)})"
    )
    return f"{measured}, where {coin}"


def best_tenth(label: npt.ArrayLike, probability: pd.Series[float]) -> str:
    """Say how many positives are among the tenth of highest probability, beside a tenth taken blindly."""
    truth = pd.Series(np.asarray(label) == 1, probability.index)
    n = max(len(truth) // 10, 1)
    ordered = probability.sort_values(ascending=False, kind="stable").index
    found, blind = int(truth.loc[ordered[:n]].sum()), float(truth.mean()) * n
    expected = f"{blind:,.0f}" if blind >= 20 else f"{blind:.1f}"
    return (
        f"of the {count(n, 'client')} with the highest probability, {f'{found:,}' if found else 'none'} "
        f"{'has' if found == 1 else 'have'} label 1; of as many taken blindly, {expected} would"
    )


def spread_out(probability: pd.Series[float]) -> str:
    """Say how much the predictions differ between clients."""
    low, high = map(percent, probability.quantile([0.005, 0.995]))
    return f"99 % of the clients get a probability between {low} and {high}"


def ones_predicted(probability: pd.Series[float], threshold: float) -> str:
    """Say how many clients get a 1 at a threshold."""
    n_ones = int((probability > threshold).sum())
    if not n_ones:
        return (
            f"every client gets a 0: the highest predicted probability is {percent(probability.max())}, and "
            f"a 1 needs more than {exactly(threshold)}"
        )
    ones = f"{count(n_ones, 'client')} of {len(probability):,}"
    return f"{ones} {'gets' if n_ones == 1 else 'get'} a 1, with a probability above {exactly(threshold)}"


def even_costs(rate: float) -> str:
    """Say what equal costs of both mistakes mean at this rate of positives."""
    positive = f"{percent(rate)} of the clients are positive"
    if 0.35 < rate < 0.65:
        return f"{positive}, so that a client near the average may be predicted as either"
    way, label = ("above", 1) if rate <= 0.35 else ("below", 0)
    return (
        f"{positive}, so that only a client far {way} the average is predicted as {label}. This is "
        f"not a defect: predicting {label} for a client who is more likely to be {1 - label} would be "
        "mistaken more often than right"
    )


def largest_khat(comparison: Comparison) -> str:
    """Say how large k-hat is, and how many clients are above its limit or were left out by refitting."""
    worst = max(comparison.loos, key=lambda name: comparison.loos[name].khat_max)
    n_high = sum(fit.n_khat_high for fit in comparison.loos.values())
    n_refitted = sum(fit.n_refitted for fit in comparison.loos.values())
    refits = f"; {count(n_refitted, 'estimate')} came from refitting" if n_refitted else ""
    high = f"{count(n_high, 'estimate')} {'are' if n_high > 1 else 'is'} above the limit of {KHAT_MAX:g}"
    return f"the largest k-hat is {comparison.loos[worst].khat_max:.2f} ({worst}), and {high}{refits}"


def where_it_gains(found: Strategies, between: Callable[[float, float], str]) -> str:
    """Say where the gain over treating all clients alike lies above zero; ``between`` writes the ends."""
    band = "the 95 % band of what is gained over treating all clients alike"
    if found.useful.empty:
        ends = between(float(found.gain.index.min()), float(found.gain.index.max()))
        return f"{band} reaches zero wherever {ends}"
    low, high = float(found.useful.min()), float(found.useful.max())
    within = found.gain.index[(found.gain.index >= low) & (found.gain.index <= high)]
    places = "" if len(within) == len(found.useful) else ", in places,"
    return f"{band} lies above zero{places} where {between(low, high)}"


def outcomes_seen(outcomes: pd.DataFrame, rate: float) -> str:
    """Say how many of the clients predicted as 1 at the overall rate are, beside a choice at random."""
    n_ones, n_right = outcomes["predicted 1"], outcomes["of them right"]
    at_rate = outcomes.index[int((outcomes["threshold"] - rate).abs().argmin())]
    if not n_ones[at_rate]:
        return f"at a threshold of {percent(rate)}, the overall rate, nobody is predicted as 1"
    return (
        f"at a threshold of {percent(rate)}, the overall rate, {percent(n_right[at_rate] / n_ones[at_rate])} "
        f"of the clients predicted as 1 are 1; of clients chosen at random, {percent(rate)} would be"
    )


def _nats(value: float) -> str:
    return f"{value:+,.1f} nats".replace("-", "\N{MINUS SIGN}")
