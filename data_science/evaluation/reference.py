"""A learner that knows nothing of the model's form: boosted trees of few leaves, scored on unseen rows.

The size of the trees is chosen, and growing stops, by a held-out tenth of the rows of each fold.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import KFold, StratifiedKFold

from data_science.arrays import Floats, Mask
from data_science.formula.rows import Observations

_CORES = "LOKY_MAX_CPU_COUNT"
_FOLDS = 5
_LEAVES = (3, 8)  # three see pairs of columns; with 31, the usual number, a level's effect was missed
_BINS = 64
MOST_LEVELS = _BINS - 1  # of a column that the trees take apart


def columns(rows: Observations, n_levels: dict[str, int]) -> tuple[list[str], list[str]]:
    """Names of the columns of levels and of numbers that the learner reads."""
    return [name for name in rows.codes if n_levels[name] <= MOST_LEVELS], list(rows.numeric)


def log_scores(rows: Observations, n_levels: dict[str, int], seed: int) -> Floats:
    """Log probability of each row's response, without coefficient, by trees that have not seen the row.

    Parameters
    ----------
    rows : Observations
    n_levels : dict
        Number of levels of each column of levels.
    seed : int
        Of the folds and of what is held out in each.
    """
    levels, numbers = columns(rows, n_levels)
    x = np.column_stack(
        [
            *(rows.codes[name] for name in levels),
            *(rows.numeric[name] for name in numbers),
            np.zeros(len(rows)),
        ]
    ).astype(float)
    is_level = np.arange(x.shape[1]) < len(levels)
    single = bool((rows.trials == 1).all())
    split = (StratifiedKFold if single else KFold)(_FOLDS, shuffle=True, random_state=seed)
    found = np.empty(len(rows))
    with cores_not_counted():
        for seen, unseen in split.split(x, rows.successes):
            p = _grown(x[seen], rows.successes[seen], rows.trials[seen], is_level, seed)(x[unseen])
            y, n = rows.successes[unseen], rows.trials[unseen]
            found[unseen] = y * np.log(p) + (n - y) * np.log1p(-p)
    return found


def _grown(
    x: Floats, successes: Floats, trials: Floats, is_level: Mask, seed: int
) -> Callable[[Floats], Floats]:
    """Grow trees of each size on labels with weights, and return how the better ones predict."""
    outcomes = [np.ones(len(x)), np.zeros(len(x))]
    weights = np.concatenate([successes, trials - successes])
    used = weights > 0
    both, label = np.concatenate([x, x])[used], np.concatenate(outcomes)[used]
    best = max(
        (_trees(leaves, is_level, seed).fit(both, label, weights[used]) for leaves in _LEAVES), key=_score
    )
    tiny = np.finfo(float).eps

    def predicted(rows: Floats) -> Floats:
        return np.asarray(np.clip(best.predict_proba(rows)[:, 1], tiny, 1 - tiny))

    return predicted


def _trees(leaves: int, is_level: Mask, seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_leaf_nodes=leaves,
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
