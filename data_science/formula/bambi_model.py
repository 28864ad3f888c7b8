"""The Bambi model of a design: what the user would have written, and where the priors are read from.

Built on a frame that holds every level and each column's mean and sd but no row of the data. Its terms,
names, levels and coordinates are those of the model on the data, so Bambi and ArviZ tools work on our draws.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import bambi as bmb
import cloudpickle
import numpy as np
import pandas as pd
import xarray as xr
from formulae.environment import Environment, VarLookupDict
from xarray import DataTree

from data_science.errors import SchemaError, SpecificationError
from data_science.formula.design import Design, sample_frame
from data_science.formula.encoding import Term
from data_science.formula.functions import FUNCTIONS, NUMPY, evaluated
from data_science.formula.priors import Prior
from data_science.formula.reading import balanced
from data_science.formula.training import restore


def build(design: Design, frame: pd.DataFrame | None = None) -> bmb.Model:
    """Build the Bambi model, its priors stated explicitly, on rows or, without any, on none of the data."""
    rows = sample_frame(design) if frame is None else _as_trained(design, frame)
    priors = {term.name: _to_bambi(_prior(term, design), bool(term.groups)) for term in design.encoding.terms}
    family = "bernoulli" if design.specification.response.trials is None else "binomial"
    model = bmb.Model(
        balanced(design.specification.formula),
        rows,
        family=family,
        priors=priors,
        auto_scale=False,
        extra_namespace=namespace(),
    )
    _remember(model, design)
    _offsets_last_first(model)
    return model


def coordinates(model: bmb.Model) -> dict[str, tuple[Any, ...]]:
    """Return the labels of every dimension but that of the rows."""
    found = model.backend.model.coords
    return {name: tuple(values) for name, values in found.items() if name != "__obs__"}


def observed(model: bmb.Model) -> DataTree:
    """Return the response of the model's rows as the group ``observed_data``."""
    term = model.response_term
    values = np.asarray(term.data)
    successes = values[:, 0] if values.ndim == 2 else values
    dataset = xr.Dataset({term.name: ("__obs__", successes)}, {"__obs__": np.arange(len(successes))})
    return DataTree(dataset.assign_attrs(modeling_interface="bambi"))


def _as_trained(design: Design, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with training's levels in training's order, whatever these rows have of them."""
    response = design.specification.response
    names = [*design.encoding.number_columns, response.successes, response.trials]
    columns: dict[str, Any] = {
        name: frame[name].to_numpy() for name in dict.fromkeys(names) if name is not None
    }
    for factor in design.encoding.factors:
        if factor.column not in columns:
            values = frame[factor.column].astype(object)
            columns[factor.column] = pd.Categorical(values, categories=factor.levels, ordered=True)
            if columns[factor.column].isna().any():
                unknown = values[columns[factor.column].isna()].iloc[0]
                raise SchemaError(f"{factor.column} is {unknown!r}, a level that training has not seen")
    return pd.DataFrame(columns)


def namespace() -> dict[str, Any]:
    """Functions that a formula may call and Bambi does not know by itself."""
    stateless = [name for name, function in FUNCTIONS.items() if not function.transform and name != "I"]
    by_name = {n: getattr(np, n) if n in NUMPY else partial(evaluated, n) for n in stateless}
    return {"np": np, **by_name}


def priors_of(model: bmb.Model, design: Design) -> dict[str, Prior]:
    """Read back each term's prior (a group-specific term's: that of its sd) from a Bambi model.

    Raises
    ------
    SpecificationError
        If Bambi holds a prior that the engines do not fit.
    """
    terms = model.parameters[model.family.likelihood.parent].terms
    found = {}
    for term in design.encoding.terms:
        held = _from_bambi(term.name, terms[term.name].prior, term.n_expressions)
        wrong = (prior for k, prior in enumerate(held) if prior != design.prior(term, k))
        found[term.name] = next(wrong, design.priors[term.name])
    return found


def write(model: bmb.Model, path: Path) -> None:
    """Pickle the model, for analysis; serving never reads it."""
    with path.open("wb") as file:
        _Pickler(file).dump(model)


class _Pickler(cloudpickle.Pickler):
    """Leaves out the namespaces of the frames that formulae captured: formulas call known functions only."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, VarLookupDict):
            return VarLookupDict, ([],)
        if isinstance(obj, Environment):
            own = [names for names in obj._namespaces if type(names) is dict and "__name__" not in names]
            return Environment, ([*own, namespace()],)
        return super().reducer_override(obj)


def _to_bambi(prior: tuple[str, dict[str, Any]], is_group_specific: bool) -> bmb.Prior:
    name, arguments = prior
    own = bmb.Prior(name, auto_scale=False, **arguments)
    return bmb.Prior("Normal", auto_scale=False, mu=0, sigma=own) if is_group_specific else own


def _prior(term: Term, design: Design) -> tuple[str, dict[str, Any]]:
    """Family and arguments of a term's prior: arrays where the columns of a basis have each their own."""
    own = [design.prior(term, k) for k in range(term.n_expressions if term.name in design.units else 1)]
    arguments = {key: np.array([prior.arguments[key] for prior in own]) for key in own[0].arguments}
    return own[0].name, {key: value if len(own) > 1 else float(value[0]) for key, value in arguments.items()}


def _from_bambi(name: str, prior: Any, n_expressions: int) -> list[Prior]:
    """Read the prior of every column of a term's expression."""
    inner = prior.args.get("sigma") if isinstance(prior.args.get("sigma"), bmb.Prior) else prior
    try:
        values = {key: np.broadcast_to(value, n_expressions) for key, value in inner.args.items()}
        columns = range(n_expressions)
        return [Prior(inner.name, **{key: float(v[k]) for key, v in values.items()}) for k in columns]
    except (TypeError, ValueError) as error:
        raise SpecificationError(
            f"Bambi's prior of {name!r} is {prior}; expected numbers, one or one for each column"
        ) from error


def _remember(model: bmb.Model, design: Design) -> None:
    """Let the model's functions remember what was learned on the data, for its predictions on new rows."""
    trained = {one.name: one.expression for one in design.encoding.derived}
    formulas = model.parameters[model.family.likelihood.parent].design
    parts = (part.terms.values() for part in (formulas.common, formulas.group) if part is not None)
    for term in (term for terms in parts for term in terms):
        for component in getattr(getattr(term, "expr", term), "components", ()):
            if component.name in trained:
                restore(component.call, trained[component.name])


def _offsets_last_first(model: bmb.Model) -> None:
    """Let predictions take every offset's own column: Bambi 0.21 removes one after the other from the design.

    The places of those that are left hold only if the last comes first.
    """
    terms = model.parameters[model.family.likelihood.parent].terms
    for name in reversed([name for name, term in terms.items() if getattr(term, "kind", "") == "offset"]):
        terms[name] = terms.pop(name)
