"""ds_user reads everything and writes nothing; mle_user may do both; passwords are checked."""

from contextlib import closing
from dataclasses import replace

import psycopg2
import pytest

from de.load import Passwords, create_roles, process_data
from de.source_tables import TABLES


@pytest.mark.parametrize("table", [*TABLES, "monthly_sales", "feature_store"])
def test_ds_user_reads_every_table(company, query, table):
    assert query(company, f"SELECT count(*) AS n FROM {table}", user="ds_user")["n"].item() > 0


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO labels VALUES (0, 1)",
        "UPDATE feature_store SET label = 1",
        "DELETE FROM feature_store",
        "TRUNCATE feature_store",
        "CREATE TABLE mine (idx int)",
        "CREATE TABLE mine AS SELECT * FROM feature_store",
        "CREATE TEMPORARY TABLE mine (idx int)",
        "CREATE SCHEMA mine",
        "CREATE INDEX ON feature_store (idx)",
        "ALTER TABLE feature_store ADD COLUMN mine int",
        "DROP TABLE feature_store",
        "COPY labels FROM STDIN",
        "SET ROLE admin",
    ],
)
def test_ds_user_can_write_nothing(company, query, statement):
    with pytest.raises(psycopg2.Error, match=r"permission denied|must be owner"):
        query(company, statement, user="ds_user")


@pytest.mark.parametrize("maker", ["admin", "mle_user"])
def test_tables_made_later_are_readable(new_company, query, maker):
    company = new_company(scenario=None)
    query(company, "CREATE TABLE made_later AS SELECT 1 AS value", user=maker)

    for reader in ("admin", "ds_user", "mle_user"):
        assert query(company, "SELECT value FROM made_later", user=reader)["value"].item() == 1


def test_dropping_and_making_feature_store_again_keeps_the_grant(new_company, query):
    company = new_company(n_clients=20)
    query(company, "DROP TABLE feature_store")
    with closing(company.connect()) as connection:
        process_data(connection)

    assert query(company, "SELECT count(*) AS n FROM feature_store", user="ds_user")["n"].item() == 20


def test_mle_user_can_write_make_and_drop_tables(new_company, query):
    company = new_company(n_clients=20)
    for statement in (
        "INSERT INTO labels VALUES (20, 1)",
        "UPDATE feature_store SET label = 1 WHERE idx = 0",
        "DELETE FROM sales WHERE idx = 0",
        "TRUNCATE sales",
        "CREATE TABLE predictions (idx serial, label int)",
        "INSERT INTO predictions (label) VALUES (1)",
        "DROP TABLE predictions",
    ):
        query(company, statement, user="mle_user")

    assert len(query(company, "SELECT * FROM labels")) == 21


def test_roles_can_be_set_up_again_and_take_new_passwords(fresh_server, query):
    from de.embedded import add_company

    old = add_company(fresh_server, n_clients=20)
    new = replace(old, passwords=replace(old.passwords, ds_user="it's \\ new: 100 %s"))
    with closing(old.connect()) as connection:
        create_roles(connection, new.passwords)

    assert len(query(new, "SELECT * FROM feature_store", user="ds_user")) == 20
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        old.connect("ds_user")


@pytest.mark.parametrize("user", ["admin", "ds_user", "mle_user"])
def test_a_wrong_password_is_refused(company, user):
    stranger = replace(company, passwords=Passwords("wrong", "wrong", "wrong"))

    with pytest.raises(psycopg2.OperationalError, match=f'password authentication failed for user "{user}"'):
        stranger.connect(user)


def test_passwords_do_not_show_in_a_repr(company):
    secret = replace(company, passwords=Passwords("hush-1", "hush-2", "hush-3"))

    assert "hush" not in repr(secret)
