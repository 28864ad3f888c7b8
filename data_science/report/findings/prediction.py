"""What is said about predictions: if they beat the overall rate, other methods, and treating all alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from data_science.evaluation.calibration import Reliability
from data_science.evaluation.comparison import Comparison, Difference
from data_science.evaluation.decision_curve import Strategies
from data_science.evaluation.discrimination import Concordance
from data_science.limits import KHAT_MAX
from data_science.report.wording import count, exactly, listed, percent

_MISCALIBRATED = 0.05  # share of right predictions that stray as far


def answer(gain: Difference, methods: pd.DataFrame, reference: str, rate: float) -> str:
    """Say whether the features show who has label 1, for the reader who stops there.

    Parameters
    ----------
    gain : Difference
        Of the trained model over the overall rate.
    methods : DataFrame
        Scores of all methods against ``reference``, the overall rate, with ``difference`` and ``se``.
    reference : str
    rate : float
    """
    everybody = f"giving every client the overall rate of {percent(rate)}"
    if _judged(gain) > 0:
        return f"yes: with the features the model predicts better than {everybody}"
    better, _ = _clear(methods.drop(index=reference))
    if better:
        verb = "predicts" if len(better) == 1 else "predict"
        return (
            f"yes, but this model misses it: {listed(better)} {verb} better than {everybody}, and the model "
            "does not"
        )
    how = "worse than" if _judged(gain) < 0 else "no better than"
    return f"no: with the features the model predicts {how} {everybody}"


def measured_gain(gain: Difference) -> str:
    """Say how large a gain in log score is, and how it is read."""
    measured = f"{gain.elpd:+,.1f} nats over all {gain.n_rows:,} clients (standard error {gain.se:,.1f})"
    measured = measured.replace("-", "\N{MINUS SIGN}")
    if not _judged(gain):
        return f"{measured}, which cannot be told from zero"
    return f"{measured}, {abs(gain.elpd) / gain.se:,.0f} standard errors from zero"


def concordant(found: Concordance) -> str:
    """Say how often the model ranks two clients of different labels rightly."""
    coin = "tossing a coin would be right in 50 %"
    measured = (
        f"in {percent(found.middle)} of pairs (95 % interval {percent(found.low)} to {percent(found.high)})"
    )
    return f"{measured}, where {coin}"


def spread_out(probability: pd.Series[float]) -> str:
    """Say how much the predictions differ between clients."""
    return f"99 % of the clients get a probability {_reach(probability)}"


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
        f"not a defect: predicting {label} for a client who is more likely to be {1 - label} would be wrong "
        "more often than right"
    )


def verdict(gain: Difference) -> str:
    """Say what the features add to the overall rate."""
    said = ("the features make predictions worse", "the features add nothing that can be measured")
    return (*said, "the features improve predictions")[_judged(gain) + 1]


def best_method(table: pd.DataFrame, reference: str, named: str | None = None) -> str:
    """Say which methods predict measurably better or worse than the reference."""
    others, named = table.drop(index=reference), named or reference
    better, worse = _clear(others)
    if not better and not worse:
        return f"no method predicts measurably better or worse than {named}"
    if len(better) == len(others) > 1:
        return f"every method predicts better than {named}"
    if len(worse) == len(others) > 1:
        return f"every method predicts worse than {named}"
    parts = [
        f"{listed(names)} {'predicts' if len(names) == 1 else 'predict'} {how} than {named}"
        for names, how in ((better, "better"), (worse, "worse"))
        if names
    ]
    return ", and ".join(parts if better else ["no method predicts better", *parts])


def best_candidate(differences: Mapping[str, Difference], reference: str, named: str | None = None) -> str:
    """Say which candidates predict measurably better or worse than the reference."""
    table = pd.DataFrame(
        {name: {"difference": gap.elpd, "se": gap.se} for name, gap in differences.items()}
    ).T
    return best_method(table, reference, named)


def reliable(comparison: Comparison) -> str:
    """Say whether importance sampling can be trusted, by its k-hat."""
    worst = max(comparison.loos, key=lambda name: comparison.loos[name].khat_max)
    n_high = sum(fit.n_khat_high for fit in comparison.loos.values())
    largest = f"the largest k-hat is {comparison.loos[worst].khat_max:.2f} ({worst})"
    if n_high:
        return (
            f"{largest}, and {count(n_high, 'estimate')} above the limit of {KHAT_MAX:g} cannot be relied on"
        )
    return f"{largest}, below the limit of {KHAT_MAX:g}, so that it can be trusted"


def worth(found: Strategies, between: Callable[[float, float], str]) -> str:
    """Say where the model is better than treating all clients alike; ``between`` writes the ends."""
    alike = "better than treating all clients alike"
    if found.useful.empty:
        ends = between(float(found.gain.index.min()), float(found.gain.index.max()))
        return f"the model is nowhere {alike} by more than chance, where {ends}"
    low, high = float(found.useful.min()), float(found.useful.max())
    within = found.gain.index[(found.gain.index >= low) & (found.gain.index <= high)]
    places = "" if len(within) == len(found.useful) else ", in places,"
    return f"the model is {alike}{places} where {between(low, high)}"


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


def use(gain: Difference, probability: pd.Series[float], rate: float, calibrated: Reliability) -> str:
    """Say what the model is good for."""
    if _judged(gain) < 0:
        return "on these data, the model predicts worse than the overall rate: do not use it"
    if not _judged(gain):
        return (
            "on these data, the model is not shown to help: its probabilities lie "
            f"{_reach(probability)}, and giving every client the overall rate of "
            f"{percent(rate)} "
            "predicts as well. Use it to know that, and to notice if it changes"
        )
    if calibrated.chance < _MISCALIBRATED:
        return (
            "on these data, the model tells clients apart, but its probabilities do not come true as they "
            "are: use their order, and correct the form of the model before using their values"
        )
    return (
        f"on these data, the model tells clients apart around the overall rate of {percent(rate)}: use its "
        "probabilities, with a threshold from costs, for clients like these"
    )


def _reach(probability: pd.Series[float]) -> str:
    """Say between which values 99 % of the probabilities lie."""
    return "between {} and {}".format(*map(percent, probability.quantile([0.005, 0.995])))


def _judged(gain: Difference) -> int:
    """Judge a difference for all chapters alike: 1 better, -1 worse, 0 not measurable or too small."""
    return 0 if gain.is_noise or gain.is_small else int(np.sign(gain.elpd))


def _clear(methods: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Name the methods that are better, and those that are worse, by the same rule."""
    judged = {
        str(name): _judged(Difference(row["difference"], row["se"], 0)) for name, row in methods.iterrows()
    }
    return [name for name, sign in judged.items() if sign > 0], [
        name for name, sign in judged.items() if sign < 0
    ]
