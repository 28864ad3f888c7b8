"""The job from the rows on, in order: data → design → sample → check → predictor → artifact.

``fit`` is the part without the outside world; ``train`` adds the settings and the model folder.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from numbers import Integral
from pathlib import Path

import numpy as np
import pandas as pd

from data_science.attempts import fit_judged
from data_science.data.dataset import FEATURE_STORE, Schema
from data_science.data.provenance import Provenance
from data_science.data.summary import DataSummary
from data_science.engines.registry import OnProgress, Progress
from data_science.errors import SettingsError, require_instance
from data_science.evaluation.candidates import against_baseline
from data_science.evaluation.evidence import LabelsEvidence
from data_science.evaluation.evidence_of import evidence_of
from data_science.evaluation.performance import performance
from data_science.finished_fit import Fit
from data_science.fitting.posterior_on import Fitted
from data_science.formula.specification import ModelSpecification
from data_science.formula.tallied import TalliedFrame
from data_science.judgement.verdict import decide
from data_science.one_thread import one_thread
from data_science.prediction.combinations import incomplete
from data_science.prediction.measured import measure_correction, measure_unseen
from data_science.prediction.predictor import Predictor
from data_science.prediction.unseen import N_ROWS
from data_science.progress import Stopwatch
from data_science.report.summary import Report
from data_science.report.verdict import phrased, trouble
from data_science.settings.fit import Costs, FitSettings, resolved
from data_science.settings.job import Settings
from data_science.storage.versions import Role
from data_science.warehouse import training_door
from data_science.watch.reference import Reference

log = logging.getLogger(__name__)
N_STORED_DRAWS = 1000  # thinned draws in the artifact, for intervals
_MOST_STORED, _FEWEST_STORED = 10_000_000, 200  # of single coefficients; of draws, whatever their number
_DOUBLES = 2_000_000  # of them, stored; more are stored in single precision
_MOST_CELLS = 20_000  # cells on which the plug-in's gap is measured


def fit(
    frame: pd.DataFrame,
    specification: ModelSpecification | None = None,
    *,
    settings: FitSettings | None = None,
    seed: int | None = None,
    engine: str | None = None,
    costs: Costs | None = None,
    schema: Schema | None = None,
    source: Provenance | None = None,
    owner: str | None = None,
    n_candidates: int = 1,
    progress: OnProgress = lambda _: None,
    watch: Stopwatch | None = None,
) -> Fit:
    """Fit one specification to one frame.

    Parameters
    ----------
    frame : DataFrame or Ibis table
        One row per observation, response included.
    specification : ModelSpecification, optional
    settings : FitSettings, optional
        How the posterior is computed.
    seed, engine : optional
        Shorthand for the same fields of ``settings``, where those are not given.
    costs : Costs, optional
        Of wrong labels; they set the threshold. Default: equal.
    schema : Schema, optional
        Promised types of the columns, for the database path.
    source : Provenance, optional
        Where the rows come from, if a database states it.
    owner : str, optional
        Who answers for the model, for its card.
    n_candidates : int
        Specifications that were tried on these rows before this one was chosen, it included, as
        `data_science.compare` counts them: the verdict allows for the choice.
    progress : callable, optional
        Called with :class:`data_science.engines.registry.Progress` during sampling, also from another thread.
    watch : Stopwatch, optional
        Receives the stages' wall times.

    Raises
    ------
    SettingsError
        If ``seed`` or ``engine`` contradicts ``settings``, or an argument is not what it has to be.
    SchemaError
        If the frame is not what the specification needs.
    GateError
        If the fit failed its checks.
    """
    specification, watch = specification or ModelSpecification(), watch or Stopwatch()
    settings, costs = resolved(settings, seed=seed, engine=engine), Costs() if costs is None else costs
    require_instance("costs", costs, Costs)  # now, not after the fit
    if not isinstance(n_candidates, Integral) or n_candidates < 1:
        raise SettingsError(
            f"n_candidates is {n_candidates!r}; expected how many specifications were tried, at least 1"
        )
    with one_thread():  # vectors of rows and matrices of order ten: BLAS threads wait for each other
        return _fit(
            frame, specification, settings, costs, schema, source, owner, int(n_candidates), progress, watch
        )


def _fit(
    frame: pd.DataFrame,
    specification: ModelSpecification,
    settings: FitSettings,
    costs: Costs,
    schema: Schema | None,
    source: Provenance | None,
    owner: str | None,
    n_candidates: int,
    progress: OnProgress,
    watch: Stopwatch,
) -> Fit:
    progress(Progress(settings.engine, 0, settings.chains * settings.draws))  # draws may be long in coming
    with watch.stage("validate"):
        data = training_door.validated(frame, specification, schema, settings)
    attempt = fit_judged(data.frame, specification, settings, progress, watch)
    attempt.admission.require()
    fitted = attempt.fitted
    with watch.stage("compare"):
        compared = against_baseline(fitted, data.frame, settings)
    with watch.stage("verdict"):
        measured = evidence_of(fitted, compared, settings.seed, n_candidates)
        fares = performance(compared, fitted.design.encoding, fitted)
    with watch.stage("predictor"):
        predictor = _predictor(fitted, costs)
        measured = replace(measured, labels=_labels(predictor, fitted))
        rows = data.frame.sample if isinstance(data.frame, TalliedFrame) else data.frame
        reference = Reference.learn(predictor, rows).to_json()
    verdict = phrased(decide(measured, None if source is None else source.tables, n_candidates))
    for said in trouble(verdict).values():
        log.warning("%s", said)
    about = DataSummary(data.n_rows, data.base_rate, data.fingerprint)
    report = Report(
        specification, about, fitted.problem.compressed.sentence, attempt.measured, attempt.agreement,
        attempt.notes, compared, verdict, attempt.summary, predictor, dict(watch.seconds), source, fares,
        owner,
    )  # fmt: skip
    provenance = {
        "specification": specification.to_json(),
        "data": asdict(about),
        "settings": asdict(attempt.settings),
    }
    if source is not None:
        provenance["sources"] = dict(source.tables)
    return Fit(predictor, attempt.summary, attempt.tree, report, fitted.design, provenance, reference)


def train(
    frame: pd.DataFrame,
    settings: Settings,
    *,
    specification: ModelSpecification | None = None,
    source: Provenance | None = None,
    progress: OnProgress = lambda _: None,
    watch: Stopwatch | None = None,
    role: Role | None = None,
    why: str = "",
) -> tuple[Path, Report]:
    """Fit, check and save one model version; return its folder and the report.

    Without a specification it is the company's, and the rows are `feature_store`'s.

    The frame is read by the caller, who has waited for it: before this module's libraries are imported.

    Raises
    ------
    DataScienceError
        On any failure nothing is saved, and the previous model is unchanged.
    """
    watch = watch or Stopwatch()
    fitted = fit(
        frame,
        specification=specification,
        settings=settings.fit,
        costs=settings.costs,
        schema=FEATURE_STORE if specification is None else None,
        source=source,
        owner=settings.owner,
        progress=progress,
        watch=watch,
    )
    with watch.stage("save"):
        path = fitted.save(settings.model_folder, keep=settings.keep, role=role, why=why)
    return path, fitted.report


def _predictor(fitted: Fitted, costs: Costs) -> Predictor:
    learned = fitted.design
    n_stored = max(_FEWEST_STORED, _MOST_STORED // learned.encoding.n_coefficients)
    draws, sds = fitted.posterior.thinned(min(N_STORED_DRAWS, n_stored))
    predictor = Predictor(
        learned.encoding,
        fitted.posterior.mean,
        draws.astype(np.float32 if draws.size > _DOUBLES else float, copy=False),
        sds,
        threshold=costs.threshold,
        response=learned.specification.response.name,
        combinations=incomplete(learned.encoding, fitted.problem.rows),
    )
    covariates = fitted.problem.covariates
    measured = measure_correction(predictor, covariates.thinned(_MOST_CELLS))
    return measure_unseen(measured, covariates.representative(N_ROWS))


def _labels(predictor: Predictor, fitted: Fitted) -> LabelsEvidence:
    """Find where the rows lie beside the threshold, by the probabilities that labels follow."""
    is_corrected = predictor.correction is not None and predictor.correction.active
    p = predictor.probabilities(fitted.problem.outermost, "corrected" if is_corrected else None)
    return LabelsEvidence(predictor.threshold, float(p.min()), float(p.max()))
