"""One logged prediction and its line of JSON; changes with the record (raise `FORMAT`, keep old readers)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 2  # 1 has no ids, and is still written where there are none
_CHECK = b',"crc32":"'  # of the line without it, its last member; quotes in features are escaped
_PLACE = re.compile(rb',"line":(\d+),"crc32":"\w{8}"}\s*$')  # where the writer put it, counted from 1
PANDAS_MISSING = {"NAType", "NaTType"}  # by name: pandas is not imported to log a mapping

type Plain = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was asked of a model, what it answered, and when."""

    idx: int  # the client
    label: int  # the answer
    features: Mapping[str, Plain]  # as read from the caller, before the model interpreted them
    probability: float | None = None  # P(label = 1), where the model has one
    model_version: str | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    request_id: str | None = None  # by which a caller's complaint is found
    trace_id: str | None = None  # of W3C Trace Context


# Made once: `dumps` makes it each time.
_as_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_IDS = {"request_id", "trace_id"}
_MEMBERS = {2: {"format", "line", "crc32", *Prediction.__dataclass_fields__}}
_MEMBERS[1] = _MEMBERS[2] - _IDS


def encode(prediction: Prediction) -> bytes:
    r"""One line of ASCII JSON, ``\n`` at its end and nowhere else, that has no place in a segment yet."""
    return _line(open_text(prediction))


def open_text(prediction: Prediction) -> bytes:
    """Return what `lines` closes: the slow part, which whoever predicts does, and not the log's one writer.

    Raises
    ------
    TypeError, ValueError
        If a value is none that JSON has.
    """
    record = {
        "format": 1,
        "idx": prediction.idx,
        "label": prediction.label,
        "features": prediction.features,
        "probability": prediction.probability,
        "model_version": prediction.model_version,
        "at": prediction.at.isoformat(),
    }
    if prediction.request_id is not None or prediction.trace_id is not None:
        record["format"] = FORMAT
        record["request_id"] = prediction.request_id
        record["trace_id"] = prediction.trace_id
    return _as_json(record).encode()[:-1]


def lines(texts: Iterable[bytes], n_before: int) -> bytes:
    """Return the lines of a segment that follow its first ``n_before``, each with its place and checksum."""
    return b"".join(_line(b'%b,"line":%d' % (text, place)) for place, text in enumerate(texts, n_before + 1))


def place_of(line: bytes) -> int | None:
    """Return the place in its segment, from 1, that a line was written with; None of earlier code's."""
    found = _PLACE.search(line)
    return None if found is None else int(found[1])


def _line(text: bytes) -> bytes:
    return b'%b%b%08x"}\n' % (text, _CHECK, crc32(b"}", crc32(text)))


def decode(line: bytes) -> Prediction:
    """Read the prediction that `encode` wrote.

    Raises
    ------
    ValueError
        If the line is not one whole record of a known format, or was changed after it was written. Lines of
        earlier code have no checksum.
    """
    text, check, written = line.rstrip(b"\r\n").rpartition(_CHECK)
    if check and written != b'%08x"}' % crc32(text + b"}"):
        raise ValueError("the checksum is that of another record: the line was changed after it was written")
    record = json.loads(line)
    number = record.get("format") if isinstance(record, dict) else None
    if type(number) is not int or number not in _MEMBERS or (number == FORMAT and not record.keys() >= _IDS):
        raise ValueError(f"expected a record of format 1, or of format {FORMAT} with {sorted(_IDS)}")
    if unknown := record.keys() - _MEMBERS[number]:
        raise ValueError(f"the record has {sorted(unknown)}, which format {number} does not")
    try:
        return Prediction(
            idx=record["idx"],
            label=record["label"],
            features=record["features"],
            probability=record["probability"],
            model_version=record["model_version"],
            at=datetime.fromisoformat(record["at"]),
            request_id=record.get("request_id"),
            trace_id=record.get("trace_id"),
        )
    except KeyError as missing:
        raise ValueError(f"the record has no {missing.args[0]!r}") from missing


def plain_features(features: pd.DataFrame | Mapping[str, object] | None) -> dict[str, Plain]:
    """Values of a one-row frame or a mapping as JSON can hold them, column order kept."""
    if features is None:
        return {}
    if isinstance(features, Mapping):
        return {str(name): plain(value) for name, value in features.items()}
    if len(features) != 1:
        raise ValueError(f"features has {len(features)} rows; expected one row, one client")
    return {str(name): plain(features.iat[0, position]) for position, name in enumerate(features.columns)}


def plain(value: object) -> Plain:
    """``value`` as JSON holds it: NumPy scalars unboxed, NaN as null, infinities and the rest as text."""
    if getattr(value, "ndim", None) == 0:  # a NumPy scalar, told without importing NumPy
        value = value.item()  # type: ignore[attr-defined]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if value is None or isinstance(value, str | int | float):
        return value
    return None if type(value).__name__ in PANDAS_MISSING else str(value)
