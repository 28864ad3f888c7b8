"""Every setting of a run reaches what it is for, and a fit hands on what it was given."""

import gc
import weakref
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_science import BayesianLogitModel, finished_fit, pipeline
from data_science.data.dataset import FEATURE_STORE
from data_science.engines.registry import FitSettings
from data_science.errors import GateError, SchemaError, SettingsError
from data_science.formula import training_data
from data_science.formula.specification import ModelSpecification
from data_science.progress import Stopwatch
from data_science.settings import Settings
from data_science.settings.fit import Costs
from data_science.storage import artifact, layout
from data_science.storage.references import read_reference

# Each differs from its default and from all others, so that two exchanged ones are told apart.
CONSUMED = {
    "model_folder": (Path("elsewhere"), "save.folder"),
    "keep": (3, "save.keep"),
    "engine": ("nested-laplace", "fit.settings.engine"),
    "second_opinion": (False, "fit.settings.second_opinion"),
    "exact": (True, "fit.settings.exact"),
    "seed": (11, "fit.settings.seed"),
    "draws": (12, "fit.settings.draws"),
    "tune": (13, "fit.settings.tune"),
    "chains": (14, "fit.settings.chains"),
    "cost_false_positive": (2.0, "fit.costs.false_positive"),
    "cost_false_negative": (18.0, "fit.costs.false_negative"),
    "owner": ("the analysts", "fit.owner"),
}
ELSEWHERE = {
    "database",
    "wait_timeout_s",
    "stand_in",
    "book_cache",
    "source",
}  # main.py's (tests/unit/cli) and the book's
ONLY_EFFECT = ModelSpecification("label ~ 1 + scd_a")
QUICK = FitSettings("nested-laplace", draws=150, second_opinion=False)


def flat(prefix, values):
    return {f"{prefix}.{name}": value for name, value in values.items()}


def of(record):
    return {field.name: getattr(record, field.name) for field in fields(record)}


@pytest.fixture
def consumed(monkeypatch):
    """Return a function that runs the job without reading, fitting or saving, and tells what each was given."""

    def run(settings):
        seen = {}

        def fit(frame, **given):
            seen.update(flat("fit", {"frame": frame, **given}))
            seen.update(flat("fit.settings", of(given["settings"])) | flat("fit.costs", of(given["costs"])))
            return fitted

        def save(folder, **given):
            seen.update(flat("save", {"folder": folder, **given}))
            return "path"

        monkeypatch.setattr(pipeline, "fit", fit)
        monkeypatch.setattr(artifact, "save", save)
        assert pipeline.train("frame", settings, source="source") == ("path", fitted.report)
        return seen

    fitted = finished_fit.Fit("predictor", "summary", "tree", StandInReport(), "design", "provenance")
    monkeypatch.setattr(finished_fit, "model_card", lambda report: f"card of {report.name}")
    monkeypatch.setattr(finished_fit, "_writers", lambda *of: {"of": of})
    return run


class StandInReport:
    name = "the report"

    def to_json(self):
        return {"measured": 1}


def test_every_setting_is_consumed_somewhere():
    assert {field.name for field in fields(Settings)} == CONSUMED.keys() | ELSEWHERE


@pytest.mark.parametrize("name", CONSUMED)
def test_a_setting_reaches_its_consumer(consumed, name):
    value, place = CONSUMED[name]

    assert consumed(Settings())[place] == getattr(Settings(), name)
    assert consumed(replace(Settings(), **{name: value}))[place] == value


def test_all_settings_at_once_reach_each_its_own_consumer(consumed):
    seen = consumed(Settings(**{name: value for name, (value, _) in CONSUMED.items()}))

    assert {name: seen[place] for name, (_, place) in CONSUMED.items()} == {
        name: value for name, (value, _) in CONSUMED.items()
    }


def test_the_rows_are_fitted_as_promised_by_the_contract_and_what_was_fitted_is_saved(consumed):
    seen = consumed(Settings())

    assert (seen["fit.frame"], seen["fit.schema"], seen["fit.source"]) == ("frame", FEATURE_STORE, "source")
    assert set(seen["fit.watch"].seconds) == {"save"}
    assert {
        name: seen[f"save.{name}"]
        for name in ("predictor", "diagnostics", "model_card", "writers", "provenance")
    } == {
        "predictor": "predictor",
        "diagnostics": {"measured": 1},
        "model_card": "card of the report",
        "writers": {"of": ("design", "tree"), "model_card.json": seen["save.writers"]["model_card.json"]},
        "provenance": "provenance",
    }
    assert seen["save.now"].utcoffset().total_seconds() == 0


def clients(n, seed=1):
    """Return rows of feature_store without signal."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "idx": np.arange(n),
            "attr_a": rng.integers(1, 6, n),
            "attr_b": rng.choice(list("abcd"), n),
            "scd_a": rng.random(n),
            "scd_b": rng.integers(1, 6, n),
            "label": (np.arange(n) % 4 == 0).astype(int),
        }
    )


def fit(frame, specification=ONLY_EFFECT, **given):
    return pipeline.fit(frame, specification, **{"settings": QUICK} | given)


@pytest.fixture(scope="module")
def few():
    """A fit of few rows, with costs."""
    return fit(clients(40), settings=replace(QUICK, exact=True, seed=5), costs=Costs(1, 9))


def test_the_job_stores_its_decision_and_keeps_as_many_versions_as_it_was_told(monkeypatch, tmp_path):
    monkeypatch.setattr(finished_fit, "_writers", lambda *_: {})  # Bambi's model takes seconds to import
    settings = Settings(
        engine="nested-laplace", draws=400, keep=2, model_folder=tmp_path,
        cost_false_positive=1, cost_false_negative=9, exact=True,
    )  # fmt: skip

    for _ in range(3):
        path, report = pipeline.train(clients(60), settings)

    assert artifact.load(path).predictor.threshold == pytest.approx(0.1)
    assert len(layout.listed(tmp_path)) == 2
    assert "exact=True" in report.compression
    assert artifact.load(path).diagnostics["diagnostics"]["n_draws"] == 400
    assert read_reference(path)["rows"] == 60


def test_costs_set_the_threshold_and_none_means_equal_ones(few):
    assert few.predictor.threshold == pytest.approx(0.1)
    assert fit(clients(40)).predictor.threshold == 0.5
    corrected = few.predictor.predict_proba(clients(40), "corrected")
    assert few.report.verdict.labels == pytest.approx(
        {"threshold": 0.1, "lowest": corrected.min(), "highest": corrected.max()}
    )


def test_how_many_specifications_were_tried_is_held_stored_and_said_of_the_fit():
    made = fit(clients(40), n_candidates=3)

    assert made.diagnostics["verdict"]["n_candidates"] == 3
    assert "of 3 candidates, which the limit allows for" in made.report.what_features_add
    assert "The verdict allows for 3 formulas that were tried on these rows." in made.model_card
    for wrong in (0, 2.0, None):
        with pytest.raises(SettingsError, match=r"n_candidates is .*; expected how many .* at least 1"):
            fit(clients(40), n_candidates=wrong)


def test_a_fit_of_which_nothing_is_said_counts_as_the_only_one(few):
    assert few.report.verdict.n_candidates == 1
    assert "as the only one that was tried on these rows" in few.model_card


def test_a_report_keeps_its_times_while_the_watch_runs_on():
    watch = Stopwatch()
    report = fit(clients(40), watch=watch).report
    before = dict(report.seconds)

    with watch.stage("another"):
        pass

    assert report.seconds == before
    assert "another" in watch.seconds


def test_a_gap_that_matters_is_measured_on_the_training_rows_and_corrected_for(few):
    predictor, frame = few.predictor, clients(40)

    gap = np.abs(predictor.predict_proba(frame) - predictor.predict_proba(frame, "posterior")).max()
    assert predictor.correction.gap == pytest.approx(gap, rel=1e-9)
    assert predictor.correction.active
    assert "labels use the corrected ones" in few.report.sentences["Plug-in"]


def test_the_predictor_takes_posterior_means_and_a_thousand_draws(few):
    draws = few.posterior["posterior"]

    assert few.predictor.coefficients[1] == pytest.approx(float(draws["scd_a"].mean()), rel=1e-12)
    assert few.predictor.draws.shape == (600, 2)
    assert fit(clients(40), settings=replace(QUICK, draws=300, seed=5)).predictor.draws.shape == (1000, 2)
    assert few.predictor.response == "label"


def test_what_was_fitted_and_how_is_on_record(few):
    provenance = few.provenance

    assert provenance["specification"] == ONLY_EFFECT.to_json()
    assert provenance["data"] == {
        "n_rows": 40,
        "base_rate": 0.25,
        "fingerprint": few.report.dataset.fingerprint,
    }
    assert provenance["settings"]["seed"] == 5
    assert provenance["settings"]["engine"] == "nested-laplace"
    assert provenance["settings"]["draws"] == 150
    assert few.diagnostics == few.report.to_json()


def test_what_training_saw_is_kept_of_the_models_columns_and_the_mle_team_is_given_it(few):
    counts = few.reference["columns"]

    assert list(counts) == ["scd_a"]
    assert sum(counts["scd_a"]["counts"]) == sum(few.reference["logit"]["counts"]) == 40
    assert few.reference["label_share"] == few.predictor.predict_batch(clients(40)).mean()
    model = BayesianLogitModel()
    model._held = few
    assert model.input_reference() == counts


def test_a_promised_type_is_required_only_where_it_was_promised():
    frame = clients(40).assign(attr_a=lambda rows: rows["attr_a"].map(str))
    by_level = ModelSpecification("label ~ 1 + (1 | attr_a)")

    with pytest.raises(SchemaError, match="attr_a"):
        fit(frame, by_level, schema=FEATURE_STORE)

    assert pipeline.training_door.validated(frame, by_level, None).n_rows == 40


def test_a_fit_that_is_not_fit_to_ship_is_refused_before_anything_is_compared(monkeypatch):
    monkeypatch.setattr(pipeline, "against_baseline", lambda *_: pytest.fail("compared"))

    with pytest.raises(GateError, match="ESS"):
        fit(clients(40), settings=replace(QUICK, draws=20))


def test_every_stage_is_timed(few):
    assert list(few.report.seconds) == [
        "validate", "compress", "nested-laplace", "diagnostics", "compare", "verdict", "predictor",
    ]  # fmt: skip


@pytest.mark.parametrize(("n_levels", "stored"), [(5_000, True), (5_001, False)])
def test_bambis_own_model_is_left_out_where_its_memory_would_explode(n_levels, stored):
    class Factor:
        levels = range(n_levels)

    class Learned:
        class encoding:  # noqa: N801 - an attribute's name
            factors = (Factor,)

    writers = finished_fit._writers(Learned, None)

    assert ("bambi_model.cloudpickle" in writers) == stored
    assert "posterior.nc" in writers


def test_a_model_without_factors_is_stored_with_bambis(few):
    assert set(finished_fit._writers(few.design, few.posterior)) == {
        "posterior.nc",
        "bambi_model.cloudpickle",
    }


def test_a_fitted_model_keeps_no_row_of_its_training_data_alive(monkeypatch):
    frames, validate = [], training_data.validated

    def validated(frame, *given):
        data = validate(frame, *given)
        frames.extend(map(weakref.ref, (frame, data.frame)))
        return data

    monkeypatch.setattr(training_data, "validated", validated)
    model = BayesianLogitModel(ONLY_EFFECT, settings=QUICK)

    report = model.fit(clients(40))
    gc.collect()

    assert [frame() for frame in frames] == [None, None]
    assert report.dataset.n_rows == 40
