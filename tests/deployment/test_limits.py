"""Bounds of settings and bodies at their ends, problems in words, and the schema of a model's features."""

import asyncio
import json
from dataclasses import replace
from http import HTTPStatus
from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError
from small_models import ATTR_A, predictor

from data_science.formula.encoding import Encoding, Factor, Term
from data_science.prediction.correction import Correction
from data_science.prediction.predictor import Predictor
from deployment.direct_route import BodyLimits, ShortCut, read_body, send_problem
from deployment.feature_schema import feature_schema
from deployment.messages import Questions
from deployment.meters import Meters
from deployment.problems import Problem, invalid_body, invalid_field
from deployment.request_ids import RequestIds
from deployment.responses import Responses
from deployment.served_model import ServedModel
from deployment.settings import Settings, SettingsError

COUNTS = {"PORT": 65_535, "MAX_BODY_BYTES": 2**30, "MAX_BATCH": 10**6}
SECONDS = ["BODY_TIMEOUT_S", "MODEL_POLL_S", "SHUTDOWN_TIMEOUT_S"]


@pytest.mark.parametrize(("name", "largest"), COUNTS.items(), ids=COUNTS)
def test_a_count_lies_between_one_and_its_limit(name, largest):
    for value in (1, largest):
        assert getattr(Settings.read({name: str(value)}), name.lower()) == value
    for value in (0, largest + 1, "1.0", "1_0", "9" * 12, " 1"):
        with pytest.raises(
            SettingsError, match=f"{name} is '{value}'; expected a whole number from 1 to {largest}"
        ):
            Settings.read({name: str(value)})


@pytest.mark.parametrize("name", SECONDS)
def test_seconds_are_more_than_none_and_at_most_a_day(name):
    for value in (0.001, 86_400):
        assert getattr(Settings.read({name: str(value)}), name.lower()) == value
    for value in ("0", "-1", "86400.1", "nan", "inf", "soon"):
        with pytest.raises(SettingsError, match=f"{name} is '{value}'; expected seconds"):
            Settings.read({name: value})


def test_the_defaults_are_those_that_are_documented():
    found = Settings.read({})

    assert (found.host, found.port, found.max_body_bytes, found.max_batch) == (
        "0.0.0.0",
        5000,
        1_048_576,
        1000,
    )
    assert (found.body_timeout_s, found.model_poll_s, found.shutdown_timeout_s) == (10.0, 1.0, 30.0)


def received(pieces, headers=(), limits=None):
    """Return what `read_body` makes of a body that comes in pieces."""
    messages = [
        {"type": "http.request", "body": piece, "more_body": place < len(pieces) - 1}
        if piece is not None
        else {"type": "http.disconnect"}
        for place, piece in enumerate(pieces)
    ]

    async def receive():
        return messages.pop(0) if messages else await asyncio.sleep(60)

    return asyncio.run(read_body({"headers": list(headers)}, receive, limits or BodyLimits(6, 5.0)))


@pytest.mark.parametrize("pieces", [[b"123456"], [b"123", b"456"], [b"", b"123456", b""]])
def test_a_body_is_read_whole_up_to_the_limit(pieces):
    assert received(pieces, [(b"content-length", b"6"), (b"x", b"7")]) == b"123456"


def test_a_client_that_goes_leaves_no_body():
    assert received([b"12", None]) is None


@pytest.mark.parametrize(
    ("pieces", "headers", "said"),
    [([b"1234567"], (), 7), ([b"1234", b"5678", b"9"], (), 8), ([b"1"], [(b"content-length", b"9")], 9)],
    ids=["at once", "in pieces", "announced"],
)
def test_a_body_over_the_limit_is_refused_as_soon_as_it_is_known(pieces, headers, said):
    with pytest.raises(Problem) as refused:
        received(pieces, headers)

    assert refused.value.status == 413
    assert f"at least {said} bytes; expected at most 6" in refused.value.detail


def test_a_body_that_does_not_come_in_time_is_refused():
    with pytest.raises(Problem) as refused:
        received([], limits=BodyLimits(6, 0.01))

    assert (refused.value.status, refused.value.detail) == (408, "the body did not arrive within 0.01 s")


def test_a_problem_is_sent_as_a_document_with_its_own_status_and_length():
    sent = []

    async def send(message):
        sent.append(message)

    ids = RequestIds(b"abc", None)
    asyncio.run(send_problem(send, Problem(413, "too large", [{"field": "a", "detail": "b"}]), ids))

    start, body = sent
    assert start["status"] == 413
    assert dict(start["headers"]) == {
        b"content-type": b"application/problem+json",
        b"content-length": str(len(body["body"])).encode(),
        b"x-request-id": b"abc",
    }
    assert json.loads(body["body"]) == {
        "title": HTTPStatus(413).phrase,
        "status": 413,
        "detail": "too large",
        "errors": [{"field": "a", "detail": "b"}],
        "request_id": "abc",
    }


@pytest.mark.parametrize(
    ("scope", "taken"),
    [
        ({"type": "http", "method": "POST", "path": "/predict"}, "route"),
        ({"type": "http", "method": "GET", "path": "/predict"}, "app"),
        ({"type": "http", "method": "POST", "path": "/health"}, "app"),
        ({"type": "lifespan"}, "app"),
    ],
)
def test_only_posts_to_direct_routes_take_the_short_cut(scope, taken):
    took = []

    async def app(*_):
        took.append("app")

    async def handle(*_):
        took.append("route")

    short_cut = ShortCut(app, {"/predict": SimpleNamespace(handle=handle)}, Responses(Meters()))
    asyncio.run(short_cut(scope | {"headers": []}, None, None))

    assert took == [taken]


def refused(document):
    with pytest.raises(ValidationError) as caught:
        Questions.model_validate(document)
    return invalid_body(caught.value)


@pytest.mark.parametrize(("n", "shown"), [(1, 1), (20, 20), (21, 20)])
def test_faults_are_counted_and_the_first_twenty_named(n, shown):
    problem = refused({"clients": [{"idx": "x", "features": {}}] * n})

    assert problem.status == 422
    assert problem.detail == ("1 field is invalid" if n == 1 else f"{n} fields are invalid")
    assert [one["field"] for one in problem.errors] == [f"clients.{row}.idx" for row in range(shown)]
    assert problem.errors[0]["detail"].endswith("; got 'x'")


@pytest.mark.parametrize(
    ("document", "field"), [({}, "clients"), ({"clients": []}, "clients"), ([], "body")], ids=repr
)
def test_a_fault_names_its_field_and_shows_no_whole_body(document, field):
    (one,) = refused(document).errors

    assert one["field"] == field
    assert ("; got" in one["detail"]) == (field == "body")


def test_the_problem_of_one_field_is_said_like_those_of_several():
    problem = invalid_field("features.a", "a is missing")

    assert (problem.status, problem.detail) == (422, "1 field is invalid")
    assert problem.errors == [{"field": "features.a", "detail": "a is missing"}]


def served(model):
    return SimpleNamespace(model=SimpleNamespace(model=model), version="v1")


def test_the_schema_is_that_of_the_columns_that_the_model_reads():
    schema = feature_schema(served(predictor()))

    assert schema["required"] == list(schema["properties"]) == ["attr_a", "attr_b", "scd_a", "scd_b"]
    assert schema["additionalProperties"] is True
    assert "v1" in schema["description"]
    assert schema["properties"]["scd_a"] == {"type": ["number", "boolean"], "description": "Numeric."}
    assert schema["properties"]["attr_a"] == {
        "type": ["integer", "boolean"],
        "description": "Levels seen in training: 1, 2, 3, 4, 5; others get the population effect.",
    }
    assert schema["properties"]["attr_b"]["type"] == "string"


def test_where_unseen_levels_are_refused_the_seen_ones_are_listed():
    schema = feature_schema(served(predictor(unseen="refuse")))["properties"]["attr_a"]

    assert schema["enum"] == list(ATTR_A.levels)
    assert schema["description"].endswith("; others are refused.")


@pytest.mark.parametrize(("n_levels", "more"), [(20, ""), (21, ", ...")])
def test_at_most_twenty_levels_are_shown(n_levels, more):
    encoding = Encoding((Term("Intercept"), Term("1|a", groups=(Factor("a", tuple(range(n_levels))),))))
    model = Predictor(encoding, np.zeros(n_levels + 1), np.zeros((2, n_levels + 1)), np.ones((2, 1)))

    described = feature_schema(served(model))["properties"]["a"]["description"]

    assert described == (
        f"Levels seen in training: {', '.join(map(str, range(20)))}{more}; others get the population effect."
    )


class Answering:
    """A model that says what it is told to."""

    def __init__(self, probability, interval=(0.1, 0.2)):
        self.predict_one = lambda features: 0
        self.predict_proba_one = lambda features: probability
        self.predict_interval_one = lambda features, prob: interval


NAN = float("nan")


@pytest.mark.parametrize("probability", [NAN, float("inf"), -1e-9, 1 + 1e-9])
@pytest.mark.parametrize("prob", [None, 0.9])
def test_a_label_whose_probability_is_none_is_never_answered(probability, prob):
    with pytest.raises(Problem) as refused:
        ServedModel(Answering(probability), "v1").score({}, prob, "clients.3.")

    assert refused.value.status == 422
    assert refused.value.errors[0]["field"] == "clients.3.features"
    assert "the model gives no probability for these values" in refused.value.errors[0]["detail"]


@pytest.mark.parametrize(
    "interval", [(NAN, NAN), (0.1, NAN), (NAN, 0.1), (0.2, 0.1), (-0.1, 0.5), (0.5, 1.1)]
)
def test_an_interval_that_is_none_is_never_answered(interval):
    model = ServedModel(Answering(0.5, interval), "v1")

    assert model.score({}).probability == 0.5
    with pytest.raises(Problem, match="invalid"):
        model.score({}, 0.9)


@pytest.mark.parametrize("probability", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("interval", [(0.0, 0.0), (0.0, 1.0), (0.5, 0.5), (1.0, 1.0)])
def test_probabilities_at_their_ends_and_intervals_of_one_value_are_answered(probability, interval):
    score = ServedModel(Answering(probability, interval), "v1").score({}, 0.9)

    assert (score.probability, score.interval) == (probability, interval)


@pytest.mark.parametrize("value", [1e150, 1e154, 1e155, 1e200, -1e300, 1.7e308])
@pytest.mark.parametrize(
    "covariance", [np.eye(12), -np.eye(12), np.full((12, 12), 1e308)], ids=["", "negative", "huge"]
)
def test_a_corrected_label_of_numbers_beyond_measure_has_a_probability_or_is_refused(value, covariance):
    found = replace(predictor(), correction=Correction(0.1, 0.005, covariance))
    served = ServedModel(found, "v1")
    features = {"attr_a": 1, "attr_b": "c", "scd_a": value, "scd_b": 3}

    try:
        score, problem = served.score(features), None
    except Problem as refused:
        score, problem = None, refused

    if problem is None:
        assert score.label == (found.predict_proba_one(features, "corrected") > 0.5)
    else:
        assert problem.status == 422
        assert "too large to score" in problem.errors[0]["detail"]
