"""The integrals over levels at many points of what is left, and one exact draw of every level at each.

Points are innermost, so that all is done in vectors; every point has a grid of its own, around its own mode.
A row's likelihood relative to that at the mode is q + p e^(u - mode): neither division nor logarithm at the
nodes. A level is drawn from the density that the nodes have determined: an interval between nodes by its
mass, a value inside by rejection.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numba import njit

from data_science.arrays import Floats
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
_LEAST = 1e-200  # weight below which a node is as good as none


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
    mean: Floats,
    odds: Floats,
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
    mean : array, shape (level, point), or empty
        Gets the conditional means.
    odds : array, shape (level, point, 2), or empty
        Gets the means of e^-u and e^u.
    drawn : array, shape (level, point), or empty
        Gets a draw of each level.

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
    room = 64
    factor, weight = np.empty((room, n_points)), np.empty((room, n_points))
    lost, upcoming = 0, 0
    for j in range(n_levels):
        a, n = rows.starts[j], rows.starts[j + 1] - rows.starts[j]
        n_units, t = rows.units[j] - a, rows.successes[j]
        top = 0.0
        for i in range(n):
            for m in range(n_points):
                eta[m] = modes[j]
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
                    share = 1 / (1 + line[m])
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
        top = np.log(1 + top)
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
                stop = min(i + every, n_units)
                begin = i
                while i + 4 <= stop:
                    r0, r1, r2, r3 = ratio[i], ratio[i + 1], ratio[i + 2], ratio[i + 3]
                    for k in range(size):
                        line, acc = factor[k], weight[k]
                        for m in range(n_points):
                            f = line[m]
                            acc[m] *= ((1 + r0[m] * f) * (1 + r1[m] * f)) * (
                                (1 + r2[m] * f) * (1 + r3[m] * f)
                            )
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
                            s1[m] += line[m] / (1 + line[m])
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
                    s1[m] = source[m] / (1 + source[m])
                    s2[m] = np.log(1 + source[m])
                    base[m] += n_trials * s2[m]
                    done[m] += n_trials * s1[m]
                for k in range(size):
                    line, acc = factor[k], weight[k]
                    for m in range(n_points):
                        fall = np.log(1 + source[m] * line[m]) - s2[m] - s1[m] * (k - half) * d[m]
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
        if len(mean):
            for m in range(n_points):
                mean[j, m] = centre[m] + m1[m] * d[m]
        if len(odds):
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
                odds[j, m, 0] = minus[m] / (total[m] * e)
                odds[j, m, 1] = plus[m] * e / total[m]
        if len(drawn):
            _draw(weight[:size], half, centre, d, rng, m1, drawn[j])
    for m in range(n_points):
        value[m] -= n_levels * (theta[m] + _HALF_LOG)
    return lost


@njit(fastmath=FAST, error_model="numpy")
def _middle(weight: Floats, k: int, m: int) -> float:
    """Density half way between nodes k and k + 1: the log of it by a cubic through four nodes."""
    low, high = weight[k, m], weight[k + 1, m]
    inner = low * high
    if k == 0 or k + 2 == len(weight):
        return float(np.sqrt(inner))
    outer = weight[k - 1, m] * weight[k + 2, m]
    if not outer > _LEAST or not inner > _LEAST:
        return float(np.sqrt(inner))
    ratio = np.sqrt(np.sqrt(np.sqrt(np.sqrt(inner / outer))))
    return float(np.sqrt(inner) * ratio)


@njit(fastmath=FAST, error_model="numpy")
def _draw(
    weight: Floats,
    half: int,
    centre: Floats,
    d: Floats,
    rng: np.random.Generator,
    mass: Floats,
    drawn: Floats,
) -> None:
    """One value per point from the density through its nodes."""
    size, n_points = weight.shape
    masses = np.empty((size - 1, n_points))
    for m in range(n_points):
        mass[m] = 0.0
    for k in range(size - 1):
        low, high, line = weight[k], weight[k + 1], masses[k]
        if k == 0 or k + 2 == size:
            for m in range(n_points):
                line[m] = low[m] + 4 * np.sqrt(low[m] * high[m]) + high[m]
        else:
            before, after = weight[k - 1], weight[k + 2]
            for m in range(n_points):
                inner = max(low[m] * high[m], _LEAST)
                outer = max(before[m] * after[m], _LEAST)
                ratio = np.sqrt(np.sqrt(np.sqrt(np.sqrt(inner / outer))))
                line[m] = low[m] + 4 * np.sqrt(inner) * ratio + high[m]
        for m in range(n_points):
            mass[m] += line[m]
    for m in range(n_points):
        left, k = rng.random() * mass[m], 0
        while k < size - 2 and left > masses[k, m]:
            left -= masses[k, m]
            k += 1
        low, mid, high = (
            max(weight[k, m], _LEAST),
            max(_middle(weight, k, m), _LEAST),
            max(weight[k + 1, m], _LEAST),
        )
        b, c = np.log(mid / low), np.log(high / low)
        curve, slope = 2 * (c - 2 * b), 4 * b - c  # log density: slope x + curve x^2 on [0, 1]
        top = max(0.0, c)
        if curve < 0:
            best = -slope / (2 * curve)
            if 0 < best < 1:
                top = 0.5 * slope * best
        x = rng.random()
        for _ in range(1000):
            if rng.random() <= np.exp(slope * x + curve * x * x - top):
                break
            x = rng.random()
        drawn[m] = centre[m] + (k - half + x) * d[m]
