"""When the table counts as ready: decided without a server."""

from types import SimpleNamespace

import pytest
from sqlalchemy.exc import DBAPIError

from data_science.sources.postgres import obstacles, readiness
from data_science.sources.postgres.obstacles import NotReadyError
from data_science.sources.postgres.readiness import CLIENTS, FEATURE_STORE, Memory, Since, Visit
from data_science.sources.postgres.relations import Column, Relation, Shown, Writer
from data_science.sources.postgres.waiting import Patience

PATIENCE = Patience(quiet_s=2, short_quiet_s=60, look_s=30, silence_s=17)
OID = {FEATURE_STORE: 11, CLIENTS: 12, "stores": 13, "partition": 14}


class World:
    """A database as `relations` would find it, and its time."""

    def __init__(self):
        self.rows = {FEATURE_STORE: 100, CLIENTS: 100}
        self.seen = {name: {} for name in OID}  # what is special of each, as fields of Shown
        self.parts = {}
        self.writing = {}  # process, or None -> name of the table, transaction
        self.now = 50.0
        self.executed = []
        self.rolled_back = 0
        self.readable = True

    def find(self, _, table):
        return Relation(OID[table], "public", table) if table in self.rows else None

    def behind(self, _, relation):
        return [self.shown(name) for name in (relation.name, *self.parts.get(relation.name, ()))]

    def shown(self, name):
        usual = {"reader": "ds_user", "populated": True, "foreign": False, "denied": False, "hides": False}
        return Shown(OID[name], name, **(usual | self.seen[name]))

    def writers(self, _, oids):
        found = [
            Writer(OID[table], pid, transaction, table) for pid, (table, transaction) in self.writing.items()
        ]
        return [writer for writer in found if writer.oid in oids]

    def columns(self, _, relation):
        return [Column("idx", "integer", True, True), Column("label", "integer", self.readable, True)]

    def count(self, _, relation):
        return self.rows[relation.name]

    def rollback(self):
        self.rolled_back += 1


@pytest.fixture
def world(monkeypatch):
    made = World()
    names = ("find", "behind", "writers", "columns", "count")
    monkeypatch.setattr(
        readiness, "relations", SimpleNamespace(**{name: getattr(made, name) for name in names})
    )
    monkeypatch.setattr(
        readiness,
        "postgres",
        SimpleNamespace(limit_statements=lambda _, seconds: made.executed.append(seconds)),
    )
    return made


def visit(world, table=FEATURE_STORE, memory=None, asked=("idx", "label")):
    patience = Patience(
        PATIENCE.quiet_s, PATIENCE.short_quiet_s, PATIENCE.look_s, PATIENCE.silence_s, clock=lambda: world.now
    )
    connection = SimpleNamespace(rollback=world.rollback)
    return Visit(connection, table, frozenset(asked), memory or Memory(), None, patience)


def kind_of(read, *arguments):
    with pytest.raises(NotReadyError) as caught:
        read(*arguments)
    return caught.value.obstacle.kind, caught.value.obstacle.what


def test_a_complete_table_is_ready_at_once_and_leaves_no_transaction_open(world):
    relation, n_rows = readiness.look(visit(world))

    assert (relation.name, n_rows) == (FEATURE_STORE, 100)
    assert world.executed == [25]
    assert world.rolled_back == 1


def test_what_is_in_the_way_is_named(world):
    world.writing = {7: (FEATURE_STORE, "3/4")}
    assert kind_of(readiness.look, visit(world)) == (
        "filling", "feature_store is still being filled: another session is changing it",
    )  # fmt: skip

    world.writing, world.parts = {7: ("partition", "3/4")}, {FEATURE_STORE: ["partition"]}
    assert "changing partition, whose rows it shows" in kind_of(readiness.look, visit(world))[1]

    world.writing, world.seen["partition"] = {}, {"hides": True}
    assert kind_of(readiness.look, visit(world))[0] == "hidden"

    world.parts, world.readable = {}, False
    assert "no SELECT grant on label" in kind_of(readiness.look, visit(world))[1]

    world.readable, world.rows[FEATURE_STORE] = True, 0
    assert kind_of(readiness.look, visit(world))[0] == "empty"

    del world.rows[FEATURE_STORE]
    assert kind_of(readiness.look, visit(world))[0] == "missing"


def test_other_tables_need_not_stay_the_same(world):
    world.rows = {"stores": 1}

    assert readiness.look(visit(world, "stores"))[1] == 1


@pytest.mark.parametrize("clients", ["none", "denied", "hides", "populated", "fewer"])
def test_without_a_number_to_reach_the_table_has_to_rest_two_seconds(world, clients):
    if clients == "none":
        del world.rows[CLIENTS]
    elif clients == "fewer":
        world.rows[CLIENTS] = 99
    else:
        world.seen[CLIENTS] = {clients: clients != "populated"}
    memory = Memory()

    for now, ready in ((50.0, False), (51.9, False), (52.0, True)):
        world.now = now
        if ready:
            assert readiness.look(visit(world, memory=memory))[1] == 100
        else:
            kind, what = kind_of(readiness.look, visit(world, memory=memory))
            assert kind == "filling"
            assert f"unchanged for {now - 50:.0f} s of 2 s" in what
            assert ("for 99 clients" in what) == (clients == "fewer")


def test_a_table_short_of_clients_has_to_rest_a_minute_and_is_then_read_with_a_warning(world, caplog):
    world.rows[FEATURE_STORE], memory = 80, Memory()

    for now in (50.0, 109.9):
        world.now = now
        assert "80 rows for 100 clients" in kind_of(readiness.look, visit(world, memory=memory))[1]
    assert not caplog.messages
    world.now = 110.0

    assert readiness.look(visit(world, memory=memory))[1] == 80
    assert caplog.messages[0].startswith(
        "feature_store has 80 rows for 100 clients, unchanged for 60 s; reading it as it is"
    )


def test_a_table_that_is_read_complete_or_without_clients_to_compare_is_read_without_a_warning(world, caplog):
    readiness.look(visit(world))
    del world.rows[CLIENTS]
    memory = Memory(rows=Since((OID[FEATURE_STORE], 100), 0.0))
    readiness.look(visit(world, memory=memory))

    assert not caplog.messages


@pytest.mark.parametrize("change", ["rows", "made anew"])
def test_any_change_starts_the_rest_again(world, monkeypatch, change):
    del world.rows[CLIENTS]
    memory = Memory(rows=Since((OID[FEATURE_STORE], 100), 0.0))
    if change == "rows":
        world.rows[FEATURE_STORE] = 101
    else:
        monkeypatch.setitem(OID, FEATURE_STORE, 99)

    assert "unchanged for 0 s" in kind_of(readiness.look, visit(world, memory=memory))[1]


def test_tables_that_are_written_all_the_time_are_at_rest_once_no_transaction_lasted_for_a_minute(world):
    memory = Memory()
    for number, now in enumerate((50.0, 60.0, 70.0)):  # the first two looks cannot tell
        world.now, world.writing = now, {7: (FEATURE_STORE, f"3/{number}")}
        assert kind_of(readiness.look, visit(world, memory=memory))[0] == "filling"

    world.now, world.writing = 119.9, {7: (FEATURE_STORE, "3/3")}
    assert kind_of(readiness.look, visit(world, memory=memory))[0] == "filling"
    world.now, world.writing = 120.0, {7: (FEATURE_STORE, "3/4"), 8: (FEATURE_STORE, "4/1")}
    assert readiness.look(visit(world, memory=memory))[1] == 100

    world.now = 121.0  # the two are still there: one of them may hold back rows
    assert kind_of(readiness.look, visit(world, memory=memory))[0] == "filling"
    world.now, world.writing = 150.0, {7: (FEATURE_STORE, "3/5")}
    assert kind_of(readiness.look, visit(world, memory=memory))[0] == "filling"


def test_what_took_too_long_is_given_twice_the_time_and_then_no_more(world):
    memory = Memory(connected=True)

    memory.learn(obstacles.filling("t", "seen"))
    assert memory.longer == 1
    memory.learn(obstacles.silent())
    readiness.look(visit(world, memory=memory))
    assert world.executed == [50]

    for _ in range(20):
        memory.learn(obstacles.silent())
    assert memory.longer == readiness.LONGEST

    unconnected = Memory()
    unconnected.learn(obstacles.silent())  # no server answers: more time would bring nothing
    assert unconnected.longer == 1


@pytest.mark.parametrize(
    ("sqlstate", "special", "words"),
    [
        ("42P01", {"foreign": True}, "the foreign table partition, which feature_store reads, does not give"),
        ("08001", {"foreign": True}, "does not give its rows (no such thing)"),
        ("42501", {"denied": True}, "reads partition, on which the role ds_user has no SELECT grant"),
        (
            "55000",
            {"populated": False},
            "the materialized view partition, which feature_store reads, has not",
        ),
    ],
)
def test_rows_that_cannot_be_counted_are_missed_where_they_are(world, monkeypatch, sqlstate, special, words):
    class DriverError(Exception):
        pgcode = sqlstate

    def count(*_):
        raise DBAPIError("SELECT", {}, DriverError("no such thing\nCONTEXT: remote"))

    monkeypatch.setattr(readiness.relations, "count", count)
    world.parts, world.seen["partition"] = {FEATURE_STORE: ["partition"]}, special

    assert words in kind_of(readiness.look, visit(world))[1]
