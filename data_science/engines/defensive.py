"""Standard normal proposals, a few of them wider, so that importance ratios are bounded.

Defensive mixture: Hesterberg 1995, doi:10.1080/00401706.1995.10484303.
"""

from __future__ import annotations

import numpy as np

from data_science.arrays import Floats

_WIDE_SHARE = 0.05  # of the proposals, what defending the tails may cost in efficiency


def defensive_normal(n: int, order: int, rng: np.random.Generator) -> Floats:
    """Draw standard normal vectors, a few of them wider: shape (n, order).

    The wide share takes over beyond about the 99.5 % quantile of the squared length, whatever the order, so
    that importance ratios are bounded where the posterior's tails are a little heavier than normal.
    """
    wide = rng.random(n) < _WIDE_SHARE
    return rng.normal(size=(n, order)) * np.where(wide, _wide_scale(order), 1.0)[:, None]


def log_defensive(z: Floats) -> Floats:
    """Log-density of :func:`defensive_normal` at z, shape (..., order)."""
    order, squares = z.shape[-1], (z**2).sum(-1)
    scale = _wide_scale(order)
    narrow = np.log(1 - _WIDE_SHARE) - 0.5 * squares
    wide = np.log(_WIDE_SHARE) - 0.5 * squares / scale**2 - order * np.log(scale)
    return np.asarray(np.logaddexp(narrow, wide) - 0.5 * order * np.log(2 * np.pi))


def _wide_scale(order: int) -> float:
    return 1 + 1 / float(np.sqrt(max(order, 1)))
