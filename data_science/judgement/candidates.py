"""Fit candidates to the same rows and compare them, the intercept-only model always among the baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from data_science.engines.posterior import Posterior
from data_science.engines.registry import FitSettings
from data_science.errors import SpecificationError
from data_science.formula import design
from data_science.formula.design import Design
from data_science.formula.specification import ModelSpecification
from data_science.formula.training_data import validated
from data_science.judgement.comparison import Comparison, compare_fits
from data_science.judgement.fitting import posterior_of
from data_science.likelihood.fidelity import compress_enough
from data_science.report import BASELINE, MODEL
from data_science.stopwatch import Stopwatch

#: How candidates are fitted: quickly, since what is compared is their predictions.
QUICK = FitSettings(engine="nested-laplace", second_opinion=False)


def compare(
    specifications: Sequence[ModelSpecification], frame: pd.DataFrame, *, settings: FitSettings = QUICK
) -> Comparison:
    """Fit every specification to the frame and compare them by elpd_loo, one row left out at a time.

    Parameters
    ----------
    specifications : sequence of ModelSpecification
        Candidates of one response; named in the result by their formulas.
    frame : DataFrame
        One row per observation.
    settings : FitSettings, optional
        By default nested Laplace, with NUTS where it declines.

    Raises
    ------
    SchemaError, SpecificationError, GateError
    """
    if len(specifications) < 2:
        raise SpecificationError(f"{len(specifications)} candidates came; expected at least two to compare")
    if len({s.response for s in specifications}) > 1:
        raise SpecificationError("the candidates model different responses; expected one and the same")
    names = [specification.formula for specification in specifications]
    fits = {}
    for position, specification in enumerate(specifications):
        name = names[position]
        unique = name if names.count(name) == 1 else f"{name} [{position + 1}]"
        fits[unique] = _fit(specification, frame, settings)
    return compare_fits(fits, frame)


def against_baseline(
    learned: Design, posterior: Posterior, frame: pd.DataFrame, settings: FitSettings
) -> Comparison:
    """Compare a fit with the intercept-only model on the same rows."""
    baseline = baseline_of(learned.specification)
    quick = replace(QUICK, seed=settings.seed)
    return compare_fits({MODEL: (learned, posterior), BASELINE: _fit(baseline, frame, quick)}, frame)


def baseline_of(specification: ModelSpecification) -> ModelSpecification:
    """Intercept-only model of the same response and the same prior for the intercept."""
    response = specification.formula.split("~", 1)[0].strip()
    priors = {key: prior for key, prior in specification.priors.items() if key == "Intercept"}
    return ModelSpecification(f"{response} ~ 1", priors=priors, standardize=specification.standardize)


def _fit(
    specification: ModelSpecification, frame: pd.DataFrame, settings: FitSettings
) -> tuple[Design, Posterior]:
    data = validated(frame, specification, None)
    learned = design.learn(specification, data.frame)
    rows = design.encode(learned, data.frame)
    compressed = compress_enough(learned, rows, exact=settings.exact, seed=settings.seed)
    posterior, _ = posterior_of(learned, compressed, settings, lambda _: None, Stopwatch())
    return learned, posterior
