"""A copy of the table is taken only if it is what was looked at; each reader asks for its own table."""

from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from data_science.data import dataset
from data_science.settings import DatabaseSettings
from data_science.sources.postgres import feature_store, obstacles, readiness
from data_science.sources.postgres.obstacles import NotReadyError
from data_science.sources.postgres.waiting import Patience

PATIENCE = Patience(quiet_s=2, short_quiet_s=60, look_s=30, silence_s=17)


def visit():
    allowed = []
    return SimpleNamespace(
        table="feature_store", connection=None, asked=frozenset({"idx"}), patience=PATIENCE,
        memory=readiness.Memory(longer=2), allowed=allowed,
        supervised=SimpleNamespace(allow=allowed.append),
    )  # fmt: skip


@pytest.fixture
def copied(monkeypatch):
    """100 rows were seen; ``copied`` says how many come."""
    found = SimpleNamespace(n_rows=100)

    def copy(connection, relation, supervised, asked):
        assert (relation, asked) == ("relation", {"idx"})
        return "its text", found.n_rows

    monkeypatch.setattr(feature_store.readiness, "look", lambda _: ("relation", 100))
    monkeypatch.setattr(feature_store.copying, "copy", copy)
    return found


def test_a_copy_of_as_many_rows_as_were_seen_is_taken_and_may_take_its_time(copied):
    looking = visit()

    assert feature_store._look_and_copy(looking) == "its text"
    assert looking.allowed == [34]


@pytest.mark.parametrize("n_copied", [0, 99, 101])
def test_a_table_that_changed_between_look_and_copy_is_looked_at_again(copied, n_copied):
    copied.n_rows = n_copied

    with pytest.raises(NotReadyError) as caught:
        feature_store._look_and_copy(visit())

    assert caught.value.obstacle.kind == "filling"
    assert caught.value.obstacle.what == f"feature_store is still being filled: 100 rows, then {n_copied}"


@pytest.mark.parametrize(
    ("connects", "allowed_s"),
    [(True, [30, 60, 120]), (False, [30, 30, 30])],
    ids=["too slow", "not connected"],
)
def test_an_attempt_that_got_a_connection_and_no_answer_gives_the_next_one_twice_the_time(
    monkeypatch, connects, allowed_s
):
    given_s, run = [], feature_store.Supervised.run

    @contextmanager
    def connected(*_):
        if not connects and len(given_s) < 3:
            raise NotReadyError(obstacles.silent())
        yield "a connection"

    def visit(visited):
        if len(given_s) < 3:
            raise NotReadyError(obstacles.silent())
        return visited.connection

    def watched(supervised, work, limit_s):
        given_s.append(limit_s)
        return run(supervised, work, limit_s)

    monkeypatch.setattr(feature_store.postgres, "make_engine", lambda _: None)
    monkeypatch.setattr(feature_store.postgres, "connected", connected)
    monkeypatch.setattr(feature_store.Supervised, "run", watched)
    database = DatabaseSettings(hostname="db")

    found = feature_store._patiently(
        database, "labels", visit, 600, replace(PATIENCE, clock=lambda: 0.0, sleep=lambda _: None)
    )

    assert found == "a connection"
    assert given_s == allowed_s


READERS = {
    "get_dataset": "feature_store",
    "get_customer_profiles": "customer_profiles",
    "get_customer_activity": "customer_activity",
    "get_labels": "labels",
    "get_stores": "stores",
    "get_sales": "sales",
    "get_monthly_sales": "monthly_sales",
}


@pytest.mark.parametrize(("reader", "table"), READERS.items())
def test_each_reader_asks_for_its_own_table_as_patiently_as_it_is_told(monkeypatch, reader, table):
    asked, text = [], SimpleNamespace(comment=f"origin of {table}")
    monkeypatch.setattr(feature_store, "_patiently", lambda *given: asked.append(given) or text)
    monkeypatch.setattr(feature_store, "parse", lambda given: pd.DataFrame({"parsed": [given is text]}))

    frame = getattr(feature_store, reader)("database", 7.5)

    assert frame["parsed"].all()
    assert frame.attrs == {feature_store.COMMENT: f"origin of {table}"}
    assert asked == [("database", table, feature_store._look_and_copy, 7.5, Patience())]


def test_waiting_only_looks(monkeypatch):
    asked = []
    monkeypatch.setattr(feature_store, "_patiently", lambda *given: asked.append(given))

    assert feature_store.wait("database", 7.5, patience=PATIENCE) is None
    assert asked == [("database", "feature_store", readiness.look, 7.5, PATIENCE)]


def test_the_columns_that_must_come_are_those_of_the_contract():
    assert set(READERS.values()) == set(feature_store.PROMISED)
    assert feature_store.PROMISED["feature_store"] == {c.name for c in dataset.FEATURE_STORE.columns}
