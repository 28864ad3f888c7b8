"""The parts put together: routes, model, log, start and end; changes when a part is added."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi_offline import FastAPIOffline
from machine_learning_engineering.prediction_log import shared_log
from starlette.exceptions import HTTPException

from data_science import __version__
from deployment import openapi
from deployment.body import BodyLimits
from deployment.direct_route import DirectRoute, ShortCut
from deployment.health import HealthReport
from deployment.messages import Answer, Answers, Health, Live, Ready
from deployment.meters import Meters
from deployment.model_keeper import Load, ModelKeeper
from deployment.predictions import PredictionService
from deployment.problems import MEDIA_TYPE, Problem
from deployment.request_ids import current, identified
from deployment.responses import Responses
from deployment.served_model import ServedModel
from deployment.settings import Settings

DESCRIPTION = (
    "Predicts clients' labels with a Bayesian logistic model; every prediction that is returned "
    "was recorded durably."
)


def create_app(settings: Settings, load: Load = ServedModel.load) -> FastAPI:
    """Return the service; its model is loaded and its log closed by the ASGI lifespan."""
    keeper = ModelKeeper(settings.model_folder, settings.model_poll_s, load)
    log = shared_log(settings.mle_storage)
    meters = Meters()
    responses = Responses(meters, settings.access_log)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(keeper.start)
        # What start-up made lives to the end: without it, full collections are shorter and the p99 lower.
        gc.freeze()
        yield
        await asyncio.to_thread(keeper.stop)
        await asyncio.to_thread(log.close)

    # FastAPI's own /docs fetches its scripts from the internet; this one serves them itself.
    app = FastAPIOffline(
        redoc_url=None, title="Predictions", version=__version__, description=DESCRIPTION, lifespan=lifespan
    )
    app.state.meters, app.state.keeper = meters, keeper
    _add_predictions(app, PredictionService(keeper, log, settings.max_batch, meters), settings, responses)
    _add_health(app, HealthReport(keeper, log.folder))
    app.add_exception_handler(HTTPException, _http_problem)

    async def unexpected_problem(_: Request, error: Exception) -> Response:  # noqa: ARG001 - for the log only
        ids = current.get() or identified()
        body = Problem(500, "unexpected error; the service's log shows it").body(ids.name)
        headers = {name.decode(): value.decode() for name, value in ids.headers}
        return Response(body, 500, headers, MEDIA_TYPE)

    app.add_exception_handler(Exception, unexpected_problem)
    _document(app, keeper, settings.max_batch)
    return app


def _add_predictions(app: FastAPI, service: PredictionService, settings: Settings, sent: Responses) -> None:
    limits = BodyLimits(settings.max_body_bytes, settings.body_timeout_s)
    responses = openapi.problems(
        status_400="The request is not valid HTTP.",
        status_408=f"The body did not arrive within {limits.timeout_s:g} s.",
        status_413=f"More than {limits.max_bytes} bytes, or {settings.max_batch} clients.",
        status_415="The body is compressed.",
        status_422="Invalid fields, each of them named.",
        status_503="No model is loaded, or the prediction could not be stored.",
    )
    for path, endpoint, answer in (
        ("/predict", service.predict, Answer),
        ("/predict/batch", service.predict_batch, Answers),
    ):
        app.router.add_api_route(
            path,
            endpoint,
            methods=["POST"],
            response_model=answer,
            responses=responses,
            route_class_override=DirectRoute,
        )
    direct = {route.path: route for route in app.routes if isinstance(route, DirectRoute)}
    for route in direct.values():
        route.limits, route.responses_sent = limits, sent
    app.add_middleware(ShortCut, routes=direct, sent=sent)


def _add_health(app: FastAPI, report: HealthReport) -> None:
    not_ready: dict[str, Any] = {"description": "Predictions cannot be made or stored; `problems` says why."}
    for path, endpoint, answer in (
        ("/health/live", report.live, Live),
        ("/health/ready", report.ready, Ready),
        ("/health", report.both, Health),
    ):
        app.add_api_route(
            path,
            endpoint,
            response_model=answer,
            responses={} if answer is Live else {503: {**not_ready, "model": answer}},
        )
        # Load balancers ask by HEAD: the same status and headers.
        app.add_api_route(path, endpoint, response_model=answer, methods=["HEAD"], include_in_schema=False)


def _document(app: FastAPI, keeper: ModelKeeper, max_batch: int) -> None:
    documents: dict[str | None, dict[str, Any]] = {}

    def current_document() -> dict[str, Any]:
        version = keeper.current.version if keeper.current else None
        if version not in documents:
            documents.clear()
            documents[version] = openapi.document(app, keeper.current, max_batch)
        return documents[version]

    app.openapi = current_document  # type: ignore[method-assign]  # how FastAPI documents doing this


async def _http_problem(_: Request, error: Exception) -> Response:
    status, detail = (
        (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, str(error))
    )
    headers = dict(getattr(error, "headers", None) or {})
    ids = current.get() or identified()
    return Response(Problem(status, detail).body(ids.name), status, headers, MEDIA_TYPE)
