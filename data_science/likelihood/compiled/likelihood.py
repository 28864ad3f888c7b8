"""The compiled log-likelihood, by blocks of nodes in vector instructions.

LLVM turns polynomials without branches into these, but not calls of the mathematical library. With
``y = -|eta| = k log 2 + r``, ``exp(y)`` is ``2^k`` times a polynomial in r; and ``log(1 + e)`` is
``2 artanh(e / (2 + e))``, a series in odd powers of at most 1/3. Both are within a few units of rounding.
"""

from __future__ import annotations

from math import factorial, log
from typing import Any

import numpy as np
from numba import njit

from data_science.arrays import Floats
from data_science.likelihood.compiled.operands import Nodes
from data_science.likelihood.compiled.stamp import named

_BLOCK = 256  # nodes at a time: what is formed of them stays in the processor's cache
_SHIFTER = 1.5 * 2.0**52  # adding it leaves the nearest integer in the lowest bits
_LOG2_HIGH = 0.693147180369123816490  # without its last bits, so that a product with an integer is exact
_LOG2_LOW = 1.90821492927058770002e-10
_PER_LOG2 = 1 / log(2.0)
_LOWEST = -708.0  # of an exponent: below, the result would not be a normal number
_EXP = tuple(1.0 / factorial(k) for k in range(13, -1, -1))  # Taylor's, highest power first
_ARTANH = tuple(1.0 / (2 * k + 1) for k in range(16, -1, -1))


def _horner(coefficients: tuple[float, ...]) -> Any:
    """Compile a polynomial, highest power first, without a loop: one inside another is not vectorised."""
    contracting = njit(fastmath={"contract"})
    first, *others = coefficients
    if not others:

        def last(x: float) -> Any:  # noqa: ARG001 (no power left)
            return first

        return contracting(named(last, *coefficients))
    rest, constant = _horner(coefficients[:-1]), coefficients[-1]

    def value(x: float) -> Any:
        return rest(x) * x + constant

    return contracting(named(value, *coefficients))


_polynomial_of_exp, _series_of_artanh = _horner(_EXP), _horner(_ARTANH)


@njit(fastmath={"contract"})
def decays(eta: Floats, decay: Floats, log_partition: Floats, bits: Any, n: int) -> None:
    """``exp(-|eta|)`` and ``A(eta)`` of the first n; ``bits`` is room for as many."""
    power = bits.view(np.float64)
    for i in range(n):
        y = max(-abs(eta[i]), _LOWEST)
        decay[i] = y
        power[i] = y * _PER_LOG2 + _SHIFTER
    for i in range(n):
        k = power[i] - _SHIFTER
        decay[i] = (decay[i] - k * _LOG2_HIGH) - k * _LOG2_LOW
    for i in range(n):
        bits[i] = (bits[i] << 52) + (1023 << 52)
    for i in range(n):
        decay[i] = _polynomial_of_exp(decay[i]) * power[i]
    for i in range(n):
        s = decay[i] / (2.0 + decay[i])
        log_partition[i] = max(eta[i], 0.0) + 2.0 * s * _series_of_artanh(s * s)


@njit(fastmath={"reassoc", "contract", "nsz"})  # sums in any order
def add_likelihood(nodes: Nodes, x: Floats, gradient: Floats) -> float:
    """Return the log-likelihood at ``x``, and add its gradient."""
    n_common, n_nodes = nodes.common.shape
    value = 0.0
    for j in range(len(x)):
        value += nodes.successes[j] * x[j]
        gradient[j] += nodes.successes[j]
    eta, decay, log_partition = np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK)
    bits = np.empty(_BLOCK, np.int64)
    for first in range(0, n_nodes, _BLOCK):
        m = min(_BLOCK, n_nodes - first)
        for i in range(m):
            eta[i] = nodes.offset[first + i]
        for j in range(n_common):
            slope, column = x[j], nodes.common[j, first : first + m]
            for i in range(m):
                eta[i] += slope * column[i]
        for t in range(len(nodes.places)):
            for i in range(m):
                eta[i] += nodes.multipliers[t, first + i] * x[nodes.places[t, first + i]]
        decays(eta, decay, log_partition, bits, m)
        weights = nodes.weights[first : first + m]
        for i in range(m):
            value -= weights[i] * log_partition[i]
        for i in range(m):  # expected successes
            decay[i] = weights[i] * (1.0 if eta[i] >= 0 else decay[i]) / (1.0 + decay[i])
        for j in range(n_common):
            total, column = 0.0, nodes.common[j, first : first + m]
            for i in range(m):
                total += column[i] * decay[i]
            gradient[j] -= total
        for t in range(len(nodes.places)):
            for i in range(m):
                gradient[nodes.places[t, first + i]] -= nodes.multipliers[t, first + i] * decay[i]
    return value
