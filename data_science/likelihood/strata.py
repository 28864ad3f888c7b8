"""Rows by stratum: with all levels equal, the linear predictor is linear in a few numeric features.

The features are the distinct products of numeric columns that the terms of the formula use. Slopes by group
and interactions with factors only change the map from coefficients to a stratum's intercept and slopes, and
so do columns that are constant in every stratum, such as contrasts: nothing that works on strata knows the
formula. An offset is a feature of known slope. Every row takes part: sums are over all, block by block.
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
from data_science.formula.places import strands
from data_science.formula.rows import Observations, Rows, product_of
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
    known: Floats | None = None  # (1 + p,), what an offset adds to them

    @classmethod
    def of(cls, encoding: Encoding, rows: Observations, at: Coordinates) -> Strata:
        """Sort rows by the levels of all factors."""
        _, index = Rows(rows.codes, {}, len(rows)).distinct()
        n_strata = int(index.max(initial=-1)) + 1
        # NumPy sorts short integers by counting, in a tenth of the time
        order = np.argsort(index.astype(np.uint16) if n_strata < 2**16 else index, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(index, minlength=n_strata))])
        first = order[starts[:-1]]
        constant = _constant(rows, index, first) if encoding.contrasts else {}
        products = numeric_products(encoding, frozenset(constant))
        n_offsets = bool(encoding.offsets)
        features = np.ones((len(rows), 1 + len(products) + n_offsets))
        centre, scale = np.zeros(features.shape[1]), np.ones(features.shape[1])
        for j, columns in enumerate(products, start=1):
            values = np.prod([rows.numeric[column] for column in columns], axis=0)[order]
            centre[j], scale[j] = values.mean(), values.std() or 1.0
            features[:, j] = (values - centre[j]) / scale[j]
        offset, known = encoding.offset(rows.numeric, len(rows)), None
        if offset is not None:
            features[:, -1], known = offset[order], np.eye(features.shape[1])[-1]
        codes = {column: values[first] for column, values in rows.codes.items()}
        raw = _raw_map(encoding, products, codes, constant, n_strata, features.shape[1])
        standard = sp.diags_array(scale).tolil()
        standard[0, 1:] = centre[1:]
        to_features = sp.kron(sp.eye_array(n_strata), standard.tocsr())
        map_ = sp.csr_array(to_features @ raw @ _to_raw(at))
        return cls(features, rows.trials[order], starts, order, map_, known)

    def __len__(self) -> int:
        return len(self.trials)

    @property
    def n_strata(self) -> int:
        """How many strata there are."""
        return len(self.starts) - 1

    def slopes(self, x: Floats) -> Floats:
        """Intercept and slopes of every stratum, (stratum, 1 + p), or (stratum, 1 + p, draw) of draws."""
        slopes = np.asarray(self.map @ x.T).reshape(self.n_strata, self.features.shape[1], *x.shape[:-1])
        if self.known is None:
            return slopes
        return slopes + self.known.reshape(1, -1, *(1 for _ in x.shape[:-1]))

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


def numeric_products(
    encoding: Encoding, constant: frozenset[str] = frozenset()
) -> tuple[tuple[str, ...], ...]:
    """Products of numeric columns that the terms use, each once and without those that are ``constant``."""
    used = (
        tuple(column for column in strand.numeric if column not in constant)
        for term in encoding.terms
        for strand in strands(term)
    )
    return tuple(dict.fromkeys(product for product in used if product))


def _constant(rows: Rows, index: Ints, first: Ints) -> dict[str, Floats]:
    """Numeric columns with one value in each stratum, and that value."""
    values = {column: numbers[first] for column, numbers in rows.numeric.items()}
    return {c: own for c, own in values.items() if np.array_equal(own[index], rows.numeric[c])}


def _raw_map(
    encoding: Encoding,
    products: tuple[tuple[str, ...], ...],
    codes: dict[str, Ints],
    constant: dict[str, Floats],
    n_strata: int,
    n_features: int,
) -> Any:
    """Map from raw coefficients to intercept and raw slopes: one entry per stratum and strand of a term."""
    lines, columns, entries = [], [], []
    for term in encoding.terms:
        for strand in strands(term):
            positions = strand.places.rows(codes, n_strata)
            here = np.flatnonzero(positions < term.n_coefficients)
            varying = tuple(column for column in strand.numeric if column not in constant)
            fixed = tuple(column for column in strand.numeric if column in constant)
            lines.append(here * n_features + (1 + products.index(varying) if varying else 0))
            columns.append(positions[here] + encoding.slices[term.name].start)
            entries.append(product_of(fixed, constant, n_strata)[here])
    index = (np.concatenate(lines), np.concatenate(columns))
    shape = (n_strata * n_features, encoding.n_coefficients)
    return sp.csr_array((np.concatenate(entries), index), shape=shape)


def _to_raw(at: Coordinates) -> Any:
    """Matrix of :meth:`Coordinates.to_raw`."""
    matrix = sp.diags_array(1 / at.scale)
    if at.intercept is None:
        return matrix
    row = sp.csr_array((-at.centre / at.scale)[None])
    place = sp.csr_array(([1.0], ([at.intercept], [0])), shape=(len(at.scale), 1))
    return matrix + place @ row
