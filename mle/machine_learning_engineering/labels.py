"""Labels that became known after the predictions; changes with how teams deliver them."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from machine_learning_engineering.errors import RetrainingInputError

if TYPE_CHECKING:
    import pandas as pd

type Labels = pd.DataFrame | Mapping[int, int]

#: By bytes of a float: from here on two whole numbers share one.
EXACT = {2: 2**11, 4: 2**24, 8: 2**53, 16: 2**53}


@dataclass(frozen=True, slots=True)
class KnownLabel:
    """What turned out to be true of one client, and since when that is known."""

    label: int
    known_at: datetime | None = None  # None: known after every prediction

    def tests(self, predicted_at: datetime) -> bool:
        """Whether the prediction was made before the label was known."""
        return self.known_at is None or predicted_at < self.known_at


def known_labels(labels: Labels) -> dict[int, KnownLabel]:
    """Labels by client.

    Raises
    ------
    RetrainingInputError
        If a column is missing, a client is not a whole number or has two labels, a label is not 0 or 1, or a
        time is missing or cannot be read: none of them is guessed.
    """
    known: dict[int, KnownLabel] = {}
    for row, (idx, label, known_at) in enumerate(_rows(labels)):
        client, value = None if _is_truth(idx) else _whole(idx), _whole(label)
        if client is None:
            raise RetrainingInputError(f"row {row} has the client {idx!r}; expected a whole number")
        if value not in (0, 1):
            raise RetrainingInputError(f"client {client} has label {label!r}; expected 0 or 1")
        if client in known:
            raise RetrainingInputError(f"client {client} has two labels; expected one row per client")
        known[client] = KnownLabel(value, None if known_at is _NO_TIMES else _moment(known_at, client))
    return known


_NO_TIMES = object()


def _rows(labels: Labels) -> Iterable[tuple[object, object, object]]:
    if isinstance(labels, Mapping):
        return ((idx, label, _NO_TIMES) for idx, label in labels.items())
    if not hasattr(labels, "iloc") or not hasattr(labels, "columns"):
        raise RetrainingInputError(
            f"labels is of type {type(labels).__name__}; expected a pandas DataFrame with idx, label and "
            "optionally known_at, or a mapping idx -> label"
        )
    columns = list(labels.columns)
    if missing := {"idx", "label"} - set(columns):
        raise RetrainingInputError(
            f"labels has the columns {columns} but lacks {sorted(missing)}; "
            "expected idx, label and optionally known_at, or a mapping idx -> label"
        )
    if twice := [name for name in ("idx", "label", "known_at") if columns.count(name) > 1]:
        raise RetrainingInputError(f"labels has {twice[0]} {columns.count(twice[0])} times; expected it once")
    known_at = labels["known_at"].tolist() if "known_at" in columns else [_NO_TIMES] * len(labels)
    return zip(_clients(labels["idx"]), labels["label"].tolist(), known_at, strict=True)


def _clients(idx: pd.Series) -> list[object]:
    """Return a column's values; narrow floats as NumPy's, since Python's float hides their rounding."""
    clients: list[object] = idx.tolist()
    dtype: Any = getattr(idx.dtype, "numpy_dtype", idx.dtype)
    if getattr(dtype, "kind", "") != "f" or dtype.itemsize >= 8:
        return clients
    return [dtype.type(value) if isinstance(value, float) else value for value in clients]


def _is_truth(value: object) -> bool:
    return type(value).__name__ in ("bool", "bool_")


def _whole(value: object) -> int | None:
    """Return a number that is whole, of whatever type, or None."""
    exact = EXACT[8]
    if getattr(value, "ndim", None) == 0:  # a NumPy scalar, told without importing NumPy
        exact = EXACT.get(value.dtype.itemsize, exact)  # type: ignore[attr-defined]
        value = value.item()  # type: ignore[attr-defined]
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < exact else None
    if isinstance(value, Decimal):  # of a column "numeric"
        return int(value) if value.is_finite() and value == value.to_integral_value() else None
    try:
        return operator.index(value)  # type: ignore[arg-type]  # the except clause is the check
    except TypeError:
        return None


def _moment(value: object, client: int) -> datetime:
    """Return a time with its zone; without one it is UTC, a day is its midnight, and text is ISO 8601."""
    found = value
    if isinstance(found, str):
        try:
            found = datetime.fromisoformat(found.strip())
        except ValueError:
            found = None
    elif isinstance(found, date) and not isinstance(found, datetime):
        found = datetime.combine(found, time())
    if not isinstance(found, datetime) or found != found:  # NaT is a datetime that does not equal itself
        raise RetrainingInputError(
            f"client {client} has known_at {value!r}; expected a time, as a datetime or in ISO 8601 such as "
            "2026-11-22T10:15:00Z. If none is known, leave the column out"
        )
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
