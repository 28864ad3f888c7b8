"""What draws of the coefficients say about groups of clients: expected positives, and replicated ones.

Used for draws from the posterior (checks, partial pooling) and from the prior (prior predictive).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from data_science.arrays import Floats
from data_science.evaluation.pointwise import raw_design
from data_science.formula.design import Design, encode
from data_science.likelihood import binomial


@dataclass(frozen=True, slots=True)
class Replication:
    """Positives of each group of one margin, observed and by draw."""

    names: pd.Index[str]
    n: Floats  # clients, shape (group,)
    observed: Floats  # positives, shape (group,)
    expected: Floats  # shape (draw, group)
    variance: Floats  # of the positives given the draw, shape (draw, group)
    replicated: Floats  # positives of data simulated from the draw, shape (draw, group)

    @property
    def rates(self) -> pd.DataFrame:
        """Interval of each group's expected rate: ``low``, ``middle``, ``high``, and ``observed``."""
        return self._intervals(self.expected / self.n).assign(observed=self.observed / self.n)

    @property
    def replicated_rates(self) -> pd.DataFrame:
        """Interval of each group's rate in replicated data, and ``observed``."""
        return self._intervals(self.replicated / self.n).assign(observed=self.observed / self.n)

    @property
    def residuals(self) -> pd.DataFrame:
        """Interval of replicated minus expected rates, and ``observed`` minus expected on average."""
        gap = (self.replicated - self.expected) / self.n
        observed = (self.observed - self.expected.mean(axis=0)) / self.n
        return self._intervals(gap).assign(observed=observed)

    @property
    def discrepancy(self) -> pd.DataFrame:
        """Largest deviation of any group from what its draw expects, in standard deviations.

        Returns
        -------
        DataFrame
            One row per draw: ``observed`` and ``replicated`` (Gelman, Meng and Stern 1996).
        """
        sd = np.sqrt(self.variance)
        return pd.DataFrame(
            {
                "observed": np.abs((self.observed - self.expected) / sd).max(axis=1),
                "replicated": np.abs((self.replicated - self.expected) / sd).max(axis=1),
            }
        )

    def _intervals(self, by_draw: Floats) -> pd.DataFrame:
        low, middle, high = np.quantile(by_draw, [0.025, 0.5, 0.975], axis=0)
        return pd.DataFrame({"low": low, "middle": middle, "high": high}, index=self.names)


def worst(found: Mapping[str, Replication]) -> pd.DataFrame:
    """Largest deviation of any group of any margin, in data and replicated, one row per draw.

    Returns
    -------
    DataFrame
        As of :attr:`Replication.discrepancy`.
    """
    parts = [margin.discrepancy for margin in found.values()]
    return pd.DataFrame({name: np.max([part[name] for part in parts], axis=0) for name in parts[0]})


def replicate(
    design: Design,
    frame: pd.DataFrame,
    groups: Mapping[str, pd.Series[str]],
    coefficients: Floats,
    *,
    seed: int = 1,
) -> dict[str, Replication]:
    """Simulate every client's label from every draw, and count by group.

    Parameters
    ----------
    design : Design
    frame : DataFrame
        Clients, shape (row, ...).
    groups : mapping from margin to levels
        Level of each client, categorical; empty levels are left out.
    coefficients : array, shape (draw, coefficient)
        Per unit of the raw columns, in the encoding's order.
    seed : int
    """
    rows, rng = encode(design, frame), np.random.default_rng(seed)
    matrix, offset = raw_design(design.encoding, rows)
    used = {name: levels.cat.remove_unused_categories() for name, levels in groups.items()}
    codes = {name: levels.cat.codes.to_numpy(np.intp) for name, levels in used.items()}
    counts: dict[str, list[Floats]] = {name: [] for name in groups}
    for draw in coefficients:
        p = binomial.probability(matrix @ draw + offset[:, 0])
        label = rng.random(len(p)) < p
        for name, code in codes.items():
            parts = (p, binomial.variance(p, p), label)
            counts[name].append(np.stack([np.bincount(code, weights=part) for part in parts]))
    found = {}
    for name, levels in used.items():
        expected, variance, replicated = np.stack(counts[name], axis=1)
        observed = np.bincount(codes[name], weights=rows.successes)
        n = np.bincount(codes[name]).astype(float)
        found[name] = Replication(levels.cat.categories, n, observed, expected, variance, replicated)
    return found


def raw_matrix(design: Design, frame: pd.DataFrame) -> Floats:
    """Design matrix per unit of the raw columns, shape (row, coefficient)."""
    found: Floats = raw_design(design.encoding, encode(design, frame))[0]
    return found


def draws_of(design: Design, posterior: xr.DataTree) -> tuple[Floats, Floats]:
    """Return coefficients and group sds of a stored posterior, in the encoding's order.

    Returns
    -------
    array, shape (chain, draw, coefficient)
    array, shape (chain, draw, sd)
    """
    dataset = posterior["posterior"].to_dataset()

    def flat(name: str) -> Floats:
        values: Floats = dataset[name].transpose("chain", "draw", ...).to_numpy()
        return values.reshape(*values.shape[:2], -1)

    coefficients = np.concatenate([flat(term.name) for term in design.encoding.terms], axis=2)
    sds = [flat(f"{term.name}_sigma") for term in design.encoding.group_specific]
    return coefficients, np.concatenate(sds, axis=2) if sds else coefficients[..., :0]
