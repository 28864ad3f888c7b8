"""From a question to a recorded answer: score, store, answer; changes with what is answered."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from time import perf_counter
from typing import Any

from machine_learning_engineering.errors import PredictionLogError
from machine_learning_engineering.prediction_log import PredictionLog
from machine_learning_engineering.records import Prediction, plain_features

from deployment.messages import Client, Question, Questions
from deployment.meters import Meters
from deployment.model_keeper import ModelKeeper
from deployment.problems import Problem
from deployment.request_ids import current
from deployment.served_model import Score, ServedModel

logger = logging.getLogger(__name__)

LABEL_ONLY = (b'{"label":0}', b'{"label":1}')
COMPLAIN_S = 60.0  # between two lines that say the same: one per refused request would fill a full disk
CLIENTS_PER_TURN = 50  # clients of a batch scored before other requests get their turn


class PredictionService:
    """The two endpoints; each returns its response's body."""

    def __init__(
        self, keeper: ModelKeeper, log: PredictionLog, max_batch: int, meters: Meters | None = None
    ) -> None:
        self.keeper = keeper
        self.meters = meters or Meters()
        self.log = log
        self.max_batch = max_batch
        self._complaint, self._complained_at = "", 0.0

    async def predict(self, question: Question) -> bytes:
        """Predict the label of one client.

        The prediction is stored durably before it is returned. `probability` and `interval` are returned
        only if asked for.
        """
        model = self._model()
        score = model.score(question.features, question.interval)
        await self._store(_record(model, question, score))
        self._count(model, question, score)
        if question.probability or question.interval is not None:
            return _encode(_answer(score, question))
        return LABEL_ONLY[score.label]

    async def predict_batch(self, questions: Questions) -> bytes:
        """Predict the labels of many clients, all or none.

        All come from one version of the model and are stored durably before they are returned. If one
        client's features are invalid, nothing is predicted or stored, and the error names the client.
        """
        if len(questions.clients) > self.max_batch:
            raise Problem(
                413, f"{len(questions.clients)} clients in one batch; expected at most {self.max_batch}"
            )
        model = self._model()
        records, answers, scores = [], [], []
        for row, client in enumerate(questions.clients):
            if row % CLIENTS_PER_TURN == CLIENTS_PER_TURN - 1:
                await asyncio.sleep(0)
            score = model.score(client.features, questions.interval, f"clients.{row}.")
            records.append(_record(model, client, score))
            scores.append(score)
            answers.append({"idx": client.idx, **_answer(score, questions)})
        await self._store(*records)
        for client, score in zip(questions.clients, scores, strict=True):
            self._count(model, client, score)
        return _encode({"model_version": model.version, "predictions": answers})

    def _model(self) -> ServedModel:
        model = self.keeper.current
        if model is None:
            raise Problem(503, "no model is loaded yet; /health/ready says why. Try again later")
        return model

    async def _store(self, *records: Prediction) -> None:
        began = perf_counter()
        try:
            if len(records) == 1:
                await self.log.append_async(records[0])
            else:
                await asyncio.gather(*(self.log.append_async(record) for record in records))
        except PredictionLogError as error:
            self.meters.append_failures += 1
            self._complain(str(error))
            raise Problem(
                503, "the prediction could not be recorded, so no label was returned. Try again later"
            ) from error
        self.meters.append.add(perf_counter() - began)

    def _count(self, model: ServedModel, client: Client, score: Score) -> None:
        self.meters.predicted(score.label, score.probability)
        if unseen := model.unseen(client.features):
            self.meters.met_unseen(unseen)

    def _complain(self, problem: str) -> None:
        now = time.monotonic()
        if problem != self._complaint or now - self._complained_at >= COMPLAIN_S:
            self._complaint, self._complained_at = problem, now
            logger.error("%s", problem)


def _record(model: ServedModel, client: Client, score: Score) -> Prediction:
    ids = current.get()
    return Prediction(
        client.idx,
        score.label,
        plain_features(client.features),
        score.probability,
        model.version,
        request_id=None if ids is None else ids.name,
        trace_id=None if ids is None else ids.trace,
    )


def _answer(score: Score, asked: Question | Questions) -> dict[str, Any]:
    answer: dict[str, Any] = {"label": score.label}
    if asked.probability:
        answer["probability"] = score.probability
    if score.interval is not None:
        answer["interval"] = {
            "prob": asked.interval,
            "lower": score.interval[0],
            "upper": score.interval[1],
        }
    return answer


def _encode(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
