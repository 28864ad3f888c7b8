"""Would we have seen it? The same fit on the same rows, with responses drawn from an effect of known size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import brentq

from data_science.arrays import Floats
from data_science.engines.registry import FitSettings
from data_science.evaluation.candidates import QUICK
from data_science.evaluation.family import effects_evidence
from data_science.fitting.posterior_on import posterior_on
from data_science.formula.specification import ModelSpecification
from data_science.likelihood import binomial


@dataclass(frozen=True, slots=True)
class Planted:
    """How often an effect of each size was seen, beside how often it was covered by its interval."""

    table: (
        pd.DataFrame
    )  # indexed by odds ratio per sd: seen, others (another called clear), covered, low, high
    n_tables: int  # drawn of each size


def planted(
    frame: pd.DataFrame,
    specification: ModelSpecification,
    column: str,
    odds_ratios: Sequence[float],
    *,
    n_tables: int = 12,
    settings: FitSettings = QUICK,
) -> Planted:
    """Draw responses of the observed rate in which one column has an effect, and fit each as the data were.

    Parameters
    ----------
    frame : DataFrame
        Validated rows; only the response is replaced.
    specification : ModelSpecification
        Of a 0/1 response.
    column : str
        Numeric, with a slope of its own.
    odds_ratios : sequence of float
        Effects per standard deviation; 1 is none.
    n_tables : int
        Tables of each size.
    settings : FitSettings
        Its seed is that of the draws.

    Returns
    -------
    Planted
        ``seen`` is the share of tables whose fit calls the slope clear among all effects, with Jeffreys' 95 %
        interval ``low`` to ``high``; ``others`` the share in which any other effect is called clear;
        ``covered`` the share in which the slope's own 95 % interval holds the size that was planted.
    """
    response = specification.response.successes
    rate = float(frame[response].mean())
    values = frame[column].to_numpy(dtype=float)
    line = (values - values.mean()) / values.std()
    rng = np.random.default_rng(settings.seed).spawn(1)[0]  # not the stream that columns may be made of
    found = {}
    for odds_ratio in odds_ratios:
        p = _at_rate(np.log(odds_ratio) * line, rate)
        clear, holds = [], []
        for _ in range(n_tables):
            drawn = frame.assign(**{response: (rng.random(len(p)) < p).astype(np.int64)})
            evidence = effects_evidence(posterior_on(drawn, specification, settings))
            clear.append(evidence.clear)
            lowest, highest = evidence.excluded[column]
            holds.append(lowest <= odds_ratio <= highest)
        seen = sum(column in names for names in clear)
        low, high = stats.beta.ppf([0.025, 0.975], seen + 0.5, n_tables - seen + 0.5)
        others = sum(bool({*names} - {column}) for names in clear)
        found[odds_ratio] = {
            "seen": seen / n_tables,
            "others": others / n_tables,
            "covered": float(np.mean(holds)),
            "low": low,
            "high": high,
        }
    return Planted(pd.DataFrame.from_dict(found, orient="index"), n_tables)


def _at_rate(line: Floats, rate: float) -> Floats:
    """Probabilities along a line on the log odds whose mean is ``rate``."""

    def excess(intercept: float) -> float:
        return float(binomial.probability(intercept + line).mean()) - rate

    reach = float(np.abs(line).max()) + abs(binomial.logit(rate)) + 1
    return np.asarray(binomial.probability(brentq(excess, -reach, reach) + line))
