"""One build of the book for each scenario and session, and a browser to visit it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from book.printing import QUIET, served

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
        "pdf",
        *options,
        "--output",
        str(site),
        "--cache",
        str(cache),
    ]
    command += ["--models", str(folder / "models")]
    given = {name: value for name, value in os.environ.items() if name != "DB_HOSTNAME"}
    done = subprocess.run(command, cwd=REPOSITORY, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-5_000:]
    with served(site) as address:
        yield Book(site, address, cache, options)


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """The book without signal, built once."""
    with built("no-signal", tmp_path_factory.mktemp("book")) as found:
        yield found


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium that records every request and every line of its console."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for flag in QUIET:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver_path = shutil.which("chromedriver")
    assert driver_path, "the site cannot be visited: apt-get install chromium chromium-driver"
    service = webdriver.ChromeService(executable_path=driver_path)
    with webdriver.Chrome(options=options, service=service) as driver:
        driver.set_page_load_timeout(60)
        yield driver
