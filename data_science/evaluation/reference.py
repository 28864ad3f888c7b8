"""A learner that knows nothing of the model's form: boosted trees of few leaves, scored on unseen rows.

The size of the trees is chosen, and growing stops, by a held-out tenth of the rows of each fold; of few rows
by a larger part, so that there always is one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from data_science.arrays import Floats, Ints, Mask
from data_science.formula.rows import Observations, Rows

_CORES = "LOKY_MAX_CPU_COUNT"
_FOLDS, _TENTHS = 5, 10
_TINY = np.finfo(float).eps  # from what is certain
_LEAVES = (3, 8)  # three see pairs of columns; with 31, the usual number, a level's effect was missed
_BINS = 64
MOST_LEVELS = _BINS - 1  # of a column that the trees take apart
#: Added to the information of every leaf, p (1 - p) summed over rows: few rows move a prediction little.
_SHRINKAGE = 2.0


def columns(rows: Observations, n_levels: dict[str, int]) -> tuple[list[str], list[str]]:
    """Names of the columns of levels and of numbers that the learner reads."""
    return [name for name in rows.codes if n_levels[name] <= MOST_LEVELS], list(rows.numeric)


def log_scores(rows: Observations, n_levels: dict[str, int], seed: int) -> Floats:
    """Log probability of each row's response, without coefficient, by trees that have not seen the row.

    Trees tell numbers apart by bins only, so rows that share their levels and bins are one weighted cell.

    Parameters
    ----------
    rows : Observations
        At least `limits.ROWS_MIN`.
    n_levels : dict
        Number of levels of each column of levels.
    seed : int
        Of the folds and of what is held out in each.
    """
    levels, numbers = columns(rows, n_levels)
    binned = {name: _binned(rows.numeric[name]) for name in numbers}
    seen_by_trees = Rows({name: rows.codes[name] for name in levels}, binned, len(rows))
    first, cell = seen_by_trees.distinct()
    x = np.column_stack([*seen_by_trees.codes.values(), *binned.values(), np.zeros(len(rows))])[first]
    is_level = np.arange(x.shape[1]) < len(levels)
    n_parts = min(_TENTHS, -(-len(rows) // _FOLDS))
    fold, place = _dealt(rows, seed)
    held_out_by = place % n_parts

    def counted(of: Mask) -> tuple[Floats, Floats, Floats]:
        """Rows as labels of cells with weights."""
        y, n = (np.bincount(cell[of], values[of], len(x)) for values in (rows.successes, rows.trials))
        weights = np.concatenate([y, n - y])
        used = weights > 0
        return np.tile(x, (2, 1))[used], np.repeat([1.0, 0.0], len(x))[used], weights[used]

    found = np.empty(len(rows))
    with cores_not_counted():
        for k in range(_FOLDS):
            unseen, held_out = fold == k, (fold != k) & (held_out_by == k % n_parts)
            labels = counted(~(unseen | held_out))
            if np.ptp(labels[1]) == 0:  # every success in one row, which training lacks
                p = np.full(len(x), _constant(*labels[1:]))[cell[unseen]]
            else:
                grown = _grown(labels, counted(held_out), is_level, seed)
                p = grown.predict_proba(x)[:, 1].clip(_TINY, 1 - _TINY)[cell[unseen]]
            y, n = rows.successes[unseen], rows.trials[unseen]
            found[unseen] = y * np.log(p) + (n - y) * np.log1p(-p)
    return found


def _binned(values: Floats) -> Floats:
    """Bin numbers by their quantiles, or each by itself if they are few."""
    edges = np.unique(values)
    if len(edges) >= _BINS:
        edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS)[1:-1]))
    return np.searchsorted(edges, values).astype(float)


def _dealt(rows: Observations, seed: int) -> tuple[Ints, Ints]:
    """Deal rows into folds, each with its share of successes; and the place of each row in its fold."""
    # A stream of its own: dealt by the very numbers that a column was made of, folds would be alike in it.
    rng = np.random.default_rng(seed).spawn(1)[0]
    order = np.lexsort((rng.random(len(rows)), rows.successes / rows.trials))
    part = np.empty(len(rows), dtype=np.intp)
    part[order] = np.arange(len(rows))
    return part % _FOLDS, part // _FOLDS


def _constant(y: Floats, weights: Floats) -> float:
    """Probability where no tree can grow: that of all, with half a success and half a failure more."""
    return float((weights @ y + 0.5) / (weights.sum() + 1))


def _grown(
    labels: tuple[Floats, Floats, Floats], held_out: tuple[Floats, Floats, Floats], is_level: Mask, seed: int
) -> HistGradientBoostingClassifier:
    """Grow trees of each size, and return the better ones."""
    x, y, weights = held_out
    return max(
        (
            _trees(leaves, is_level, seed).fit(*labels, X_val=x, y_val=y, sample_weight_val=weights)
            for leaves in _LEAVES
        ),
        key=_score,
    )


def _trees(leaves: int, is_level: Mask, seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_leaf_nodes=leaves,
        min_samples_leaf=1,  # a cell is one sample, whatever its weight
        l2_regularization=_SHRINKAGE,
        learning_rate=0.1,
        max_iter=200,
        max_bins=_BINS - 1,
        early_stopping=True,
        n_iter_no_change=10,
        categorical_features=is_level,
        random_state=seed,
    )


def _score(trees: HistGradientBoostingClassifier) -> float:
    return float(trees.validation_score_.max())


@contextmanager
def cores_not_counted() -> Iterator[None]:
    """Keep joblib from looking for the physical cores, for which the trees ask it.

    Where the host hides /sys it would warn, print a traceback and take every core; told of a number below
    that of all, it does not look.
    """
    if _CORES in os.environ:
        yield
        return
    os.environ[_CORES] = str((os.cpu_count() or 1) - 1)
    try:
        yield
    finally:
        os.environ.pop(_CORES, None)
