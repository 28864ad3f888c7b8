"""The images and the compose project that the container tests use; every test of this folder needs an engine."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from compose_stack import PROJECT, Stack, docker

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before marks are read
def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("containers")


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """All images of the project, built under the tests' project name."""
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
