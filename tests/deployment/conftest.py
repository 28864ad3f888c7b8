"""Starts the service as a process of its own; its helper modules are importable by these tests."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from running_service import RunningService
from small_models import store


@pytest.fixture
def start(tmp_path):
    """Start services on this test's folders; those still running at its end are killed."""
    started = []

    def start_one(**environment):
        started.append(RunningService(tmp_path / "models", tmp_path / "log", environment))
        return started[-1]

    yield start_one
    for service in started:
        service.kill()


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """One service with a model, for tests that change nothing but the log."""
    folder = tmp_path_factory.mktemp("service")
    store(folder / "models")
    running = RunningService(
        folder / "models", folder / "log", {"MAX_BODY_BYTES": "20000", "MAX_BATCH": "100"}
    )
    yield running
    running.kill()
