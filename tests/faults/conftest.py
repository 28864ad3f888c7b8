"""Servers to break, companies to train on, and what a job must leave behind."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from data_science import BayesianLogitModel
from de.embedded import Coordinates, PostgresServer, add_company
from de.load import Passwords
from tests.warm_command import warm_command

sys.path.insert(0, str(Path(__file__).parent))
from clients import clients
from job import N_CLIENTS, SECRET, Ended, Job, watched


@dataclass(frozen=True, slots=True)
class First:
    """A job without a fault: what it stored, how it ended, and the command lines seen on the way."""

    folder: Path
    ended: Ended
    listed: str


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """A server to stop, kill, pause or restart; a test leaves it running. ds_user's password is SECRET."""
    with PostgresServer(passwords=Passwords(ds_user=SECRET)) as started:
        yield started


@pytest.fixture(scope="session")
def company(server: PostgresServer) -> Coordinates:
    """The company of all faults; a test leaves it as it was."""
    return add_company(server, n_clients=N_CLIENTS)


@pytest.fixture(scope="session")
def first(company: Coordinates, tmp_path_factory: pytest.TempPathFactory) -> First:
    """The job that the others follow; tests copy its folder."""
    folder = tmp_path_factory.mktemp("first") / "models"
    ended, listed = watched(Job(company, folder))
    assert ended.code == 0, ended.said
    return First(folder, ended, listed)


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The job in a process that is spared the seconds of importing: for what is not sent a signal, nor timed."""
    with warm_command(tmp_path_factory.mktemp("programs"), "job", "main:main") as folder:
        yield [str(folder / "job")]


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
