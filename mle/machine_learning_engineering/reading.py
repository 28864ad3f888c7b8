"""Read a prediction log back, reporting every line that could not be; changes with what readers need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from machine_learning_engineering.errors import PredictionLogError
from machine_learning_engineering.records import Prediction, decode, place_of
from machine_learning_engineering.segments import expanded, segments


@dataclass(frozen=True, slots=True)
class SkippedLine:
    """A line that is not a whole prediction, or that others are missing before.

    It was torn by a crash, is still being written, or is damaged; or lines were taken away or moved since.
    """

    path: Path
    line: int  # counted from 1
    reason: str

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything found in a log folder, in the order of segments and lines."""

    predictions: tuple[Prediction, ...]
    skipped: tuple[SkippedLine, ...]


def read_predictions(folder: str | Path) -> Reading:
    """Read every prediction of a log folder into memory; an absent folder is an empty log."""
    predictions: list[Prediction] = []
    skipped: list[SkippedLine] = []
    for item in scan(folder):
        if isinstance(item, Prediction):
            predictions.append(item)
        else:
            skipped.append(item)
    return Reading(tuple(predictions), tuple(skipped))


def scan(folder: str | Path) -> Iterator[Prediction | SkippedLine]:
    """Yield predictions and skipped lines one at a time, in bounded memory.

    Raises
    ------
    PredictionLogError
        If a segment cannot be opened or read.
    """
    for path in segments(expanded(folder)):
        try:
            yield from _scan_segment(path)
        except OSError as error:
            raise PredictionLogError(
                f"{path} cannot be read: {error.strerror}; let this user read the storage folder"
            ) from error


def _scan_segment(path: Path) -> Iterator[Prediction | SkippedLine]:
    expected: int | None = 1  # the place that the next line was written with, where that can be known
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                yield SkippedLine(path, number, "torn: its writer died or is still writing it")
                continue
            try:
                prediction = decode(line)
            except ValueError as error:
                expected = None  # it may have been one line, or several
                yield SkippedLine(path, number, f"damaged: {error}")
                continue
            place = place_of(line)
            if said := _displaced(place, expected):
                yield SkippedLine(path, number, said)
            expected = None if place is None else place + 1
            yield prediction


def _displaced(place: int | None, expected: int | None) -> str:
    """Say what a line's place tells; nothing of earlier code's, nor where segments were joined."""
    if place in (None, 1, expected) or expected is None:
        return ""
    if place > expected:
        gone = f"line {expected}" if place == expected + 1 else f"lines {expected} to {place - 1}"
        return f"missing before it: {gone} of this segment, taken away after being written"
    return f"moved or repeated: it was written as line {place} of a segment, and line {expected} belongs here"
