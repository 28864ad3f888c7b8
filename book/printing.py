"""Print the single-page build to PDF with Chromium, served locally, as a reader's browser would."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
NO_CHROMIUM = (
    f"no Chromium found (looked for {', '.join(PROGRAMS)} and Playwright's). "
    "Install one: apt-get install chromium"
)
#: Flags for a Chromium that runs as any user, in a container, and asks nothing of the internet.
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--no-first-run",
)
#: Where `playwright install` puts them, newest last; the second form can do no more than this module asks.
_PLAYWRIGHTS = ("chromium-*/chrome-*/chrome", "chromium_headless_shell-*/*/*headless[_-]shell")
_LIMIT_S = 300


class PrintingError(Exception):
    """The PDF cannot be made."""


def chromium() -> str | None:
    """Path of a Chromium or Chrome that starts, if there is one."""
    return next(filter(_starts, _candidates()), None)


def _candidates() -> Iterator[str]:
    yield from filter(None, map(shutil.which, PROGRAMS))
    default = Path("~/.cache/ms-playwright").expanduser()
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or default)
    for pattern in _PLAYWRIGHTS:
        yield from map(str, sorted(cache.glob(pattern), reverse=True))


def _starts(program: str) -> bool:
    """Whether it runs: one without its libraries, or a stub that only names a package, does not."""
    try:
        return subprocess.run([program, "--version"], capture_output=True, timeout=60).returncode == 0  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False


def print_pdf(page: Path, pdf: Path) -> None:
    """Print a page of a local site.

    Raises
    ------
    PrintingError
        If there is no Chromium, or it does not print.
    """
    program = chromium()
    if program is None:
        raise PrintingError(NO_CHROMIUM)
    with served(page.parent) as address, tempfile.TemporaryDirectory() as profile:
        command = [
            program,
            *QUIET,
            f"--user-data-dir={profile}",
            "--no-pdf-header-footer",
            "--generate-pdf-document-outline",
            "--virtual-time-budget=60000",  # MathJax typesets in it
            f"--print-to-pdf={pdf}",
            f"{address}/{page.name}",
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=False)  # noqa: S603
        except subprocess.TimeoutExpired as error:
            raise PrintingError(f"{program} has not printed within {_LIMIT_S} s") from error
    if done.returncode or not pdf.exists():
        raise PrintingError(
            f"{program} ended with code {done.returncode} and printed no PDF: {done.stderr[-2000:]}"
        )


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on a free local port while the block runs; yields its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Keep every request out of the build's output."""
