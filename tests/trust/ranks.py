"""Are ranks uniform? The simultaneous ECDF test, and what several tests at once may claim.

Säilynoja, Bürkner and Vehtari 2022, doi:10.1007/s11222-022-10090-6; Holm 1979, jstor.org/stable/4615733.
"""

from collections.abc import Mapping
from functools import cache

import numpy as np
import scipy.stats as st

N_DRAWS = 99  # posterior draws that a truth is ranked among, so ranks are 0 to 99
N_NULL = 100_000  # simulated sets of ranks: the smallest p-value is 1 / 100,001


def uniformity(ranks: np.ndarray) -> float:
    """p-value of the hypothesis that ranks, shape (data set,), are uniform on 0 to :data:`N_DRAWS`.

    The statistic is the smallest pointwise probability of the ECDF over all points, with its distribution
    simulated, so that the test holds at every point of the ECDF at once.
    """
    observed = _statistic(np.bincount(ranks, minlength=N_DRAWS + 1)[None, :])[0]
    null = _null(len(ranks))
    return float((1 + np.count_nonzero(null <= observed)) / (1 + len(null)))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """p-values adjusted so that the chance of any false alarm among all of them is what each says."""
    names = sorted(p_values, key=lambda name: p_values[name])
    adjusted, worst = {}, 0.0
    for position, name in enumerate(names):
        worst = max(worst, min(1.0, (len(names) - position) * p_values[name]))
        adjusted[name] = worst
    return adjusted


@cache
def _null(n: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    counts = rng.multinomial(n, np.full(N_DRAWS + 1, 1 / (N_DRAWS + 1)), size=N_NULL)
    return _statistic(counts)


def _statistic(counts: np.ndarray) -> np.ndarray:
    """Smallest two-sided binomial probability along the ECDF, shape (set,), from counts of ranks."""
    below = np.cumsum(counts, axis=1)[:, :-1]
    return _two_sided(int(counts[0].sum()))[below, np.arange(N_DRAWS)].min(axis=1)


@cache
def _two_sided(n: int) -> np.ndarray:
    """Two-sided probability of an ECDF that counts so many of ``n`` ranks, shape (count, point)."""
    points = np.arange(1, N_DRAWS + 1) / (N_DRAWS + 1)
    values = np.arange(n + 1)[:, None]
    return 2 * np.minimum(st.binom.cdf(values, n, points), st.binom.sf(values - 1, n, points))
