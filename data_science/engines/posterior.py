"""An engine's posterior draws, and their names: Bambi's variables, dims and coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from data_science.arrays import Floats, Ints
from data_science.formula.design import Design, blocks
from data_science.formula.encoding import Basis, Encoding, Level, Term

if TYPE_CHECKING:
    from data_science.likelihood.collapse.left_out import LeftOut

_Named = dict[str, tuple[tuple[str, ...], Floats]]  # variable -> its own dims, values


@dataclass(frozen=True, slots=True)
class Levels:
    """Coefficients of which more is known than their draws say."""

    positions: Ints  # (level,), among all coefficients
    mean: Floats  # (level,), raw scale
    sd: Floats  # (level,)
    quantiles: Floats  # (level, 3): 5, 50 and 95 %


@dataclass(frozen=True, slots=True)
class Posterior:
    """Draws on the raw scale: per unit of the columns, the intercept where every predictor is zero."""

    coefficients: Floats  # (chain, draw, coefficient), encoding order; in single precision where very many
    sds: Floats  # (chain, draw, sd), order of design.blocks
    statistics: Mapping[str, Floats]  # sampler statistics, each (chain, draw)
    attributes: Mapping[str, str | float | int]  # engine, k-hat, ...
    left_out: LeftOut | None = None  # leaves out single trials exactly, where a factor was integrated out
    levels: Levels | None = None  # of that factor, if they are known without draws

    @property
    def mean(self) -> Floats:
        """Posterior means of the coefficients."""
        found: Floats = self.coefficients.mean(axis=(0, 1), dtype=float)
        if self.levels is not None:
            found[self.levels.positions] = self.levels.mean
        return found

    def thinned(self, n_draws: int) -> tuple[Floats, Floats]:
        """Pool the chains and keep at most ``n_draws`` evenly spaced draws: coefficients, sds."""
        pooled = self.coefficients.reshape(-1, self.coefficients.shape[-1])
        sds = self.sds.reshape(len(pooled), self.sds.shape[-1])
        if n_draws >= len(pooled):
            return pooled, sds
        keep = np.unique(np.linspace(0, len(pooled) - 1, min(n_draws, len(pooled))).round().astype(int))
        return pooled[keep], sds[keep]


def to_tree(design: Design, posterior: Posterior) -> xr.DataTree:
    """Draws as ArviZ and Bambi expect them: groups ``posterior`` and ``sample_stats``."""
    attributes = {"modeling_interface": "bambi", **posterior.attributes}
    dims = ("chain", "draw")
    # As indexes, since of an array xarray asks every library of arrays that is installed, numba among them.
    index = {name: pd.RangeIndex(n) for name, n in zip(dims, posterior.coefficients.shape, strict=False)}
    variables, names = _variables(design.encoding, posterior)
    coordinates = {dim: pd.Index(labels, dtype=object) for dim, labels in names.items()}
    groups = {
        "posterior": xr.Dataset(
            {name: ((*dims, *own), values) for name, (own, values) in variables.items()},
            {**index, **coordinates},
            attributes,
        )
    }
    if posterior.statistics:
        statistics = {name: (dims, values) for name, values in posterior.statistics.items()}
        groups["sample_stats"] = xr.Dataset(statistics, index, attributes)
    return xr.DataTree.from_dict(groups)


def with_observations(tree: xr.DataTree, design: Design, successes: Floats) -> xr.DataTree:
    """Add the group ``observed_data``, which `bambi.interpret` and posterior predictive plots ask for.

    Parameters
    ----------
    tree : DataTree
        From :func:`to_tree`.
    design : Design
    successes : array, shape (row,)
        The response over raw rows.
    """
    response = design.specification.response
    name = response.successes
    if response.trials is not None:
        name = f"p({response.successes}, {response.trials})"
    smallest = np.min_scalar_type(int(successes.max(initial=0)))  # a byte per client, not eight
    values = {name: ("__obs__", successes.astype(smallest))}
    observed = xr.Dataset(values, {"__obs__": pd.RangeIndex(len(successes))}, {"modeling_interface": "bambi"})
    return tree.assign({"observed_data": xr.DataTree(observed)})


def fewer_draws(tree: xr.DataTree, most_values: int) -> xr.DataTree:
    """Keep draws evenly spaced along every chain where all hold more values than that, and say so.

    The attribute ``thinned`` of every group is the step from a draw that is kept to the next.
    """
    posterior = tree["posterior"]
    step = -(-sum(values.size for values in posterior.data_vars.values()) // most_values)
    if step <= 1:
        return tree
    kept = {name: group.to_dataset() for name, group in tree.children.items()}
    return xr.DataTree.from_dict(
        {
            name: group.isel(draw=slice(None, None, step)).assign_attrs(thinned=step)
            if "draw" in group.dims
            else group
            for name, group in kept.items()
        }
    )


def labels(term: Term) -> tuple[list[str], list[str]]:
    """Bambi's labels of a term's expression columns and of its groups; empty if it has no such axis.

    Where levels are joined, a comma inside a level of the expression, or a colon inside one of the group, is
    written with a backslash before it, and a backslash is doubled: two coefficients never share a name.
    """
    several = len(term.codings) > 1 or term.is_group_specific  # the group's label follows after a comma
    expressions = _joined([c.levels for c in term.codings], ", ", escaped="," if several else "")
    if is_numbered(term):
        expressions = [str(column) for column in range(term.n_expressions)]
    groups = _joined([g.levels for g in term.groups], ":", escaped=":" if len(term.groups) > 1 else "")
    return expressions, groups


def is_numbered(term: Term) -> bool:
    """Whether Bambi numbers the columns of the expression: those of functions, and no level among them."""
    bases = [c for c in term.codings if isinstance(c, Basis) and isinstance(c.levels[0], int)]
    return len(bases) == len(term.codings) > 0


def names(design: Design) -> list[str]:
    """Bambi's name of every coefficient in encoding order, then of every sd."""
    coefficients, sds = [], []
    for term in design.encoding.terms:
        expressions, groups = labels(term)
        axes = [axis for axis in (expressions, groups) if axis]  # a label may be empty text
        coefficients += [_indexed(term.name, inner) for inner in product(*axes)]
        if term.is_group_specific:
            sds += [_indexed(f"{term.name}_sigma", inner) for inner in product(*axes[:-1])]
    return coefficients + sds


def _indexed(name: str, labels: Sequence[str]) -> str:
    return f"{name}[{', '.join(labels)}]" if labels else name


def _joined(axes: Sequence[Sequence[Level]], separator: str, escaped: str) -> list[str]:
    """One label for every combination of levels; none if there is no axis."""

    def written(level: Level) -> str:
        return str(level).replace("\\", "\\\\").replace(escaped, f"\\{escaped}") if escaped else str(level)

    labels = [[written(level) for level in levels] for levels in axes]
    if len(labels) == 1:  # thousands of levels have no need of being joined
        return labels[0]
    return [separator.join(parts) for parts in product(*labels)] if axes else []


def _variables(encoding: Encoding, posterior: Posterior) -> tuple[_Named, dict[str, Sequence[Any]]]:
    common: _Named = {}
    sigmas: _Named = {}
    effects: _Named = {}
    coordinates: dict[str, Sequence[Any]] = {}
    owners = [term.name for term, _ in blocks(encoding)]
    for term in encoding.terms:
        values = posterior.coefficients[..., encoding.slices[term.name]]
        expressions, groups = labels(term)
        columns = range(term.n_expressions) if is_numbered(term) else expressions
        shape = (*values.shape[:2], *([len(expressions)] if expressions else []))
        if not term.is_group_specific:
            dims = (f"{term.name}_dim",) if expressions else ()
            coordinates |= dict.fromkeys(dims, columns)
            common[term.name] = (dims, values.reshape(shape))
            continue
        expression, factor = term.name.split("|")
        dims = (f"{expression}__expr_dim",) if expressions else ()
        coordinates |= dict.fromkeys(dims, columns) | {f"{factor}__factor_dim": groups}
        own = [k for k, owner in enumerate(owners) if owner == term.name]
        sigmas[f"{term.name}_sigma"] = (dims, posterior.sds[..., own].reshape(shape))
        effects[term.name] = ((*dims, f"{factor}__factor_dim"), values.reshape(*shape, len(groups)))
    return common | sigmas | effects, coordinates
