"""Servers to break, companies to train on, and what a job must leave behind."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from data_science import BayesianLogitModel
from de.embedded import PostgresServer

sys.path.insert(0, str(Path(__file__).parent))
from clients import clients


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of the module's own, to stop, kill, pause or restart; a test leaves it running."""
    with PostgresServer() as started:
        yield started


@pytest.fixture(scope="module")
def fitted() -> BayesianLogitModel:
    """A small model, ready to be saved."""
    model = BayesianLogitModel(engine="nested-laplace")
    model.fit(clients(300))
    return model


@pytest.fixture
def full_disk(tmp_path: Path) -> Callable[[int], AbstractContextManager[Path]]:
    """``full_disk(kb)`` gives a folder on a file system of that size, in a namespace we may make."""

    @contextmanager
    def mounted(kb: int) -> Iterator[Path]:
        folder = tmp_path / f"disk{kb}"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kb}k", "none", str(folder)], check=True)
        try:
            yield folder
        finally:
            subprocess.run(["umount", str(folder)], check=True)

    return mounted


@pytest.fixture
def unprivileged() -> list[str]:
    """Words before a command that make permissions count, if we are root, for whom they do not."""
    if os.geteuid() != 0:
        return []
    without = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={without}", f"--inh-caps={without}"]
