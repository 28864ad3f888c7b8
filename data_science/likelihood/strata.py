"""Rows by stratum: with all levels equal, the linear predictor is linear in a few numeric features.

The features are the distinct products of numeric columns that the terms of the formula use. Slopes by group
and interactions with factors only change the map from coefficients to a stratum's intercept and slopes, so
nothing that works on strata knows the formula. Every row takes part: sums are over all, block by block.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp

from data_science.arrays import Floats, Ints
from data_science.formula.encoding import Encoding
from data_science.formula.places import Places
from data_science.formula.rows import Observations, Rows
from data_science.likelihood import binomial
from data_science.likelihood.log_joint import Coordinates

_BLOCK = 4_096  # rows at a time; what is formed of them stays in the processor's cache
_ENTRIES = 32_768  # of an array of (row, draw)
_DRAWS = 128  # at a time


@dataclass(frozen=True, slots=True)
class Strata:
    """Rows sorted by stratum, and the coefficients in each."""

    features: Floats  # (row, 1 + p), one and the standardised features
    trials: Floats  # (row,)
    starts: Ints  # (stratum + 1,), where the rows of each stratum begin
    order: Ints  # (row,), where each row stood before sorting
    map: Any  # CSR (stratum * (1 + p), coefficient), from standard coordinates to intercepts and slopes

    @classmethod
    def of(cls, encoding: Encoding, rows: Observations, at: Coordinates) -> Strata:
        """Sort rows by the levels of all factors."""
        products = numeric_products(encoding)
        _, index = Rows(rows.codes, {}, len(rows)).distinct()
        n_strata = int(index.max(initial=-1)) + 1
        # NumPy sorts short integers by counting, in a tenth of the time
        order = np.argsort(index.astype(np.uint16) if n_strata < 2**16 else index, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(index, minlength=n_strata))])
        features = np.ones((len(rows), 1 + len(products)))
        centre, scale = np.zeros(1 + len(products)), np.ones(1 + len(products))
        for j, columns in enumerate(products, start=1):
            values = np.prod([rows.numeric[column] for column in columns], axis=0)[order]
            centre[j], scale[j] = values.mean(), values.std() or 1.0
            features[:, j] = (values - centre[j]) / scale[j]
        codes = {column: values[order[starts[:-1]]] for column, values in rows.codes.items()}
        raw = _raw_map(encoding, products, codes, n_strata)
        standard = sp.diags_array(scale).tolil()
        standard[0, 1:] = centre[1:]
        to_features = sp.kron(sp.eye_array(n_strata), standard.tocsr())
        map_ = sp.csr_array(to_features @ raw @ _to_raw(at))
        return cls(features, rows.trials[order], starts, order, map_)

    def __len__(self) -> int:
        return len(self.trials)

    @property
    def n_strata(self) -> int:
        """How many strata there are."""
        return len(self.starts) - 1

    def slopes(self, x: Floats) -> Floats:
        """Intercept and slopes of every stratum, (stratum, 1 + p), or (stratum, 1 + p, draw) of draws."""
        return np.asarray(self.map @ x.T).reshape(self.n_strata, self.features.shape[1], *x.shape[:-1])

    def blocks(self, size: int = _BLOCK) -> Iterator[tuple[int, slice]]:
        """Rows of one stratum at a time, at most ``size`` of them, with the stratum."""
        for stratum, (first, end) in enumerate(pairwise(self.starts.tolist())):
            for start in range(first, end, size):
                yield stratum, slice(start, min(start + size, end))

    def log_partition(self, x: Floats) -> Floats:
        """``sum_i n_i A(eta_i)`` over all rows, for draws ``x`` of shape (draw, coefficient)."""
        total = np.zeros(len(x))
        single = bool((self.trials == 1).all())
        for first in range(0, len(x), _DRAWS):
            draws = slice(first, first + _DRAWS)
            slopes = self.slopes(x[draws])
            for stratum, rows in self.blocks(max(256, _ENTRIES // slopes.shape[-1])):
                eta = self.features[rows] @ slopes[stratum]
                if single:
                    total[draws] += binomial.total_log_partition(eta)
                else:
                    total[draws] += self.trials[rows] @ binomial.log_partition(eta)
        return total

    def expected_and_information(self, x: Floats) -> tuple[Floats, Floats]:
        """``D'np`` and ``D'diag(n p (1 - p)) D`` over all rows, at one point."""
        slopes, d = self.slopes(x), self.features.shape[1]
        expected, information = np.zeros((self.n_strata, d)), np.zeros((self.n_strata, d, d))
        for stratum, rows in self.blocks():
            features = self.features[rows]
            p = binomial.probability(features @ slopes[stratum])
            expected_here = self.trials[rows] * p
            expected[stratum] += expected_here @ features
            information[stratum] += (features.T * binomial.variance(expected_here, p)) @ features
        place = np.arange(self.n_strata + 1)
        diagonal = sp.bsr_array((information, place[:-1], place), shape=(len(place[1:]) * d,) * 2)
        whole = (self.map.T @ (diagonal @ self.map)).toarray()
        return np.asarray(self.map.T @ expected.ravel()), np.asarray(whole)


def numeric_products(encoding: Encoding) -> tuple[tuple[str, ...], ...]:
    """Products of numeric columns that the terms use, each once."""
    return tuple(dict.fromkeys(term.numeric for term in encoding.terms if term.numeric))


def _raw_map(
    encoding: Encoding, products: tuple[tuple[str, ...], ...], codes: dict[str, Ints], n_strata: int
) -> Any:
    """Map from raw coefficients to intercept and raw slopes: one entry per stratum and term."""
    lines, columns = [], []
    for term in encoding.terms:
        positions = Places.of(term).rows(codes, n_strata)
        here = np.flatnonzero(positions < term.n_coefficients)
        feature = 1 + products.index(term.numeric) if term.numeric else 0
        lines.append(here * (1 + len(products)) + feature)
        columns.append(positions[here] + encoding.slices[term.name].start)
    index = (np.concatenate(lines), np.concatenate(columns))
    shape = (n_strata * (1 + len(products)), encoding.n_coefficients)
    return sp.csr_array((np.ones(len(index[0])), index), shape=shape)


def _to_raw(at: Coordinates) -> Any:
    """Matrix of :meth:`Coordinates.to_raw`."""
    matrix = sp.diags_array(1 / at.scale)
    if at.intercept is None:
        return matrix
    row = sp.csr_array((-at.centre / at.scale)[None])
    place = sp.csr_array(([1.0], ([at.intercept], [0])), shape=(len(at.scale), 1))
    return matrix + place @ row
