"""The database fails at a random moment of the job: a correct model or a documented end, and nothing else."""

import logging
import random
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from job import N_CLIENTS, Job, is_documented

from data_science.storage import artifact, layout
from de.embedded import Coordinates, PostgresServer
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


@pytest.fixture(scope="module")
def whole(first) -> str:
    """Fingerprint of the table without a fault."""
    return fingerprint_of(first.folder)


def fingerprint_of(folder: Path) -> str:
    return artifact.load(folder).manifest["provenance"]["data"]["fingerprint"]


@pytest.fixture
def mended(server: PostgresServer, company: Coordinates) -> Iterator[None]:
    yield
    mend(server, company)


def check(seed, server, company, first, whole, folder) -> None:
    """Run one plan."""
    shutil.copytree(first.folder, folder, dirs_exist_ok=True)
    before = artifact.load(folder).path.name
    plan = Plan.drawn(seed, 0.8 * first.ended.seconds)

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
        assert learned["fingerprint"] == whole or (plan.harm == "halve" and learned["n_rows"] < N_CLIENTS), (
            plan
        )
    else:
        assert plan.down_s is None, f"{plan} was mended and the job gave up:\n{ended.said}"
        assert ended.code == (2 if plan.harm == "lock out" else 3), ended.said
        assert loaded.path.name == before
    assert versions == sorted({before, loaded.path.name, layout.LATEST, "HISTORY.jsonl"})


@pytest.mark.parametrize("seed", [list(HARMS).index("kill"), list(HARMS).index("pause")])
def test_a_fault_at_a_random_moment_costs_time_or_the_run_but_never_a_model(
    seed, server, company, first, whole, tmp_path, mended
):
    check(seed, server, company, first, whole, tmp_path)


def test_a_job_that_meets_every_other_fault_in_a_row_learns_the_whole_table(
    server, company, whole, tmp_path, mended, warm
):
    def harm(name: str) -> None:
        HARMS[name](server, company)

    harm("empty")
    job = Job(company, tmp_path, program=warm)
    job.await_said("feature_store is empty")
    harm("revoke")
    job.await_said("no SELECT grant")
    harm("disconnect")
    harm("lock out")
    job.await_said("may not log in")
    harm("restart")
    harm("rebuild")  # nobody can read it yet
    harm("halve")
    run(company, "ALTER ROLE ds_user LOGIN")
    job.await_said("is still being filled")
    harm("drop")
    job.await_said("there is no table feature_store")
    harm("rebuild")
    ended = job.end()

    assert ended.code == 0, ended.said
    assert fingerprint_of(tmp_path) == whole


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(100))
def test_a_hundred_faults_at_random_moments(seed, server, company, first, whole, tmp_path, mended):
    check(seed, server, company, first, whole, tmp_path)
