"""`python -m deployment`: run the service until SIGTERM or SIGINT; changes with how it is run."""

from __future__ import annotations

import logging
import os
import signal
import sys
from types import FrameType

import uvicorn
from machine_learning_engineering.prediction_log import shared_log

from deployment import logs, metrics
from deployment.app import create_app
from deployment.http11 import Http11Protocol
from deployment.settings import Settings, SettingsError


def main() -> int:
    """Serve; return 0 after a graceful end, 2 if a setting is invalid."""
    # uvicorn replaces this handler while it serves, and calls it at the end. Without it, the first process of
    # a container would ignore SIGTERM before that, and a graceful end would look like a failure.
    signal.signal(signal.SIGTERM, _stop)
    # The keeper says once what an artifact would repeat at each attempt.
    logging.getLogger("data_science.storage").setLevel(logging.ERROR)
    try:
        settings = Settings.read(os.environ)
    except SettingsError as error:
        logs.set_up("text")
        logging.getLogger("deployment").error("%s", error)
        return 2
    logs.set_up(settings.log_format)
    app = create_app(settings)
    stop_metrics = None
    if settings.metrics_port is not None:
        try:
            stop_metrics = metrics.serve(
                app.state.meters, app.state.keeper, settings.host, settings.metrics_port
            )
        except metrics.MetricsError as error:
            logging.getLogger("deployment").error("%s", error)
            return 2
    if hasattr(signal, "SIGHUP"):  # as daemons do when their logs were moved; its default ends the process
        signal.signal(signal.SIGHUP, lambda *_: shared_log(settings.mle_storage).reopen())
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=Http11Protocol,
        ws="none",
        log_config=None,
        access_log=False,  # costs as much as a prediction; the prediction log has every one
        server_header=False,
        proxy_headers=False,  # nothing here asks who the client is, and looking takes time
        timeout_keep_alive=75,  # longer than load balancers keep theirs (60 s), so that they close first
        timeout_graceful_shutdown=max(1, round(settings.shutdown_timeout_s)),
    )
    if stop_metrics is not None:
        stop_metrics()
    return 0


def _stop(signal_number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
