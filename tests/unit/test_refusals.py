"""Why a server refuses is read from its code and not its words, whatever language and encoding they have."""

import ssl
from types import SimpleNamespace

import certificates
import pytest

from data_science.settings import DatabaseSettings
from data_science.sources.postgres import postgres, refusals
from data_science.sources.postgres.obstacles import NotReadyError, Obstacle
from tests.refusing_server import refusing_server

# What PostgreSQL says in a state, by code: English, and the same in other languages where they are known.
STATES = {
    "57P03": ["the database system is starting up", "das Datenbanksystem startet", "система баз данных запускается"],
    "57P01": ["terminating connection due to administrator command", "終了しています"],
    "57P02": ["the database system is shutting down", "le système de base de données s'arrête"],
    "53300": ["sorry, too many clients already", "tut mir leid, schon zu viele Verbindungen", "すみません、クライアント数が多すぎます"],
    "28P01": ['password authentication failed for user "u"', "Passwort-Authentifizierung fehlgeschlagen", "비밀번호 인증 실패"],
    "28000": ['role "u" is not permitted to log in', "Rolle »u« hat keine Berechtigung", "роли не разрешён вход"],
    "3D000": ['database "d" does not exist', "Datenbank »d« existiert nicht", "データベース\"d\"は存在しません"],
    "42501": ['permission denied for database "d"', "keine Berechtigung für Datenbank d", "нет доступа"],
    "55000": ['database "d" is not currently accepting connections', "Datenbank akzeptiert keine Verbindungen"],
    "53200": ["out of memory", "Speicher aufgebraucht"],
    "58030": ["could not read file", "konnte Datei nicht lesen"],
    "08P01": ["server_login_retry", "query_wait_timeout"],
}  # fmt: skip
WAITING = {"57P03", "57P01", "57P02", "53300", "55000", "53200", "58030", "08P01"}
SPOKEN = [
    ("FATAL", "utf-8"), ("FATAL", "latin-1"), ("ВАЖНО", "koi8-r"), ("ВАЖНО", "cp1251"),
    ("致命的エラー", "euc-jp"), ("FATAL", "shift-jis"), ("치명적오류", "euc-kr"),
]  # fmt: skip


@pytest.fixture(scope="module")
def server():
    with refusing_server() as running:
        yield running


def obstacle(server, **changes) -> Obstacle:
    database = DatabaseSettings(
        **{"hostname": "127.0.0.1", "port": server.port, "password": "hush", **changes}
    )
    with (
        pytest.raises(NotReadyError) as caught,
        postgres.connected(postgres.make_engine(database), "t", SimpleNamespace()),
    ):
        pass
    return caught.value.obstacle


def test_a_state_is_the_same_obstacle_in_every_language_and_encoding(server):
    for sqlstate, (english, *others) in STATES.items():
        server.say(sqlstate, english)
        expected = obstacle(server)
        assert expected.login is (sqlstate not in WAITING), (sqlstate, expected)
        for text in [*others, "", "two\nlines:  28P01"]:
            for severity, codec in SPOKEN:
                server.say(sqlstate, text, severity, codec)

                found = obstacle(server)

                assert found.login is expected.login, (sqlstate, text, codec, found)
                if sqlstate != "28000":  # used for several reasons, which known words tell apart
                    assert found.kind == expected.kind, (sqlstate, text, codec, found)


def test_a_pooler_uses_one_code_for_everything_and_is_judged_by_its_words(server):
    said = {
        "no more connections allowed (max_client_conn)": ("crowded", False),
        "server_login_retry": ("pooler", False),
        "query_wait_timeout": ("pooler", False),
        "server login has been failing, try again later (server_login_retry)": ("pooler", False),
        "pgbouncer cannot connect to server": ("pooler", False),
        "server login failed: FATAL the database system is starting up": ("starting", False),
        "no such user: u": ("password", True),
        "SASL authentication failed": ("password", True),
        "no such database: d": ("database", True),
        "unsupported startup parameter: extra_float_digits": ("startup", True),
    }
    for words, expected in said.items():
        server.say("08P01", words)

        found = obstacle(server)

        assert (found.kind, found.login) == expected, words
        assert found.kind != "pooler" or words in found.what


@pytest.mark.parametrize("words", ["the database system is starting up", "Tenant or user not found"])
def test_without_a_code_words_have_to_do(server, words):
    server.say(None, words)

    assert obstacle(server).kind == ("starting" if "starting" in words else "refusal")


def test_where_libpq_cannot_be_asked_words_have_to_do(server, monkeypatch):
    monkeypatch.setattr(refusals.ctypes, "CDLL", lambda _: object())
    server.say("3D000", 'database "d" does not exist')

    assert obstacle(server).kind == "database"


def test_a_server_that_hangs_up_without_a_word_broke_the_connection_and_is_asked_once(server):
    server.fields, server.n_logins = None, 0

    assert obstacle(server).kind == "broken"
    assert server.n_logins == 1


def test_a_server_that_lets_us_in_the_second_time_is_waited_for(server, monkeypatch):
    monkeypatch.setattr(refusals, "sqlstate_of", lambda *_: refusals.PASSED)
    server.say("28P01", "password authentication failed")

    found = obstacle(server)

    assert (found.kind, found.login) == ("broken", False)


def test_of_several_addresses_the_server_has_the_last_word(server):
    server.say("57P03", "das Datenbanksystem startet")

    found = obstacle(server, hostname="127.0.0.1,127.0.0.1", port=server.port)

    assert found.kind == "starting"


@pytest.fixture(scope="module")
def certified(tmp_path_factory):
    """A server with a certificate for localhost, starting up."""
    folder = tmp_path_factory.mktemp("certificates")
    (folder / "crt").write_text(certificates.LOCALHOST)
    (folder / "key").write_text(certificates.KEY_OF_LOCALHOST)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "crt", folder / "key")
    with refusing_server(tls) as running:
        running.say("57P03", "das Datenbanksystem startet")
        yield running


@pytest.mark.parametrize(
    ("authority", "hostname", "words"),
    [
        (None, "localhost", "there is no root certificate to check it with"),
        ("", "localhost", "there is no root certificate to check it with"),
        (certificates.ANOTHER_AUTHORITY, "localhost", "not signed by an authority in the root certificate"),
        (certificates.AUTHORITY, "127.0.0.1", "valid, but for another name than DB_HOSTNAME"),
        (certificates.AUTHORITY, "localhost", "the database is starting up"),
    ],
    ids=["no root certificate", "an empty one", "of another authority", "another name", "all right"],
)
def test_verify_full_says_which_of_its_reasons_and_never_advises_to_check_less(
    certified, tmp_path, monkeypatch, authority, hostname, words
):
    monkeypatch.setenv("PGSSLROOTCERT", str(tmp_path / "root.crt"))
    if authority is not None:
        (tmp_path / "root.crt").write_text(authority)

    found = obstacle(certified, hostname=hostname, sslmode="verify-full")

    assert words in found.what
    assert found.login is ("starting" not in words)
    if found.login:
        assert "a lower DB_SSLMODE would not notice an impostor" in found.remedy


def test_a_server_without_encryption_is_another_matter(server):
    assert "could not agree on encryption" in obstacle(server, sslmode="require").what
