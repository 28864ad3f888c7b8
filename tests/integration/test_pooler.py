"""Through PgBouncer the table is read as without it, and what the pooler says is understood."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pandas as pd
import pytest
from dresses import AT_ONCE

from data_science.errors import DatabaseError, SettingsError
from data_science.settings import DatabaseSettings, Settings
from data_science.sources.postgres import feature_store
from de import host
from de.embedded import Coordinates, add_company

pytestmark = [pytest.mark.pgbouncer, pytest.mark.usefixtures("wardrobe")]  # for its patience
Pooled = Callable[..., DatabaseSettings]


@pytest.fixture
def pooled() -> Iterator[Pooled]:
    """``pooled(company, **settings)`` runs a PgBouncer before the company and says how to read through it."""
    owner = host.account()
    folder = host.temporary_folder(owner)
    started: list[subprocess.Popen[bytes]] = []

    def start(company: Coordinates, **settings: object) -> DatabaseSettings:
        direct = Settings.from_environment(company.environment()).database
        behind = f"host={company.hostname} port={company.port} dbname={company.database}"
        options = {
            "listen_addr": company.hostname, "listen_port": host.free_port(), "unix_socket_dir": "",
            "auth_type": "scram-sha-256", "auth_file": folder / "users", "pool_mode": "transaction",
            "server_login_retry": 1, **settings,
        }  # fmt: skip
        lines = [f"{name} = {value}" for name, value in options.items()]
        (folder / "users").write_text(f'"{direct.user}" "{direct.password}"\n')
        (folder / "ini").write_text("\n".join(["[databases]", f"pooled = {behind}", "[pgbouncer]", *lines]))
        program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
        started.append(
            subprocess.Popen(
                [program, folder / "ini"], stderr=subprocess.DEVNULL, **host.process_options(owner, folder)
            )
        )
        _await(company.hostname, int(options["listen_port"]))
        return replace(direct, port=options["listen_port"], name="pooled")

    yield start
    for process in started:
        process.terminate()
        process.wait(60)
    shutil.rmtree(folder)


def _await(hostname: str, port: int) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            socket.create_connection((hostname, port)).close()
        except OSError:
            assert time.monotonic() < until, "PgBouncer does not listen"
            time.sleep(0.02)
        else:
            return


def said(database: DatabaseSettings) -> str:
    with pytest.raises((DatabaseError, SettingsError)) as caught:
        feature_store.get_dataset(database, 0.0, patience=AT_ONCE)
    return f"{type(caught.value).__name__}: {caught.value}"


@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_a_table_is_read_through_a_pooler_as_without_it(company, pooled, mode):
    database = pooled(company, pool_mode=mode, default_pool_size=1)
    direct = Settings.from_environment(company.environment()).database

    for _ in range(3):  # on the server's one connection, used again
        pd.testing.assert_frame_equal(
            feature_store.get_dataset(database, 60), feature_store.get_dataset(direct)
        )


def test_what_a_pooler_refuses_is_told_from_what_it_lacks(company, pooled, monkeypatch):
    database = pooled(company, max_client_conn=1)

    assert "wrong password, or no such role" in said(replace(database, password="hush"))
    assert "wrong password, or no such role" in said(replace(database, user="nobody_here"))
    assert "SettingsError" in said(replace(database, name="nowhere"))
    with closing(replace(company, port=database.port, database="pooled").connect("ds_user")):
        assert "DatabaseError" in said(database)
        assert "too many connections" in said(database)
    monkeypatch.setenv("PGOPTIONS", "-c geqo=off")
    assert "the pooler does not accept a startup parameter" in said(database)


def test_a_pool_without_transactions_and_a_busy_one_are_waited_for_with_advice(company, pooled):
    # PgBouncer says why, but psycopg2 passes on only that it hung up.
    assert "see that its pool_mode is transaction or session" in said(pooled(company, pool_mode="statement"))

    busy = pooled(company, default_pool_size=1, query_wait_timeout=1)
    with closing(replace(company, port=busy.port, database="pooled").connect("ds_user")) as other:
        other.cursor().execute("SELECT 1")
        assert said(busy).startswith("DatabaseError")
    assert len(feature_store.get_dataset(busy, 600))


def test_a_server_that_is_down_behind_its_pooler_is_waited_for(fresh_server, pooled):
    company = add_company(fresh_server, n_clients=20)
    database = pooled(company)
    fresh_server.stop()
    assert said(database).startswith("DatabaseError")

    fresh_server.start()
    assert len(feature_store.get_dataset(database, 600, patience=AT_ONCE)) == 20
