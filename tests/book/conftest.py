"""One build of the book for each scenario and session, and a browser to visit it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from book.printing import QUIET, served

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
