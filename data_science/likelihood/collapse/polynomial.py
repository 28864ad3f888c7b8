"""Polynomials of few variables through values at scattered points, by least squares, and their errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement
from math import comb

import numpy as np

from data_science.arrays import Floats, Singles


@dataclass(frozen=True, slots=True)
class Regression:
    """Least squares at given points, for any values there."""

    degree: int
    inverse: Floats  # (term, point), from values to coefficients
    hat: Floats  # (point, point), from values to fitted values

    @classmethod
    def at(cls, z: Floats, degree: int) -> Regression:
        """Prepare for the points ``z``, shape (point, variable)."""
        matrix = monomials(z, degree)
        inverse = np.linalg.pinv(matrix)
        return cls(degree, inverse, matrix @ inverse)

    def left_out(self, values: Floats | Singles) -> Floats:
        """Errors at every point of the polynomial through the others, for values of shape (..., point)."""
        return np.asarray((values - values @ self.hat.T) / (1 - self.hat.diagonal()))

    def value(self, values: Floats, z: Floats) -> Floats:
        """Evaluate the polynomial through ``values`` elsewhere, shape (..., point) of z."""
        return self.coefficients(values) @ monomials(z, self.degree).T

    def coefficients(self, values: Floats | Singles) -> Floats:
        """Of the monomials, for values of shape (..., point)."""
        return np.asarray(values @ self.inverse.T)

    def weights(self, z: Floats, weights: Floats) -> Floats:
        """Weights of the points with which any polynomial has the mean that it has over ``z``, weighted."""
        return np.asarray((weights @ monomials(z, self.degree)) @ self.inverse)


def n_terms(n_variables: int, degree: int) -> int:
    """Count the monomials up to a degree."""
    return comb(n_variables + degree, degree)


def monomials(z: Floats, degree: int) -> Floats:
    """Evaluate all monomials up to a degree, shape (point, term)."""
    return np.stack(list(_products(z, degree)), axis=1)


def _products(z: Floats, degree: int) -> Iterator[Floats]:
    yield np.ones(len(z))
    for order in range(1, degree + 1):
        for chosen in combinations_with_replacement(range(z.shape[1]), order):
            yield z[:, list(chosen)].prod(axis=1)
