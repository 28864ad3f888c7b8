"""What is remembered of a data set when its rows are gone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DataSummary:
    """Size, rate and identity of the rows that a model was fitted to."""

    n_rows: int
    base_rate: float  # share of label 1, or successes per trial
    fingerprint: str  # sha256 of key, features and response
