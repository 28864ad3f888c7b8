"""Read one column without loss, or report which of its values cannot be read so.

Changes when another kind of value becomes readable. Booleans, integers and integral floats are the same
integer. Text is never read as a number, nor a number as text: the levels "1" and 1 could not be told
apart afterwards.
"""

from dataclasses import dataclass
from decimal import Context, localcontext
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from data_science.arrays import Mask

type Values = pd.Series[Any]  # lazy: pandas knows this subscript only in its stubs

# What pandas.api.types.infer_dtype says, in the words of this package; anything else is refused.
KINDS = {
    "boolean": "boolean",
    "integer": "integer",
    "floating": "real",
    "mixed-integer-float": "real",
    "string": "text",
}
# How each kind is read where something is wanted; a pair that is not here is refused.
READ_AS = {
    "integer": {"boolean": "integer", "integer": "integer", "real": "integer"},
    "real": {"integer": "real", "real": "real"},
    "text": {"text": "text"},
    "number": {"boolean": "integer", "integer": "integer", "real": "real"},
    "level": {"boolean": "boolean", "integer": "integer", "real": "integer", "text": "text"},
    "key": {"integer": "integer", "real": "integer", "text": "text"},
}
EXPECTED = {
    "integer": "whole numbers",
    "real": "numbers",
    "text": "text",
    "number": "numbers",
    "level": "text, whole numbers or booleans",
    "key": "whole numbers or text",
}
#: What to do with a column of another kind, which runs as it is printed; for others it is in its source.
_INSTEAD = {
    "real": "Convert levels to text or whole numbers, and numbers to a numeric dtype: astype(float)",
    "mixed": "Make all values of one kind: astype(float) for numbers, astype(str) for levels",
    "date": "Make levels of dates by astype(str), or a number: the days since the first are "
    "(pd.to_datetime(column) - pd.to_datetime(column).min()).dt.days",
    "timedelta": "Make a number of it: pd.to_timedelta(column).dt.total_seconds()",
    "interval": "Make levels of it: astype(str)",
    "bytes": "Decode it: column.str.decode('utf-8')",
    "broken text": "It is no Unicode (or has a NUL): read the source again, in the encoding "
    "that it was written in",
}
_LIKE = {
    "mixed-integer": "mixed",
    "datetime": "date",
    "datetime64": "date",
    "period": "interval",
    "timedelta64": "timedelta",
}
INTEGER_MAX = 2**63 - 1
REAL_INTEGER_MAX = 2**53  # above it a float64 no longer holds every integer


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One column as read; the masks have one entry per row."""

    kind: str  # what the column holds, in pandas' or this package's word
    missing: Mask
    infinite: Mask
    refused: Mask  # neither missing nor infinite, yet not what is wanted
    values: Values | None  # typed; None unless every row could be read


def instead_of(kind: str, wanted: str) -> str:
    """Say what to do with a column whose kind cannot be read as what is wanted."""
    if kind == "real" and wanted != "level":
        kind = ""
    return _INSTEAD.get(_LIKE.get(kind, kind), "Convert the column at its source")


def read(column: Values, wanted: str) -> Reading:
    """Read ``column`` as what is ``wanted`` (a key of `READ_AS`), row by row.

    A categorical column that is read as levels stays categorical, with its order of levels.
    """
    missing = is_missing(column)
    present = column[~missing]
    if isinstance(column.dtype, pd.CategoricalDtype):
        present = present.astype(column.dtype.categories.dtype)
    inferred = pd.api.types.infer_dtype(present, skipna=False)
    kind = KINDS.get(inferred, inferred)
    exact = present
    if kind == "decimal":  # of a database or an Arrow table: the nearest floats, as of any text of digits
        present, kind = present.astype(object).astype(float), "real"
    elif kind == "text":
        levels = pd.unique(present)
        if not all(map(_is_unicode, levels)):
            kind = "broken text"
        elif column.dtype == object and any(type(level) is not str for level in levels):
            column = column.map(str.__str__, na_action="ignore")  # an enumeration's members, say
    target = READ_AS[wanted].get(kind)
    infinite, refused = np.zeros_like(missing), np.zeros_like(missing)
    if present.empty:
        return Reading("nothing", missing, infinite, refused, None)
    if target is None:
        return Reading(kind, missing, infinite, ~missing, None)
    values = present.to_numpy()
    if values.dtype.kind == "f":  # no limit below fits into float16, nor a long double into a float
        with np.errstate(over="ignore"):
            values = values.astype(np.float64, copy=False)
    if kind in ("integer", "real"):
        infinite[~missing] = _is_infinite(values)
        lost = _loses(values, kind, target)
        if (
            inferred == "decimal" and target == "integer"
        ):  # two that share their nearest float would be one level
            lost |= np.asarray(exact.astype(object).to_numpy() != values, dtype=bool)
        refused[~missing] = lost & ~_is_infinite(values)
    if missing.any() or infinite.any() or refused.any():
        return Reading(kind, missing, infinite, refused, None)
    if wanted in ("level", "text") and isinstance(column.dtype, pd.CategoricalDtype):
        return Reading(kind, missing, infinite, refused, _with_typed_categories(column, wanted))
    dtype = {"integer": "int64", "real": "float64", "boolean": "bool"}.get(target)
    typed = column if dtype is None else pd.Series(values.astype(dtype), column.index, name=column.name)
    return Reading(kind, missing, infinite, refused, typed)


def is_missing(column: Values) -> Mask:
    """Return which rows hold nothing, a decimal's signalling NaN among them, which pandas compares."""
    with localcontext(Context(traps=[])):
        return column.isna().to_numpy(dtype=bool)


def _with_typed_categories(column: Values, wanted: str) -> Values:
    """Type the categories of a column whose values can all be read; drop unused ones that cannot be."""
    categories = read(pd.Series(column.cat.categories), wanted).values
    if categories is None or any(isinstance(level, str) and level != level.strip() for level in categories):
        column = column.cat.remove_unused_categories()
        categories = read(pd.Series(column.cat.categories.tolist()), wanted).values
    return column if categories is None else column.cat.rename_categories(categories.tolist())


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return "\0" not in text  # which ends a text in the posterior's file; PostgreSQL has none either


def _is_infinite(values: npt.NDArray[Any]) -> Mask:
    # Comparisons also work on Python objects, where isinf does not.
    return np.asarray((values == np.inf) | (values == -np.inf), dtype=bool)


def _loses(values: npt.NDArray[Any], kind: str, target: str) -> Mask:
    """Return which numbers would change if they were stored as ``target``."""
    if kind == target == "real" and values.dtype != object:
        return np.zeros(values.shape, dtype=bool)
    limit = INTEGER_MAX if kind == target == "integer" else REAL_INTEGER_MAX
    large = np.asarray((values > limit) | (values < -limit), dtype=bool)
    if kind == "integer":
        return large
    if target == "real":
        whole = np.array([isinstance(value, int | np.integer) for value in values], dtype=bool)
        return np.asarray(large & whole, dtype=bool)
    small = np.where(large, 0, values).astype(np.float64)
    return np.asarray(large | (small != np.trunc(small)), dtype=bool)
