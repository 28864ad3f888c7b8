"""The Bambi model of a design: what the user would have written, and where the priors are read from.

Built on a frame that holds every level and each column's mean and sd but no row of the data. Its terms,
names, levels and coordinates are those of the model on the data, so Bambi and ArviZ tools work on our draws.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bambi as bmb
import cloudpickle
from formulae.environment import Environment, VarLookupDict

from data_science.errors import SpecificationError
from data_science.formula.design import Design, sample_frame
from data_science.formula.priors import Prior
from data_science.formula.reading import balanced


def build(design: Design) -> bmb.Model:
    """Build the Bambi model, its priors stated explicitly."""
    priors = {
        term.name: _to_bambi(design.priors[term.name], bool(term.groups)) for term in design.encoding.terms
    }
    family = "bernoulli" if design.specification.response.trials is None else "binomial"
    formula = balanced(design.specification.formula)
    return bmb.Model(formula, sample_frame(design), family=family, priors=priors, auto_scale=False)


def priors_of(model: bmb.Model, design: Design) -> dict[str, Prior]:
    """Read back each term's prior (a group-specific term's: that of its sd) from a Bambi model.

    Raises
    ------
    SpecificationError
        If Bambi holds a prior that the engines do not fit.
    """
    terms = model.parameters[model.family.likelihood.parent].terms
    return {term.name: _from_bambi(term.name, terms[term.name].prior) for term in design.encoding.terms}


def write(model: bmb.Model, path: Path) -> None:
    """Pickle the model, for analysis; serving never reads it."""
    with path.open("wb") as file:
        _Pickler(file).dump(model)


class _Pickler(cloudpickle.Pickler):
    """Leaves out the namespaces of the frames that formulae captured: no formula of the class uses them."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, VarLookupDict):
            return VarLookupDict, ([],)
        if isinstance(obj, Environment):
            own = [names for names in obj._namespaces if type(names) is dict and "__name__" not in names]
            return Environment, (own,)
        return super().reducer_override(obj)


def _to_bambi(prior: Prior, is_group_specific: bool) -> bmb.Prior:
    own = bmb.Prior(prior.name, auto_scale=False, **prior.arguments)
    return bmb.Prior("Normal", auto_scale=False, mu=0, sigma=own) if is_group_specific else own


def _from_bambi(name: str, prior: Any) -> Prior:
    inner = prior.args.get("sigma") if isinstance(prior.args.get("sigma"), bmb.Prior) else prior
    try:
        return Prior(inner.name, **{key: float(value) for key, value in inner.args.items()})
    except TypeError as error:
        raise SpecificationError(
            f"Bambi's prior of {name!r} is {prior}; expected scalar arguments"
        ) from error
