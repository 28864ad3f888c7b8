"""Symmetric positive definite matrices of arrow shape, and their Cholesky factors.

With the levels of the largest grouping factor first, the precision of the coefficients is block diagonal
there (a row has one level), bordered by the r other coefficients: ``[[A, B], [B', C]]``. Eliminating A first
costs J r^2 for J levels instead of J^3. With no large factor, J = 0 and C is everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.linalg import lapack

from data_science.arrays import Floats, Ints
from data_science.formula.encoding import Encoding

_WORTHWHILE = 40  # levels from which elimination pays
_DENSE = 20_000_000  # entries up to which the other columns are kept dense


@dataclass(frozen=True, slots=True)
class Order:
    """Which coefficients are eliminated first."""

    head: Ints  # shape (level, block), positions of the effects of each level of the largest factor
    rest: Ints  # shape (r,), positions of all other coefficients

    @classmethod
    def of(cls, encoding: Encoding) -> Order:
        """Choose the grouping factor with most groups, if it is large."""
        everything = np.arange(encoding.n_coefficients, dtype=np.intp)
        largest = max((t.groups for t in encoding.group_specific), key=_n_groups, default=())
        if _n_groups(largest) < _WORTHWHILE:
            return cls(np.empty((0, 0), dtype=np.intp), everything)
        tables = [
            everything[encoding.slices[t.name]].reshape(t.n_expressions, t.n_groups)
            for t in encoding.group_specific
            if t.groups == largest
        ]
        head = np.ascontiguousarray(np.concatenate(tables).T)
        return cls(head, np.setdiff1d(everything, head))


def _n_groups(groups: tuple[Any, ...]) -> int:
    return int(np.prod([len(g.levels) for g in groups])) if groups else 0


@dataclass(frozen=True, slots=True)
class Arrow:
    """A symmetric matrix of arrow shape."""

    order: Order
    a: Floats  # (J, q, q)
    b: Floats  # (J, q, r)
    c: Floats  # (r, r)

    def multiply(self, v: Floats) -> Floats:
        """Matrix times vector, in the order of the coefficients."""
        head, rest = self.order.head, self.order.rest
        out = np.empty_like(v)
        out[rest] = self.c @ v[rest]
        if head.size:
            out[rest] += np.tensordot(v[head], self.b, 2)
            out[head] = np.einsum("jkl,jl->jk", self.a, v[head]) + self.b @ v[rest]
        return out

    def factor(self, diagonal: Floats) -> ArrowFactor:
        """Cholesky factor after adding ``diagonal``, shape (coefficient,), to the matrix.

        Raises
        ------
        numpy.linalg.LinAlgError
            If the sum is not positive definite.
        """
        order = self.order
        c = self.c.copy()
        c.flat[:: len(c) + 1] += diagonal[order.rest]
        n_levels, q = order.head.shape
        if n_levels == 0:
            inverse, log_det = _inverse_cholesky(c)
            return ArrowFactor(order, self.a, self.b, inverse, log_det)
        a = self.a.copy()
        a[:, np.arange(q), np.arange(q)] += diagonal[order.head]
        lower = np.linalg.cholesky(a)
        head_inverse = np.linalg.inv(lower) if q > 1 else 1 / lower
        border = head_inverse @ self.b  # W = A^{-1/2} B
        flat = border.reshape(n_levels * q, -1)
        rest_inverse, log_det = _inverse_cholesky(c - flat.T @ flat)
        head_log_det = float(np.log(lower[:, np.arange(q), np.arange(q)]).sum())
        return ArrowFactor(order, head_inverse, border, rest_inverse, log_det + head_log_det)


@dataclass(frozen=True, slots=True)
class Elimination:
    """A design split once into the columns eliminated first and the rest, to form Gram matrices fast."""

    order: Order
    head: tuple[Any, ...]  # per block: (node, level) CSC, at most one entry a row
    rest: Any  # (node, r), dense where small

    @classmethod
    def of(cls, order: Order, matrix: Any) -> Elimination:
        """Split the columns of ``matrix`` by ``order``."""
        columns = [sp.csc_array(matrix[:, order.head[:, k]]) for k in range(order.head.shape[1])]
        rest = matrix[:, order.rest] if order.head.size else matrix
        if sp.issparse(rest) and rest.shape[0] * rest.shape[1] <= _DENSE:
            rest = rest.toarray()
        return cls(order, tuple(columns), rest)

    def gram(self, weights: Floats) -> Arrow:
        """``matrix' diag(weights) matrix``, of which only the arrow is formed."""
        n_levels, q = self.order.head.shape
        c = _dense(self.rest.T @ _scale_rows(self.rest, weights))
        a, b = np.empty((n_levels, q, q)), np.empty((n_levels, q, len(self.order.rest)))
        for k, column in enumerate(self.head):
            scaled = column.copy()
            scaled.data = column.data * weights[column.indices]
            b[:, k, :] = _dense(scaled.T @ self.rest)
            for other in range(q):
                a[:, k, other] = np.asarray(scaled.multiply(self.head[other]).sum(axis=0)).ravel()
        return Arrow(self.order, a, b, c)


@dataclass(frozen=True, slots=True)
class ArrowFactor:
    """Lower factor L of an arrow matrix P = L L', kept by the inverses of its diagonal blocks."""

    order: Order
    head_inverse: Floats  # (J, q, q), inverse Cholesky factors of A's blocks
    border: Floats  # (J, q, r), W
    rest_inverse: Floats  # (r, r), inverse Cholesky factor of the Schur complement
    half_log_det: float  # sum of log L_ii

    def solve_lower(self, v: Floats) -> Floats:
        """``L^-1 v`` for v of shape (coefficient,), in the order of the coefficients."""
        head, rest = self.order.head, self.order.rest
        if head.size == 0:
            return self.rest_inverse @ v
        out = np.empty_like(v)
        top = np.einsum("jkl,jl->jk", self.head_inverse, v[head])
        out[head] = top
        out[rest] = self.rest_inverse @ (v[rest] - np.tensordot(top, self.border, 2))
        return out

    def solve_upper(self, v: Floats) -> Floats:
        """``L^-T v``."""
        head, rest = self.order.head, self.order.rest
        if head.size == 0:
            return self.rest_inverse.T @ v
        out = np.empty_like(v)
        bottom = self.rest_inverse.T @ v[rest]
        out[rest] = bottom
        out[head] = np.einsum("jkl,jk->jl", self.head_inverse, v[head] - self.border @ bottom)
        return out

    def solve_upper_many(self, v: Floats) -> Floats:
        """``L^-T v`` for each row of v, shape (vector, coefficient)."""
        head, rest = self.order.head, self.order.rest
        if head.size == 0:
            return v @ self.rest_inverse
        out = np.empty_like(v)
        out[:, rest] = bottom = v[:, rest] @ self.rest_inverse
        left = v[:, head] - np.tensordot(bottom, self.border, (1, 2))
        out[:, head] = np.einsum("jkl,njk->njl", self.head_inverse, left)
        return out

    def solve(self, v: Floats) -> Floats:
        """``P^-1 v``."""
        return self.solve_upper(self.solve_lower(v))

    def tail_columns(self) -> Floats:
        """Rows of ``L^-1`` below the head, transposed: shape (J q, r), one row per eliminated column."""
        n_levels, q, r = self.border.shape
        own = np.swapaxes(self.head_inverse, 1, 2) @ self.border
        return -own.reshape(n_levels * q, r) @ self.rest_inverse.T

    def inverse_diagonal(self) -> Floats:
        """Diagonal of ``P^-1``, in the order of the coefficients: squared column norms of ``L^-1``."""
        head, rest = self.order.head, self.order.rest
        out = np.empty(head.size + rest.size)
        out[rest] = (self.rest_inverse**2).sum(axis=0)
        if head.size:
            own = (self.head_inverse**2).sum(axis=1)
            out[head] = own + (self.tail_columns() ** 2).sum(axis=1).reshape(head.shape)
        return out


def _inverse_cholesky(matrix: Floats) -> tuple[Floats, float]:
    """Inverse of the lower Cholesky factor, and the sum of the logs of the factor's diagonal."""
    if len(matrix) == 0:
        return matrix, 0.0
    lower, failed = lapack.dpotrf(matrix, lower=1, clean=1)
    if failed or not np.isfinite(lower[-1, -1]):
        raise np.linalg.LinAlgError(f"matrix of order {len(matrix)} is not positive definite")
    inverse, _ = lapack.dtrtri(lower, lower=1)
    return inverse, float(np.log(lower.diagonal()).sum())


def _scale_rows(matrix: Any, weights: Floats) -> Any:
    return sp.diags_array(weights) @ matrix if sp.issparse(matrix) else matrix * weights[:, None]


def _dense(matrix: Any) -> Floats:
    return np.asarray(matrix.toarray() if sp.issparse(matrix) else matrix)
