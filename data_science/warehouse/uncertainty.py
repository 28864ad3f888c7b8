"""The posterior variance of a row's logit in SQL: a quadratic form in its numbers, by combination of levels.

Quantiles over draws are not SQL. What is given is the normal interval of the logit with the draws' covariance
(an unseen group adds its mean variance); `docs/warehouse.md` has its distance from `predict_interval`.
"""

from __future__ import annotations

from collections import defaultdict
from functools import reduce
from math import prod
from operator import add, mul
from typing import Any

import ibis
import numpy as np

from data_science.arrays import Floats, Ints
from data_science.errors import SettingsError
from data_science.prediction.correction import NODES, covariance_of
from data_science.warehouse.arithmetic import is_finite, missing, number
from data_science.warehouse.linear_predictor import Query
from data_science.warehouse.lookup import MOST_ENTRIES

BLOCK = 2**22  # (cell, draw) entries held at once


def variance(query: Query, *, with_unseen: bool) -> Any:
    """Return the posterior variance of the logit, NULL where it overflows.

    Parameters
    ----------
    query : Query
    with_unseen : bool
        Whether an unseen group adds the variance of its distribution; without, it is at zero.

    Raises
    ------
    SettingsError
        If two factors have too many combinations of levels for one statement.
    """
    tables = query.predictor.tables.terms
    covariances = _Covariances(query, with_unseen)
    sums: dict[tuple[tuple[str, ...], tuple[str, ...]], Floats] = {}
    for left, one in enumerate(tables):
        for right, other in enumerate(tables[: left + 1]):
            columns = tuple(c for c in query.n_codes if c in {*one.columns, *other.columns})
            _require_few(query, columns)
            cells = query.cells(columns)
            found = covariances.between(one.places(cells), other.places(cells))
            key = columns, tuple(sorted([*one.numeric, *other.numeric]))
            sums[key] = sums.get(key, 0.0) + (1.0 if left == right else 2.0) * found
    by_columns: dict[tuple[str, ...], list[tuple[str, ...]]] = defaultdict(list)
    for columns, numeric in sums:
        by_columns[columns].append(numeric)
    parts: list[tuple[str, tuple[str, ...]]] = []
    for columns, products in by_columns.items():
        names = query.look_up(columns, [sums[columns, numeric] for numeric in products])
        parts += zip(names, products, strict=True)
    total = reduce(add, [_product(query, name, numeric) for name, numeric in parts])
    return ibis.ifelse(is_finite(total), ibis.ifelse(total > 0, total, number(0.0)), missing())


def corrected(query: Query, eta: str, spread: str) -> Any:
    """Return the plug-in corrected for the curvature of the link; see `prediction.correction`."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    weights = weights / weights.sum()
    at, sd = query.table[eta], query.table[spread]
    parts = [
        query.arithmetic.probability(at + sd * number(node)) * number(weight)
        for node, weight in zip(nodes.tolist(), weights.tolist(), strict=True)
    ]
    return reduce(add, parts)


class _Covariances:
    """Of places: coefficients, the zero of reference levels, one for each group's standard deviation."""

    def __init__(self, query: Query, with_unseen: bool) -> None:
        predictor = query.predictor
        self._n = predictor.encoding.n_coefficients
        self._matrix: Floats | None = (
            covariance_of(predictor.draws)
            if predictor.correction is None
            else predictor.correction.covariance
        )
        self._draws = predictor.draws
        self._unseen = np.square(predictor.group_sd_draws).mean(axis=0) * with_unseen

    def between(self, left: Ints, right: Ints) -> Floats:
        """Return the covariance of two lists of places, shape (place,)."""
        a, b = np.minimum(left, self._n - 1), np.minimum(right, self._n - 1)
        if self._matrix is not None:
            found = np.asarray(self._matrix)[a, b]
        else:
            centred = self._draws - self._draws.mean(axis=0)
            step = max(1, BLOCK // len(centred))
            blocks = [slice(first, first + step) for first in range(0, len(a), step)]
            sums = [(centred[:, a[part]] * centred[:, b[part]]).sum(axis=0) for part in blocks]
            found = np.concatenate(sums) / (len(centred) - 1)
        found = np.where((left < self._n) & (right < self._n), found, 0.0)
        new = (left > self._n) & (left == right)
        found[new] = self._unseen[left[new] - self._n - 1]
        return found


def _require_few(query: Query, columns: tuple[str, ...]) -> None:
    n_cells = prod(query.n_codes[column] for column in columns)
    if n_cells > MOST_ENTRIES:
        raise SettingsError(
            f"the variance of the logit needs {n_cells:,} combinations of {' and '.join(columns)} in the "
            f"statement; expected at most {MOST_ENTRIES:,}: give interval=None, or use predict_interval"
            if not query.corrects
            else f"this model's labels need the variance of {n_cells:,} combinations of "
            f"{' and '.join(columns)}; expected at most {MOST_ENTRIES:,}: use predict_batch"
        )


def _product(query: Query, name: str, numeric: tuple[str, ...]) -> Any:
    factors = [query.table[query.numbers[column]] for column in numeric]
    if query.arithmetic.raises and factors:
        limit = 10.0 ** (280.0 / (len(factors) + 1))
        factors = [
            ibis.cases(
                (x.abs() > number(limit), missing()), (x.abs() < number(1 / limit), number(0.0)), else_=x
            )
            for x in factors
        ]
    product = reduce(mul, factors, query.table[name])
    if query.arithmetic.raises:  # a number of any size has no variance where it meets no coefficient
        return ibis.ifelse(query.table[name] == number(0.0), number(0.0), product)
    return product
