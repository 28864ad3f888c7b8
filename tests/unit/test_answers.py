"""Every text and code of PostgreSQL that we know is told apart."""

import pytest

from data_science.sources.postgres import answers

AT = 'connection to server at "db" (10.0.0.2), port 5432 failed: '


@pytest.mark.parametrize(
    ("message", "kind", "login"),
    [
        (AT + 'FATAL:  password authentication failed for user "ds_user"', "password", True),
        (AT + "fe_sendauth: no password supplied", "password", True),
        (AT + 'FATAL:  role "ds_user" does not exist', "role", True),
        (AT + 'FATAL:  role "ds_user" is not permitted to log in', "role", True),
        (AT + 'FATAL:  database "companydata" does not exist', "database", True),
        (AT + 'FATAL:  permission denied for database "companydata"', "connect", True),
        (AT + 'FATAL:  no pg_hba.conf entry for host "10.0.0.3", user "ds_user"', "pg_hba", True),
        (AT + "server does not support SSL, but SSL was required", "ssl", True),
        ('root certificate file "/root/.postgresql/root.crt" does not exist', "ssl", True),
        (AT + "SSL error: certificate verify failed", "ssl", True),
        (AT + "FATAL:  the database system is starting up", "starting", False),
        (AT + "FATAL:  the database system is not yet accepting connections", "starting", False),
        (AT + "FATAL:  the database system is in recovery mode", "starting", False),
        (AT + "FATAL:  the database system is shutting down", "starting", False),
        (AT + "FATAL:  sorry, too many clients already", "crowded", False),
        (AT + "FATAL:  remaining connection slots are reserved for roles with", "crowded", False),
        (AT + 'FATAL:  too many connections for role "ds_user"', "crowded", False),
        ('could not translate host name "db" to address: Name or service not known', "no server", False),
        (AT + "timeout expired", "silent", False),
        (AT + "Connection timed out", "silent", False),
        (AT + "No route to host", "unreachable", False),
        (AT + "Connection refused\n\tIs the server running on that host?", "refused", False),
        (
            'connection to server on socket "/x/.s.PGSQL" failed: No such file or directory',
            "refused",
            False,
        ),
        (AT + "server closed the connection unexpectedly", "broken", False),
        (AT + "SSL SYSCALL error: EOF detected", "broken", False),
        (AT + "FATAL:  Passwort-Authentifizierung für Benutzer »ds_user« fehlgeschlagen", "refusal", True),
    ],
)
def test_what_libpq_says_of_a_failed_connection_is_recognised(message, kind, login):
    obstacle = answers.of_connecting(message + "\n")

    assert (obstacle.kind, obstacle.login) == (kind, login)


def test_of_several_addresses_the_servers_own_answer_counts():
    message = (
        'connection to server at "localhost" (::1), port 5432 failed: Connection refused\n'
        'connection to server at "localhost" (127.0.0.1), port 5432 failed: '
        'FATAL:  database "companydata" does not exist\n'
    )

    assert answers.of_connecting(message).kind == "database"


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [
        ("42P01", "missing"),
        ("3F000", "missing"),
        ("42501", "grant"),
        ("55000", "empty"),
        ("55P03", "locked"),
        ("57014", "slow"),
        ("57P01", "starting"),
        ("57P03", "starting"),
        ("53300", "crowded"),
        ("53200", "resources"),
        ("08006", "broken"),
        ("58P01", "system"),
        ("HV00N", "foreign"),
        ("25P03", "broken"),
        ("40001", "conflict"),
        ("XX000", "vanished"),
        (None, "broken"),
    ],
)
def test_the_code_of_a_failed_statement_tells_what_is_in_the_way(sqlstate, kind):
    obstacle = answers.of_statement("feature_store", sqlstate)

    assert obstacle is not None
    assert (obstacle.kind, obstacle.login) == (kind, False)


@pytest.mark.parametrize("sqlstate", ["08P01", None])
def test_a_pooler_that_says_why_it_gave_up_is_quoted(sqlstate):
    busy = answers.of_statement("t", sqlstate, "query_wait_timeout\nserver closed the connection\n")

    assert (busy.kind, busy.login) == ("pooler", False)
    assert "query_wait_timeout" in busy.what


@pytest.mark.parametrize("sqlstate", ["22012", "42703", "XX001"])
def test_a_fault_that_waiting_cannot_mend_is_no_obstacle(sqlstate):
    assert answers.of_statement("feature_store", sqlstate) is None


def test_a_text_that_nobody_knows_is_shown_on_one_line():
    assert answers.of_connecting("un\n\texpected ").what == "no connection: un expected"
