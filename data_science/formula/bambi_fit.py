"""A posterior and the rows it was drawn on, as Bambi's and ArviZ's own functions take them.

Changes when those ask for another group.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from xarray import DataTree

from data_science.errors import DataScienceError, SettingsError
from data_science.formula import bambi_model
from data_science.formula.design import Design

Group = Literal["log_likelihood", "posterior_predictive", "log_prior", "prior", "prior_predictive"]
GROUPS: tuple[Group, ...] = ("log_likelihood", "posterior_predictive", "log_prior")
_ALL = (*GROUPS, "prior", "prior_predictive")
LARGEST = 2**30  # bytes of one group with a value for each draw and row


class BambiFit(NamedTuple):
    """The model and its draws: ``model, data = fitted.bambi(frame)``."""

    model: Any  # a bambi.Model, built on the rows
    data: DataTree  # posterior, observed_data and the groups that were asked for


def with_groups(
    design: Design,
    frame: pd.DataFrame,
    posterior: DataTree,
    groups: Collection[str],
    draws: int,
    seed: int,
    *,
    new: bool = False,
) -> BambiFit:
    """Build Bambi's model on rows and add the groups that need them.

    Parameters
    ----------
    design : Design
        What training learned.
    frame : DataFrame
        Rows that were validated.
    posterior : DataTree
        In Bambi's names.
    groups : collection of str
    draws : int
        At most so many, evenly spaced in each chain.
    seed : int
        Of the replicated responses.
    new : bool
        Whether the rows are others than training's: then the likelihood is ``log_likelihood_new`` and the
        replicated responses are ``predictions``, so that nothing takes a hold-out for a leave-one-out.

    Raises
    ------
    SettingsError
        If there is no such group, or the rows times the draws do not fit into memory.
    """
    if unknown := sorted(set(groups) - set(_ALL)):
        raise SettingsError(f"groups has {unknown}; expected some of {', '.join(_ALL)}")
    thinned = _thinned(posterior, draws)
    _require_room(thinned, len(frame), groups, draws)
    model = bambi_model.build(design, frame)
    model.build()
    _require_agreement(model, thinned)
    if new or "observed_data" not in thinned:
        thinned["observed_data"] = bambi_model.observed(model)
    if "log_likelihood" in groups:
        model.compute_log_likelihood(thinned)
    if "posterior_predictive" in groups:
        model.predict(thinned, kind="response", random_seed=seed)
    if "log_prior" in groups:
        model.compute_log_prior(thinned)
    if {"prior", "prior_predictive"} & set(groups):
        before = model.prior_predictive(draws=draws, random_seed=seed)
        for name in ("prior", "prior_predictive"):
            if name in groups:
                thinned[name] = before[name]
    added = set(thinned["posterior"].data_vars) - set(posterior["posterior"].data_vars)
    if added:  # the probability of every row, which Bambi leaves among the parameters
        own = thinned["posterior"].to_dataset().drop_vars(added)
        thinned["posterior"] = DataTree(own.drop_vars("__obs__", errors="ignore"))
    if new:
        for name, other in (
            ("log_likelihood", "log_likelihood_new"),
            ("posterior_predictive", "predictions"),
        ):
            if name in thinned:
                thinned[other] = thinned[name]
                del thinned[name]
    return BambiFit(model, thinned)


def _thinned(tree: DataTree, draws: int) -> DataTree:
    """Keep at most so many draws, evenly spaced in each chain; a tree of its own."""
    sizes = tree["posterior"].sizes
    if not isinstance(draws, int) or isinstance(draws, bool) or draws < 1:
        raise SettingsError(f"draws is {draws!r}; expected a whole number of at least 1")
    per_chain = min(sizes["draw"], max(1, draws // sizes["chain"]))
    keep = np.unique(np.linspace(0, sizes["draw"] - 1, per_chain).round().astype(int))
    groups = {
        name: (group.to_dataset().isel(draw=keep) if "draw" in group.sizes else group.to_dataset()).load()
        for name, group in tree.children.items()
    }
    for name in groups:
        if "draw" in groups[name].sizes:
            groups[name] = groups[name].assign_coords(draw=np.arange(len(keep)))
    return DataTree.from_dict(groups)


def _require_room(tree: DataTree, n_rows: int, groups: Collection[str], n_of_prior: int) -> None:
    sizes = tree["posterior"].sizes
    n_draws = 0
    if {"log_likelihood", "posterior_predictive"} & set(groups):
        n_draws = sizes["chain"] * sizes["draw"]
    if {"prior", "prior_predictive"} & set(groups):  # both have the probability of every row
        n_draws = max(n_draws, n_of_prior)
    if n_draws * n_rows * 8 > LARGEST:
        fit = LARGEST // (8 * n_rows)
        raise SettingsError(
            f"{n_draws:,} draws of {n_rows:,} rows take {n_draws * n_rows * 8 / 2**30:.1f} GB in each group; "
            f"expected at most {LARGEST / 2**30:g}: draws={max(fit, 1):,}, or fewer groups"
        )


def _require_agreement(model: Any, tree: DataTree) -> None:
    """Raise if a coordinate of the draws is not the model's: Bambi would go by position."""
    for name, values in bambi_model.coordinates(model).items():
        if name in tree["posterior"].coords:
            ours = [str(value) for value in tree["posterior"].coords[name].values]
            if ours != [str(value) for value in values]:
                raise DataScienceError(
                    f"the levels of {name} differ between the draws ({ours[:5]}) and Bambi's model "
                    f"({list(values)[:5]}): please report this"
                )
