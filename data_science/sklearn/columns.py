"""The features that scikit-learn passes around, arrays or frames, as a frame whose columns have names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data


def named_columns(estimator: BaseEstimator, features: Any, **validation: Any) -> pd.DataFrame:
    """Return the features as a frame; an array's columns are called x0, x1, ...

    Parameters
    ----------
    estimator : BaseEstimator
        Gets, or is compared with, ``n_features_in_`` and ``feature_names_in_``.
    features : array-like or frame
        A frame keeps its dtypes: they tell numbers from levels. An array holds numbers, unless there is text
        in it: then each of its columns holds what its values are.
    **validation
        Passed on to scikit-learn's `validate_data`: ``y``, ``reset``.

    Raises
    ------
    ValueError, TypeError
        In scikit-learn's words.
    """
    if hasattr(features, "__arrow_c_stream__") and not isinstance(features, pd.DataFrame):
        features = pd.DataFrame.from_arrow(features)  # type: ignore[attr-defined]  # new in pandas 3
    if isinstance(features, pd.DataFrame):
        validate_data(estimator, features, skip_check_array=True, **validation)
        found = features.reset_index(drop=True)
    else:
        dtype = object if _holds_text(features) else "numeric"
        checked = validate_data(estimator, features, dtype=dtype, **validation)
        values = checked[0] if isinstance(checked, tuple) else checked
        found = pd.DataFrame(values).infer_objects()
    names = getattr(estimator, "feature_names_in_", None)
    found.columns = pd.Index([f"x{k}" for k in range(found.shape[1])] if names is None else names)
    return found


def _holds_text(features: Any) -> bool:
    """Whether an array or a nested list has any text in it."""
    kind = np.asarray(features)
    return kind.dtype.kind in "UST" or (
        kind.dtype == object and any(isinstance(value, str) for value in kind.flat)
    )
