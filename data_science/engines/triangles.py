"""Many triangular systems at once: NumPy factors a stack of matrices, but has no substitution for one.

One step handles one row of every system, so that a stack of thousands takes as many steps as one matrix has
rows.
"""

from __future__ import annotations

import numpy as np

from data_science.arrays import Floats


def solved_lower(lower: Floats, v: Floats) -> Floats:
    """``L^-1 v`` for ``lower`` of shape (system, n, n) and ``v`` of shape (system, n)."""
    out = np.empty_like(v)
    for i in range(v.shape[1]):
        known = np.einsum("sj,sj->s", lower[:, i, :i], out[:, :i])
        out[:, i] = (v[:, i] - known) / lower[:, i, i]
    return out


def solved_upper(lower: Floats, v: Floats) -> Floats:
    """``L^-T v``, as :func:`solved_lower`."""
    out = np.empty_like(v)
    for i in reversed(range(v.shape[1])):
        known = np.einsum("sj,sj->s", lower[:, i + 1 :, i], out[:, i + 1 :])
        out[:, i] = (v[:, i] - known) / lower[:, i, i]
    return out


def log_det(lower: Floats) -> Floats:
    """Sum of ``log L_ii`` of each."""
    return np.asarray(np.log(np.diagonal(lower, axis1=-2, axis2=-1)).sum(-1))
