"""Labels that became known after the predictions; changes with how teams hand them over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from machine_learning_engineering.errors import RetrainingInputError

if TYPE_CHECKING:
    import pandas as pd

type Labels = pd.DataFrame | Mapping[int, int]


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
        If a column is missing, a label is not 0 or 1, or a client has two labels.
    """
    known: dict[int, KnownLabel] = {}
    for idx, label, known_at in _rows(labels):
        if label not in (0, 1):
            raise RetrainingInputError(f"client {idx} has label {label!r}; expected 0 or 1")
        if idx in known:
            raise RetrainingInputError(f"client {idx} has two labels; expected one row per client")
        known[int(idx)] = KnownLabel(int(label), _utc(known_at))
    return known


def _rows(labels: Labels) -> Iterable[tuple[int, int, datetime | None]]:
    if isinstance(labels, Mapping):
        return ((idx, label, None) for idx, label in labels.items())
    columns = list(getattr(labels, "columns", ()))
    if missing := {"idx", "label"} - set(columns):
        raise RetrainingInputError(
            f"labels has the columns {columns} and lacks {sorted(missing)}; "
            "expected idx, label and optionally known_at, or a mapping idx -> label"
        )
    known_at = labels["known_at"].tolist() if "known_at" in columns else [None] * len(labels)
    return zip(labels["idx"].tolist(), labels["label"].tolist(), known_at, strict=True)


def _utc(moment: datetime | None) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment
