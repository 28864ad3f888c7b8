"""Container tests run where DOCKER_HOST names an engine, or fail without one if REQUIRE_CONTAINERS=1."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from compose_stack import PROJECT, Stack, docker

HERE = Path(__file__).parent
REQUIRED = os.environ.get("REQUIRE_CONTAINERS") == "1"
_left_out = []


def _obstacle():
    """Say why there is no engine to use, or None."""
    if not REQUIRED and not os.environ.get("DOCKER_HOST"):
        # An engine that is merely there may be a person's: it is for them to ask for minutes of work on it.
        return "DOCKER_HOST is not set"
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{' '.join(command)}: {error}"
        if done.returncode:
            return f"{' '.join(command)}: {done.stderr.strip()}"
    return None


def pytest_configure(config):
    config.addinivalue_line("markers", "containers: needs a container engine; marked by their folder")


def pytest_collection_modifyitems(config, items):
    ours = [item for item in items if HERE in item.path.parents]
    for item in ours:
        item.add_marker("containers")
    if not ours or REQUIRED or (obstacle := _obstacle()) is None:
        return
    items[:] = [item for item in items if item not in ours]
    config.hook.pytest_deselected(items=ours)
    _left_out.append(
        f"{len(ours)} CONTAINER TESTS DID NOT RUN: {obstacle}. "
        "Set DOCKER_HOST, or REQUIRE_CONTAINERS=1 to use the engine that docker finds"
    )


def pytest_terminal_summary(terminalreporter):
    for line in _left_out:
        terminalreporter.write_line(line, yellow=True, bold=True)


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """All images of the project, built under the tests' project name."""
    obstacle = _obstacle()
    if obstacle:
        pytest.fail(f"REQUIRE_CONTAINERS=1, but there is no engine: {obstacle}")
    stack = Stack(tmp_path_factory.mktemp("images"))
    stack.compose("build", timeout_s=1500)
    yield stack
    docker("image", "rm", *docker("image", "ls", "--quiet", f"{PROJECT}-*").split())


@pytest.fixture
def stack(images, tmp_path):
    """The project in a fresh folder, without containers, volumes or models."""
    folder = tmp_path / "project"
    folder.mkdir()
    started = Stack(folder)
    yield started
    started.down()
