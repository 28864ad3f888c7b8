"""The end-to-end job: read the environment, wait for feature_store, train, store, and report what was found.

The stand-in database, used if none is named, comes from the caller: this package has none.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from data_science.errors import ArtifactError, DataScienceError, SettingsError
from data_science.extension import ENGINES
from data_science.progress import Stopwatch
from data_science.settings.environment import VARIABLES
from data_science.settings.job import Settings, StandInSettings
from data_science.sources import registry as sources
from data_science.storage.versions import read_latest
from data_science.storage.writing import require_writable

if TYPE_CHECKING:
    from data_science.cli.console import Console
    from data_science.report.summary import Report

EXIT_CODES = {
    0: "a model was saved",
    1: "an unforeseen error (please report it)",
    2: "settings: a variable is missing, malformed or refused by the server; a formula or prior that is not "
    "supported; or the folder cannot be written",
    3: "data: the database cannot be read, or the table is not what the model needs",
    4: "the fit failed its checks",
    137: "killed by the system, nearly always because memory ran out (in Docker: TRAIN_MEMORY, "
    "0.5g at least)",
    143: "stopped by SIGTERM (130: by Ctrl-C)",
}
#: Runs a database while its block runs, and gives the environment that names it.
StandingIn = Callable[[Mapping[str, str], StandInSettings], AbstractContextManager[Mapping[str, str]]]
log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None, *, standing_in: StandingIn) -> int:
    """Run the job and return its exit code; on any failure the previous model is unchanged.

    Parameters
    ----------
    arguments : sequence of str, optional
        Of the command line; default: of this process.
    standing_in : callable
        Starts the database that stands in for the company's if none is named.
    """
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _stop)
    from data_science.cli import console as console_module  # brings rich, which --help does not need

    saved = _Saved()
    with console_module.Console(verbose=options.verbose) as console:
        try:
            environ = _environment(options)
            settings = Settings.from_environment(environ)
            require_writable(settings.model_folder)  # found now, not after the wait and the fit
            saved = _Saved.until_now(settings.model_folder)
            with _database(environ, settings, standing_in) as ready:
                _train(ready, console)
        except DataScienceError as error:
            log.error("%s", error)
            log.error("%s; the previous one is unchanged", saved)
            return error.exit_code
        except KeyboardInterrupt:
            log.error("stopped; %s", saved)
            return 130
        except _Stopped:
            log.error("stopped by SIGTERM; %s", saved)
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


def _environment(options: argparse.Namespace) -> Mapping[str, str]:
    """Read the environment; a flag that is given overrides it."""
    given = {
        "MODEL_FOLDER": options.models,
        "ENGINE": options.engine,
        "SEED": options.seed,
        "DE_SCENARIO": options.scenario,
        "DE_CLIENTS": options.clients,
        "DE_FILES": options.files,
    }
    return {**os.environ, **{name: value for name, value in given.items() if value is not None}}


@contextmanager
def _database(environ: Mapping[str, str], settings: Settings, standing_in: StandingIn) -> Iterator[Settings]:
    """Return the job's settings, with a stand-in database if one is read and none is named."""
    files = settings.stand_in.files
    if not sources.needs_database(sources.source(settings.source)):
        if files is not None:
            raise SettingsError(
                f"DE_FILES is {str(files)!r} and SOURCE is {settings.source!r}, which reads no "
                "database; expected only one: files go into an embedded database. Unset DE_FILES, or SOURCE"
            )
    elif settings.wants_stand_in:
        with standing_in(environ, settings.stand_in) as ready:
            yield Settings.from_environment(ready)
        return
    yield settings  # never read again: a password in a pipe is there once


@dataclass(frozen=True)
class _Saved:
    """Whether a model was saved meanwhile, as the folder says: a stop may fall just after it was."""

    folder: Path | None = None
    before: str | None = None  # version that LATEST named

    @classmethod
    def until_now(cls, folder: Path) -> _Saved:
        return cls(folder, _latest(folder))

    def __str__(self) -> str:
        now = None if self.folder is None else _latest(self.folder)
        if now in (None, self.before):
            return "no model was saved"
        return f"version {now} had been saved in {self.folder}, and is the newest"


def _latest(folder: Path) -> str | None:
    try:
        return read_latest(folder)
    except ArtifactError:
        return None


class _Stopped(SystemExit):
    """Ends a job that was asked to stop."""


def _stop(signum: int, _: FrameType | None) -> None:
    # Nothing is logged here: a line may be half written, and a second write into it would lose the exit.
    raise _Stopped(128 + signum)


def _parser() -> argparse.ArgumentParser:
    variables = "\n".join(f"  {v.name:<22}{v.meaning} (default: {v.default or 'none'})" for v in VARIABLES)
    codes = "\n".join(f"  {code:<5}{meaning}" for code, meaning in EXIT_CODES.items())
    parser = argparse.ArgumentParser(
        description="Wait for feature_store, train the model, judge it and store it.",
        epilog=f"environment (a flag overrides its variable):\n{variables}\n\nexit codes:\n{codes}",
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
    parser.add_argument("--verbose", action="store_true", help="also log details")
    return parser
