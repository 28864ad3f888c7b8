"""Name the content of a table by a digest, whatever the order of its rows and columns.

Changes only if two tables that should count as equal, or as different, do not.
"""

import hashlib
import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from data_science.data.columns import Values

OF_SUMS = "sums:"  # before the digest of what stands for rows that stayed in their engine


def fingerprint(frame: pd.DataFrame, key: str | None = "idx") -> str:
    """Return the sha256 of the content of a validated frame, whatever the order of rows and columns."""
    columns = {str(name): _canonical(frame[name]) for name in sorted(frame.columns)}
    order = _order([values for _, values in columns.values()], columns[key][1] if key in columns else None)
    digest = hashlib.sha256()
    for name, (head, values) in columns.items():
        digest.update(json.dumps([name, head, len(values)]).encode())
        digest.update((values if order is None else values[order]).tobytes())
    return digest.hexdigest()


def _canonical(column: Values) -> tuple[str, npt.NDArray[Any]]:
    """Return what names the column's content, with numbers that stand for its values."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.dtype.categories.dtype)
    kind = pd.api.types.infer_dtype(column, skipna=False)
    if kind == "floating":
        return kind, column.to_numpy(dtype="<f8") + 0.0  # -0.0 and 0.0 are one value
    if kind in ("integer", "boolean"):
        return kind, column.to_numpy(dtype="<i8")
    codes, levels = pd.factorize(column, sort=True)
    return json.dumps(levels.tolist()), codes.astype("<i8")


def _order(columns: list[npt.NDArray[Any]], key: npt.NDArray[Any] | None) -> npt.NDArray[Any] | None:
    """Return the canonical order of the rows; None if they are in it."""
    if key is None:
        return np.lexsort(columns)
    if (key[1:] > key[:-1]).all():
        return None
    order = np.argsort(key, kind="stable")
    unique = (key[order][1:] > key[order][:-1]).all()
    return order if unique else np.lexsort([*columns, key])
