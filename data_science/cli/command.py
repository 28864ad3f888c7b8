"""``data-science``: one verb for each thing that is done with a model; the entry point of the package.

Nothing heavy is imported before the verb is known.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module

from data_science._version import __version__
from data_science.cli.exit_codes import CLOSED_PIPE, INTERRUPTED
from data_science.cli.output import let_go_of_stdout
from data_science.cli.verbs import VERBS
from data_science.errors import DataScienceError
from data_science.settings.job import StandInSettings, without_stand_in

log = logging.getLogger("data_science")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: messages go to stderr, results to stdout.

    Parameters
    ----------
    arguments : sequence of str, optional
        Of the command line; default: of this process.
    """
    options = _parsed(sys.argv[1:] if arguments is None else list(arguments))
    signal.signal(signal.SIGTERM, _stop)
    try:
        with _log_on_stderr(options):
            return _ended(options)
    except BrokenPipeError:
        let_go_of_stdout()
        return CLOSED_PIPE


def _ended(options: argparse.Namespace) -> int:
    try:
        return _runner(options.verb)(options)
    except DataScienceError as error:
        log.error("%s", error)
        return error.exit_code
    except KeyboardInterrupt:
        log.error("stopped")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:
        log.error(
            "unforeseen, please report it: %s: %s", type(error).__name__, error, exc_info=options.verbose
        )
        return 1


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="data-science",
        description="Train, judge, store, promote and ask a Bayesian logistic model.",
        epilog="data-science VERB --help shows each verb's options and an example.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    asked = next((word for word in arguments if not word.startswith("-")), None)
    for name, verb in VERBS.items():
        one = verbs.add_parser(
            name, help=verb.does, description=f"{verb.does[0].upper()}{verb.does[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
        )  # fmt: skip
        if name == asked or _completes():  # the options of others are not needed, and take time
            verb.add_options(one)
            one.epilog = verb.epilog()
    if _completes():
        import argcomplete

        argcomplete.autocomplete(parser)
    return parser.parse_args(arguments)


def _completes() -> bool:
    """Whether a shell asks for completions, and the package for that is there."""
    if "_ARGCOMPLETE" not in os.environ:
        return False
    from importlib.util import find_spec

    return find_spec("argcomplete") is not None


def _runner(verb: str) -> Callable[[argparse.Namespace], int]:
    if verb == "train":
        train = import_module("data_science.cli.train")
        return lambda options: train.run(options, standing_in=_no_stand_in)
    found: Callable[[argparse.Namespace], int] = getattr(
        import_module(VERBS[verb].module), VERBS[verb].function
    )
    return found


@contextmanager
def _no_stand_in(_: Mapping[str, str], asked: StandInSettings) -> Iterator[Mapping[str, str]]:  # noqa: ARG001
    raise without_stand_in("the DE's part of the repository, which is in no wheel; a file can be named: DATA")
    yield {}


@contextmanager
def _log_on_stderr(options: argparse.Namespace) -> Iterator[None]:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("data-science: %(message)s"))
    before = log.level
    log.setLevel(logging.ERROR if options.quiet else logging.DEBUG if options.verbose else logging.WARNING)
    if options.verb != "train":  # which shows its progress, too
        log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(before)


def _stop(signum: int, _: object) -> None:
    raise SystemExit(128 + signum)


if __name__ == "__main__":
    sys.exit(main())
