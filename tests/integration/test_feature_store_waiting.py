"""Each thing that can be in the way of feature_store: said in words, then survived or given up."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace

import pandas as pd
import pytest

from data_science.errors import DatabaseError, SettingsError
from data_science.settings import DatabaseSettings, Settings
from data_science.sources.postgres import copying, feature_store, postgres, relations, waiting
from data_science.sources.postgres.obstacles import NotReadyError
from data_science.sources.postgres.supervision import Supervised
from data_science.sources.postgres.waiting import Patience
from de.embedded import Coordinates, PostgresServer, add_company
from de.load import process_data

N_CLIENTS = 500
SAID_WITHIN_S = 120.0  # on the busiest machine


def settings(company: Coordinates) -> DatabaseSettings:
    return Settings.from_environment(company.environment()).database


def run(company: Coordinates, statement: str) -> None:
    with closing(company.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)


def etl(company: Coordinates) -> None:
    with closing(company.connect()) as connection:
        process_data(connection)


@contextmanager
def reading(database: DatabaseSettings, patience: Patience | None = None) -> Iterator[Future[pd.DataFrame]]:
    """Read in another thread; an error there ends the test by the reader's own limit."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(feature_store.get_dataset, database, 600.0, patience=patience)


def await_message(caplog: pytest.LogCaptureFixture, words: str, times: int = 1) -> None:
    until = time.monotonic() + SAID_WITHIN_S
    while sum(words in message for message in caplog.messages) < times:
        assert time.monotonic() < until, f"{words!r} was not said: {caplog.messages}"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("hurt", "words", "mend"),
    [
        ("DROP TABLE feature_store", "there is no table feature_store. Run the DE's ETLs", etl),
        ("REVOKE USAGE ON SCHEMA public FROM ds_user_role, PUBLIC", "there is no table feature_store",
         "GRANT USAGE ON SCHEMA public TO ds_user_role"),
        ("REVOKE SELECT ON feature_store FROM ds_user_role", "no SELECT grant on it. Grant it: GRANT SELECT",
         "GRANT SELECT ON feature_store TO ds_user_role"),
        ("TRUNCATE feature_store", "feature_store is empty. Run the DE's ETLs", etl),
        ("DELETE FROM feature_store WHERE idx >= 250", "being filled: 250 rows for 500 clients", etl),
        ("REVOKE CONNECT ON DATABASE {name} FROM ds_user_role, PUBLIC", "may not use this database. GRANT",
         "GRANT CONNECT ON DATABASE {name} TO ds_user_role"),
        ("ALTER DATABASE {name} CONNECTION LIMIT 0", "too many connections. Close some",
         "ALTER DATABASE {name} CONNECTION LIMIT -1"),
    ],
    ids=["missing table", "closed schema", "missing grant", "empty", "half-filled", "no CONNECT", "crowded"],
)  # fmt: skip
def test_an_obstacle_is_said_and_once_it_is_mended_the_table_is_read(new_company, caplog, hurt, words, mend):
    company = new_company(n_clients=N_CLIENTS)
    run(company, hurt.format(name=company.database))

    with reading(settings(company)) as read:
        await_message(caplog, words)
        assert not read.done()
        if callable(mend):
            mend(company)
        else:
            run(company, mend.format(name=company.database))
        assert len(read.result()) == N_CLIENTS

    assert sum(words in message for message in caplog.messages) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO feature_store SELECT * FROM feature_store LIMIT 1",
        "LOCK TABLE feature_store IN ACCESS EXCLUSIVE MODE",
        "TRUNCATE feature_store",
    ],
)
def test_a_table_that_another_session_is_changing_is_waited_for(new_company, caplog, statement):
    company = new_company(n_clients=N_CLIENTS)
    with closing(company.connect()) as writer, writer.cursor() as cursor:
        cursor.execute(statement)
        with reading(settings(company)) as read:
            await_message(caplog, "still being filled: another session is changing it. Let the ETL finish")
            assert not read.done()
            writer.rollback()
            assert len(read.result()) == N_CLIENTS


def test_a_table_with_fewer_rows_than_clients_is_read_after_a_long_rest_and_that_is_said(new_company, caplog):
    company = new_company(n_clients=N_CLIENTS)
    run(company, "DELETE FROM feature_store WHERE idx < 3")

    frame = feature_store.get_dataset(settings(company), 60, patience=Patience(short_quiet_s=1.5))

    assert len(frame) == N_CLIENTS - 3
    assert "497 rows for 500 clients, unchanged for" in caplog.text
    assert "reading it as it is" in caplog.text


def test_without_clients_to_compare_with_a_table_must_be_at_rest_for_a_moment(new_company, caplog):
    company = new_company(n_clients=N_CLIENTS)
    run(company, "REVOKE SELECT ON customer_profiles FROM ds_user_role")

    frame = feature_store.get_dataset(settings(company), 60, patience=Patience(quiet_s=1))

    assert len(frame) == N_CLIENTS
    assert "still being filled: 500 rows, unchanged for 0 s of 1 s" in caplog.text


@pytest.fixture(scope="module")
def guarded(shared_server: PostgresServer) -> Coordinates:
    """A company with one role more, which may not log in; read only."""
    company = add_company(shared_server, "guarded", n_clients=10)
    run(company, "CREATE ROLE resting NOLOGIN PASSWORD 'ds_user'")
    return company


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"password": "hush-hush"}, SettingsError, "wrong password, or no such role.*DS_DB_PASSWORD"),
        ({"user": "nobody_here"}, SettingsError, "wrong password, or no such role.*setup_users.sql"),
        ({"user": "resting"}, SettingsError, "the role is missing or may not log in"),
        ({"name": "nowhere"}, SettingsError, "the database is missing. Create it, or correct DB_NAME"),
        ({"sslmode": "require"}, SettingsError, "could not agree on encryption.*DB_SSLMODE"),
        (
            {"port": 1},
            DatabaseError,
            "refused: nothing listens there. Start the database",
        ),
        ({"hostname": "operational-db.invalid"}, DatabaseError, "no server with this name is known"),
        ({"hostname": "/nowhere"}, DatabaseError, "refused: nothing listens there"),
    ],
    ids=[
        "password",
        "unknown role",
        "NOLOGIN",
        "database",
        "encryption",
        "refused",
        "no server",
        "no socket",
    ],
)
def test_at_the_limit_the_error_says_who_must_act_and_how(guarded, caplog, monkeypatch, change, kind, words):
    monkeypatch.setattr(waiting, "LOOK_AT_LEAST_S", 60)  # on the busiest machine

    with pytest.raises(kind, match=f"^feature_store at .* could not be read within .*{words}"):
        feature_store.wait(replace(settings(guarded), **change), 0.5)

    assert sum("waiting for feature_store" in message for message in caplog.messages) == 1
    assert "hush" not in caplog.text


def test_the_limit_of_a_missing_table_is_an_error_of_the_database(new_company):
    company = new_company(n_clients=10)
    run(company, "DROP TABLE feature_store")

    with pytest.raises(DatabaseError, match=r"there is no table feature_store\. Run the DE's ETLs"):
        feature_store.wait(settings(company), 0)


def test_a_view_that_takes_longer_than_a_look_may_is_read_in_the_end(new_company, caplog):
    company = new_company(n_clients=4)
    run(company, "ALTER TABLE feature_store RENAME TO stored")
    slow = "FROM stored, LATERAL (SELECT pg_sleep(0.5 + 0 * idx)) AS slept"
    run(company, f"CREATE VIEW feature_store AS SELECT stored.* {slow}")

    frame = feature_store.get_dataset(settings(company), 600, patience=Patience(look_s=1.0))

    assert len(frame) == 4
    assert "the server took too long to answer" in caplog.text


def test_a_server_error_that_waiting_cannot_mend_is_raised_at_once(new_company):
    company = new_company(n_clients=10)
    run(company, "DROP TABLE feature_store")
    run(company, "CREATE VIEW feature_store AS SELECT 1 / (idx - idx) AS one FROM labels")
    run(company, "GRANT SELECT ON feature_store TO ds_user_role")

    with pytest.raises(DatabaseError, match=r"cannot be read: division by zero \(SQLSTATE 22012\)"):
        feature_store.get_dataset(settings(company), 60, patience=Patience(quiet_s=0, short_quiet_s=0))


def test_the_embedded_default_must_be_started_by_the_caller():
    with pytest.raises(SettingsError, match="DB_HOSTNAME is unset; expected a running server"):
        feature_store.wait(DatabaseSettings())


def test_a_restart_during_the_wait_is_survived_and_every_change_is_said(fresh_server, caplog):
    company = add_company(fresh_server, n_clients=N_CLIENTS)
    run(company, "DROP TABLE feature_store")

    with reading(settings(company)) as read:
        await_message(caplog, "there is no table")
        fresh_server.stop()
        await_message(caplog, "nothing listens there")
        fresh_server.start()
        await_message(caplog, "there is no table", times=2)
        etl(company)
        assert len(read.result()) == N_CLIENTS


def test_crashes_during_reads_cost_time_but_never_rows(fresh_server):
    company = add_company(fresh_server, n_clients=20_000)
    expected = feature_store.get_dataset(settings(company))

    for number in range(6):
        with reading(settings(company)) as read:
            time.sleep(0.02 * number)
            fresh_server.kill()
            fresh_server.start()
            pd.testing.assert_frame_equal(read.result(), expected)


def test_a_table_dropped_between_look_and_copy_sends_the_reader_back_to_waiting(new_company):
    company = new_company(n_clients=10)
    engine, supervised = postgres.make_engine(settings(company)), Supervised(Patience())

    def look_then_copy() -> None:
        with postgres.connected(engine, "feature_store", supervised) as connection:
            relation = relations.find(connection, "feature_store")
            connection.rollback()
            run(company, "DROP TABLE feature_store")
            copying.copy(connection, relation, supervised)

    with pytest.raises(NotReadyError, match="there is no table feature_store"):
        supervised.run(look_then_copy, limit_s=10)


def test_a_table_rebuilt_again_and_again_is_always_read_whole(new_company):
    company = new_company(n_clients=N_CLIENTS)
    expected = feature_store.get_dataset(settings(company))
    drop_and_fill = "DROP TABLE feature_store; SELECT pg_sleep(0.02); COMMIT; SELECT pg_sleep(0.02);"

    def rebuild(times: int) -> None:
        for _ in range(times):
            run(company, drop_and_fill)
            etl(company)

    with ThreadPoolExecutor(1) as pool:
        rebuilding = pool.submit(rebuild, 15)
        reads = 0
        while not rebuilding.done() or not reads:
            pd.testing.assert_frame_equal(feature_store.get_dataset(settings(company), 600), expected)
            reads += 1
        rebuilding.result()


def test_a_paused_server_is_given_up_at_the_limit(fresh_server):
    company = add_company(fresh_server, n_clients=10)
    fresh_server.pause()
    patient = Patience(look_s=600)  # a look is cut short by the limit of the wait alone
    started = time.monotonic()

    with pytest.raises(DatabaseError, match="the server does not answer"):
        feature_store.wait(settings(company), 2.0, patience=patient)

    assert time.monotonic() - started < 120


@pytest.mark.parametrize("harm", [PostgresServer.pause, PostgresServer.kill], ids=["paused", "killed"])
def test_a_server_lost_in_the_middle_of_a_read_is_noticed_and_the_read_repeated(
    fresh_server: PostgresServer,
    caplog: pytest.LogCaptureFixture,
    slow_down: Callable[[Coordinates, float], None],
    await_copy: Callable[[Coordinates], None],
    harm: Callable[[PostgresServer], None],
):
    company = add_company(fresh_server, n_clients=N_CLIENTS)
    slow_down(company, 0.006)

    with reading(settings(company), Patience(silence_s=3)) as read:
        await_copy(company)
        harm(fresh_server)
        await_message(caplog, "waiting for feature_store")
        fresh_server.resume()
        fresh_server.start()
        assert len(read.result()) == N_CLIENTS
