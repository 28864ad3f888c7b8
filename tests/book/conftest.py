"""One build of the book for each scenario and session, and a browser to visit it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from book.printing import QUIET, chromium, served

N_CLIENTS = 3_000
REPOSITORY = Path(__file__).parents[2]


@contextmanager
def built(scenario: str, folder: Path) -> Iterator[tuple[Path, str]]:
    """Build the book as `make book` does and serve it; yields its folder and address."""
    command = [sys.executable, "-m", "book.build", "pdf", "--scenario", scenario, "--clients", str(N_CLIENTS)]
    command += ["--output", str(folder / "html"), "--cache", str(folder / "cache")]
    given = {name: value for name, value in os.environ.items() if name != "DB_HOSTNAME"}
    environ = {**given, "MODEL_FOLDER": str(folder / "models")}
    done = subprocess.run(command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-5_000:]
    with served(folder / "html") as address:
        yield folder / "html", address


@pytest.fixture(scope="module")  # no longer: no other event loop can run in this thread until it ends
def browser():
    """The Chromium that prints the book, to visit it."""
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium(), args=QUIET) as started,
    ):
        yield started
