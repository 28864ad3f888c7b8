"""The target of a binary problem, and weights of rows, checked in scikit-learn's words."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, assert_all_finite, column_or_1d

from data_science.arrays import Ints


def two_classes(labels: Any) -> tuple[npt.NDArray[Any], Ints]:
    """Return the two classes, sorted, and which of them each label is.

    Raises
    ------
    ValueError
        If there are more classes or fewer, or labels are missing.
    """
    column = column_or_1d(labels, warn=True)
    assert_all_finite(column, input_name="y")
    check_classification_targets(column)
    kind = type_of_target(column, input_name="y", raise_unknown=True)
    if kind != "binary":
        raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
    classes, which = np.unique(column, return_inverse=True)
    return classes, which


def require_both(classes: npt.NDArray[Any], which: Ints) -> None:
    """Raise a ValueError if the rows have labels of one class only."""
    if len(np.unique(which)) < 2:
        raise ValueError(f"y has labels of 1 class only, {classes[which[0]]!r}; expected rows of two classes")


def repeats_of(weights: Any, features: Any) -> Ints | None:
    """Return how many rows each row stands for; None where each stands for itself.

    Raises
    ------
    ValueError
        If a weight is no count, which no likelihood could be made of.
    """
    if weights is None:
        return None
    given = _check_sample_weight(weights, features, dtype=np.float64)
    counts = np.rint(given)
    if not (np.array_equal(counts, given) and (given >= 0).all()):
        wrong = given[(counts != given) | (given < 0)][0]
        raise ValueError(
            f"sample_weight has {wrong:g}; expected counts: a weight of 3 is three rows. A posterior has no "
            "other weights. For successes out of trials fit BayesianLogitModel with p(successes, trials)"
        )
    return np.asarray(counts, dtype=np.intp)
