"""One build of the book for each scenario and session, and a browser to visit it."""

import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt
from playwright.sync_api import sync_playwright

from book import charts
from book.charts import page
from book.printing import QUIET, chromium, served
from tests.environment import inherited

N_CLIENTS = 3_000
REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Book:
    """A book that was built, and what the next build of the same data would use."""

    site: Path
    address: str
    cache: Path
    options: tuple[str, ...]  # the data, as `book.build` takes them


@contextmanager
def built(scenario: str, folder: Path) -> Iterator[Book]:
    """Build the book as `make book-pdf` does and serve it."""
    options = ("--scenario", scenario, "--clients", str(N_CLIENTS))
    site, cache = folder / "html", folder / "cache"
    command = [
        sys.executable,
        "-m",
        "book.build",
        "pdf" if chromium() else "html",  # what builds only needs no browser
        *options,
        "--output",
        str(site),
        "--cache",
        str(cache),
    ]
    command += ["--models", str(folder / "models")]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=inherited(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-5_000:]
    with served(site) as address:
        yield Book(site, address, cache, options)


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """The book without signal, built once."""
    with built("no-signal", tmp_path_factory.mktemp("book")) as found:
        yield found


@pytest.fixture(scope="module")  # no longer: no other event loop can run in this thread until it ends
def browser():
    """The Chromium that prints the book, to visit it."""
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium(), args=QUIET) as started,
    ):
        yield started


@pytest.fixture
def formats(monkeypatch):
    """Figures have the book's style, without a screen, and are gone afterwards; what notebooks are asked to draw."""
    asked: list[str] = []
    monkeypatch.setattr(page, "set_matplotlib_formats", lambda *given: asked.extend(given))
    plt.switch_backend("Agg")
    with mpl.rc_context(), warnings.catch_warnings():
        charts.apply_style()
        yield asked
        plt.close("all")
