"""Rows that stay in their engine, as a fit sees them: what stands for them in sums, and a sample of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd

from data_science.arrays import Floats, Ints, Mask
from data_science.formula.design import Design, encode, learn
from data_science.formula.encoding import Encoding
from data_science.formula.rows import Observations, Rows
from data_science.formula.specification import ModelSpecification

#: Expected successes of all rows at raw coefficients, ``D' p``, shape (coefficient,): one pass of the engine.
Expected = Callable[[Encoding, Floats], Floats]


@dataclass(frozen=True, slots=True)
class Tallied(Observations):
    """Rows that are alike, and nodes of rows with one response: each stands for as many as its trials.

    Sums over it of polynomials of the continuous covariate are those of the rows, up to twice the degree of
    its nodes. Successes are 0 or all of the trials.
    """

    n_rows: int
    continuous: str | None  # the covariate that became nodes

    @property
    def counts(self) -> Floats:
        """Observations that each stands for."""
        return self.trials

    @property
    def n_observations(self) -> int:
        """Rows that all stand for."""
        return self.n_rows

    def support(self, n_nodes: int) -> int:
        """As many as there are nodes: they are the measure, whatever it has of rows."""
        return n_nodes

    def take(self, which: Ints | Mask | slice) -> Tallied:
        """Select some by index, mask or slice."""
        rows = Rows.take(self, which)
        return Tallied(
            rows.codes, rows.numeric, rows.size, self.successes[which], self.trials[which],
            self.n_rows, self.continuous,
        )  # fmt: skip

    def singly(self) -> Observations:
        """Return each as one observation with its response, 0 or 1."""
        return Observations(
            self.codes, self.numeric, self.size, self.successes / self.trials, self.trials / self.trials
        )


@dataclass(frozen=True, eq=False)
class TalliedFrame:
    """A validated table that stays in its engine; it takes the place of a validated frame."""

    nodes: pd.DataFrame  # what stands for the rows, with the columns of the specification
    counts: Floats = field(repr=False)  # (node,), rows that each stands for
    n_rows: int
    continuous: str | None
    extremes: pd.DataFrame = field(repr=False)  # the least and the largest of each cell and response
    sample: pd.DataFrame = field(repr=False)  # rows, evenly spaced through all
    expected: Expected = field(repr=False)

    def learned(self, specification: ModelSpecification) -> Design:
        """Learn the design of all rows."""
        return learn(specification, self.nodes, self.counts)

    def encoded(self, design: Design) -> Tallied:
        """Encode what stands for the rows."""
        rows, counts = encode(design, self.nodes), self.counts
        continuous = self.continuous if self.continuous in rows.numeric else None
        return Tallied(
            rows.codes, rows.numeric, rows.size, rows.successes * counts, counts, self.n_rows, continuous
        )

    def sampled(self, design: Design) -> Observations:
        """Encode the sample."""
        return encode(design, self.sample)
