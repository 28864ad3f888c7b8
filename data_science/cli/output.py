"""Where results go: standard output, or a file that is there whole or not at all."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from data_science.errors import ArtifactError

STANDARD_OUTPUT = "-"


@contextmanager
def written_to(path: str) -> Iterator[IO[bytes]]:
    """Give what to write bytes to; a file gets its name when all is written.

    Raises
    ------
    ArtifactError
        If it cannot be written: what was there before is unchanged.
    """
    if path == STANDARD_OUTPUT:
        if sys.stdout is None:  # the process was started with it closed
            raise ArtifactError("standard output is closed; expected a place for the result. Redirect it")
        with _named("standard output"):
            try:
                yield sys.stdout.buffer
                sys.stdout.buffer.flush()
            except OSError:
                let_go_of_stdout()
                raise
        return
    with _named(path):
        target = Path(path)
        if "\0" in path or not target.name:
            raise ArtifactError(f"--out is {path!r}; expected the name of a file")
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):  # a pipe, /dev/stdout: no renaming
            with target.open("wb") as stream:
                yield stream
            return
        target = target.resolve()  # a link stays a link
        temporary = target.with_name(f".{target.name[:200]}-{os.urandom(6).hex()}")
        try:
            with temporary.open("xb") as stream:
                if target.exists():
                    shutil.copymode(target, temporary)  # who may not read the old may not read the new
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


def let_go_of_stdout() -> None:
    """Keep Python's own flush at the end from failing, on a closed pipe or a full disk, with another code."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        return


def say(text: str) -> None:
    """Write one result to standard output."""
    with written_to(STANDARD_OUTPUT) as stream:
        stream.write(f"{text.rstrip()}\n".encode(errors="backslashreplace"))


def say_json(document: Mapping[str, Any] | list[Any]) -> None:
    """Write one result as JSON to standard output, on one line."""
    import json

    say(json.dumps(document, ensure_ascii=False, allow_nan=False))


@contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise  # who read it has gone: no fault
    except OSError as error:
        raise ArtifactError(f"{name} could not be written ({error.strerror or error})") from error
