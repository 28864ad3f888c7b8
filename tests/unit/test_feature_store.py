"""When the table counts as ready, and when a copy of it is what was looked at: decided without a server."""

from types import SimpleNamespace

import pandas as pd
import pytest

from data_science.sources.postgres import feature_store
from data_science.sources.postgres.feature_store import CLIENTS, FEATURE_STORE, _Stability, _Visit
from data_science.sources.postgres.obstacles import NotReadyError
from data_science.sources.postgres.postgres import Relation
from data_science.sources.postgres.waiting import Patience

PATIENCE = Patience(quiet_s=2, short_quiet_s=60, look_s=30, silence_s=17)
OID = {FEATURE_STORE: 11, CLIENTS: 12, "stores": 13}


class World:
    """A database as `postgres` would find it, and its time."""

    def __init__(self):
        self.rows = {FEATURE_STORE: 100, CLIENTS: 100}
        self.readable = True
        self.changing = set()
        self.now = 50.0
        self.copied = None
        self.allowed = None
        self.executed = []
        self.rolled_back = 0

    def find(self, _, table):
        return Relation(OID[table], "public", table, True, self.readable) if table in self.rows else None

    def is_being_changed(self, _, relation):
        return relation.name in self.changing

    def count(self, _, relation):
        return self.rows[relation.name]

    def copy(self, connection, relation, supervised):
        assert relation.name in self.rows
        return f"text of {relation.name}", self.rows[relation.name] if self.copied is None else self.copied

    def rollback(self):
        self.rolled_back += 1

    def allow(self, limit_s):
        self.allowed = limit_s


@pytest.fixture
def world(monkeypatch):
    made = World()
    names = ("find", "is_being_changed", "count", "copy")
    stand_in = SimpleNamespace(LOOK_LIMITS="limits", **{name: getattr(made, name) for name in names})
    monkeypatch.setattr(feature_store, "postgres", stand_in)
    return made


def visit(world, table=FEATURE_STORE, stability=None):
    patience = Patience(
        PATIENCE.quiet_s, PATIENCE.short_quiet_s, PATIENCE.look_s, PATIENCE.silence_s, clock=lambda: world.now
    )
    connection = SimpleNamespace(execute=world.executed.append, rollback=world.rollback)
    supervised = SimpleNamespace(allow=world.allow)
    return _Visit(connection, table, stability or _Stability(), supervised, patience)


def kind_of(read, *arguments):
    with pytest.raises(NotReadyError) as caught:
        read(*arguments)
    return caught.value.obstacle.kind, caught.value.obstacle.what


def test_a_complete_table_is_ready_at_once_and_leaves_no_transaction_open(world):
    relation, n_rows = feature_store._look(visit(world))

    assert (relation.name, n_rows) == (FEATURE_STORE, 100)
    assert world.executed == ["limits"]
    assert world.rolled_back == 1


def test_what_is_in_the_way_is_named(world):
    world.changing = {FEATURE_STORE}
    assert kind_of(feature_store._look, visit(world)) == (
        "filling", "feature_store is still being filled: another session is changing it",
    )  # fmt: skip

    world.changing, world.rows[FEATURE_STORE] = set(), 0
    assert kind_of(feature_store._look, visit(world))[0] == "empty"

    del world.rows[FEATURE_STORE]
    assert kind_of(feature_store._look, visit(world))[0] == "missing"


def test_other_tables_need_not_stay_the_same(world):
    world.rows = {"stores": 1}

    assert feature_store._look(visit(world, "stores"))[1] == 1


@pytest.mark.parametrize("clients", ["none", "not readable", "fewer"])
def test_without_a_number_to_reach_the_table_has_to_rest_two_seconds(world, clients):
    if clients == "none":
        del world.rows[CLIENTS]
    elif clients == "not readable":
        world.readable = False
    else:
        world.rows[CLIENTS] = 99
    stability = _Stability()

    for now, ready in ((50.0, False), (51.9, False), (52.0, True)):
        world.now = now
        if ready:
            assert feature_store._look(visit(world, stability=stability))[1] == 100
        else:
            kind, what = kind_of(feature_store._look, visit(world, stability=stability))
            assert kind == "filling"
            assert f"unchanged for {now - 50:.0f} s of 2 s" in what
            assert ("for 99 clients" in what) == (clients == "fewer")


def test_a_table_short_of_clients_has_to_rest_a_minute_and_is_then_read_with_a_warning(world, caplog):
    world.rows[FEATURE_STORE], stability = 80, _Stability()

    for now in (50.0, 109.9):
        world.now = now
        assert "80 rows for 100 clients" in kind_of(feature_store._look, visit(world, stability=stability))[1]
    assert not caplog.messages
    world.now = 110.0

    assert feature_store._look(visit(world, stability=stability))[1] == 80
    assert caplog.messages[0].startswith(
        "feature_store has 80 rows for 100 clients, unchanged for 60 s; reading it as it is"
    )


def test_a_table_that_is_read_complete_or_without_clients_to_compare_is_read_without_a_warning(world, caplog):
    feature_store._look(visit(world))
    del world.rows[CLIENTS]
    stability = _Stability((OID[FEATURE_STORE], 100), 0.0)
    feature_store._look(visit(world, stability=stability))

    assert not caplog.messages


@pytest.mark.parametrize("change", ["rows", "made anew"])
def test_any_change_starts_the_rest_again(world, monkeypatch, change):
    del world.rows[CLIENTS]
    stability = _Stability((OID[FEATURE_STORE], 100), 0.0)
    if change == "rows":
        world.rows[FEATURE_STORE] = 101
    else:
        monkeypatch.setitem(OID, FEATURE_STORE, 99)

    assert "unchanged for 0 s" in kind_of(feature_store._look, visit(world, stability=stability))[1]


def test_a_copy_of_as_many_rows_as_were_seen_is_taken_and_may_take_its_time(world):
    assert feature_store._look_and_copy(visit(world)) == "text of feature_store"
    assert world.allowed == 17


@pytest.mark.parametrize("n_copied", [0, 99, 101])
def test_a_table_that_changed_between_look_and_copy_is_looked_at_again(world, n_copied):
    world.copied = n_copied

    assert kind_of(feature_store._look_and_copy, visit(world)) == (
        "filling", f"feature_store is still being filled: 100 rows, then {n_copied}",
    )  # fmt: skip


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
    assert asked == [("database", "feature_store", feature_store._look, 7.5, PATIENCE)]
