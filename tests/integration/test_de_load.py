"""`python -m de.load` fills any server from the environment and the command line."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.environment import inherited
from tests.refusing_server import refusing_server

ROOT = Path(__file__).parents[2]


def command(company, *arguments, **changes):
    environment = {
        **inherited(),
        **company.environment(),
        "DE_ADMIN_PASSWORD": company.passwords.admin,
        "MLE_DB_PASSWORD": company.passwords.mle_user,
        **changes,
    }
    return subprocess.run(
        [sys.executable, "-m", "de.load", *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_the_command_loads_the_wanted_scenario_and_size(new_company, query):
    company = new_company(scenario=None)

    done = command(company, "--scenario", "signal", "--clients", "40", "--seed", "3")

    assert done.returncode == 0, done.stderr
    assert "feature_store and monthly_sales are ready" in done.stderr
    assert len(query(company, "SELECT * FROM feature_store", user="ds_user")) == 40
    assert len(query(company, "SELECT * FROM signal_truth", user="ds_user")) == 12


def test_the_command_loads_files_and_generates_what_is_missing(new_company, query, tmp_path):
    company = new_company(scenario=None)
    tmp_path.joinpath("labels.csv").write_text("idx,label\n5,0\n6,1\n")

    done = command(company, "--csv", str(tmp_path), "--seed", "3")

    assert done.returncode == 0, done.stderr
    assert sorted(query(company, "SELECT idx FROM feature_store", user="ds_user")["idx"]) == [5, 6]
    assert "labels: 2 rows, the company's file, sha256 " in done.stderr
    assert "customer_activity: no file in" in done.stderr


def test_a_secret_that_ends_with_a_newline_is_the_password_without_it(new_company, query):
    company = new_company(scenario=None)
    odd = "Ünïcode/%s 'quoted' \\ back"
    given = {"DS_DB_PASSWORD": f"{odd}\n", "DE_ADMIN_PASSWORD": f"{company.passwords.admin}\r\n"}

    done = command(
        company, "--clients", "5", **given, DB_SSLMODE=" ", DE_ADMIN_USER="", PGCLIENTENCODING="LATIN1"
    )
    try:
        assert done.returncode == 0, done.stderr
        reading = replace(company, passwords=replace(company.passwords, ds_user=odd))
        assert len(query(reading, "SELECT * FROM feature_store", user="ds_user")) == 5
        assert odd not in done.stderr
    finally:  # roles are the whole server's
        query(company, f"ALTER ROLE ds_user PASSWORD '{company.passwords.ds_user}'")


def test_a_refusal_in_another_encoding_is_said_and_not_a_traceback(company):
    with refusing_server() as server:
        server.say("57P03", "система баз данных запускается", "ВАЖНО", "koi8-r")
        done = command(company, DB_PORT=str(server.port))

    assert done.returncode == 1
    assert "nothing was loaded: connection to server" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_load_of_which_the_database_cannot_make_the_tables_replaces_nothing(new_company, query, tmp_path):
    company = new_company(n_clients=20, seed=4)
    rows = "2020-01-01,1\n".join(["idx,value,date,store_idx\n1,1e308,", "2,1e308,", ""])
    tmp_path.joinpath("sales.csv").write_text(rows)
    tmp_path.joinpath("stores.csv").write_text("idx,location\n1,Lisbon\n")
    sums = "SELECT count(*) AS n, sum(idx) AS of FROM {}"
    before = {table: query(company, sums.format(table)).to_dict() for table in ("labels", "sales", "stores")}

    done = command(company, "--csv", str(tmp_path))

    assert done.returncode == 1
    assert "out of range" in done.stderr
    assert "All tables are unchanged" in done.stderr
    assert "Traceback" not in done.stderr
    for table, held in before.items():
        assert query(company, sums.format(table)).to_dict() == held


@pytest.mark.parametrize(
    ("arguments", "changes", "reason"),
    [
        ([], {"DS_DB_PASSWORD": ""}, "DS_DB_PASSWORD not set or empty. Environment: DB_HOSTNAME"),
        ([], {"DB_NAME": "nowhere"}, 'database "nowhere" does not exist'),
        ([], {"DE_ADMIN_PASSWORD": "hush"}, 'password authentication failed for user "admin"'),
        (["--clients", "0"], {}, "number of clients 0: expected at least 1"),
        (["--seed", "-1"], {}, "seed -1: expected a whole number of at least 0"),
        (["--csv", "nowhere"], {}, "nowhere is not a folder"),
        ([], {"DE_FILES": "elsewhere"}, "elsewhere is not a folder"),
        (["--csv", "n" * 300], {}, "nnn cannot be read (File name too long)"),
        (["--csv", "docker"], {}, "docker contains no table; expected at least one of customer_profiles.csv"),
    ],
    ids=[
        "no password",
        "no database",
        "wrong password",
        "no clients",
        "seed",
        "no folder",
        "variable",
        "no name",
        "no files",
    ],
)
def test_the_command_says_why_it_cannot_load(new_company, arguments, changes, reason):
    done = command(new_company(scenario=None), *arguments, **changes)

    assert done.returncode == 1
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert "hush" not in done.stderr
