"""What is asked, answered and put on record."""

import math
from dataclasses import replace

import pandas as pd
import pytest
from machine_learning_engineering.reading import read_predictions
from running_service import FEATURES, PUBLISHED
from small_models import store

from data_science import BayesianLogitModel


def test_the_published_request_gets_the_label_and_nothing_else(service):
    response = service.post("/predict", PUBLISHED)

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.content == b'{"label":0}'


def test_the_label_is_1_where_the_model_says_so(start, tmp_path):
    store(tmp_path / "models", intercept=4.0)

    assert start().post("/predict", PUBLISHED).json() == {"label": 1}


def test_probability_and_interval_are_the_models_own(service):
    model = BayesianLogitModel()
    model.load(service.stderr_path.parent / "models")
    lower, upper = model.predict_interval(pd.DataFrame([FEATURES]), 0.9)[0]

    answer = service.post("/predict", {**PUBLISHED, "probability": True, "interval": 0.9}).json()

    assert answer["label"] == model.predict(pd.DataFrame([FEATURES]))
    assert answer["probability"] == pytest.approx(model.predict_proba(pd.DataFrame([FEATURES]))[0], rel=1e-12)
    assert answer["interval"]["prob"] == 0.9
    assert answer["interval"]["lower"] == pytest.approx(lower, rel=1e-12)
    assert answer["interval"]["upper"] == pytest.approx(upper, rel=1e-12)


@pytest.mark.parametrize(
    "features",
    [
        {**FEATURES, "attr_a": 1.0, "attr_b": "c "},
        dict(reversed(FEATURES.items())),
        {**FEATURES, "label": 1, "idx": 3, "note": {"any": ["thing", None]}},
    ],
    ids=["integer as float, padded text", "another order", "more columns"],
)
def test_other_ways_to_write_the_same_row_are_the_same_row(service, features):
    asked = {"idx": 1, "features": features, "probability": True}

    assert (
        service.post("/predict", asked).json()
        == service.post("/predict", {**PUBLISHED, "probability": True}).json()
    )


def test_an_unseen_group_gets_the_population_effect(service):
    unseen = {"idx": 1, "features": {**FEATURES, "attr_a": 99}, "probability": True}

    answer = service.post("/predict", unseen).json()

    # Intercept, slopes at 0.55 and 3, level c of attr_b, and nothing for attr_a: see small_models.
    logit = -2.0 + 0.2 * 0.55 - 0.1 * 3 - 0.1
    assert answer["probability"] == pytest.approx(1 / (1 + math.exp(-logit)), rel=1e-12)
    assert answer["label"] == 0


def test_a_batch_is_answered_in_order_by_one_version(service):
    clients = [{"idx": 100 + row, "features": {**FEATURES, "scd_a": row / 100}} for row in range(100)]

    answer = service.post("/predict/batch", {"clients": clients, "probability": True, "interval": 0.5}).json()

    assert answer["model_version"] == service.version()
    assert [one["idx"] for one in answer["predictions"]] == [client["idx"] for client in clients]
    for client, one in zip(clients, answer["predictions"], strict=True):
        alone = service.post("/predict", {**client, "probability": True, "interval": 0.5}).json()
        assert {"idx": client["idx"], **alone} == one


def test_a_batch_with_one_bad_row_is_refused_whole_and_nothing_is_recorded(service):
    before = len(service.logged().predictions)
    clients = [PUBLISHED, {"idx": 7, "features": {**FEATURES, "scd_a": None}}]

    refused = service.post("/predict/batch", {"clients": clients})

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "clients.1.features.scd_a"
    assert len(service.logged().predictions) == before


def test_the_record_is_the_one_that_predict_with_logging_makes(start, tmp_path, monkeypatch):
    store(tmp_path / "models")
    running = start()
    running.post("/predict", PUBLISHED)
    running.post("/predict/batch", {"clients": [PUBLISHED, PUBLISHED]})
    monkeypatch.setenv("MLE_STORAGE", str(tmp_path / "other_log"))
    model = BayesianLogitModel()
    model.load(tmp_path / "models")

    model.predict_with_logging(150000, pd.DataFrame([FEATURES]))

    model.prediction_log.close()
    by_service = running.logged().predictions
    (expected,) = read_predictions(tmp_path / "other_log").predictions
    assert len(by_service) == 3
    for record in by_service:
        assert record.request_id
        assert replace(record, at=expected.at, request_id=None) == expected


def test_the_service_never_loads_what_serving_does_not_need(service):
    service.post("/predict", {**PUBLISHED, "probability": True, "interval": 0.9})

    loaded = service.process_maps().lower()

    assert "numpy" in loaded
    for package in ("pandas", "scipy", "pymc", "pytensor", "sqlalchemy", "pyarrow"):
        assert f"/{package}" not in loaded
