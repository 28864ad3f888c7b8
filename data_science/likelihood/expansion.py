"""The Taylor series of one stratum's log-partition: a row's terms, their sums, and the remainder.

Around a pilot point, ``sum_i n_i A(eta_i + u'z_i)`` is a series in u, a standard normal vector under the
posterior: z is how far one posterior sd moves a row's linear predictor. Its coefficients up to order K are
the sums of ``n_i A^(k)(eta_i) z_i^alpha`` with ``|alpha| = k``. Each is measured in nats at two posterior
sds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import comb, factorial, prod, sqrt

import numpy as np

from data_science.arrays import Floats, Ints, Mask
from data_science.likelihood import binomial

_WIDTH = 2.0  # posterior sds at which terms are weighed
_BLOCK = 4_096  # rows at a time
_SECOND_MOMENTS = (1.0, 1.0, 3.0, 15.0, 105.0)  # of u^a for standard normal u: E u^(2 a)


def n_sums(n_variables: int, order: int) -> int:
    """How many sums are matched: a stratum has at most that many nodes, plus its far rows."""
    return comb(n_variables + order, order)


@dataclass(frozen=True, slots=True)
class Monomials:
    """Monomials of degree 1 to K, each made from an earlier one times one variable."""

    parent: Ints  # -1 for the constant
    variable: Ints
    degree: Ints
    nats: Floats  # root mean square of u^alpha / alpha! over u ~ N(0, width^2)

    @classmethod
    @cache
    def of(cls, n_variables: int, order: int) -> Monomials:
        """Every monomial, by degree."""
        found: list[tuple[int, int, int, float]] = []
        level: list[tuple[int, tuple[int, ...]]] = [(-1, (0,) * n_variables)]
        for degree in range(1, order + 1):
            above, level = level, []
            for parent, powers in above:
                last = max((j for j in range(n_variables) if powers[j]), default=0)
                for j in range(last, n_variables):
                    raised = (*powers[:j], powers[j] + 1, *powers[j + 1 :])
                    level.append((len(found), raised))
                    nats = prod(sqrt(_SECOND_MOMENTS[a]) / factorial(a) for a in raised)
                    found.append((parent, j, degree, _WIDTH**degree * nats))
        parents, variables, degrees, nats_ = zip(*found, strict=True)
        return cls(np.array(parents), np.array(variables), np.array(degrees), np.array(nats_))

    def __len__(self) -> int:
        return len(self.parent)


@dataclass(frozen=True, slots=True)
class Stratum:
    """Rows of one stratum, and the functions of a row whose sums are matched."""

    features: Floats
    trials: Floats
    slopes: Floats
    root: Floats
    monomials: Monomials

    def functions(self, rows: Ints) -> Floats:
        """1, and ``A^(k)(eta) z^alpha`` in nats: shape (sum, row)."""
        features, each = self.features[rows], self.monomials
        z = self.root @ features.T
        derivatives = binomial.derivatives(features @ self.slopes, int(each.degree[-1]))
        values = np.empty((1 + len(each), len(rows)))
        values[0] = 1.0
        for k, (parent, variable) in enumerate(zip(each.parent, each.variable, strict=True), start=1):
            np.multiply(values[1 + parent], z[variable], out=values[k])
        for degree, derivative in enumerate(derivatives, start=1):
            values[1:][each.degree == degree] *= derivative
        values[1:] *= each.nats[:, None]
        return values

    def survey(self, far: float) -> tuple[Floats, Floats, Mask]:
        """Return the sums over near rows, the squared length of each z, and which rows are near.

        Near is a row whose own remainder is at most ``far`` nats.
        """
        n, order = len(self.trials), int(self.monomials.degree[-1])
        squares, near = np.empty(n), np.empty(n, dtype=np.bool_)
        sums = np.zeros(1 + len(self.monomials))
        for start in range(0, n, _BLOCK):
            block = slice(start, start + _BLOCK)
            features = self.features[block]
            z, eta = self.root @ features.T, features @ self.slopes
            squares[block] = (z**2).sum(0)
            near[block] = self.trials[block] * remainder(eta, squares[block], order) <= far
            self._add(sums, z, binomial.derivatives(eta, order), self.trials[block] * near[block])
        sums[1:] *= self.monomials.nats
        return sums, squares, near

    def _add(self, sums: Floats, z: Floats, derivatives: list[Floats], trials: Floats) -> None:
        """Add the sums of a block, in units before nats: all of one degree by one matrix product."""
        each = self.monomials
        sums[0] += trials.sum()
        values, first = np.ones((1, z.shape[1])), -1  # monomials of the degree before, and the first's place
        for degree, derivative in enumerate(derivatives, start=1):
            here = np.flatnonzero(each.degree == degree)
            products = (values * (derivative * trials)) @ z.T
            parent, variable = each.parent[here] - first, each.variable[here]
            sums[1 + here] += products[parent, variable]
            if degree < len(derivatives):
                values, first = values[parent] * z[variable], int(here[0])


def remainder(eta: Floats, squares: Floats, order: int) -> Floats:
    """Bound of the remainder of each row's series within the width, in nats.

    The higher derivatives of A are at most the largest ``p (1 - p)`` on the way, up to a constant. The length
    of z alone would keep whole strata if the outcome is rare: eta is uncertain there, but all derivatives are
    nearly exp(eta), so that matching the first matches every one.
    """
    reach = _WIDTH * np.sqrt(squares)
    nearest = np.maximum(np.abs(eta) - reach, 0.0)
    curvature = binomial.derivatives(nearest, 2)[1]
    return np.asarray(curvature * reach ** (order + 1) / factorial(order + 1))
