"""How connections are made and what goes wrong on them is said, without a server."""

from types import SimpleNamespace

import psycopg2
import pytest
import sqlalchemy
from sqlalchemy.exc import OperationalError

from data_science.errors import DatabaseError, SettingsError
from data_science.settings import DatabaseSettings
from data_science.sources.postgres import postgres
from data_science.sources.postgres.obstacles import NotReadyError

DATABASE = DatabaseSettings("reader", "s3cr:t/@", "db", 6543, "other", "require")


class Failure(psycopg2.OperationalError):
    """An error with a code of PostgreSQL's, or without."""

    def __init__(self, text, code=None):
        super().__init__(text)
        self.code = code

    @property
    def pgcode(self):
        return self.code


class Engine:
    """Connects, or fails to."""

    def __init__(self, failure=None):
        self.failure = failure

    def connect(self):
        if self.failure:
            raise self.failure
        return self

    def __enter__(self):
        driver = SimpleNamespace(fileno=lambda: 7)
        return SimpleNamespace(connection=SimpleNamespace(driver_connection=driver))

    def __exit__(self, *_):
        return None


class Supervised:
    def __init__(self):
        self.descriptors = []

    def connected(self, descriptor):
        self.descriptors.append(descriptor)


def test_an_engine_connects_as_the_settings_say_read_only_and_anew_each_time():
    engine = postgres.make_engine(DATABASE)

    url = engine.url
    assert (url.username, url.password, url.host, url.port, url.database) == (
        "reader", "s3cr:t/@", "db", 6543, "other",
    )  # fmt: skip
    assert dict(url.query) == {"sslmode": "require"}
    _, arguments = engine.dialect.create_connect_args(url)
    assert arguments["password"] == "s3cr:t/@"
    assert isinstance(engine.pool, sqlalchemy.NullPool)
    assert engine.get_execution_options()["postgresql_readonly"] is True
    assert engine.hide_parameters is True
    assert engine.dialect._on_connect_isolation_level == "REPEATABLE READ"


def test_without_a_host_there_is_nothing_to_connect_to():
    with pytest.raises(SettingsError, match="DB_HOSTNAME is unset"):
        postgres.make_engine(DatabaseSettings())


def test_the_supervisor_is_given_the_socket_of_an_open_connection():
    supervised = Supervised()

    with postgres.connected(Engine(), "t", supervised):
        assert supervised.descriptors == [7]


def wrapped(failure):
    return OperationalError("SELECT", {}, failure)


from_either = pytest.mark.parametrize(
    "wrap", [wrapped, lambda failure: failure], ids=["SQLAlchemy's", "the driver's"]
)


@from_either
@pytest.mark.parametrize(
    ("failure", "kind"),
    [(Failure("Connection refused"), "refused"), (Failure("FATAL: too many", "53300"), "crowded")],
)
def test_a_connection_that_does_not_open_is_an_obstacle(wrap, failure, kind):
    with pytest.raises(NotReadyError) as caught, postgres.connected(Engine(wrap(failure)), "t", Supervised()):
        pass

    assert caught.value.obstacle.kind == kind


@from_either
@pytest.mark.parametrize(
    ("failure", "kind"),
    [(Failure("Connection refused"), "broken"), (Failure("permission denied", "42501"), "grant")],
)
def test_a_statement_that_fails_on_an_open_connection_is_another_obstacle(wrap, failure, kind):
    with pytest.raises(NotReadyError) as caught, postgres.connected(Engine(), "t", Supervised()):
        raise wrap(failure)

    assert caught.value.obstacle.kind == kind


def test_what_waiting_cannot_mend_is_an_error_with_its_text_and_code():
    with (
        pytest.raises(DatabaseError, match=r"^t cannot be read: division by zero \(SQLSTATE 22012\)$"),
        postgres.connected(Engine(), "t", Supervised()),
    ):
        raise wrapped(Failure("division by zero\n", "22012"))
