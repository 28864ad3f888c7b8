"""What `BayesianLogitModel` hands to the pipeline, the predictor and the artifact, and when it has nothing to."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pandas as pd
import pytest
from serving_cases import ROW, predictor

from data_science import BayesianLogitModel, ModelSpecification, finished_fit, pipeline
from data_science.errors import ArtifactError, DataScienceError, GateError, SettingsError
from data_science.finished_fit import Fit
from data_science.storage import artifact
from tests.held_verdicts import verdict

SUMMARY = ["mean", "sd", "q5", "q50", "q95", "ess_bulk", "ess_tail", "r_hat", "mcse_mean"]
RECORD = {name: float(place) for place, name in enumerate(reversed(SUMMARY))} | {"parameter": "Intercept"}


class Report:
    def to_json(self):
        return {"summary": [RECORD]}


def fitted(seed=1):
    made = predictor(seed=seed)
    return Fit(made, pd.DataFrame({"mean": [seed]}), f"posterior {seed}", Report(), "design", {"seed": seed})


@pytest.fixture
def fits(monkeypatch):
    """What the pipeline was asked for; every fit is another."""
    asked = []

    def fit(*given, **options):
        asked.append((given, options))
        return fitted(seed=len(asked))

    monkeypatch.setattr(pipeline, "fit", fit)
    monkeypatch.setattr(finished_fit, "model_card", lambda _: "a card")
    monkeypatch.setattr(finished_fit, "card_json", lambda _: {"a": "card"})
    monkeypatch.setattr(finished_fit, "_writers", lambda *_: {})
    return asked


def save(folder, seed=1, diagnostics=None):
    return artifact.save(
        folder, predictor=predictor(seed=seed), diagnostics={"summary": [RECORD]} | (diagnostics or {}),
        model_card="", writers={},
        provenance={}, now=datetime.now(UTC),
    )  # fmt: skip


def test_a_fit_is_asked_for_as_the_model_was_made(fits):
    specification = ModelSpecification("label ~ 1")

    report = BayesianLogitModel(specification, seed=7, engine="nested-laplace").fit("frame")
    BayesianLogitModel().fit("other")

    assert isinstance(report, Report)
    assert fits == [
        (("frame", specification), {"settings": None, "seed": 7, "engine": "nested-laplace", "costs": None}),
        (("other", None), {"settings": None, "seed": None, "engine": None, "costs": None}),
    ]


def test_a_fit_is_told_how_many_specifications_were_tried(fits):
    BayesianLogitModel().fit("frame", n_candidates=3)

    assert fits[0][1]["n_candidates"] == 3


def test_what_was_fitted_last_answers_and_is_saved(fits, tmp_path):
    model = BayesianLogitModel()
    model.fit("frame")
    model.fit("frame")

    assert model.summary().loc[0, "mean"] == 2
    assert model.posterior == "posterior 2"
    assert model.fallback is None
    path = model.save(tmp_path)

    assert model.model_version == path.name
    assert artifact.load(path).manifest["provenance"] == {"seed": 2}
    assert (path / "model_card.md").read_text() == "a card"
    assert json.loads((path / "model_card.json").read_text()) == {"a": "card"}
    for _ in range(3):
        model.save(tmp_path, keep=2)
    assert len(list(tmp_path.glob("2*"))) == 2


def test_a_fit_that_is_refused_changes_neither_what_answers_nor_what_is_stored(fits, monkeypatch, tmp_path):
    def refuse(*_, **__):
        raise GateError("r_hat is 1.2")

    model = BayesianLogitModel()
    model.fit("frame")
    path = model.save(tmp_path)
    monkeypatch.setattr(pipeline, "fit", refuse)

    with pytest.raises(GateError):
        model.fit("frame")

    assert model.posterior == "posterior 1"
    assert [version.name for version in tmp_path.glob("2*")] == [path.name]


def test_five_versions_are_kept_unless_another_number_is_asked_for(fits, tmp_path):
    model = BayesianLogitModel()
    model.fit("frame")

    for _ in range(6):
        model.save(tmp_path)

    assert len(list(tmp_path.glob("2*"))) == 5


def test_what_was_loaded_replaces_what_was_fitted_and_the_other_way_round(fits, tmp_path):
    path = save(tmp_path, seed=9)
    model = BayesianLogitModel()
    model.fit("frame")

    model.load(tmp_path)

    assert model.model_version == path.name
    assert model.predict_proba_one(ROW) == predictor(seed=9).predict_proba_one(ROW)
    assert model.summary().loc["Intercept"].to_dict() == {name: RECORD[name] for name in SUMMARY}
    assert list(model.summary().columns) == SUMMARY
    with pytest.raises(ArtifactError, match="nothing to save: this model was loaded, and is already stored"):
        model.save(tmp_path)

    model.fit("frame")
    assert model.posterior == "posterior 2"
    assert model.model is not None
    assert model.predict_proba_one(ROW) == predictor(seed=2).predict_proba_one(ROW)


def test_the_verdict_is_that_of_the_fit_whether_it_was_fitted_or_loaded(monkeypatch, tmp_path):
    told = verdict(form="wrong", n_refitted=2)
    report = SimpleNamespace(verdict=told, to_json=lambda: {"verdict": told.to_json()})
    made = Fit(predictor(), pd.DataFrame(), "posterior", report, "design", {})
    monkeypatch.setattr(pipeline, "fit", lambda *_, **__: made)
    monkeypatch.setattr(finished_fit, "model_card", lambda _: "a card")
    monkeypatch.setattr(finished_fit, "card_json", lambda _: {"a": "card"})
    monkeypatch.setattr(finished_fit, "_writers", lambda *_: {})
    model, loaded = BayesianLogitModel(), BayesianLogitModel()
    with pytest.raises(DataScienceError, match="no parameters yet"):
        _ = model.verdict
    model.fit("frame")

    loaded.load(model.save(tmp_path))

    assert model.verdict is told
    assert loaded.verdict == told


@pytest.mark.parametrize(("stored", "held"), [({}, None), ({"verdict": None}, None)])
def test_a_version_that_is_older_than_verdicts_has_none(stored, held, tmp_path):
    model = BayesianLogitModel()
    model.load(save(tmp_path, diagnostics=stored))

    assert model.verdict is held


@pytest.mark.parametrize("document", [{"features": "add"}, "add", [1], verdict().to_json() | {"clear": 7}])
def test_what_is_no_verdict_is_refused_with_its_file(document, tmp_path):
    model = BayesianLogitModel()
    model.load(save(tmp_path, diagnostics={"verdict": document}))

    with pytest.raises(ArtifactError, match=r"diagnostics\.json holds no verdict .* Train again"):
        _ = model.verdict


def test_a_load_that_fails_leaves_the_model_as_it_was(fits, tmp_path):
    model = BayesianLogitModel()
    model.load(save(tmp_path, seed=9))

    with pytest.raises(ArtifactError):
        model.load(tmp_path / "nowhere")

    assert model.predict_proba_one(ROW) == predictor(seed=9).predict_proba_one(ROW)


def test_a_fallback_is_said(tmp_path):
    old, new = save(tmp_path), save(tmp_path)
    (new / "draws.npz").unlink()
    model = BayesianLogitModel()

    model.load(tmp_path)

    assert model.model_version == old.name
    assert "draws.npz is missing" in model.fallback


def test_without_a_model_everything_says_what_to_call_first():
    model = BayesianLogitModel()

    for ask in (lambda: model.model, lambda: model.predict_one(ROW), model.summary, lambda: model.posterior):
        with pytest.raises(DataScienceError, match=r"Call fit\(dataset\) or load\(model_folder\) first"):
            ask()
    with pytest.raises(ArtifactError, match="was not fitted"):
        model.save("anywhere")
    assert model.fallback is None


def test_a_version_without_a_summary_says_so(tmp_path):
    path = artifact.save(
        tmp_path, predictor=predictor(), diagnostics={}, model_card="", writers={}, provenance={},
        now=datetime.now(UTC),
    )  # fmt: skip
    model = BayesianLogitModel()
    model.load(path)

    with pytest.raises(ArtifactError, match=r"diagnostics\.json has no summary"):
        model.summary()


def test_every_question_is_the_predictors_own(tmp_path):
    model, frame = BayesianLogitModel(), pd.DataFrame([ROW, {**ROW, "scd_a": 0.9}])
    model.load(save(tmp_path))
    own, one = model.model, frame.head(1)

    assert model.predict(one) == own.predict(one)
    assert model.predict_one(ROW) == own.predict_one(ROW)
    assert model.predict_batch(frame).tolist() == own.predict_batch(frame).tolist()
    assert model.predict_probability(one) == own.predict_proba_one(ROW)
    for method in ("plug-in", "posterior", "corrected"):
        assert model.predict_proba(frame, method).tolist() == own.predict_proba(frame, method).tolist()
        assert model.predict_proba_one(ROW, method) == own.predict_proba_one(ROW, method)
    assert model.predict_proba(frame).tolist() == own.predict_proba(frame, "plug-in").tolist()
    for prob in (0.5, 0.95):
        assert model.predict_interval(frame, prob).tolist() == own.predict_interval(frame, prob).tolist()
        assert model.predict_interval_one(ROW, prob) == own.predict_interval_one(ROW, prob)
        (scored,), (expected,) = (list(ask.score_batches([frame], prob)) for ask in (model, own))
        assert scored.interval.tolist() == expected.interval.tolist()
    assert model.predict_interval(frame).tolist() == own.predict_interval(frame, 0.95).tolist()
    assert model.predict_interval_one(ROW) == own.predict_interval_one(ROW, 0.95)
    assert model.explain(ROW) == own.explain(ROW)


def test_a_formula_in_the_place_of_a_specification_is_refused_at_once():
    with pytest.raises(SettingsError, match=r"specification is of type str; expected ModelSpecification"):
        BayesianLogitModel("label ~ x")


@pytest.mark.usefixtures("fits")
def test_an_interval_holds_95_percent_unless_another_share_is_asked_for():
    frame = pd.DataFrame([ROW, ROW | {"scd_a": 0.1}])
    model = BayesianLogitModel()
    model.fit(frame)

    for each in (model, predictor(seed=1)):
        assert each.predict_interval_one(ROW) == each.predict_interval_one(ROW, 0.95)
        assert each.predict_interval(frame).tolist() == each.predict_interval(frame, 0.95).tolist()
        (plain,), (asked,), (other,) = (
            list(each.score_batches([frame], *prob)) for prob in ([], [0.95], [0.5])
        )
        assert plain.interval.tolist() == asked.interval.tolist() != other.interval.tolist()
