"""Labels joined with what the prediction log kept of their clients, by ``idx``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from data_science.arrays import Ints
from data_science.cli.labelled_rows import Table, known_at
from data_science.cli.logged_rows import Logged
from data_science.errors import SchemaError


def joined(labels: Table, logged: Logged) -> tuple[Table, int]:
    """Return the labelled clients with their last logged features, and how many the log does not have.

    Features that were asked with when the label was known already may tell it: they count as not logged.

    Raises
    ------
    SchemaError
        If a client is named twice, or is no whole number.
    """
    row = label_of(logged, keys(labels), known_at(labels))
    last = np.full(len(labels.frame), -1, dtype=np.intp)
    last[row[row >= 0]] = np.flatnonzero(row >= 0)  # of several the last assignment stays
    there = last >= 0
    known = labels.take(there).frame
    found = logged.features.iloc[last[there]].reset_index(drop=True)
    taken = found[[name for name in found.columns if name not in known.columns]]
    return Table(labels.name, pd.concat([known, taken], axis=1), is_text=False), int((~there).sum())


def label_of(logged: Logged, idx: pd.Series[Any], moments: pd.Series[Any] | None) -> Ints:
    """Return the row of each prediction's label, -1 if there is none or it was known by then.

    Parameters
    ----------
    logged : Logged
    idx : Series of int
        Of the labels' clients.
    moments : Series of datetime, optional
        When each label became known.
    """
    places = {int(key): place for place, key in enumerate(idx)}
    row: Ints = np.array([places.get(key, -1) for key in logged.idx], dtype=np.intp)
    if moments is not None and len(idx) > 0:
        row[logged.at.to_numpy() >= moments.to_numpy()[row]] = -1
    return row


def keys(labels: Table) -> pd.Series[Any]:
    """Return the clients of a table of labels.

    Raises
    ------
    SchemaError
        If one is named twice, or is no whole number.
    """
    values = labels.column("idx")
    numbers = pd.to_numeric(values, errors="coerce")
    wrong = (numbers.isna() | (numbers % 1 != 0) | (numbers.abs() >= 2**53)).to_numpy(dtype=bool)
    if wrong.any():
        row = int(wrong.argmax())
        raise SchemaError(
            f"{labels.name}, row {row + 1}: idx is {values.iloc[row]!r}; expected a client's whole number"
        )
    idx = numbers.astype("int64")
    if (again := idx.duplicated().to_numpy()).any():
        row = int(again.argmax())
        raise SchemaError(
            f"{labels.name}, row {row + 1}: client {idx.iloc[row]} has two labels; expected one row each"
        )
    return idx
