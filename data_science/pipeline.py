"""The job from the rows on, in order: data → design → sample → check → predictor → artifact.

``fit`` is the part without the outside world; ``train`` adds the settings and the model folder.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits
from xarray import DataTree

from data_science.attempts import fit_judged
from data_science.data.dataset import FEATURE_STORE, Schema
from data_science.data.provenance import Provenance
from data_science.data.summary import DataSummary
from data_science.engines.posterior import fewer_draws
from data_science.engines.registry import OnProgress, Progress
from data_science.errors import require_instance
from data_science.evaluation.candidates import against_baseline
from data_science.evaluation.evidence_of import evidence_of
from data_science.evaluation.performance import performance
from data_science.fitting.posterior_on import Fitted, posed
from data_science.formula.design import Design
from data_science.formula.specification import ModelSpecification
from data_science.judgement.verdict import decide
from data_science.prediction.combinations import incomplete
from data_science.prediction.measured import measure_correction, measure_unseen
from data_science.prediction.predictor import Predictor
from data_science.prediction.unseen import N_ROWS
from data_science.progress import Stopwatch
from data_science.report.card import card_json, model_card
from data_science.report.summary import Report
from data_science.report.verdict import phrased, trouble
from data_science.settings.fit import Costs, FitSettings, resolved
from data_science.settings.job import Settings
from data_science.storage import artifact
from data_science.storage.version_files import write_durably
from data_science.storage.versions import Role
from data_science.warehouse import training_door

log = logging.getLogger(__name__)
CARD = "model_card.json"  # the card for machines, beside that for people
N_STORED_DRAWS = 1000  # thinned draws in the artifact, for intervals
_MOST_STORED, _FEWEST_STORED = 10_000_000, 200  # of single coefficients; of draws, whatever their number
_DOUBLES = 2_000_000  # of them, stored; more are stored in single precision
_MOST_IN_FILE = 20_000_000  # numbers in posterior.nc: 160 MB
_BAMBI_LEVELS = 5_000  # Bambi's memory grows with the square of the levels; beyond, its model is not stored
_MOST_CELLS = 20_000  # cells on which the plug-in's gap is measured


@dataclass(frozen=True)
class Fit:
    """Everything a fit leaves: for prediction, for storage and for the reader."""

    predictor: Predictor
    summary: pd.DataFrame
    posterior: DataTree
    report: Report
    design: Design
    provenance: Mapping[str, Any]

    @property
    def diagnostics(self) -> Mapping[str, Any]:
        """What the gates measured, with JSON types."""
        return self.report.to_json()

    @property
    def model_card(self) -> str:
        """One page for people."""
        return model_card(self.report)

    def _write_card(self, path: Path) -> None:
        """Write the card for machines."""
        write_durably(path, json.dumps(card_json(self.report), ensure_ascii=False, indent=1).encode())

    def save(self, folder: str | Path, *, keep: int = 5, role: Role | None = None, why: str = "") -> Path:
        """Store this as a new version and return its folder; a fit that failed its gates is no `Fit`.

        Role and reason are those of `data_science.storage.versions.publish`.

        Raises
        ------
        ArtifactError
            If the folder cannot be written.
        """
        return artifact.save(
            folder,
            predictor=self.predictor,
            diagnostics=self.diagnostics,
            model_card=self.model_card,
            writers={**_writers(self.design, self.posterior), CARD: self._write_card},
            provenance=self.provenance,
            now=datetime.now(UTC),
            keep=keep,
            role=role,
            why=why,
        )


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
    progress : callable, optional
        Called with :class:`data_science.engines.registry.Progress` during sampling, also from another thread.
    watch : Stopwatch, optional
        Receives the stages' wall times.

    Raises
    ------
    SettingsError
        If ``seed`` or ``engine`` contradicts ``settings``, or an argument is not of its type.
    SchemaError
        If the frame is not what the specification needs.
    GateError
        If the fit failed its checks.
    """
    specification, watch = specification or ModelSpecification(), watch or Stopwatch()
    settings, costs = resolved(settings, seed=seed, engine=engine), Costs() if costs is None else costs
    require_instance("costs", costs, Costs)  # now, not after the fit
    with threadpool_limits(1):  # vectors of rows and matrices of order ten: BLAS threads wait for each other
        return _fit(frame, specification, settings, costs, schema, source, owner, progress, watch)


def _fit(
    frame: pd.DataFrame,
    specification: ModelSpecification,
    settings: FitSettings,
    costs: Costs,
    schema: Schema | None,
    source: Provenance | None,
    owner: str | None,
    progress: OnProgress,
    watch: Stopwatch,
) -> Fit:
    progress(Progress(settings.engine, 0, settings.chains * settings.draws))  # draws may be long in coming
    with watch.stage("validate"):
        data = training_door.validated(frame, specification, schema, settings)
    with watch.stage("compress"):
        problem = posed(data.frame, specification, settings)
    attempt = fit_judged(problem.design, problem.compressed, settings, progress, watch)
    attempt.admission.require()
    fitted = Fitted(replace(problem, compressed=attempt.compressed), attempt.posterior, attempt.notes)
    with watch.stage("compare"):
        compared = against_baseline(fitted, data.frame, settings)
    with watch.stage("verdict"):
        measured = evidence_of(fitted, compared, settings.seed)
        verdict = phrased(decide(measured, None if source is None else source.tables))
        fares = performance(compared, fitted.design.encoding)
    for said in trouble(verdict).values():
        log.warning("%s", said)
    with watch.stage("predictor"):
        predictor = _predictor(fitted, costs)
    about = DataSummary(data.n_rows, data.base_rate, data.fingerprint)
    report = Report(
        specification, about, attempt.compressed.sentence, attempt.measured, attempt.agreement, attempt.notes,
        compared, verdict, attempt.summary, predictor, dict(watch.seconds), source, fares,
        owner,
    )  # fmt: skip
    provenance = {
        "specification": specification.to_json(),
        "data": asdict(about),
        "settings": asdict(attempt.settings),
    }
    if source is not None:
        provenance["sources"] = dict(source.tables)
    return Fit(predictor, attempt.summary, attempt.tree, report, problem.design, provenance)


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


def _writers(learned: Design, tree: DataTree) -> dict[str, artifact.Writer]:
    def write_bambi_model(path: Path) -> None:
        from data_science.formula import bambi_model  # only NUTS has paid for importing Bambi by now

        bambi_model.write(bambi_model.build(learned), path)

    def write_posterior(path: Path) -> None:
        # Built in memory: on a full disk, HDF5 that writes to it ends the process by a segmentation fault.
        write_durably(path, bytes(fewer_draws(tree, _MOST_IN_FILE).to_netcdf(engine="h5netcdf")))

    writers: dict[str, artifact.Writer] = {"posterior.nc": write_posterior}
    if max((len(factor.levels) for factor in learned.encoding.factors), default=0) <= _BAMBI_LEVELS:
        writers["bambi_model.cloudpickle"] = write_bambi_model
    return writers
