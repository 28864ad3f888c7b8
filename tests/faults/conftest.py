"""Servers to break, companies to train on, and what a job must leave behind."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from de.embedded import PostgresServer

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of the module's own, to stop, kill, pause or restart; a test leaves it running."""
    with PostgresServer() as started:
        yield started
