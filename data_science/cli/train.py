"""The end-to-end job: read the environment, wait for feature_store, train, store, and report what was found.

The stand-in database, used if none is named, comes from the caller: this package has none.
"""

from __future__ import annotations

import argparse
import logging
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from data_science.cli.exit_codes import EXIT_CODES as EXIT_CODES
from data_science.cli.exit_codes import described
from data_science.cli.output import say, say_json
from data_science.cli.training_options import add_options, environment, specification_of
from data_science.errors import ArtifactError, DataScienceError, SettingsError
from data_science.progress import Stopwatch
from data_science.settings.environment import VARIABLES
from data_science.settings.job import Settings, StandInSettings
from data_science.sources import registry as sources
from data_science.storage.roles import on_disk
from data_science.storage.writing import require_writable

if TYPE_CHECKING:
    from data_science.cli.console import Console
    from data_science.data.provenance import Provenance
    from data_science.formula.specification import ModelSpecification
    from data_science.report.summary import Report

#: Runs a database while its block runs, and gives the environment that names it.
StandingIn = Callable[[Mapping[str, str], StandInSettings], AbstractContextManager[Mapping[str, str]]]
log = logging.getLogger(__name__)
EXAMPLE = 'data-science train wells.csv --formula "switch ~ dist100 + arsenic"'
_VARIABLES = "\n".join(f"  {v.name:<22}{v.meaning} (default: {v.default or 'none'})" for v in VARIABLES)
HELP = (
    f"example:\n  {EXAMPLE}\n\nenvironment (a flag overrides its variable):\n{_VARIABLES}\n\n"
    f"exit codes:\n{described(*EXIT_CODES)}"
)


def main(arguments: Sequence[str] | None = None, *, standing_in: StandingIn) -> int:
    """Run the job and return its exit code; on any failure the previous model is unchanged.

    Parameters
    ----------
    arguments : sequence of str, optional
        Of the command line; default: of this process.
    standing_in : callable
        Starts the database that stands in for the company's if none is named.
    """
    parser = argparse.ArgumentParser(
        description="Wait for feature_store, train the model, judge it and store it.",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_options(parser)
    return run(parser.parse_args(arguments), standing_in=standing_in)


def run(options: argparse.Namespace, *, standing_in: StandingIn) -> int:
    """Train as the options say; see `main`."""
    signal.signal(signal.SIGTERM, _stop)
    from data_science.cli import console as console_module  # brings rich, which --help does not need

    saved = _Saved()
    with console_module.Console(verbose=options.verbose, quiet=options.quiet) as console:
        try:
            environ = environment(options)
            settings = Settings.from_environment(environ)
            if not options.check_only:
                require_writable(settings.model_folder)  # found now, not after the wait and the fit
                saved = _Saved.until_now(settings.model_folder)
            with _database(environ, settings, standing_in, options) as ready:
                _train(ready, console, options)
        except DataScienceError as error:
            log.error("%s", error)
            if not options.check_only:
                log.error("%s%s", saved, "" if saved.serves else "; the previous one is unchanged")
            return error.exit_code
        except KeyboardInterrupt:
            log.error("stopped; %s", saved)
            return 130
        except _Stopped:
            log.error("stopped by SIGTERM; %s", saved)
            raise
    return 0


def _train(settings: Settings, console: Console, options: argparse.Namespace) -> None:
    watch, dropped = Stopwatch(), 0
    specification = specification_of(options)
    with watch.stage("wait and read"):
        if specification is not None and options.data is not None:
            from data_science.cli import training_rows

            source: Provenance | None = None
            frame, dropped = training_rows.read(options, specification)
        else:
            frame, source = sources.source(settings.source).read(settings)
    if options.check_only:
        _check(frame, specification, options)
        return
    # Only now: it takes long, and who waits for a table should hear at once what is in the way.
    log.info("importing the libraries for training")
    from data_science import pipeline

    asked = {"specification": specification, "role": options.role, "why": options.note}
    chosen: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    path, report = pipeline.train(
        frame, settings, source=source, progress=console.progress, watch=watch, **chosen
    )
    if options.json:
        say_json(_result(path, report, dropped))
    else:
        console.done(_closing(path, report))


def _check(frame: Any, specification: ModelSpecification | None, options: argparse.Namespace) -> None:
    """Validate the rows, and name the columns and priors as the fit would use them."""
    from data_science.cli.training_rows import described
    from data_science.formula.specification import ModelSpecification
    from data_science.warehouse import training_door

    specification = specification or ModelSpecification()
    data = training_door.validated(frame, specification, None)
    stated, columns = specification.to_json(), described(data.frame, specification)
    if options.json:
        say_json({"rows": data.n_rows, "base_rate": data.base_rate, "columns": columns, **stated})
        return
    read = "\n".join(f"  {name}: {values}" for name, values in columns.items())
    priors = "\n".join(f"  {term}: {prior}" for term, prior in stated["priors"].items())
    say(
        f"{data.n_rows:,} rows, {data.base_rate:.2%} positive: fit for {stated['formula']}\n"
        f"columns:\n{read}\npriors:\n{priors}"
    )


def _result(path: Path, report: Report, dropped: int) -> dict[str, Any]:
    from data_science.storage import roles

    return {
        "version": path.name,
        "role": "candidate" if roles.on_disk(path.parent).candidate == path.name else "champion",
        "folder": str(path.parent),
        "formula": report.specification.formula,
        "rows": report.dataset.n_rows,
        "dropped": dropped,
        "base_rate": report.dataset.base_rate,
        "engine": report.measured.engine,
        "gates": report.measured.to_json(),
        "verdict": report.verdict.to_json(),
        "seconds": dict(report.seconds),
    }


def _closing(path: Path, report: Report) -> dict[str, str]:
    folder = str(path.parent)
    return {
        **report.sentences,
        "Stored in": str(path),
        "Load it": f"from data_science import BayesianLogitModel; BayesianLogitModel().load({folder!r})",
    }


@contextmanager
def _database(
    environ: Mapping[str, str], settings: Settings, standing_in: StandingIn, options: argparse.Namespace
) -> Iterator[Settings]:
    """Return the job's settings, with a stand-in database if one is read and none is named."""
    if options.data is not None:
        yield settings
        return
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
    before: tuple[str | None, str | None] = (None, None)  # versions that LATEST and CANDIDATE named

    @classmethod
    def until_now(cls, folder: Path) -> _Saved:
        return cls(folder, _named(folder))

    @property
    def serves(self) -> bool:
        """Whether a new model serves."""
        return self._now()[0] not in (None, self.before[0])

    def _now(self) -> tuple[str | None, str | None]:
        return (None, None) if self.folder is None else _named(self.folder)

    def __str__(self) -> str:
        champion, candidate = self._now()
        if self.serves:
            return f"version {champion} had been saved in {self.folder}, and is the newest"
        if candidate not in (None, self.before[1]):
            return f"version {candidate} had been saved in {self.folder}, as candidate"
        return "no model was saved"


def _named(folder: Path) -> tuple[str | None, str | None]:
    try:
        found = on_disk(folder)
    except ArtifactError:
        return None, None
    return found.champion, found.candidate


class _Stopped(SystemExit):
    """Ends a job that was asked to stop."""


def _stop(signum: int, _: FrameType | None) -> None:
    # Nothing is logged here: a line may be half written, and a second write into it would lose the exit.
    raise _Stopped(128 + signum)
