"""The job, in order: settings → data → design → sample → check → predictor → artifact.

``fit`` is the part without the outside world; ``train`` adds the database and the model folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from xarray import DataTree

from data_science.data.dataset import FEATURE_STORE, Schema
from data_science.data.provenance import Provenance
from data_science.database import feature_store
from data_science.engines.registry import EngineName, FitSettings, OnProgress
from data_science.formula import design, training_data
from data_science.formula.design import Design
from data_science.formula.specification import ModelSpecification
from data_science.judgement.candidates import against_baseline
from data_science.judgement.fitting import Fitted, fit_judged
from data_science.likelihood.fidelity import Compressed, compress_enough
from data_science.prediction.decision import Costs
from data_science.prediction.predictor import Predictor, measure_correction
from data_science.report import Report, model_card
from data_science.settings import Settings
from data_science.stopwatch import Stopwatch
from data_science.storage import artifact
from data_science.storage.version_files import write_durably

N_STORED_DRAWS = 1000  # thinned draws in the artifact, for intervals
_BAMBI_LEVELS = 5_000  # Bambi's memory grows with the square of the levels; beyond, its model is not stored
_MOST_CELLS = 20_000  # cells on which the plug-in's gap is measured


@dataclass(frozen=True)
class Fit:
    """Everything a fit leaves: for prediction, for storage and for the reader."""

    predictor: Predictor
    summary: pd.DataFrame
    posterior: DataTree
    report: Report
    writers: Mapping[str, artifact.Writer]
    provenance: Mapping[str, Any]
    gates_passed: bool

    @property
    def diagnostics(self) -> Mapping[str, Any]:
        """What the gates measured, with JSON types."""
        return self.report.to_json()

    @property
    def model_card(self) -> str:
        """One page for people."""
        return model_card(self.report)


def fit(
    frame: pd.DataFrame,
    specification: ModelSpecification | None = None,
    *,
    seed: int = 1,
    engine: EngineName = "nuts",
    settings: FitSettings | None = None,
    costs: Costs | None = None,
    schema: Schema | None = None,
    source: Provenance | None = None,
    progress: OnProgress = lambda _: None,
    watch: Stopwatch | None = None,
) -> Fit:
    """Fit one specification to one frame.

    Parameters
    ----------
    frame : DataFrame
        One row per observation, response included.
    specification : ModelSpecification, optional
    seed, engine
        Shorthand for the same fields of ``settings``, which they override.
    settings : FitSettings, optional
    costs : Costs, optional
        Of wrong labels; they set the threshold. Default: equal.
    schema : Schema, optional
        Promised types of the columns, for the database path.
    source : Provenance, optional
        Where the rows come from, if a database states it.
    progress : callable, optional
        Called with :class:`data_science.engines.registry.Progress` during sampling, also from another thread.
    watch : Stopwatch, optional
        Where the stages' wall times go.

    Raises
    ------
    SchemaError
        If the frame is not what the specification needs.
    GateError
        If the posterior is not fit to ship.
    """
    specification, watch = specification or ModelSpecification(), watch or Stopwatch()
    settings = replace(settings or FitSettings(), seed=seed, engine=engine)
    with watch.stage("validate"):
        data = training_data.validated(frame, specification, schema)
    with watch.stage("compress"):
        learned = design.learn(specification, data.frame)
        rows = design.encode(learned, data.frame)
        compressed = compress_enough(learned, rows, exact=settings.exact, seed=seed)
    fitted = fit_judged(learned, compressed, settings, progress, watch)
    fitted.verdict.require()
    with watch.stage("compare"):
        compared = against_baseline(learned, fitted.posterior, data.frame, settings)
    with watch.stage("predictor"):
        predictor = _predictor(learned, compressed, fitted, costs or Costs())
    report = Report(
        specification, data, compressed.sentence, fitted.measured, fitted.agreement, fitted.notes,
        compared, fitted.summary, predictor, watch.seconds, source,
    )  # fmt: skip
    provenance = {
        "specification": specification.to_json(),
        "data": {"n_rows": data.n_rows, "base_rate": data.base_rate, "fingerprint": data.fingerprint},
        "settings": asdict(settings),
    }
    if source is not None:
        provenance["sources"] = dict(source.tables)
    writers = _writers(learned, fitted.tree)
    return Fit(predictor, fitted.summary, fitted.tree, report, writers, provenance, fitted.verdict.passed)


def train(settings: Settings, *, progress: OnProgress = lambda _: None) -> tuple[Path, Report]:
    """Wait for feature_store, fit, check and save one model version; return its folder and the report.

    Raises
    ------
    DataScienceError
        On any failure nothing is saved, and the previous model stays.
    """
    watch = Stopwatch()
    with watch.stage("wait and read"):
        frame, source = feature_store.get_dataset_and_provenance(settings.database, settings.wait_timeout_s)
    fitted = fit(
        frame,
        seed=settings.seed,
        engine=settings.engine,
        settings=FitSettings(
            second_opinion=settings.second_opinion,
            exact=settings.exact,
            draws=settings.draws,
            tune=settings.tune,
            chains=settings.chains,
        ),
        costs=Costs(settings.cost_false_positive, settings.cost_false_negative),
        schema=FEATURE_STORE,
        source=source,
        progress=progress,
        watch=watch,
    )
    with watch.stage("save"):
        path = artifact.save(
            settings.model_folder,
            predictor=fitted.predictor,
            diagnostics=fitted.diagnostics,
            model_card=fitted.model_card,
            writers=fitted.writers,
            gates_passed=fitted.gates_passed,
            provenance=fitted.provenance,
            now=datetime.now(UTC),
            keep=settings.keep,
        )
    return path, fitted.report


def _predictor(learned: Design, compressed: Compressed, fitted: Fitted, costs: Costs) -> Predictor:
    draws, sds = fitted.posterior.thinned(N_STORED_DRAWS)
    predictor = Predictor(
        learned.encoding,
        fitted.posterior.coefficients.mean(axis=(0, 1)),
        draws,
        sds,
        threshold=costs.threshold,
        response=learned.specification.response.successes,
    )
    return measure_correction(predictor, design.decode(learned, compressed.cells, _MOST_CELLS))


def _writers(learned: Design, tree: DataTree) -> dict[str, artifact.Writer]:
    def write_bambi_model(path: Path) -> None:
        from data_science.formula import bambi_model  # only NUTS has paid for importing Bambi by now

        bambi_model.write(bambi_model.build(learned), path)

    def write_posterior(path: Path) -> None:
        # Built in memory: on a full disk, HDF5 that writes to it ends the process by a segmentation fault.
        write_durably(path, bytes(tree.to_netcdf(engine="h5netcdf")))

    writers: dict[str, artifact.Writer] = {"posterior.nc": write_posterior}
    if max((len(factor.levels) for factor in learned.encoding.factors), default=0) <= _BAMBI_LEVELS:
        writers["bambi_model.cloudpickle"] = write_bambi_model
    return writers
