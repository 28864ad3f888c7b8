"""What posterior draws say about rows: mean probabilities and credible intervals, with no random numbers.

Changes when uncertainty is to be computed another way. An unseen group's effect is normal with the group's
standard deviation in each draw. Its mean probability is integrated by the trapezoidal rule, which converges
geometrically for such integrands (Trefethen & Weideman 2014, doi:10.1137/130932132); for intervals each draw
gets one point of that distribution, spread evenly over the draws by a golden-ratio sequence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from data_science.arrays import Floats
from data_science.formula.rows import Rows
from data_science.likelihood.binomial import probability
from data_science.prediction.tables import Tables, multiplier, require_finite

BLOCK = 2**20  # (row, draw) entries held at once
NODES, REACH = 65, 8.3  # trapezoidal rule on [-REACH, REACH] sd; error below 1e-10 for a logit sd up to 3


@dataclass(frozen=True)
class Draws:
    """Thinned posterior draws, ready to be asked about rows."""

    tables: Tables
    coefficients: Floats  # raw scale, shape (draw, coefficient)
    group_sds: Floats  # shape (draw, group sd): one per group-specific term and expression column

    def logits(self, rows: Rows) -> Floats:
        """Return the linear predictor, shape (row, draw), unseen groups drawn from their distribution."""
        # The points are slow to make, and rows with unseen groups are rare.
        return self._sum(rows, self._with_points if self._has_unseen(rows).any() else self._with_zeros)

    def mean_probability(self, rows: Rows) -> Floats:
        """Return the posterior mean of P(label = 1), shape (row,)."""
        first, places = rows.distinct()
        distinct = rows.take(first)
        means = np.empty(len(distinct))
        for part in self.blocks(len(distinct)):
            means[part] = probability(self._sum(distinct.take(part), self._with_zeros)).mean(axis=1)
        for row in np.flatnonzero(self._has_unseen(distinct)):
            means[row] = self._integrated(distinct.take(slice(row, row + 1)))
        return means[places]

    def variances(self, rows: Rows) -> Floats:
        """Return the posterior variance of each row's logit, shape (row,), unseen groups at zero."""
        parts = [self._sum(rows.take(part), self._with_zeros) for part in self.blocks(len(rows))]
        with np.errstate(over="ignore", invalid="ignore"):
            found = np.concatenate([part.var(axis=1, ddof=1) for part in parts])
        return require_finite(found, rows)  # of an infinite one the probability would be NaN

    def lines(self, rows: Rows, column: str) -> tuple[Floats, Floats]:
        """Return the linear predictor as a line in ``column``: value at 0 and slope, both (row, draw)."""
        zero, one = (
            replace(rows, numeric=rows.numeric | {column: np.full(len(rows), value)}) for value in (0.0, 1.0)
        )
        by_place = self._with_points if self._has_unseen(rows).any() else self._with_zeros
        return self._sum(zero, by_place), self._sum(one, by_place, only=column)

    def blocks(self, n_rows: int) -> list[slice]:
        """Cut rows into blocks whose (row, draw) matrix stays small."""
        step = max(1, BLOCK // max(1, len(self.coefficients)))
        return [slice(first, min(first + step, n_rows)) for first in range(0, n_rows, step)]

    def _sum(self, rows: Rows, by_place: Floats, only: str = "") -> Floats:
        eta = np.zeros((len(rows), len(self.coefficients)))
        for _, column in self.tables.encoding.offsets:
            if not only or only == column:
                eta += rows.numeric[column][:, None]
        with np.errstate(over="ignore", invalid="ignore"):
            for table, places in zip(self.tables.terms, self.tables.places(rows), strict=True):
                if only and only not in table.numeric:
                    continue
                part = by_place[places]
                if table.numeric:
                    part *= multiplier(table, rows)[:, None]
                eta += part
            require_finite(eta.sum(axis=1), rows)
        return eta

    def _has_unseen(self, rows: Rows) -> npt.NDArray[np.bool_]:
        first_sd = self.tables.encoding.n_coefficients + 1
        unseen = np.zeros(len(rows), dtype=bool)
        for places in self.tables.places(rows):
            unseen |= places >= first_sd
        return unseen

    def _integrated(self, row: Rows) -> float:
        """Return the mean probability of one row with unseen groups, over draws and their distributions."""
        first_sd = self.tables.encoding.n_coefficients + 1
        variance = np.zeros(len(self.coefficients))
        for table, places in zip(self.tables.terms, self.tables.places(row), strict=True):
            if places[0] >= first_sd:
                variance += (self.group_sds[:, places[0] - first_sd] * multiplier(table, row)[0]) ** 2
        nodes = np.linspace(-REACH, REACH, NODES)
        weights = np.exp(-0.5 * nodes**2)
        eta = self._sum(row, self._with_zeros)[0]
        at_nodes = probability(eta[:, None] + np.sqrt(variance)[:, None] * nodes)
        return float((at_nodes @ (weights / weights.sum())).mean())

    @cached_property
    def _with_zeros(self) -> Floats:
        """Coefficients by place, shape (place, draw), with unseen groups at zero."""
        n_draws = len(self.coefficients)
        rest = np.zeros((1 + self.group_sds.shape[1], n_draws))
        return np.concatenate([self.coefficients.T, rest])

    @cached_property
    def _with_points(self) -> Floats:
        """Coefficients by place, shape (place, draw), with a point of each unseen group's distribution."""
        n_draws, n_sds = self.group_sds.shape
        points = [normal_points(n_draws, place) for place in range(n_sds)]
        unseen = self.group_sds.T * np.reshape(points, (n_sds, n_draws))
        return np.concatenate([self.coefficients.T, np.zeros((1, n_draws)), unseen])


def normal_points(n_points: int, dimension: int) -> Floats:
    """Return points that fill a standard normal evenly, shape (point,), another sequence for each dimension.

    Multiples of the square root of a prime, modulo 1, are equidistributed, and jointly so for different
    primes (Weyl 1916, doi:10.1007/BF01475864).
    """
    # Imported here: only rows with unseen groups need it, and it is slow to import.
    from statistics import NormalDist

    primes: list[int] = []
    candidate = 2
    while len(primes) <= dimension:
        primes += [candidate] if all(candidate % prime for prime in primes) else []
        candidate += 1
    uniform = (0.5 + np.arange(1, n_points + 1) * primes[-1] ** 0.5) % 1.0
    inverse = NormalDist().inv_cdf
    return np.array([inverse(value) for value in uniform.tolist()])
