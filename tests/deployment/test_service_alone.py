"""The service's parts without a process: turns in a batch, which version answers, and what health says."""

import asyncio
import json
from types import SimpleNamespace

import pytest
from fastapi import Response
from machine_learning_engineering.errors import PredictionLogError

from deployment import model_keeper, predictions
from deployment.health import HealthReport
from deployment.messages import Client, Question, Questions
from deployment.model_keeper import RETRY_S, ModelKeeper
from deployment.predictions import PredictionService
from deployment.problems import Problem
from deployment.served_model import Score, ServedModel


class Model:
    """Answers with the client's own number, and notes how it was asked."""

    version = "v1"

    def __init__(self):
        self.asked = []

    def score(self, features, prob=None, at=""):
        self.asked.append((features, prob, at))
        return Score(int(features["x"] > 0.5), features["x"], None if prob is None else (0.25, prob))

    def unseen(self, _):
        return []


class Log:
    def __init__(self, error=None):
        self.records, self.error = [], error

    async def append_async(self, record):
        if self.error:
            raise self.error
        self.records.append(record)


@pytest.fixture
def service():
    return PredictionService(SimpleNamespace(current=Model()), Log(), max_batch=200)


def question(x=0.7, **asked):
    return Question(idx=5, features={"x": x}, **asked)


def batch(n, **asked):
    return Questions(clients=[Client(idx=i, features={"x": i / n}) for i in range(n)], **asked)


def answered(awaitable):
    return json.loads(asyncio.run(awaitable))


@pytest.mark.parametrize(
    ("n", "turns"), [(1, 0), (2, 0), (3, 0), (49, 0), (50, 1), (99, 1), (100, 2), (101, 2), (150, 3)]
)
def test_a_batch_gives_way_after_every_fifty_clients(service, monkeypatch, n, turns):
    sleeps = []

    async def sleep(seconds):
        sleeps.append(seconds)

    monkeypatch.setattr(predictions.asyncio, "sleep", sleep)

    answered(service.predict_batch(batch(n)))

    assert sleeps == [0] * turns
    assert [record.idx for record in service.log.records] == list(range(n))


def test_a_batch_may_be_as_large_as_the_limit_and_no_larger(service):
    service.max_batch = 3

    assert len(answered(service.predict_batch(batch(3)))["predictions"]) == 3
    with pytest.raises(Problem) as refused:
        asyncio.run(service.predict_batch(batch(4)))
    assert refused.value.status == 413
    assert len(service.log.records) == 3


@pytest.mark.parametrize(
    ("asked", "more"),
    [
        ({}, {}),
        ({"probability": True}, {"probability": 0.7}),
        ({"interval": 0.9}, {"interval": {"prob": 0.9, "lower": 0.25, "upper": 0.9}}),
        (
            {"interval": 0.8, "probability": True},
            {"probability": 0.7, "interval": {"prob": 0.8, "lower": 0.25, "upper": 0.8}},
        ),
    ],
    ids=["label", "probability", "interval", "both"],
)
def test_what_is_asked_for_is_answered_and_what_was_answered_is_on_record(service, asked, more):
    assert answered(service.predict(question(**asked))) == {"label": 1} | more
    one = {"idx": 5, "features": {"x": 0.7}}
    in_batch = answered(service.predict_batch(Questions(clients=[one], **asked)))

    assert in_batch == {"model_version": "v1", "predictions": [{"idx": 5, "label": 1} | more]}
    for record in service.log.records:
        assert (record.idx, record.label, record.features, record.probability, record.model_version) == (
            5, 1, {"x": 0.7}, 0.7, "v1",
        )  # fmt: skip
    assert len(service.log.records) == 2


def test_each_label_has_its_own_answer(service):
    assert [answered(service.predict(question(x)))["label"] for x in (0.1, 0.9)] == [0, 1]


def test_a_client_of_a_batch_is_named_by_its_place(service):
    answered(service.predict_batch(batch(3)))

    assert [at for _, _, at in service.keeper.current.asked] == ["clients.0.", "clients.1.", "clients.2."]


@pytest.mark.parametrize("ask", [lambda to: to.predict(question()), lambda to: to.predict_batch(batch(2))])
def test_what_cannot_be_stored_or_scored_is_not_answered(service, ask):
    service.log.error = PredictionLogError("disk full")
    with pytest.raises(Problem) as refused:
        asyncio.run(ask(service))
    assert refused.value.status == 503

    service.keeper.current = None
    with pytest.raises(Problem) as refused:
        asyncio.run(ask(service))
    assert refused.value.status == 503


class Folder:
    """A models folder whose LATEST can be replaced, a loader that says what is in it, and a clock."""

    def __init__(self, path, monkeypatch):
        self.path, self.loads, self.now, self.holds = path, 0, 1_000.0, None
        monkeypatch.setattr(model_keeper.time, "monotonic", lambda: self.now)
        self.keeper = ModelKeeper(path, 60.0, self.load)

    def load(self, folder):
        assert folder == self.path
        self.loads += 1
        if isinstance(self.holds, Exception):
            raise self.holds
        return self.holds

    def publish(self, holds):
        self.holds = holds
        temporary = self.path / f"new-{self.loads}-{id(holds)}"
        temporary.write_text(str(holds))
        temporary.replace(self.path / "LATEST")

    def look(self, after_s=1.0):
        self.now += after_s
        self.keeper.refresh()
        return self.keeper.current and self.keeper.current.version, self.keeper.problem


@pytest.fixture
def folder(tmp_path, monkeypatch):
    return Folder(tmp_path, monkeypatch)


def test_a_version_is_loaded_once_and_again_when_latest_changes(folder):
    folder.publish(ServedModel(None, "v1"))
    assert folder.look() == ("v1", None)
    assert folder.look(after_s=100) == ("v1", None)
    assert folder.loads == 1

    folder.publish(ServedModel(None, "v2"))
    assert folder.look() == ("v2", None)
    assert folder.loads == 2


def test_the_folder_of_one_version_is_watched_by_its_manifest(folder):
    folder.holds = ServedModel(None, "v1")
    (folder.path / "manifest.json").write_text("{}")
    folder.look()
    (folder.path / "manifest.json").write_text("{ }")
    folder.look()

    assert folder.loads == 2


def test_a_version_that_cannot_be_loaded_leaves_the_old_one_and_is_tried_again_after_a_while(folder, caplog):
    folder.publish(ServedModel(None, "v1"))
    folder.look()
    folder.publish(OSError("broken"))

    assert folder.look() == ("v1", "broken; still serving v1")
    folder.look(after_s=RETRY_S - 0.1)
    assert folder.loads == 2
    folder.look(after_s=0.1)
    assert folder.loads == 3
    assert caplog.messages == ["broken; still serving v1"]

    folder.holds = ServedModel(None, "v2")
    assert folder.look(after_s=RETRY_S) == ("v2", None)


def test_without_any_model_the_reason_is_said_even_if_it_has_no_words(folder):
    folder.holds = OSError()

    assert folder.look() == (None, "OSError(); no model is served")


def test_a_fallback_answers_only_where_nothing_else_does(folder):
    folder.publish(ServedModel(None, "v0", fallback="v1 is damaged"))
    assert folder.look() == ("v0", "v1 is damaged; still serving v0")

    folder.publish(ServedModel(None, "v2"))
    folder.look()
    folder.publish(ServedModel(None, "v0", fallback="v3 is damaged"))
    assert folder.look() == ("v2", "v3 is damaged; still serving v2")


def test_a_keeper_that_was_started_looks_at_once_and_stops(folder):
    folder.publish(ServedModel(None, "v1"))

    folder.keeper.start()
    assert folder.keeper.current.version == "v1"
    assert folder.keeper._thread.daemon
    folder.keeper.stop()

    assert not folder.keeper._thread.is_alive()


@pytest.mark.parametrize("storage", [True, False], ids=["storage", "no storage"])
@pytest.mark.parametrize("problem", [None, "v3 is damaged; still serving v2"], ids=["newest", "older"])
@pytest.mark.parametrize("model", [None, Model()], ids=["no model", "a model"])
def test_ready_is_who_has_a_model_and_can_store_whatever_else_there_is_to_say(
    tmp_path, model, problem, storage
):
    log_folder = tmp_path / "log"
    if not storage:
        log_folder.write_text("a file where a folder is expected")
    response = Response()

    health = HealthReport(SimpleNamespace(current=model, problem=problem), log_folder).both(response)

    assert health.live is True
    assert health.ready == (model is not None and storage)
    assert response.status_code == (200 if health.ready else 503)
    assert health.model_version == (model and "v1")
    assert len(health.problems) == (problem is not None) + (not storage)
    assert (problem in health.problems) == (problem is not None)
