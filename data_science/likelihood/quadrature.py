"""Gauss quadrature of an empirical measure: a few nodes that integrate polynomials as the data do.

Sack and Donovan 1971 and Wheeler 1974 (modified Chebyshev algorithm: moments to recurrence coefficients),
Golub and Welsch 1969, doi:10.1090/S0025-5718-69-99647-1 (recurrence coefficients to nodes and weights).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from data_science.arrays import Floats, Ints

#: Relative to a cell's rows, what nodes may miss of rounded moments; and how far out nodes may lie.
_RESIDUAL, _REACH = 1e-9, 1 + 1e-9


def chebyshev_moments(
    u: Floats, weights: Floats, cells: npt.NDArray[np.intp], shape: tuple[int, int]
) -> Floats:
    """Moments of each cell's measure in Chebyshev polynomials of the first kind.

    Parameters
    ----------
    u : array, shape (row,)
        Values scaled to [-1, 1] within their cell.
    weights : array, shape (row,)
    cells : int array, shape (row,)
        The cell of each row.
    shape : (n_cells, n_moments)

    Returns
    -------
    array, shape (cell, n_moments)
        ``sum_i w_i T_k(u_i)`` for k = 0, 1, ...
    """
    n_cells, n_moments = shape
    moments = np.empty(shape)
    previous, current = u, weights  # T_{k-1} w and T_k w; T_{-1} = T_1 starts the recurrence
    previous = u * weights
    for k in range(n_moments):
        moments[:, k] = np.bincount(cells, current, n_cells)
        previous, current = current, 2 * u * current - previous
    return moments


def gauss(moments: Floats) -> tuple[Floats, Floats]:
    """Nodes and weights of the Gauss quadrature with the given Chebyshev moments.

    Parameters
    ----------
    moments : array, shape (cell, 2 m)
        From :func:`chebyshev_moments`; each measure must have more than ``m`` points of support.

    Returns
    -------
    nodes, weights : arrays, shape (cell, m)
        Exact for polynomials of degree at most 2 m - 1; nodes in [-1, 1], weights positive.
    """
    alpha, beta = _recurrence(moments)
    m = alpha.shape[1]
    jacobi = np.zeros((len(moments), m, m))
    diagonal = np.arange(m)
    jacobi[:, diagonal, diagonal] = alpha
    off = np.sqrt(np.maximum(beta[:, 1:], 0))
    jacobi[:, diagonal[1:], diagonal[:-1]] = off
    nodes, vectors = np.linalg.eigh(jacobi)
    return nodes, moments[:, :1] * vectors[:, 0, :] ** 2


def supported(moments: Floats) -> Iterator[tuple[Ints, Floats, Floats]]:
    """Give each measure the most nodes that its moments determine: no more than it has points.

    Parameters
    ----------
    moments : array, shape (cell, 2 m)
        As for :func:`gauss`, but of measures with any number of points, and with errors of rounding.

    Yields
    ------
    cells : int array, shape (some cell,)
    nodes, weights : arrays, shape (some cell, k)
        For k = m, ..., 1; together all cells.
    """
    left = np.arange(len(moments))
    for m in range(moments.shape[1] // 2, 0, -1):
        own = moments[left, : 2 * m]
        with np.errstate(all="ignore"):  # what is not determined is not finite
            alpha, beta = _recurrence(own)
        sound = (np.isfinite(alpha) & np.isfinite(beta)).all(axis=1) & (beta[:, 1:] > 0).all(axis=1)
        nodes, weights = gauss(own[sound])
        size = own[sound, :1]
        again = np.einsum("ck,cjk->cj", weights, _chebyshev(nodes, 2 * m))
        is_right = (np.abs(again - own[sound]) <= _RESIDUAL * size).all(axis=1) & (
            np.abs(nodes) <= _REACH
        ).all(axis=1)
        good = is_right & (weights > _RESIDUAL * size).all(axis=1)
        if m == 1:
            good[:] = True  # the mean
        yield left[sound][good], nodes[good], weights[good]
        left = np.concatenate([left[~sound], left[sound][~good]])


def chebyshev_of_powers(sums: Floats, low: Floats, high: Floats) -> Floats:
    """Chebyshev moments of each cell on its own interval, from sums of powers.

    Parameters
    ----------
    sums : array, shape (cell, n_moments)
        ``sum_i u_i^k`` for k = 0, 1, ..., of values within [-1, 1].
    low, high : arrays, shape (cell,)
        The interval of each cell, in u.

    Returns
    -------
    array, shape (cell, n_moments)
        As from :func:`chebyshev_moments`. The digits that powers lose are few up to the twelfth.
    """
    half = np.where(high > low, (high - low) / 2, 1.0)
    a, b = (1 / half)[:, None], (-(low + high) / 2 / half)[:, None]
    before = np.zeros_like(sums)
    current = np.zeros_like(sums)
    current[:, 0] = 1.0  # coefficients of T_k(a u + b) in powers of u
    moments = np.empty_like(sums)
    for k in range(sums.shape[1]):
        moments[:, k] = (current * sums).sum(axis=1)
        times = a * np.pad(current, ((0, 0), (1, 0)))[:, :-1] + b * current
        before, current = current, times if k == 0 else 2 * times - before
    return moments


def _chebyshev(nodes: Floats, n: int) -> Floats:
    """Chebyshev polynomials at nodes, shape (cell, n, node)."""
    found: Floats = np.polynomial.chebyshev.chebvander(nodes, n - 1).astype(np.float64, copy=False)
    return found.swapaxes(1, 2)


def _recurrence(moments: Floats) -> tuple[Floats, Floats]:
    """Recurrence coefficients of the measure's monic orthogonal polynomials, each shape (cell, m)."""
    n_cells, n_moments = moments.shape
    m = n_moments // 2
    # Monic Chebyshev polynomials are T_k / 2^(k-1); their own recurrence is x p_k = p_{k+1} + b_k p_{k-1}.
    monic = moments * np.r_[1.0, 0.5 ** np.arange(n_moments - 1)]
    b = np.r_[0.0, 0.5, np.full(max(n_moments - 2, 0), 0.25)]
    alpha, beta = np.empty((n_cells, m)), np.empty((n_cells, m))
    before, current = np.zeros_like(monic), monic
    alpha[:, 0], beta[:, 0] = monic[:, 1] / monic[:, 0], monic[:, 0]
    for k in range(1, m):
        inner = slice(k, n_moments - k)
        following = np.zeros_like(monic)
        following[:, inner] = (
            current[:, k + 1 : n_moments - k + 1]
            - alpha[:, k - 1, None] * current[:, inner]
            - beta[:, k - 1, None] * before[:, inner]
            + b[inner] * current[:, k - 1 : n_moments - k - 1]
        )
        alpha[:, k] = following[:, k + 1] / following[:, k] - current[:, k] / current[:, k - 1]
        beta[:, k] = following[:, k] / current[:, k - 1]
        before, current = current, following
    return alpha, beta
