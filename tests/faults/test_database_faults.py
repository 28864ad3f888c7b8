"""The database fails at a random moment of the job: a correct model or a documented end, and nothing else."""

import logging
import random
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from job import N_CLIENTS, Job, is_documented, train

from data_science.storage import artifact
from de.embedded import Coordinates, PostgresServer, add_company
from de.load import process_data

log = logging.getLogger(__name__)
WAIT_S = 8  # of the job, where the fault is never mended
Harm = Callable[[PostgresServer, Coordinates], None]


def run(company: Coordinates, *statements: str) -> None:
    connection = company.connect()
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


def drop(server: PostgresServer, company: Coordinates) -> None:
    run(company, "DROP TABLE feature_store")


def empty(server: PostgresServer, company: Coordinates) -> None:
    run(company, "TRUNCATE feature_store")


def halve(server: PostgresServer, company: Coordinates) -> None:
    run(company, "DELETE FROM feature_store WHERE idx % 2 = 0")


def revoke(server: PostgresServer, company: Coordinates) -> None:
    run(company, "REVOKE SELECT ON feature_store FROM ds_user_role")


def lock_out(server: PostgresServer, company: Coordinates) -> None:
    run(company, "ALTER ROLE ds_user NOLOGIN")


def disconnect(server: PostgresServer, company: Coordinates) -> None:
    run(company, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ds_user'")


def rebuild(server: PostgresServer, company: Coordinates) -> None:
    connection = company.connect()
    process_data(connection)
    connection.close()


HARMS: dict[str, Harm] = {
    "kill": lambda server, _: server.kill(),
    "restart": lambda server, _: server.restart(),
    "pause": lambda server, _: server.pause(),
    "drop": drop,
    "empty": empty,
    "halve": halve,
    "revoke": revoke,
    "lock out": lock_out,
    "disconnect": disconnect,
    "rebuild": rebuild,
}
PASSING = {"restart", "disconnect", "rebuild"}  # they mend themselves


def mend(server: PostgresServer, company: Coordinates) -> None:
    """Bring the database back to what it was."""
    server.resume()
    server.start()
    run(company, "ALTER ROLE ds_user LOGIN")
    rebuild(server, company)


def await_reader(company: Coordinates, job: Job) -> None:
    """Return when the job has a connection, or has ended."""
    connection = company.connect()
    connection.autocommit = True
    with connection.cursor() as cursor:
        while job.process.poll() is None:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'ds_user'")
            if cursor.fetchone()[0]:
                break
            time.sleep(0.005)
    connection.close()


@dataclass(frozen=True, slots=True)
class Plan:
    """One seeded run."""

    harm: str
    aimed: bool  # at the moment when the job first holds a connection
    after_s: float
    down_s: float | None  # None: never mended

    @classmethod
    def drawn(cls, seed: int, duration_s: float) -> "Plan":
        rng = random.Random(seed)
        harm = list(HARMS)[seed % len(HARMS)]
        down_s = 0.0 if harm in PASSING else rng.uniform(0.0, 4.0) if rng.random() < 0.6 else None
        aimed = rng.random() < 0.6
        return cls(harm, aimed, rng.uniform(0.0, 0.3 if aimed else duration_s), down_s)


@dataclass(frozen=True, slots=True)
class Calm:
    """A job without a fault."""

    folder: Path
    fingerprint: str
    seconds: float


@pytest.fixture(scope="module")
def company(server: PostgresServer) -> Coordinates:
    return add_company(server, n_clients=N_CLIENTS)


@pytest.fixture(scope="module")
def calm(company: Coordinates, tmp_path_factory: pytest.TempPathFactory) -> Calm:
    """The same job without a fault: how long it takes, and what it learns."""
    folder = tmp_path_factory.mktemp("calm")
    ended = train(company, folder)
    assert ended.code == 0, ended.said
    return Calm(folder, artifact.load(folder).manifest["provenance"]["data"]["fingerprint"], ended.seconds)


@pytest.fixture
def mended(server: PostgresServer, company: Coordinates) -> Iterator[None]:
    yield
    mend(server, company)


def check(seed, server, company, calm, folder) -> str:
    """Run one plan; return how it ended, in a word."""
    shutil.copytree(calm.folder, folder, dirs_exist_ok=True)
    before = artifact.load(folder).path.name
    plan = Plan.drawn(seed, 0.8 * calm.seconds)

    wait_s = WAIT_S if plan.down_s is None else 120
    job = Job(company, folder, WAIT_TIMEOUT_S=str(wait_s), SEED="2")
    if plan.aimed:
        await_reader(company, job)
    time.sleep(plan.after_s)
    HARMS[plan.harm](server, company)
    if plan.down_s is not None:
        time.sleep(plan.down_s)
        mend(server, company)
    ended = job.end()
    mend(server, company)

    log.info("seed %d, %s: code %d after %.1f s", seed, plan, ended.code, ended.seconds)
    assert is_documented(ended), f"{plan}: code {ended.code}\n{ended.said}"
    loaded = artifact.load(folder)
    versions = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    assert loaded.fallback is None
    if ended.code == 0:
        assert loaded.path.name != before
        learned = loaded.manifest["provenance"]["data"]
        whole = learned["fingerprint"] == calm.fingerprint
        assert whole or (plan.harm == "halve" and learned["n_rows"] < N_CLIENTS), plan
    else:
        assert plan.down_s is None, f"{plan} was mended and the job gave up:\n{ended.said}"
        assert ended.code == (2 if plan.harm == "lock out" else 3), ended.said
        assert loaded.path.name == before
    assert versions == sorted({before, loaded.path.name, artifact.versions.LATEST})
    return "stored" if ended.code == 0 else "refused"


@pytest.mark.parametrize("seed", range(3))
def test_a_fault_at_a_random_moment_costs_time_or_the_run_but_never_a_model(
    seed, server, company, calm, tmp_path, mended
):
    check(seed, server, company, calm, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(100))
def test_a_hundred_faults_at_random_moments(seed, server, company, calm, tmp_path, mended):
    check(seed, server, company, calm, tmp_path)
