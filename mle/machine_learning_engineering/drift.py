"""Histograms of the inputs a model was trained on (or first saw), stored for comparison with later ones."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import numpy as np

from machine_learning_engineering.effects import Vector
from machine_learning_engineering.errors import RetrainingInputError
from machine_learning_engineering.records import Prediction, plain
from machine_learning_engineering.segments import expanded, replace_file

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
NOT_FEATURES = ("idx", "label")
LEVELS_MAX = 50  # rarer levels are counted together
DISTINCT_MAX = 20  # a numeric feature with more values is cut into bins
BINS = 10


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of one feature in cells fixed once; the last takes missing, unreadable and unseen values."""

    levels: tuple[float | str, ...]  # one cell each; empty for a binned feature
    edges: tuple[float, ...]  # inner edges of the bins, in the feature's unit; empty for a feature of levels
    counts: tuple[int, ...]

    @classmethod
    def learn(cls, values: Iterable[object]) -> Self:
        """Choose the cells from the values and count them."""
        read = [_read(value) for value in values]
        frequency = Counter(value for value in read if value is not None)
        if len(frequency) > DISTINCT_MAX and not any(isinstance(value, str) for value in frequency):
            finite = np.array([value for value in read if value is not None], dtype=np.float64)
            inner = np.quantile(finite, np.arange(1, BINS) / BINS)
            cells = cls((), tuple(float(edge) for edge in np.unique(inner)), ())
        else:
            cells = cls(tuple(level for level, _ in frequency.most_common(LEVELS_MAX)), (), ())
        return cls(cells.levels, cells.edges, tuple(int(count) for count in cells.count(read)))

    def count(self, values: Iterable[object]) -> Vector:
        """Count other values in these cells."""
        n_cells = len(self.levels) + 1 if self.levels else len(self.edges) + 2
        position = {level: cell for cell, level in enumerate(self.levels)}
        counts = np.zeros(n_cells)
        for value in map(_read, values):
            if isinstance(value, float) and self.edges:
                counts[np.searchsorted(self.edges, value, side="right")] += 1
            else:
                counts[n_cells - 1 if value is None else position.get(value, n_cells - 1)] += 1
        return counts


@dataclass(frozen=True, slots=True)
class InputReference:
    """What inputs looked like: one histogram per feature, never a row."""

    features: Mapping[str, Histogram]
    until: datetime | None = None  # of the last prediction it was learned from; None: learned in training

    @classmethod
    def learn(
        cls,
        columns: pd.DataFrame | Mapping[str, Sequence[object]],
        *,
        exclude: Sequence[str] = NOT_FEATURES,
        until: datetime | None = None,
    ) -> Self:
        """Learn from a training frame or from columns by name; ``idx`` and ``label`` are not features."""
        names = [str(name) for name in columns if name not in exclude]
        return cls({name: Histogram.learn(list(columns[name])) for name in names}, until)

    @classmethod
    def learn_from_log(cls, predictions: Sequence[Prediction]) -> Self:
        """Learn from the first predictions of a model whose training data are not available."""
        names = list(dict.fromkeys(name for made in predictions for name in made.features))
        columns = {name: [made.features.get(name) for made in predictions] for name in names}
        return cls.learn(columns, until=max(made.at for made in predictions))

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """Return the reference that training stored: by column its levels, edges and counts.

        Raises
        ------
        RetrainingInputError
            If it cannot be read as one.
        """
        try:
            return cls({name: _histogram(of) for name, of in stored.items()})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RetrainingInputError(
                f"the model's own reference of inputs cannot be read: {error!r}; expected by column its "
                "levels, edges and counts"
            ) from error

    def save(self, folder: str | Path, model_version: str | None) -> Path:
        """Store beside the prediction log, for `trigger_retraining` of that version to find."""
        path = _path(folder, model_version)
        content = {
            "format": FORMAT,
            "until": self.until.isoformat() if self.until else None,
            "features": {name: asdict(histogram) for name, histogram in self.features.items()},
        }
        replace_file(path, json.dumps(content, indent=1, allow_nan=False).encode())
        return path

    @classmethod
    def load(cls, folder: str | Path, model_version: str | None) -> Self | None:
        """Return the stored reference of a version, None if there is none yet.

        Raises
        ------
        RetrainingInputError
            If the file is there and cannot be read as a reference.
        """
        path = _path(folder, model_version)
        if not path.exists():
            return None
        try:
            content = json.loads(path.read_bytes())
            if content["format"] != FORMAT:
                raise ValueError(f"format {content['format']!r}, expected {FORMAT}")
            until = datetime.fromisoformat(content["until"]) if content["until"] else None
            features = {name: _histogram(of) for name, of in content["features"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RetrainingInputError(
                f"{path} is not a reference of inputs: {error!r}; delete it to learn a new one"
            ) from error
        return cls(features, until)


def _histogram(of: Mapping[str, Any]) -> Histogram:
    return Histogram(tuple(of["levels"]), tuple(of["edges"]), tuple(of["counts"]))


def _path(folder: str | Path, model_version: str | None) -> Path:
    return expanded(folder) / f"reference-{quote(model_version or 'unversioned', safe='')}.json"


def _read(value: object) -> float | str | None:
    """Read one cell so that 3, 3.0, NumPy's 3 and "3 " are the same value, and NaN is missing."""
    value = plain(value)
    if isinstance(value, str):
        value = value.strip()
        try:
            number = float(value)
        except ValueError:
            return value
    elif value is None:
        return None
    else:
        number = float(value)
    return number if math.isfinite(number) else None
