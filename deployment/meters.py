"""What the service counts while it answers: plain numbers, for who scrapes; changes with what is counted.

A counter of the Prometheus library takes a lock at each step; these take none, for one thread counts.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
PROBABILITIES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)


class Distribution:
    """Counts of values in buckets with upper ends, and their sum."""

    __slots__ = ("counts", "ends", "total")

    def __init__(self, ends: tuple[float, ...]) -> None:
        self.ends = ends
        self.counts = [0] * (len(ends) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.ends, value)] += 1
        self.total += value


def _seconds() -> Distribution:
    return Distribution(SECONDS)


@dataclass(slots=True)
class Meters:
    """Everything that is counted; routes are few and known, never a path that somebody sent."""

    requests: dict[str, dict[int, int]] = field(default_factory=dict)  # by route and status
    durations: dict[str, Distribution] = field(default_factory=dict)  # by route
    labels: list[int] = field(default_factory=lambda: [0, 0])  # predictions, by label
    probability: Distribution = field(default_factory=lambda: Distribution(PROBABILITIES))
    unseen: dict[str, int] = field(default_factory=dict)  # by column
    append: Distribution = field(default_factory=_seconds)  # until records are on disk
    append_failures: int = 0

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count one response."""
        try:
            by_status, durations = self.requests[route], self.durations[route]
        except KeyError:
            by_status = self.requests[route] = {}
            durations = self.durations[route] = _seconds()
        by_status[status] = by_status.get(status, 0) + 1
        durations.add(seconds)

    def predicted(self, label: int, probability: float) -> None:
        """Count one prediction that is on record."""
        self.labels[label] += 1
        self.probability.add(probability)

    def met_unseen(self, columns: list[str]) -> None:
        """Count columns in which a client has a value that training has not seen."""
        for column in columns:
            self.unseen[column] = self.unseen.get(column, 0) + 1
