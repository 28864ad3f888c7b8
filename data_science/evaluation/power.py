"""What data of this size would have shown, had it been there."""

from __future__ import annotations

from math import exp, sqrt
from statistics import NormalDist

import numpy as np
from scipy.optimize import brentq

from data_science.arrays import Floats
from data_science.evaluation.blind import blind_predictor
from data_science.evaluation.evidence import PowerEvidence
from data_science.formula.rows import Observations
from data_science.likelihood import binomial
from data_science.limits import FAMILY_ERROR

POWER = 0.9
_QUANTILES = 1_000  # of a column, in the place of its rows


def power_evidence(
    rows: Observations, n_effects: int, offset: Floats | None = None, sample: Observations | None = None
) -> PowerEvidence:
    """Measure what one effect of a family would have needed to be, to be seen nine times in ten.

    The slope of a standardised column has the standard error ``1 / sqrt(n p (1 - p))``, columns being nearly
    uncorrelated and effects small; it is seen where it is clear among all effects (Bonferroni). With an
    offset p differs by row even without effects, and no tenth of the rows is blind.
    Where ``rows`` stand for those of an engine, columns are looked at on a ``sample``.
    """
    n = float(rows.trials.sum())
    rate = float(rows.successes.sum()) / n
    quantile = NormalDist().inv_cdf
    z = quantile(1 - FAMILY_ERROR / (2 * max(n_effects, 1))) + quantile(POWER)
    p = binomial.probability(blind_predictor(rows, offset))
    slope = z / sqrt(float(binomial.variance(rows.trials * p, p).sum()))
    if offset is not None:
        return PowerEvidence(exp(slope), {})
    columns = {name: values for name, values in (sample or rows).numeric.items() if values.std() > 0}
    best = {name: _in_top_tenth(values, slope, rate, n) for name, values in columns.items()}
    return PowerEvidence(exp(slope), {name: (found, rate * n / 10) for name, found in best.items()})


def _in_top_tenth(values: Floats, slope: float, rate: float, n: float) -> float:
    """Positives expected in the tenth of highest probability, if the column had this slope per sd."""
    grid = np.quantile(values, (np.arange(_QUANTILES) + 0.5) / _QUANTILES)
    line = slope * (grid - grid.mean()) / max(float(grid.std()), np.finfo(float).tiny)

    def excess(intercept: float) -> float:
        return float(binomial.probability(intercept + line).mean()) - rate

    reach = float(np.abs(line).max()) + abs(binomial.logit(rate)) + 1
    p = binomial.probability(brentq(excess, -reach, reach) + line)
    return float(np.sort(p)[-_QUANTILES // 10 :].mean()) * n / 10
