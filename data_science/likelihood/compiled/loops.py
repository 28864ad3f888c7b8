"""The compiled transport's linear algebra: the steps of :class:`Transport`, one function each.

Entries are copied by loops: each assignment of a whole array takes numba two seconds to compile.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numba import njit

from data_science.arrays import Floats
from data_science.likelihood.compiled import stamp
from data_science.likelihood.compiled.operands import Arrow, Factor, Whitening

# Without the interpreter's lock, so that other chains' threads run meanwhile.
compiled = partial(stamp.compiled, error_model="numpy", nogil=True)


@njit(fastmath={"reassoc", "contract"})  # sums in any order, so that they fill the processor's registers
def _inverse_cholesky(matrix: Floats) -> Any:
    """Inverse of the lower Cholesky factor, and log det of the factor (NaN if not positive definite)."""
    n = len(matrix)
    lower, inverse, log_det = np.zeros((n, n)), np.zeros((n, n)), 0.0
    for j in range(n):
        pivot = matrix[j, j]
        for k in range(j):
            pivot -= lower[j, k] * lower[j, k]
        lower[j, j] = np.sqrt(pivot)
        log_det += np.log(lower[j, j])
        for i in range(j + 1, n):
            total = matrix[i, j]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            lower[i, j] = total / lower[j, j]
    for i in range(n):
        for k in range(i):
            entry = lower[i, k]
            for j in range(k + 1):
                inverse[i, j] -= entry * inverse[k, j]
        for j in range(i):
            inverse[i, j] /= lower[i, i]
        inverse[i, i] = 1 / lower[i, i]
    return inverse, log_det


@njit
def factored(arrow: Arrow, theta: Floats, whitening: Whitening) -> Factor:
    """Factor of the arrow plus the prior precision at ``theta``."""
    diagonal = whitening.common_precision.copy()
    j = whitening.n_common
    for k in range(len(theta)):
        for _ in range(whitening.sizes[k]):
            diagonal[j] += np.exp(-2 * theta[k])
            j += 1
    head, rest, columns, b = arrow.head, arrow.rest, arrow.columns, arrow.b
    n_levels, q = head.shape
    blocks, border, log_det = np.zeros((n_levels, q, q)), np.zeros((len(columns), q)), 0.0
    schur = arrow.c.copy()
    for m in range(len(rest)):
        schur[m, m] += diagonal[rest[m]]
    for level in range(n_levels):
        if q == 1:  # most often; without the three small arrays that a block takes
            root = np.sqrt(arrow.a[level, 0, 0] + diagonal[head[level, 0]])
            log_det += np.log(root)
            blocks[level, 0, 0] = 1 / root
        else:
            block = arrow.a[level].copy()
            for k in range(q):
                block[k, k] += diagonal[head[level, k]]
            own, part = _inverse_cholesky(block)
            log_det += part
            for k in range(q):
                for i in range(k + 1):
                    blocks[level, k, i] = own[k, i]
        inverse = blocks[level]
        first, end = arrow.starts[level], arrow.starts[level + 1]
        for e in range(first, end):
            for k in range(q):
                for i in range(k + 1):
                    border[e, k] += inverse[k, i] * b[e, i]
            for f in range(first, e + 1):
                for k in range(q):
                    schur[columns[e], columns[f]] -= border[e, k] * border[f, k]
    inverse, part = _inverse_cholesky(schur)  # reads the lower triangle only
    return Factor(blocks, border, inverse, log_det + part)


@njit
def solved_lower(arrow: Arrow, factor: Factor, v: Floats) -> Floats:
    """``L^-1 v``."""
    out = np.zeros(len(v))
    head, rest = arrow.head, arrow.rest
    n_levels, q = head.shape
    remaining = v[rest]
    for level in range(n_levels):
        for k in range(q):
            top = 0.0
            for i in range(k + 1):
                top += factor.blocks[level, k, i] * v[head[level, i]]
            out[head[level, k]] = top
            for e in range(arrow.starts[level], arrow.starts[level + 1]):
                remaining[arrow.columns[e]] -= factor.border[e, k] * top
    for m in range(len(rest)):
        for i in range(m + 1):
            out[rest[m]] += factor.inverse[m, i] * remaining[i]
    return out


@njit
def solved_upper(arrow: Arrow, factor: Factor, v: Floats) -> Floats:
    """``L^-T v``."""
    out = np.zeros(len(v))
    head, rest = arrow.head, arrow.rest
    n_levels, q = head.shape
    bottom = np.zeros(len(rest))
    for m in range(len(rest)):
        for i in range(m + 1):
            bottom[i] += factor.inverse[m, i] * v[rest[m]]
    for m in range(len(rest)):
        out[rest[m]] = bottom[m]
    for level in range(n_levels):
        for k in range(q):
            left = v[head[level, k]]
            for e in range(arrow.starts[level], arrow.starts[level + 1]):
                left -= factor.border[e, k] * bottom[arrow.columns[e]]
            for i in range(k + 1):
                out[head[level, i]] += factor.blocks[level, k, i] * left
    return out


@njit
def through_factor(arrow: Arrow, factor: Factor, z: Floats, u: Floats) -> Floats:
    """As ``transport._through_factor``: a running sum down each column of ``L^-1``."""
    out = np.zeros(len(z))
    head, rest, columns = arrow.head, arrow.rest, arrow.columns
    n_levels, q = head.shape
    r = len(rest)
    z_rest, u_rest = z[rest], u[rest]
    transposed = factor.inverse.T.copy()  # a column at a time is read below
    for column in range(r):
        running = 0.0
        for m in range(column, r):
            entry = transposed[column, m]
            product = entry * u_rest[m]
            out[rest[column]] += entry * (z_rest[m] * (running + 0.5 * product) + 0.5 * entry)
            running += product
    tail = np.zeros(r)
    for level in range(n_levels):
        first, end = arrow.starts[level], arrow.starts[level + 1]
        top = columns[first] if first < end else r
        for column in range(q):
            total, running = 0.0, 0.0
            for k in range(column, q):
                entry = factor.blocks[level, k, column]
                product = entry * u[head[level, k]]
                total += entry * (z[head[level, k]] * (running + 0.5 * product) + 0.5 * entry)
                running += product
            for m in range(top, r):
                tail[m] = 0.0
            for e in range(first, end):
                mixed = 0.0
                for k in range(column, q):
                    mixed += factor.blocks[level, k, column] * factor.border[e, k]
                for m in range(columns[e], r):
                    tail[m] -= transposed[columns[e], m] * mixed
            for m in range(top, r):
                product = tail[m] * u_rest[m]
                total += tail[m] * (z_rest[m] * (running + 0.5 * product) + 0.5 * tail[m])
                running += product
            out[head[level, column]] = total
    return out


@compiled
def coefficients(theta: Floats, z: Floats, arrow: Arrow, whitening: Whitening) -> Floats:
    """``mode(theta) + L(theta)^-T z``, as :meth:`Transport.coefficients`."""
    factor = factored(arrow, theta, whitening)
    return solved_upper(arrow, factor, solved_lower(arrow, factor, whitening.linear) + z)
