"""An interval for a mean that holds at every look at once; changes with the statistics of looking.

Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), Time-uniform central limit theory and asymptotic
confidence sequences, Annals of Statistics 52: of each number of observations, with the width smallest about
``n0``. A z interval at each of 90 nightly looks promotes an equal model in 30 of 100 duels.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

from data_science.arrays import Floats


@dataclass(frozen=True, slots=True)
class Sums:
    """All that an interval needs of values, one of each client."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0
    expected: float = 0.0  # squares about the mean that the models themselves expect

    def plus(self, values: Floats, expected: float = 0.0) -> Self:
        """Add the values of further clients."""
        return type(self)(
            self.n + len(values),
            self.total + float(values.sum()),
            self.squares + float(values @ values),
            self.expected + expected,
        )

    @property
    def mean(self) -> float:
        """The mean over clients."""
        return self.total / self.n if self.n else 0.0

    @property
    def sd(self) -> float:
        """Standard deviation over clients, and no less than the models expect.

        Before the first rare event all clients look alike, and what they show would pass for certain.
        """
        if self.n < 2:
            return math.inf
        about_mean = max(self.squares - self.total * self.mean, 0.0) / (self.n - 1)
        return math.sqrt(max(about_mean, self.expected / self.n))

    def to_json(self) -> dict[str, Any]:
        """Return it with JSON types."""
        return asdict(self)


def bounds(sums: Sums, alpha: float, n0: float) -> tuple[float, float]:
    """Return lower and upper bound of the mean; each is wrong at any look with probability at most alpha.

    Parameters
    ----------
    sums : Sums
    alpha : float
        Of each side.
    n0 : float
        Number of clients about which the interval is narrowest; fixed before the first look.
    """
    if sums.n < 2:
        return -math.inf, math.inf
    both = 2.0 * alpha
    rho2 = (-2.0 * math.log(both) + math.log(1.0 - 2.0 * math.log(both))) / n0
    spread = sums.n * rho2 + 1.0
    half = sums.sd * math.sqrt(2.0 * spread / (sums.n**2 * rho2) * math.log(math.sqrt(spread) / both))
    return sums.mean - half, sums.mean + half
