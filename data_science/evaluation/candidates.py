"""Fit candidates to the same rows, the intercept-only model always among the baselines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pandas as pd

from data_science.engines.registry import FitSettings
from data_science.errors import SpecificationError, require_instance
from data_science.evaluation.comparison import Comparison, compare_fitted
from data_science.fitting.posterior_on import Fitted, posterior_on
from data_science.formula.reading import offsets_in
from data_science.formula.specification import ModelSpecification
from data_science.formula.tilde import sides
from data_science.formula.training_data import validated

MODEL, BASELINE = "model", "intercept only"
#: How candidates are fitted: quickly, since what is compared is their predictions.
QUICK = FitSettings(engine="nested-laplace", second_opinion=False)


def fit_candidates(
    specifications: Sequence[ModelSpecification], frame: pd.DataFrame, settings: FitSettings
) -> dict[str, Fitted]:
    """Fit every specification to the frame; their names are their formulas.

    Raises
    ------
    SchemaError, SpecificationError, GateError
    """
    if isinstance(specifications, str | ModelSpecification) or not isinstance(specifications, Iterable):
        raise SpecificationError(
            f"the candidates are {specifications!r}; expected a list of at least two ModelSpecification"
        )
    specifications = list(specifications)
    for specification in specifications:
        require_instance("each candidate", specification, ModelSpecification)
    if len(specifications) < 2:
        raise SpecificationError(
            f"{len(specifications)} candidates were given; expected at least two to compare"
        )
    if len({s.response for s in specifications}) > 1:
        raise SpecificationError("the candidates model different responses; expected the same one")
    names = [specification.formula for specification in specifications]
    fits = {}
    for position, specification in enumerate(specifications):
        name = names[position]
        unique = name if names.count(name) == 1 else f"{name} [{position + 1}]"
        fits[unique] = posterior_on(validated(frame, specification, None).frame, specification, settings)
    return fits


def against_baseline(fitted: Fitted, frame: pd.DataFrame, settings: FitSettings) -> Comparison:
    """Compare a fit with the intercept-only model on the same validated rows."""
    baseline = baseline_of(fitted.design.specification)
    alone = posterior_on(frame, baseline, replace(QUICK, seed=settings.seed))
    return compare_fitted({MODEL: fitted, BASELINE: alone}, settings.seed)


def baseline_of(specification: ModelSpecification) -> ModelSpecification:
    """Intercept-only model of the same response, the same offsets and the same prior for the intercept."""
    response, _ = sides(specification.formula)
    offsets = dict.fromkeys(f" + {offset}" for offset in offsets_in(specification.formula))
    alone = {known: ModelSpecification(f"{response} ~ 1{known}").offsets[0] for known in offsets}
    known = "".join(text for text, offset in alone.items() if offset in specification.offsets)
    priors = {key: prior for key, prior in specification.priors.items() if key == "Intercept"}
    return ModelSpecification(f"{response} ~ 1{known}", priors=priors, standardize=specification.standardize)
