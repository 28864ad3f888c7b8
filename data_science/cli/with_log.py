"""Labels joined with what the prediction log kept of their clients, by ``idx``."""

from __future__ import annotations

from typing import Any

import pandas as pd

from data_science.cli.labelled_rows import Table
from data_science.cli.logged_rows import Logged, latest
from data_science.errors import SchemaError


def joined(labels: Table, logged: Logged) -> tuple[Table, int]:
    """Return the labelled clients with their last logged features, and how many the log does not have.

    Raises
    ------
    SchemaError
        If a client is named twice, or is no whole number.
    """
    places = latest(logged)
    features = logged.features.iloc[places].set_axis(logged.idx.iloc[places].astype("int64"), axis=0)
    idx = keys(labels)
    there = idx.isin(features.index).to_numpy()
    known = labels.take(there).frame
    found = features.reindex(idx[there]).reset_index(drop=True)
    taken = found[[name for name in found.columns if name not in known.columns]]
    return Table(labels.name, pd.concat([known, taken], axis=1), is_text=False), int((~there).sum())


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
