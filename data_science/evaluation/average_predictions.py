"""Effects as probabilities: what the average client's would be, were one feature another.

Predictive comparisons, averaged over clients: Gelman and Pardoe 2007, doi:10.1111/j.1467-9531.2007.00181.x.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from data_science.arrays import Floats
from data_science.formula.design import Design, encode
from data_science.likelihood import binomial
from data_science.likelihood.linear_predictor import linear_predictor

_CLIENTS = 500  # over whom an average is taken, evenly spaced over the rows
_BAND = (0.025, 0.5, 0.975)


def curve(
    design: Design, frame: pd.DataFrame, feature: str, values: Sequence[Any], coefficients: Floats
) -> pd.DataFrame:
    """Average probability of the same clients at each value of a feature.

    Parameters
    ----------
    design : Design
    frame : DataFrame
    feature : str
    values : sequence
        Those that every client is given in turn.
    coefficients : array, shape (draw, coefficient)

    Returns
    -------
    DataFrame
        Indexed by value: ``low``, ``middle``, ``high`` (95 %).
    """
    draws = _averages(design, frame, feature, values, coefficients)
    low, middle, high = np.quantile(draws, _BAND, axis=1)
    return pd.DataFrame({"low": low, "middle": middle, "high": high}, pd.Index(values, name=feature))


def changes(
    design: Design, frame: pd.DataFrame, ends: dict[str, tuple[Any, Any]], coefficients: Floats
) -> pd.DataFrame:
    """Change of the average probability between two values of each feature.

    Parameters
    ----------
    design, frame, coefficients
        As of :func:`curve`.
    ends : mapping from feature to two of its values

    Returns
    -------
    DataFrame
        Indexed by feature: ``low``, ``middle``, ``high`` of the change, and its ``start`` and ``end``.
    """
    found = {}
    for feature, (start, end) in ends.items():
        first, last = _averages(design, frame, feature, [start, end], coefficients)
        low, middle, high = np.quantile(last - first, _BAND)
        found[feature] = {"low": low, "middle": middle, "high": high, "start": start, "end": end}
    return pd.DataFrame.from_dict(found, orient="index")


def _averages(
    design: Design, frame: pd.DataFrame, feature: str, values: Sequence[Any], coefficients: Floats
) -> Floats:
    """Mean probability over clients, shape (value, draw)."""
    some = frame.iloc[np.unique(np.linspace(0, len(frame) - 1, min(_CLIENTS, len(frame))).astype(int))]
    turned = np.ascontiguousarray(coefficients.T)
    found = []
    for value in values:
        rows = encode(design, some.assign(**{feature: value}))
        chances = binomial.probability(linear_predictor(design.encoding, rows, turned))
        found.append(np.average(chances, axis=0, weights=rows.trials))  # a row has as many clients as trials
    return np.stack(found)
