"""``python main.py``: the end-to-end job, on an embedded database where none is named.

What it does is in `data_science.cli.train`; the database that stands in is the DE's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from data_science.cli import train
from data_science.cli.train import EXIT_CODES as EXIT_CODES
from data_science.errors import DatabaseError, SchemaError, SettingsError
from data_science.settings.job import StandInSettings, without_stand_in


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job and return its exit code; on any failure the previous model is unchanged."""
    return train.main(arguments, standing_in=_standing_in)


@contextmanager
def _standing_in(environ: Mapping[str, str], asked: StandInSettings) -> Iterator[Mapping[str, str]]:
    """Run the DE's stand-in; what it refuses is said in this package's errors."""
    try:
        from de import embedded, stand_in  # noqa: F401 (whether it is there)
        from de.errors import LoadError, ServerError, VariableError
    except ModuleNotFoundError as error:  # as in the image, which has no part of the DE's
        raise without_stand_in(error.name) from error
    try:
        with stand_in.environment(
            environ, asked.scenario, asked.clients, asked.seed, files=asked.files
        ) as ready:
            yield ready
    except VariableError as error:
        raise SettingsError(str(error)) from error
    except LoadError as error:
        raise SchemaError(str(error)) from error
    except ServerError as error:
        raise DatabaseError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
