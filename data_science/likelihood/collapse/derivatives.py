"""The collapsed log-likelihood with gradient and Hessian in one pass, by Louis' identity.

With u the effect of a level, nodes u_k of weights w_k (posterior given v and theta), P_ik the probability of
row i at node k and G_k = R'(n P_k) the expected successes by column of v,

    d log I / dv = t_v - E[G],    d2 = -R' diag(n E[P (1 - P)]) R + Cov(G),
    d log I / dtheta = E[g],      d2 = Var(g) - 2 E[u^2] / sigma^2,    cross = -Cov(g, G)

with g = u^2 / sigma^2 - 1 (Fisher's identity; Louis 1982, doi:10.1111/j.2517-6161.1982.tb01203.x).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from data_science.arrays import Floats
from data_science.likelihood.collapse.family import both_chances, curvature, moved, node
from data_science.likelihood.collapse.nodes import (
    CAP,
    COARSE,
    END,
    FAST,
    MOST_NODES,
    RANGE,
    REACH,
    TRIES,
    half_nodes,
)
from data_science.likelihood.collapse.plan import Columns, Operands
from data_science.likelihood.compiled.stamp import compiled

_STEP = 0.95
_HALF_LOG = 0.5 * float(np.log(2 * np.pi))


@partial(compiled, fastmath=FAST, error_model="numpy", nogil=True)
def derivatives(
    rows: Operands,
    own: Columns,
    v: Floats,
    theta: float,
    modes: Floats,
    gradient: Floats,
    hessian: Floats,
    cross: Floats,
) -> tuple[float, float, float, int]:
    """Add up over levels.

    Parameters
    ----------
    rows, own
        From :class:`data_science.likelihood.collapse.plan.Plan`.
    v : array, shape (r,)
    theta : float
        Log sd of the factor integrated out.
    modes : array, shape (level,)
        Where the search for each level's mode starts, and then the modes.
    gradient, hessian, cross : arrays, shapes (r,), (r, r), (r,)
        Zeros, to which are added: the gradient without D'y, minus the Hessian, and the mixed derivative.

    Returns
    -------
    value, first, second : float
        Log-likelihood without D'y v, and its derivatives in theta.
    lost : int
        Levels whose grid failed its own test.
    """
    n_levels, n_common, n_other = len(rows.successes), rows.common.shape[1], rows.columns.shape[1]
    n_others = len(v) - n_common
    prec = np.exp(-2 * theta)
    most, wide = 1, 1
    for j in range(n_levels):
        most = max(most, rows.starts[j + 1] - rows.starts[j])
        wide = max(wide, own.starts[j + 1] - own.starts[j])
    eta, p0, q0, pq = np.empty(most), np.empty(most), np.empty(most), np.empty(most)
    chance = np.empty((most, MOST_NODES))
    factor, product, w, square = (
        np.empty(MOST_NODES),
        np.empty(MOST_NODES),
        np.empty(MOST_NODES),
        np.empty(MOST_NODES),
    )
    expected = np.empty((wide, MOST_NODES))
    value, first, second, lost = 0.0, 0.0, 0.0, 0
    for j in range(n_levels):
        a, n = rows.starts[j], rows.starts[j + 1] - rows.starts[j]
        n_units = rows.units[j] - a
        n_columns = own.starts[j + 1] - own.starts[j]
        for i in range(n):
            total = rows.offset[a + i]
            for c in range(n_common):
                total += rows.common[a + i, c] * v[n_others + c]
            for f in range(n_other):
                total += rows.value[a + i, f] * v[rows.columns[a + i, f]]
            eta[i] = total
        u = modes[j]
        for step in range(60):  # to the mode
            s1, s2 = 0.0, 0.0
            for i in range(n):
                p0[i], q0[i] = both_chances(eta[i] + u)
                s1 += rows.weights[a + i] * p0[i]
                s2 += rows.weights[a + i] * p0[i] * q0[i]
            h = s2 + prec
            move = (rows.successes[j] - s1 - prec * u) / h
            if abs(move) * np.sqrt(h) < 0.3 or step == 59:
                break
            u += min(max(move, -2.0), 2.0)
        modes[j] = u
        sd = 1 / np.sqrt(h)
        base = 0.0
        for i in range(n):
            base += node(eta[i] + u, rows.weights[a + i])[0]
        d, reach, tries = min(CAP, _STEP * sd), REACH, 0
        while True:
            half = half_nodes(sd, d, reach)
            size = 2 * half + 1
            every = max(1, int(RANGE / (half * d)))
            for k in range(size):
                factor[k] = np.exp((k - half) * d)
                product[k] = 1.0
            for b in range(n_columns):
                for k in range(size):
                    expected[b, k] = 0.0
            spent, done = 0.0, 0.0
            for i in range(n):
                p, q, weight = p0[i], q0[i], rows.weights[a + i]
                own_chance = chance[i]
                for k in range(size):
                    own_chance[k], z = moved(p, q, factor[k])
                    if i < n_units:
                        product[k] *= z
                    else:
                        product[k] *= np.exp(weight * (np.log(z) - p * (k - half) * d))
                if i >= n_units:
                    done += weight * p
                else:
                    spent += p
                    if i % every == every - 1:
                        for k in range(size):
                            product[k] *= np.exp(-spent * (k - half) * d)
                        done += spent
                        spent = 0.0
            total, m1, m2 = 0.0, 0.0, 0.0
            for k in range(size):
                du = (k - half) * d
                w[k] = np.exp((rows.successes[j] - done - prec * u) * du - 0.5 * prec * du * du) / product[k]
                total += w[k]
                m1 += w[k] * du
                m2 += w[k] * du * du
            variance = m2 / total - (m1 / total) ** 2
            ends = max(w[0], w[size - 1]) / total
            tries += 1
            if ends < END and d * d < COARSE * variance:
                break
            if tries == TRIES or not np.isfinite(total):
                lost += 1
                break
            if not ends < END:
                reach += 2.0
            if not d * d < COARSE * variance:
                d *= 0.75
        value += np.log(total * d) - base + rows.successes[j] * u - 0.5 * prec * u * u - theta - _HALF_LOG
        mean_square = 0.0
        for k in range(size):
            w[k] /= total
            uk = u + (k - half) * d
            square[k] = prec * uk * uk
            mean_square += w[k] * square[k]
        variance = 0.0
        for k in range(size):
            square[k] -= mean_square
            variance += w[k] * square[k] * square[k]
        first += mean_square - 1
        second += variance - 2 * mean_square
        for i in range(n):
            weight, total = rows.weights[a + i], 0.0
            own_chance = chance[i]
            for k in range(size):
                total += curvature(w[k] * own_chance[k], own_chance[k])
            pq[i] = weight * total
            for c in range(n_common):
                x = weight * rows.common[a + i, c]
                line = expected[n_columns - n_common + c]
                for k in range(size):
                    line[k] += x * own_chance[k]
            for f in range(n_other):
                x = weight * rows.value[a + i, f]
                line = expected[own.local[a + i, f]]
                for k in range(size):
                    line[k] += x * own_chance[k]
        columns = own.columns[own.starts[j] : own.starts[j + 1]]
        for b in range(n_columns):
            line = expected[b]
            total = 0.0
            for k in range(size):
                total += w[k] * line[k]
            gradient[columns[b]] -= total
            mixed = 0.0
            for k in range(size):
                line[k] -= total
                mixed += w[k] * square[k] * line[k]
            cross[columns[b]] -= mixed
        for b in range(n_columns):
            line = expected[b]
            for c in range(b + 1):
                other = expected[c]
                total = 0.0
                for k in range(size):
                    total += w[k] * line[k] * other[k]
                hessian[columns[b], columns[c]] -= total
        for i in range(n):
            for c in range(n_common):
                x = pq[i] * rows.common[a + i, c]
                for b in range(c + 1):
                    hessian[n_others + c, n_others + b] += x * rows.common[a + i, b]
                for f in range(n_other):
                    hessian[n_others + c, rows.columns[a + i, f]] += x * rows.value[a + i, f]
            for f in range(n_other):
                x = pq[i] * rows.value[a + i, f]
                for g in range(n_other):
                    p, q = rows.columns[a + i, f], rows.columns[a + i, g]
                    if p >= q:
                        hessian[p, q] += x * rows.value[a + i, g]
    for b in range(len(v)):
        for c in range(b):
            hessian[c, b] = hessian[b, c]
    return value, first, second, lost
