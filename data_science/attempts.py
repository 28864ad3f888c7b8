"""Fit, look, and fit once more if needed: one posterior, measured, with a second opinion, admitted or not."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
import pandas as pd
from xarray import DataTree

from data_science.engines.posterior import names, to_tree, with_observations
from data_science.engines.registry import FitSettings, OnProgress, engine, second_opinion, title
from data_science.errors import GateError
from data_science.evaluation import agreement, diagnostics
from data_science.evaluation.agreement import Agreement
from data_science.evaluation.diagnostics import Diagnostics
from data_science.fitting.posterior_on import Fitted, drawn_by_engine, posterior_on
from data_science.formula.specification import ModelSpecification
from data_science.formula.tallied import TalliedFrame
from data_science.judgement.gates import Admission, judge
from data_science.progress import Stopwatch

log = logging.getLogger(__name__)
_RATE_DRAWS = 1000  # draws that the label's rate is replicated from
#: Draws of a second opinion, for a few per cent of the first's cost: they find a mean a tenth of an sd off.
_OPINION_DRAWS = 4_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """One posterior, measured and judged."""

    fitted: Fitted
    tree: DataTree
    summary: pd.DataFrame
    measured: Diagnostics
    agreement: Agreement | None
    notes: tuple[str, ...]  # what the reader should know: an engine that declined, a retry
    admission: Admission
    settings: FitSettings  # with which this posterior was drawn: those of the retry, if there was one


def fit_judged(
    rows: pd.DataFrame | TalliedFrame,
    specification: ModelSpecification,
    settings: FitSettings,
    progress: OnProgress,
    watch: Stopwatch,
) -> Attempt:
    """Fit; a fit that fails the gates is repeated once with stricter settings, unless these cannot save it.

    An engine that declined the first time is not asked again, nor for a second opinion; and nodes that were
    dropped stay dropped.

    Returns
    -------
    Attempt
        Its admission may still be a refusal.
    """
    fitted = posterior_on(rows, specification, settings, progress, watch)
    first = _judged(fitted, settings, progress, watch)
    if first.admission.passed:
        return first
    for failure in first.admission.failures:
        log.warning("the fit failed a check: %s", failure)
    if first.admission.is_hopeless:
        return first
    drawn_by = str(fitted.posterior.attributes["engine"])
    asks = settings.second_opinion and drawn_by == settings.engine
    worth = first.measured.asked_for_each * first.measured.n_draws
    stricter = replace(settings.stricter(worth), engine=drawn_by, second_opinion=asks)
    log.warning("fitting once more with stricter settings: %s", stricter)
    again = posterior_on(fitted.problem, specification, stricter, progress, watch)
    second = _judged(again, stricter, progress, watch)
    notes = dict.fromkeys((*fitted.notes, *second.notes))  # a way that both went is said once
    return replace(second, notes=(*notes, "The first fit failed its gates; this is the stricter retry."))


def _judged(fitted: Fitted, settings: FitSettings, progress: OnProgress, watch: Stopwatch) -> Attempt:
    opinion: Agreement | None = None
    more: tuple[str, ...] = ()
    drawn_by = str(fitted.posterior.attributes["engine"])
    checking = second_opinion(engine(drawn_by))
    if settings.second_opinion and checking is not None and drawn_by != checking == settings.engine:
        more = (f"No second opinion: {fitted.notes[0]}",)  # asked for by name, it has just declined
    elif settings.second_opinion and checking is not None:
        opinion, more = _opinion_of(checking, fitted, settings, progress, watch)
    with watch.stage("diagnostics"):
        tree, summary, measured = _measured(fitted, settings.seed)
    admission = judge(measured, opinion)
    return Attempt(fitted, tree, summary, measured, opinion, (*fitted.notes, *more), admission, settings)


def _measured(fitted: Fitted, seed: int) -> tuple[DataTree, pd.DataFrame, Diagnostics]:
    posterior, design, compressed = fitted.posterior, fitted.design, fitted.problem.compressed
    tree = to_tree(design, posterior)
    if compressed.successes is not None:
        tree = with_observations(tree, design, compressed.successes)
    summary = diagnostics.summary(tree, posterior.levels)
    pooled, _ = posterior.thinned(_RATE_DRAWS)
    cells, n_trials = compressed.cells, float(compressed.cells.weights.sum())
    if posterior.left_out is None:
        x = compressed.at.from_raw(pooled)
        rate = diagnostics.rate_interval(compressed.joint, x, n_trials, seed)
    else:  # thousands of levels
        rate = diagnostics.rate_interval_by_term(design.encoding, cells, pooled, n_trials, seed)
    observed = compressed.statistics.total_successes / n_trials
    return tree, summary, diagnostics.measure(tree, summary, rate, observed)


def _opinion_of(
    checking: str, fitted: Fitted, settings: FitSettings, progress: OnProgress, watch: Stopwatch
) -> tuple[Agreement | None, tuple[str, ...]]:
    """Compare with the engine that checks; if that declines by its own certificate, there is no opinion."""
    other, problem = engine(checking), fitted.problem
    try:
        with watch.stage("second opinion"):
            quick = replace(settings, draws=min(settings.draws, ceil(_OPINION_DRAWS / settings.chains)))
            opinion, _, notes = drawn_by_engine(other, problem.design, problem.compressed, quick, progress)
    except (GateError, np.linalg.LinAlgError) as declined:
        return None, (f"No second opinion: {declined}.",)
    compared = agreement.compare(fitted.posterior, opinion, names(problem.design), by=title(other, checking))
    return compared, notes
