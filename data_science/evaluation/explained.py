"""A prediction taken apart: what each feature of a client adds to the log odds of the average client.

Changes when a prediction is to be explained in another way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from data_science.prediction.predictor import Predictor

_CLIENTS = 500  # over whom averages are taken, evenly spaced over the rows


def examples(predictor: Predictor, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the clients with the lowest, the median and the highest probability, named so."""
    order = np.argsort(predictor.predict_proba(frame), kind="stable")
    places = [order[0], order[(len(order) - 1) // 2], order[-1]]
    return frame.iloc[places].set_axis(["lowest", "median", "highest"])


def explained(predictor: Predictor, frame: pd.DataFrame, clients: pd.DataFrame) -> pd.DataFrame:
    """Return the parts of each client's log odds, at the posterior means.

    Parameters
    ----------
    predictor : Predictor
    frame : DataFrame
        Rows whose average is the average client.
    clients : DataFrame
        Those to explain.

    Returns
    -------
    DataFrame
        A column for each client. Its rows are ``average``, the mean log odds, and by how much each term with
        a feature differs from its own mean, by the feature's name; they sum to the client's log odds. Then
        ``probability``, and ``low`` and ``high``, its 95 % interval.
    """
    some = frame.iloc[np.unique(np.linspace(0, len(frame) - 1, min(_CLIENTS, len(frame))).astype(int))]
    usual = pd.DataFrame([predictor.explain(row) for row in _mappings(some)]).mean()
    own = pd.DataFrame([predictor.explain(row) for row in _mappings(clients)], clients.index).T
    parts = own.sub(usual, axis=0).drop(index="Intercept").rename(index=lambda name: name.removeprefix("1|"))
    average = pd.DataFrame([[usual.sum()] * len(clients)], ["average"], clients.index)
    interval = predictor.predict_interval(clients)
    chances = pd.DataFrame(
        [predictor.predict_proba(clients), interval[:, 0], interval[:, 1]],
        ["probability", "low", "high"],
        clients.index,
    )
    return pd.concat([average, parts, chances])


def _mappings(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    names = [str(name) for name in frame.columns]
    return (dict(zip(names, row, strict=True)) for row in frame.itertuples(index=False))
