"""A prediction log as the service writes it, for `duel` and `check`: what was asked, what was answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zlib import crc32

import pandas as pd

from data_science.errors import SchemaError

_PATTERN = "predictions-*.jsonl"
_FORMATS = (1, 2)
_CHECK = b',"crc32":"'  # of the line without it, its last member


@dataclass(frozen=True, slots=True, eq=False)
class Logged:
    """Predictions of a log, in the order in which they were made; one row each."""

    features: pd.DataFrame
    idx: pd.Series[Any]
    probability: pd.Series[Any]
    version: pd.Series[Any]
    at: pd.Series[Any]
    n_skipped: int  # lines that are torn, damaged or of an unknown format


def read(folder: Path, since: datetime | None = None) -> Logged:
    """Read a log, or what of it is newer than a time.

    Raises
    ------
    SchemaError
        If the folder or a file of it cannot be read.
    """
    if not folder.is_dir():
        raise SchemaError(f"{folder} is no folder; expected that of the prediction log (MLE_STORAGE)")
    records: list[dict[str, Any]] = []
    n_skipped = 0
    try:
        for line in _lines(folder):
            if (record := _decoded(line)) is None:
                n_skipped += 1
            elif since is None or record["at"] >= since:
                records.append(record)
    except OSError as error:
        raise SchemaError(f"{error.filename} cannot be read ({error.strerror})") from error
    records.sort(key=lambda record: record["at"])
    columns = {
        name: pd.Series([record[name] for record in records], dtype=dtype)
        for name, dtype in (("idx", "object"), ("probability", "float64"), ("model_version", "object"))
    }
    return Logged(
        pd.DataFrame([record["features"] for record in records]),
        columns["idx"],
        columns["probability"],
        columns["model_version"],
        pd.Series(pd.to_datetime([record["at"] for record in records], utc=True)),
        n_skipped,
    )


def _lines(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.glob(_PATTERN)):
        with path.open("rb") as lines:
            yield from lines


def _decoded(line: bytes) -> dict[str, Any] | None:
    text, check, written = line.rstrip(b"\r\n").rpartition(_CHECK)
    if not line.endswith(b"\n") or (check and written != b'%08x"}' % crc32(text + b"}")):
        return None
    try:
        record = json.loads(line)
        if record["format"] not in _FORMATS or not isinstance(record["features"], dict):
            return None
        at = datetime.fromisoformat(record["at"])
        record["at"] = at if at.tzinfo else at.replace(tzinfo=UTC)
        _ = record["probability"], record["model_version"], hash(record["idx"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return dict(record)
