"""What data of this size would have shown, had it been there."""

from __future__ import annotations

from collections.abc import Mapping
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
_ROWS, _MOST_LEVELS = 5_000, 30  # that show how far columns tell each other; of a factor that is one of them
_LEAST_SHARE = 1e-4  # of a column that the others tell: beyond it only the prior tells them apart


def power_evidence(
    rows: Observations,
    n_effects: int,
    offset: Floats | None = None,
    sources: Mapping[str, tuple[str, ...]] | None = None,
    dispersion: float = 1.0,
    sample: Observations | None = None,
) -> PowerEvidence:
    """Measure what one effect of a family would have needed to be, to be seen nine times in ten.

    The slope of a standardised column that the others do not tell has the standard error
    ``1 / sqrt(n p (1 - p))``, effects being small; that of a column which they tell in part has a larger one.
    It is seen where it is clear among all effects (Bonferroni). With an offset p differs by row even without
    effects, and no tenth of the rows is blind.

    Parameters
    ----------
    rows : Observations
    n_effects : int
    offset : array, shape (row,), optional
    sources : mapping, optional
        Columns of the table behind each numeric column, by default itself: a column and its square do not
        hide each other.
    dispersion : float
        Variance of the responses over that of chance alone.
    sample : Observations, optional
        On which columns are looked at, where ``rows`` stand for those of an engine.
    """
    n = float(rows.trials.sum())
    rate = float(rows.successes.sum()) / n
    quantile = NormalDist().inv_cdf
    z = quantile(1 - FAMILY_ERROR / (2 * max(n_effects, 1))) + quantile(POWER)
    p = binomial.probability(blind_predictor(rows, offset))
    slope = z * sqrt(dispersion / float(binomial.variance(rows.trials * p, p).sum()))
    sample = rows if sample is None else sample
    columns = {name: values for name, values in sample.numeric.items() if values.std() > 0}
    shares = _own_shares(sample, columns, sources or {})
    told = tuple(name for name, share in shares.items() if share <= _LEAST_SHARE)
    slopes = {name: slope / sqrt(share) for name, share in shares.items() if name not in told}
    by_column = {name: exp(own) for name, own in slopes.items()}
    if offset is not None:
        return PowerEvidence(exp(slope), {}, by_column, told)
    best = {name: _in_top_tenth(columns[name], own, rate, n) for name, own in slopes.items()}
    return PowerEvidence(
        exp(slope), {name: (found, rate * n / 10) for name, found in best.items()}, by_column, told
    )


def _own_shares(
    rows: Observations, columns: Mapping[str, Floats], sources: Mapping[str, tuple[str, ...]]
) -> dict[str, float]:
    """Share of each column's variance that columns from elsewhere in the table do not tell."""
    some = rows.take(np.unique(np.linspace(0, len(rows) - 1, min(_ROWS, len(rows))).astype(np.intp)))
    blocks: dict[tuple[str, ...], Floats] = {}  # by the columns of the table that they come from
    for name in columns:
        values = some.numeric[name]
        blocks[name, *sources.get(name, (name,))] = ((values - values.mean()) / (values.std() or 1))[:, None]
    for name, codes in some.codes.items():
        if 0 < codes.max(initial=0) < _MOST_LEVELS:
            blocks["", name] = (codes[:, None] == np.arange(1, codes.max() + 1)).astype(float)
    whole = np.hstack([np.ones((len(some), 1)), *blocks.values()]) * np.sqrt(some.trials)[:, None]
    products = whole.T @ whole
    ends = np.cumsum([1, *(block.shape[1] for block in blocks.values())])
    found = {}
    for place, (name, *own) in enumerate(blocks):
        if not name:
            continue
        other = np.concatenate(
            [[0], *(np.arange(*ends[k : k + 2]) for k, (_, *its) in enumerate(blocks) if not {*own} & {*its})]
        ).astype(np.intp)
        j, told = ends[place], products[np.ix_(other, other)]
        with_others = products[other, j]
        left = products[j, j] - with_others @ np.linalg.pinv(told, hermitian=True) @ with_others
        alone = products[j, j] - products[0, j] ** 2 / products[0, 0]
        free = max(len(some) - len(other), 1) / max(len(some) - 1, 1)  # what chance tells of the column
        share = float(left / alone / free) if alone > 0 else 1.0
        found[name] = min(max(share, _LEAST_SHARE), 1.0)
    return found


def _in_top_tenth(values: Floats, slope: float, rate: float, n: float) -> float:
    """Positives expected in the tenth of highest probability, if the column had this slope per sd."""
    grid = np.quantile(values, (np.arange(_QUANTILES) + 0.5) / _QUANTILES)
    line = slope * (grid - grid.mean()) / float(values.std())

    def excess(intercept: float) -> float:
        return float(binomial.probability(intercept + line).mean()) - rate

    reach = float(np.abs(line).max()) + abs(binomial.logit(rate)) + 1
    p = binomial.probability(brentq(excess, -reach, reach) + line)
    return float(np.sort(p)[-_QUANTILES // 10 :].mean()) * n / 10
