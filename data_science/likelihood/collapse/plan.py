"""Which factor is integrated out, and the rows in the order that this asks for: level by level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from data_science.arrays import Floats, Ints
from data_science.errors import GateError
from data_science.formula.design import blocks
from data_science.formula.encoding import Encoding, Term
from data_science.formula.places import Places, strands
from data_science.formula.rows import Observations
from data_science.likelihood.compression import Cells
from data_science.likelihood.log_joint import Coordinates, Statistics

MOST_LEFT = 500  # coefficients that may be left: their Hessian is dense, and factored at every proposal
#: Trials up to which a node enters as so many rows of one: beyond, a logarithm per node is cheaper.
REPEATED = 4


class NotCollapsibleError(GateError):
    """The formula has no factor that can be integrated out."""


class Operands(NamedTuple):
    """Rows by level, as the compiled loops read them; ``v`` is other factors' effects, then common ones."""

    common: Floats  # (row, common), standard coordinates
    columns: Ints  # (row, other term), position in v
    value: Floats  # (row, other term), what multiplies it
    weights: Floats  # (row,), trials
    starts: Ints  # (level + 1,), first row of each level
    units: Ints  # (level,), first row of each level that stands for more than one trial
    successes: Floats  # (level,)
    offset: Floats  # (row,), added to the linear predictor

    def of_levels(self, some: slice) -> Operands:
        """Take the rows of successive levels."""
        own = self.starts[some.start : some.stop + 1]
        first, rows = own[0], slice(int(own[0]), int(own[-1]))
        return Operands(
            self.common[rows], self.columns[rows], self.value[rows], self.weights[rows],
            own - first, self.units[some] - first, self.successes[some], self.offset[rows],
        )  # fmt: skip


class Columns(NamedTuple):
    """The distinct columns of v in each level's rows, common ones last."""

    starts: Ints  # (level + 1,)
    columns: Ints  # (entry,), position in v
    local: Ints  # (row, other term), place among the level's columns


@dataclass(frozen=True, slots=True)
class Plan:
    """A factor to integrate out, and the rows sorted by its levels."""

    term: Term
    block: int  # its place among the sds
    levels: Ints  # (level,), positions of its effects among all coefficients
    left: Ints  # (r,), positions of all others: other factors' effects, then common coefficients
    blocks: tuple[tuple[int, slice], ...]  # of the other sds: which, and the place of their effects in v
    operands: Operands
    columns: Columns
    successes: Floats  # (r,), D'y of what is left

    @property
    def n_left(self) -> int:
        """Length of ``v``."""
        return len(self.left)

    @property
    def n_others(self) -> int:
        """Effects of other factors, which stand first in ``v``."""
        return self.n_left - int(self.operands.common.shape[1])

    @classmethod
    def of(
        cls, encoding: Encoding, cells: Observations | Cells, statistics: Statistics, at: Coordinates
    ) -> Plan:
        """Take the random intercept with most levels.

        Parameters
        ----------
        encoding : Encoding
        cells : Cells
            Distinct rows and their trials.
        statistics : Statistics
            Of the raw rows.
        at : Coordinates
            The standard ones.

        Raises
        ------
        NotCollapsibleError
            If there is no random intercept, or too much would be left.
        """
        term, block = _largest(encoding)
        everything = np.arange(encoding.n_coefficients, dtype=np.intp)
        levels = everything[encoding.slices[term.name]]
        n_common = sum(t.n_coefficients for t in encoding.common)
        others = np.setdiff1d(everything[n_common:], levels)
        left = np.concatenate([others, everything[:n_common]])
        if len(left) > MOST_LEFT:
            raise NotCollapsibleError(
                f"beside {term.name} {len(left):,} coefficients are left; expected at most {MOST_LEFT}"
            )
        place = np.full(encoding.n_coefficients, -1, dtype=np.intp)
        place[left] = np.arange(len(left))
        operands = _operands(encoding, cells, at, term, place)
        successes = (statistics.successes - at.centre * statistics.total_successes) / at.scale
        operands = operands._replace(successes=np.ascontiguousarray(successes[levels]))
        starts, own = encoding.slices, []
        for k, (owner, expression) in enumerate(blocks(encoding)):
            if k != block:
                first = place[starts[owner.name].start + expression * owner.n_groups]
                own.append((k, slice(int(first), int(first) + owner.n_groups)))
        columns = _columns(operands, len(others))
        return cls(term, block, levels, left, tuple(own), operands, columns, successes[left])


def _largest(encoding: Encoding) -> tuple[Term, int]:
    """Find the random intercept with most levels, and its sd."""
    intercepts = [
        (term, k) for k, (term, _) in enumerate(blocks(encoding)) if not term.numeric and not term.codings
    ]
    if not intercepts:
        raise NotCollapsibleError("no factor has an intercept of its own by level")
    return max(intercepts, key=lambda pair: pair[0].n_groups)


def _operands(
    encoding: Encoding, cells: Observations | Cells, at: Coordinates, head: Term, place: Ints
) -> Operands:
    """Rows sorted by level; within a level those of one trial first."""
    n = len(cells)
    weights = _weights(cells)
    level = Places.of(head).rows(cells.codes, n)
    repeats = np.where((weights <= REPEATED) & (weights == np.rint(weights)), weights, 1).astype(np.intp)
    several = weights != repeats
    order = np.argsort(2 * level + several, kind="stable")
    order = np.repeat(order, repeats[order])
    common = np.empty((len(order), sum(t.n_coefficients for t in encoding.common)))
    index, value = [], []
    for term in encoding.terms:
        if term.name == head.name:
            continue
        start = encoding.slices[term.name].start
        if not term.is_group_specific:
            common[:, start : start + term.n_coefficients] = 0.0
        for strand in strands(term):
            positions = strand.places.rows(cells.codes, n)[order]
            multipliers = strand.multipliers(cells.numeric, n)[order]
            seen = np.minimum(positions, term.n_coefficients - 1)
            own = np.where(positions < term.n_coefficients, multipliers, 0.0)
            if term.is_group_specific:
                index.append(place[start + seen])
                value.append(own / at.scale[start + seen])
            else:
                common[np.arange(len(order)), start + seen] += own
    n_common = common.shape[1]
    common = (common - at.centre[:n_common]) / at.scale[:n_common]
    sizes = np.bincount(level[order], minlength=head.n_coefficients)
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
    ones = np.bincount(level[order], ~several[order], minlength=head.n_coefficients).astype(np.intp)
    offset = encoding.offset(cells.numeric, n)
    empty: list[Floats] = [np.empty((len(order), 0))]
    return Operands(
        common,
        np.stack(index, axis=1) if index else np.empty((len(order), 0), dtype=np.intp),
        np.stack(value, axis=1) if value else empty[0],
        np.where(several[order], weights[order], 1.0),
        starts,
        starts[:-1] + ones,
        np.empty(0),
        np.zeros(len(order)) if offset is None else offset[order],
    )


def _weights(cells: Observations | Cells) -> Floats:
    return cells.trials if isinstance(cells, Observations) else cells.weights


def _columns(operands: Operands, n_others: int) -> Columns:
    """Count off the distinct columns of every level's rows."""
    index, n_levels, n_common = operands.columns, len(operands.starts) - 1, operands.common.shape[1]
    level = np.repeat(np.arange(n_levels), np.diff(operands.starts))
    width = max(n_others, 1)
    distinct, inverse = np.unique(level[:, None] * width + index, return_inverse=True)
    owner = distinct // width
    first = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=n_levels))])
    starts = (first + n_common * np.arange(n_levels + 1)).astype(np.intp)
    columns = np.empty(starts[-1], dtype=np.intp)
    columns[np.arange(len(distinct)) + n_common * owner] = distinct % width
    tail = starts[1:, None] - n_common + np.arange(n_common)
    columns[tail.ravel()] = np.tile(n_others + np.arange(n_common), n_levels)
    local = inverse.reshape(index.shape).astype(np.intp) - first[level][:, None]
    return Columns(starts, columns, local.astype(np.intp))
