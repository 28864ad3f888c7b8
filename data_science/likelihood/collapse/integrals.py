"""The integrals over levels at many points of what is left, and one exact draw of every level at each.

Points are innermost, so that all is done in vectors; every point has a grid of its own, around its own mode.
With r the odds of a row at the mode, its part of the likelihood is 1 + r e^(u - mode): products need neither
divisions nor logarithms at the nodes; only rows of many trials do.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from data_science.arrays import Floats
from data_science.likelihood.collapse.drawing import draw_levels, draw_many
from data_science.likelihood.collapse.family import failure, log_partition, probability
from data_science.likelihood.collapse.nodes import (
    CAP,
    COARSE,
    END,
    FAST,
    RANGE,
    TRIES,
    exponential,
    half_nodes,
)
from data_science.likelihood.collapse.plan import Operands
from data_science.likelihood.compiled.stamp import compiled

_HALF_LOG = 0.5 * float(np.log(2 * np.pi))
_STEEP = 250.0  # log odds of a row beyond which a level counts as lost
_PENDING = 200.0  # log of a running product, at most, before it is added up
_NEAR = 0.6  # Laplace sds from the mode within which the grid's centre may be
_STEPS = 60  # Newton steps at most


@partial(compiled, fastmath=FAST, error_model="numpy", nogil=True)
def integrals(
    rows: Operands,
    common: Floats,
    others: Floats,
    theta: Floats,
    modes: Floats,
    step: float,
    reach: float,
    rng: np.random.Generator,
    value: Floats,
    moments: Floats,
    drawn: Floats,
) -> int:
    """Add up ``log I_j`` over levels, at every point.

    Parameters
    ----------
    rows : Operands
    common, others : arrays, shape (coefficient, point)
        What is left, by kind.
    theta : array, shape (point,)
        Log sd of the factor integrated out.
    modes : array, shape (level,)
        Where the search for a level's modes starts.
    step, reach : float
        Largest spacing and least half width of the grids, in Laplace sds.
    rng : Generator
    value : array, shape (point,)
        Zeros, to which log-likelihoods without D'y are added.
    moments : array, shape (level, point, 4), or empty
        Gets the conditional means of e^-u, e^u and u, and u's variance.
    drawn : array, shape (level, point), or empty
        Gets a draw of each level; if longer, at one point, quantiles and many draws of each.

    Returns
    -------
    int
        Levels whose grid failed its own test.
    """
    n_levels, n_points = len(rows.successes), len(theta)
    n_common, n_other = rows.common.shape[1], rows.columns.shape[1]
    most = 1
    for j in range(n_levels):
        most = max(most, rows.starts[j + 1] - rows.starts[j])
    ratio = np.empty((most, n_points))  # odds of every row at the centre
    eta, move, grow = np.empty(n_points), np.empty(n_points), np.empty(n_points)
    centre, sd, d = np.empty(n_points), np.empty(n_points), np.empty(n_points)
    s1, s2, done = np.empty(n_points), np.empty(n_points), np.empty(n_points)
    total, m1, m2 = np.empty(n_points), np.empty(n_points), np.empty(n_points)
    lead, turn, bend = np.empty(n_points), np.empty(n_points), np.empty(n_points)
    plus, minus, base = np.empty(n_points), np.empty(n_points), np.empty(n_points)
    prec, running, pending = np.exp(-2 * theta), np.ones(n_points), 0.0
    room, lost, upcoming = 64, 0, 0
    factor, weight = np.empty((room, n_points)), np.empty((room, n_points))
    for j in range(n_levels):
        a, n = rows.starts[j], rows.starts[j + 1] - rows.starts[j]
        n_units, t = rows.units[j] - a, rows.successes[j]
        top = 0.0
        for i in range(n):
            for m in range(n_points):
                eta[m] = modes[j] + rows.offset[a + i]
            for c in range(n_common):
                x, source = rows.common[a + i, c], common[c]
                for m in range(n_points):
                    eta[m] += x * source[m]
            for f in range(n_other):
                x, source = rows.value[a + i, f], others[rows.columns[a + i, f]]
                for m in range(n_points):
                    eta[m] += x * source[m]
            line = ratio[i]
            for m in range(n_points):
                line[m] = exponential(eta[m])
        for m in range(n_points):
            centre[m] = modes[j]
        for attempt in range(_STEPS):  # to every point's mode
            for m in range(n_points):
                s1[m] = 0.0
                s2[m] = 0.0
            for i in range(n):
                line, n_trials = ratio[i], rows.weights[a + i]
                for m in range(n_points):
                    share = failure(line[m])
                    up = n_trials * line[m] * share
                    s1[m] += up
                    s2[m] += up * share
            worst = 0.0
            for m in range(n_points):
                h = s2[m] + prec[m]
                move[m] = (t - s1[m] - prec[m] * centre[m]) / h
                sd[m] = 1 / np.sqrt(h)
                worst = max(worst, abs(move[m]) / sd[m])
            if worst < _NEAR or attempt == _STEPS - 1:
                break
            for m in range(n_points):
                move[m] = min(max(move[m], -2.0), 2.0)
                centre[m] += move[m]
                grow[m] = exponential(move[m])
            for i in range(n):
                line = ratio[i]
                for m in range(n_points):
                    line[m] *= grow[m]
        for m in range(n_points):
            grow[m] = 0.0
        for i in range(n):
            line = ratio[i]
            for m in range(n_points):
                grow[m] = max(grow[m], line[m])
        for m in range(n_points):
            top = max(top, grow[m])
        top = log_partition(top)
        own_step, own_reach, tries = step, reach, 0
        while True:
            half, far = 2, 0.0
            for m in range(n_points):
                d[m] = min(CAP, own_step * sd[m])
                half = max(half, half_nodes(sd[m], d[m], own_reach))
            size = 2 * half + 1
            if size > room:
                room = size + 16
                factor, weight = np.empty((room, n_points)), np.empty((room, n_points))
            for m in range(n_points):
                far = max(far, half * d[m])
                lead[m] = exponential(-half * d[m])
                turn[m] = exponential(d[m])
                s1[m] = 0.0
                done[m] = 0.0
                base[m] = 0.0
            for k in range(size):
                line, acc = factor[k], weight[k]
                for m in range(n_points):
                    line[m] = lead[m]
                    acc[m] = 1.0
                for m in range(n_points):
                    lead[m] *= turn[m]
            every = max(1, int(RANGE / (far + top)))
            if every >= 4:
                every = every // 4 * 4
            i = 0
            while i < n_units:
                begin, stop = i, min(i + every, n_units)
                while i + 4 <= stop:
                    r0, r1, r2, r3 = ratio[i], ratio[i + 1], ratio[i + 2], ratio[i + 3]
                    for k in range(size):
                        line, acc = factor[k], weight[k]
                        for m in range(n_points):
                            f = line[m]
                            pair = (1 + r0[m] * f) * (1 + r1[m] * f)
                            acc[m] *= pair * ((1 + r2[m] * f) * (1 + r3[m] * f))
                    i += 4
                while i < stop:
                    r0 = ratio[i]
                    for k in range(size):
                        line, acc = factor[k], weight[k]
                        for m in range(n_points):
                            acc[m] *= 1 + r0[m] * line[m]
                    i += 1
                if i < n_units or n_units < n:  # keeps products in range
                    for m in range(n_points):
                        s1[m] = 0.0
                    for b in range(begin, i):
                        line = ratio[b]
                        for m in range(n_points):
                            s1[m] += probability(line[m])
                    for m in range(n_points):
                        grow[m] = weight[half, m]
                        base[m] += np.log(grow[m])
                        done[m] += s1[m]
                    for k in range(size):
                        acc = weight[k]
                        for m in range(n_points):
                            acc[m] *= np.exp(-s1[m] * (k - half) * d[m]) / grow[m]
            for i in range(n_units, n):
                source, n_trials = ratio[i], rows.weights[a + i]
                for m in range(n_points):
                    s1[m] = probability(source[m])
                    s2[m] = log_partition(source[m])
                    base[m] += n_trials * s2[m]
                    done[m] += n_trials * s1[m]
                for k in range(size):
                    line, acc = factor[k], weight[k]
                    for m in range(n_points):
                        fall = log_partition(source[m] * line[m]) - s2[m] - s1[m] * (k - half) * d[m]
                        acc[m] *= np.exp(n_trials * fall)
            for m in range(n_points):
                total[m] = 0.0
                m1[m] = 0.0
                m2[m] = 0.0
            for way in (-1, 1):  # from the centre outwards, where the normal factor can only fall to zero
                for m in range(n_points):
                    slope = way * (t - done[m] - prec[m] * centre[m]) * d[m]
                    curve = prec[m] * d[m] * d[m]
                    turn[m] = exponential(slope - 0.5 * curve)
                    bend[m] = exponential(-curve)
                    lead[m] = turn[m] if way < 0 else 1.0
                    if way < 0:
                        turn[m] *= bend[m]
                for step_out in range(1 if way < 0 else 0, half + 1):
                    acc, x = weight[half + way * step_out], float(way * step_out)
                    for m in range(n_points):
                        acc[m] = lead[m] / acc[m]
                    for m in range(n_points):
                        total[m] += acc[m]
                        m1[m] += acc[m] * x
                        m2[m] += acc[m] * x * x
                    for m in range(n_points):
                        lead[m] *= turn[m]
                        turn[m] *= bend[m]
            ends, coarse, fine = 0.0, 1e300, True
            first, last = weight[0], weight[size - 1]
            for m in range(n_points):
                inverse = 1 / total[m]
                m1[m] *= inverse
                ends = max(ends, max(first[m], last[m]) * inverse)
                coarse = min(coarse, m2[m] * inverse - m1[m] * m1[m])
                fine = fine and np.isfinite(inverse) and inverse > 0
            tries += 1
            if fine and ends < END and COARSE * coarse > 1 and top < _STEEP:
                break
            if tries == TRIES or top >= _STEEP:
                lost += 1
                break
            if not ends < END:
                own_reach += 2.0
            if not COARSE * coarse > 1:
                own_step *= 0.75
            if not fine:
                own_step *= 0.9
        for m in range(n_points):
            value[m] += t * centre[m] - base[m] - 0.5 * prec[m] * centre[m] * centre[m]
            running[m] *= total[m] * d[m]
        narrow = 1.0
        for m in range(n_points):
            narrow = min(narrow, d[m])
        pending += n * (top + 1) + 1 - np.log(narrow)
        if j + 1 < n_levels:
            upcoming = rows.starts[j + 2] - rows.starts[j + 1]
        if pending > _PENDING or (upcoming > 30) or j + 1 == n_levels:
            for m in range(n_points):
                value[m] += np.log(running[m])
                running[m] = 1.0
            pending = 0.0
        if len(moments):
            for m in range(n_points):
                plus[m] = 0.0
                minus[m] = 0.0
            for k in range(size):
                up, down, acc = factor[k], factor[size - 1 - k], weight[k]
                for m in range(n_points):
                    plus[m] += acc[m] * up[m]
                    minus[m] += acc[m] * down[m]
            for m in range(n_points):
                e = np.exp(centre[m])
                moments[j, m, 0] = minus[m] / (total[m] * e)
                moments[j, m, 1] = plus[m] * e / total[m]
                moments[j, m, 2] = centre[m] + m1[m] * d[m]
                moments[j, m, 3] = (m2[m] / total[m] - m1[m] * m1[m]) * d[m] * d[m]
        if len(drawn) and drawn.shape[1] > n_points:
            draw_many(weight[:size, 0], half, centre[0], d[0], rng, drawn[j])
        elif len(drawn):
            draw_levels(weight[:size], half, centre, d, rng, m1, drawn[j])
    for m in range(n_points):
        value[m] -= n_levels * (theta[m] + _HALF_LOG)
    return lost
