"""Servers to break, companies to train on, and what a job must leave behind."""

import os
import resource
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
    """``full_disk(kb)`` gives a folder on a disk of that size; where none may be mounted, limits files to it."""

    @contextmanager
    def limited(kb: int) -> Iterator[Path]:
        folder = tmp_path / f"disk{kb}"
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={kb}k", "none", str(folder)]
        mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        if not mounted:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000 * kb, before[1]))
        try:
            yield folder
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            if mounted:
                subprocess.run(["umount", str(folder)], check=True)

    return limited


@pytest.fixture
def unprivileged() -> list[str]:
    """Words before a command that make permissions count, if we are root, for whom they do not."""
    if os.geteuid() != 0:
        return []
    without = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={without}", f"--inh-caps={without}"]
