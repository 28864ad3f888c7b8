"""The exact log joint density of coefficients and group sds, given cells.

Coefficients are in encoding order, common effects first, in *standard* coordinates: predictors centred
(where there is an intercept, as Bambi does) and scaled to unit root mean square, so that no unit of
measurement reaches the engines. ``theta`` is the log of the group sds in the same coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from data_science.arrays import Floats, Ints
from data_science.formula.design import Design, blocks
from data_science.formula.encoding import Encoding, Term
from data_science.formula.places import strands
from data_science.formula.priors import IndependentPriors
from data_science.formula.priors.family import Density
from data_science.formula.rows import Observations, Rows
from data_science.likelihood import binomial
from data_science.likelihood.compression import Cells, weighted_sums

_DENSE = 4_000_000  # entries up to which a dense design is faster than a sparse one
_ENTRIES = 262_144  # of an array of (node, draw): it stays in the processor's cache


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the likelihood takes from raw rows, per coefficient in raw units: sums of the design's columns."""

    successes: Floats  # D'y
    first: Floats  # D'1
    second: Floats  # (D*D)'1
    total_successes: float
    n_rows: int

    @classmethod
    def of(cls, encoding: Encoding, rows: Observations) -> Statistics:
        """Sum over raw rows."""
        ones = rows.counts
        return cls(
            weighted_sums(encoding, rows, rows.successes),
            weighted_sums(encoding, rows, ones),
            weighted_sums(encoding, rows, ones, power=2),
            float(rows.successes.sum()),
            rows.n_observations,
        )


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Standard coordinates: ``x = scale * beta``, the intercept at the centre of the common predictors."""

    centre: Floats  # shape (coefficient,); 0 for the intercept, for group effects, and without an intercept
    scale: Floats  # shape (coefficient,)
    block_scale: Floats  # shape (sd,), scale shared by the coefficients of one sd
    intercept: int | None  # position of the intercept

    @classmethod
    def of(cls, design: Design, statistics: Statistics) -> Coordinates:
        """Choose centre and scale from the design's columns over raw rows."""
        encoding = design.encoding
        mean, square = statistics.first / statistics.n_rows, statistics.second / statistics.n_rows
        n_common = encoding.n_common
        centre = np.zeros(encoding.n_coefficients)
        intercept = encoding.slices["Intercept"].start if design.has_intercept else None
        if intercept is not None:
            centre[:n_common] = mean[:n_common]
            centre[intercept] = 0.0
        variance = np.maximum(square - centre**2, 0.0)
        scale = np.sqrt(np.where(variance > 1e-24 * np.maximum(square, 1e-300), variance, 1.0))
        block_scale = np.array([_block_rms(encoding, square, *block) for block in blocks(encoding)])
        sizes = [term.n_groups for term, _ in blocks(encoding)]
        scale[n_common:] = np.repeat(block_scale, sizes)
        return cls(centre, scale, block_scale, intercept)

    def of_columns(self, positions: Ints) -> Coordinates:
        """Take some of the coefficients, all of those with a centre or an intercept among them."""
        found = None if self.intercept is None else int(np.flatnonzero(positions == self.intercept)[0])
        return replace(self, centre=self.centre[positions], scale=self.scale[positions], intercept=found)

    def to_raw(self, x: Floats) -> Floats:
        """Coefficients per unit of the raw columns, the intercept at zero of every predictor."""
        raw = x / self.scale
        if self.intercept is not None:
            raw[..., self.intercept] -= raw @ self.centre
        return raw

    def from_raw(self, raw: Floats) -> Floats:
        """Inverse of :meth:`to_raw`."""
        x = raw * self.scale
        if self.intercept is not None:
            x[..., self.intercept] += raw @ self.centre
        return x

    def sds_to_raw(self, theta: Floats) -> Floats:
        """Group sds per unit of the raw columns, from their logs in standard coordinates."""
        sds: Floats = np.exp(theta) / self.block_scale
        return sds


@dataclass(frozen=True, slots=True)
class LogJoint:
    """Log of prior times likelihood, with derivatives, in standard coordinates."""

    matrix: Any  # (node, coefficient) array or CSR
    weights: Floats  # (node,)
    successes: Floats  # (coefficient,), D'y
    common_priors: IndependentPriors
    sd_priors: IndependentPriors
    block_sizes: npt.NDArray[np.intp]  # (sd,), coefficients that share each sd
    offset: Floats | None = None  # (node,), added to the linear predictor

    @classmethod
    def of(cls, design: Design, cells: Cells, statistics: Statistics, at: Coordinates) -> LogJoint:
        """Assemble the density of ``design`` on ``cells``."""
        encoding = design.encoding
        successes = (statistics.successes - at.centre * statistics.total_successes) / at.scale
        common, sds = standard_priors(design, at)
        sizes = np.array([term.n_groups for term, _ in blocks(encoding)], dtype=np.intp)
        offset = encoding.offset(cells.numeric, len(cells))
        return cls(design_matrix(encoding, cells, at), cells.weights, successes, common, sds, sizes, offset)

    @property
    def n_common(self) -> int:
        """Coefficients before the group effects."""
        return self.common_priors.size

    @property
    def n_coefficients(self) -> int:
        """Length of ``x``."""
        return len(self.successes)

    @property
    def prior_densities(self) -> tuple[Density, ...]:
        """Densities of the priors, of which theirs are positions."""
        return max(self.common_priors.densities, self.sd_priors.densities, key=len)

    @property
    def n_sds(self) -> int:
        """Length of ``theta``."""
        return len(self.block_sizes)

    @property
    def block_starts(self) -> npt.NDArray[np.intp]:
        """First coefficient of each sd, counted after the common ones."""
        return np.cumsum(self.block_sizes) - self.block_sizes

    def spread(self, per_block: Floats) -> Floats:
        """Repeat a value per sd over its coefficients; common coefficients get 0."""
        groups = np.repeat(per_block, self.block_sizes, axis=-1)
        return np.concatenate([np.zeros((*groups.shape[:-1], self.n_common)), groups], axis=-1)

    def gather(self, per_coefficient: Floats) -> Floats:
        """Sum values per coefficient over each sd's coefficients."""
        if self.n_sds == 0:
            return np.zeros((*per_coefficient.shape[:-1], 0))
        return np.add.reduceat(per_coefficient[..., self.n_common :], self.block_starts, axis=-1)

    def eta(self, x: Floats) -> Floats:
        """Linear predictor of every node, shape (..., node), at ``x`` of shape (..., coefficient)."""
        eta = np.asarray((self.matrix @ x.T).T)
        return eta if self.offset is None else eta + self.offset

    def log_likelihood(self, x: Floats) -> tuple[Floats, Floats, Floats]:
        """Value, gradient and curvature weights ``n p (1 - p)`` at ``x``.

        Parameters
        ----------
        x : array, shape (..., coefficient)

        Returns
        -------
        value : array, shape (...)
        gradient : array, shape (..., coefficient)
        curvature : array, shape (..., node)
        """
        log_partition, probability = binomial.log_partition_and_probability(self.eta(x))
        expected = self.weights * probability
        value = x @ self.successes - log_partition @ self.weights
        gradient = self.successes - (self.matrix.T @ expected.T).T
        return value, gradient, binomial.variance(expected, probability)

    def log_prior(self, x: Floats, theta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Value, gradient in x, precision of x (minus the second derivative), gradient in theta.

        The value includes the Jacobian of ``sigma = exp(theta)``.
        """
        common = self.common_priors.log_density(x[..., : self.n_common])
        sigma = np.exp(theta)
        hyper = self.sd_priors.log_density(sigma)
        precision_per_block = np.exp(-2 * theta)
        precision = self.spread(precision_per_block)
        precision[..., : self.n_common] = -common.second
        gradient = -precision * x
        gradient[..., : self.n_common] = common.first
        squares = precision_per_block * self.gather(x**2)
        value = common.value.sum(-1) + (
            hyper.value + theta - self.block_sizes * (theta + 0.5 * np.log(2 * np.pi)) - 0.5 * squares
        ).sum(-1)
        return value, gradient, precision, squares - self.block_sizes + hyper.first * sigma + 1

    def log_partition(self, x: Floats) -> Floats:
        """Sum of ``n A(eta)`` over nodes, for x of shape (coefficient,) or (draw, coefficient)."""
        draws = np.atleast_2d(x)
        total, step = np.empty(len(draws)), max(1, _ENTRIES // len(self.weights))
        for start in range(0, len(draws), step):
            eta = np.asarray(self.matrix @ draws[start : start + step].T)
            if self.offset is not None:
                eta += self.offset[:, None]
            if self.has_unit_weights:
                total[start : start + step] = binomial.total_log_partition(eta)
            else:
                total[start : start + step] = self.weights @ binomial.log_partition(eta)
        return total.reshape(x.shape[:-1])

    @property
    def has_unit_weights(self) -> bool:
        """Whether each node is one trial."""
        return bool((self.weights == 1).all())

    def value(self, x: Floats, theta: Floats) -> Floats:
        """Log joint density of ``(x, theta)`` on cells, up to the constant of binomial coefficients."""
        return np.asarray(x @ self.successes - self.log_partition(x) + self.log_prior(x, theta)[0])


def design_matrix(encoding: Encoding, rows: Rows, at: Coordinates) -> Any:
    """Rows of the design in standard coordinates: dense if that is small, else sparse by row."""
    n_rows, n_coefficients = len(rows), encoding.n_coefficients
    data, columns, index = [], [], []
    for term in encoding.terms:
        for strand in strands(term):
            found = strand.places.rows(rows.codes, n_rows)
            present = np.flatnonzero(found < term.n_coefficients)
            data.append(strand.multipliers(rows.numeric, n_rows)[present])
            columns.append(found[present] + encoding.slices[term.name].start)
            index.append(present)
    sparse = sp.csr_array(
        (np.concatenate(data), (np.concatenate(index), np.concatenate(columns))),
        shape=(n_rows, n_coefficients),
    )
    n_common = encoding.n_common
    common = (sparse[:, :n_common].toarray() - at.centre[:n_common]) / at.scale[:n_common]
    groups = sparse[:, n_common:] @ sp.diags_array(1 / at.scale[n_common:])
    if n_rows * n_coefficients <= _DENSE:
        return np.ascontiguousarray(np.hstack([common, groups.toarray()]))
    return sp.csr_array(sp.hstack([sp.csr_array(common), groups], format="csr"))


def standard_priors(design: Design, at: Coordinates) -> tuple[IndependentPriors, IndependentPriors]:
    """Priors of common coefficients and of group sds, in standard coordinates."""
    encoding = design.encoding
    common = [
        design.prior(term, k).scaled(float(at.scale[encoding.slices[term.name].start + k]))
        for term in encoding.common
        for k in range(term.n_coefficients)
    ]
    sds = [
        design.prior(term, expression).scaled(float(scale))
        for (term, expression), scale in zip(blocks(encoding), at.block_scale, strict=True)
    ]
    return IndependentPriors.of(common), IndependentPriors.of(sds)


def _block_rms(encoding: Encoding, square: Floats, term: Term, expression: int) -> float:
    """Root mean square over rows of what multiplies the coefficients of one sd."""
    if not term.numeric and not term.bases:
        return 1.0
    own = square[encoding.slices[term.name]]
    if term.bases:  # each column of a basis has its own size
        own = own.reshape(term.n_expressions, term.n_groups)[expression]
    return float(np.sqrt(own.sum())) or 1.0
