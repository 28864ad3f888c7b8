"""The database of a run that names none: which variables its reader is given, and what is refused."""

from contextlib import contextmanager

import pytest

from de import embedded
from de.embedded import Coordinates
from de.errors import LoadError, ServerError, VariableError
from de.stand_in import environment

GIVEN = {"SEED": "3", "DB_SSLMODE": "disable", "DS_DB_PASSWORD_FILE": "/run/secrets/password"}


@pytest.fixture
def companies(monkeypatch):
    """What was asked of each embedded company; none is started."""
    asked = []

    @contextmanager
    def company(*of, files):
        asked.append((*of, files))
        yield Coordinates("/socket", 6000, "companydata")
        asked.append("stopped")

    monkeypatch.setattr(embedded, "embedded_company", company)
    return asked


def test_a_database_that_is_named_is_left_to_its_variables(companies):
    named = {**GIVEN, "DB_HOSTNAME": "db"}

    with environment(named, "signal", 9, 2) as ready:
        assert ready == named

    assert companies == []


@pytest.mark.parametrize("blank", [{}, {"DB_HOSTNAME": " "}], ids=["unset", "blank"])
def test_where_none_is_named_a_company_runs_as_long_as_its_reader(companies, tmp_path, blank):
    with environment({**GIVEN, **blank}, "signal", 9, 2, files=tmp_path) as ready:
        assert companies == [("signal", 9, 2, tmp_path)]

    assert companies[1:] == ["stopped"]
    assert ready.items() >= {"SEED": "3", "DB_SSLMODE": "disable", "DB_HOSTNAME": "/socket"}.items()
    assert ready["DS_DB_PASSWORD"]


def test_a_password_in_a_file_is_not_taken_for_the_companys_own(companies):
    with environment(GIVEN, "no-signal", 9, 2) as ready:
        assert ready["DS_DB_PASSWORD_FILE"] == ""


def test_files_for_a_server_that_runs_already_are_refused(companies, tmp_path):
    with (
        pytest.raises(VariableError, match="DE_FILES and DB_HOSTNAME are both set; expected only one"),
        environment({"DB_HOSTNAME": "db"}, "signal", 9, 2, files=tmp_path),
    ):
        pytest.fail("given")


@pytest.mark.parametrize("name", ["nowhere", "n" * 300])
def test_files_in_no_folder_are_refused(companies, tmp_path, name):
    with (
        pytest.raises(VariableError, match="which is not a folder; expected a folder of CSV files"),
        environment({}, "signal", 9, 2, files=tmp_path / name),
    ):
        pytest.fail("given")


@pytest.mark.parametrize(
    ("error", "files", "said"),
    [
        (LoadError("no idx"), True, "DE_FILES cannot be loaded: no idx"),
        (LoadError("no idx"), False, "the stand-in data cannot be loaded: no idx"),
        (ServerError("no room"), False, "the embedded PostgreSQL failed: no room"),
    ],
    ids=["files", "generated", "server"],
)
def test_a_company_that_does_not_start_is_refused_with_what_failed(monkeypatch, tmp_path, error, files, said):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(embedded, "embedded_company", fail)

    with (
        pytest.raises(type(error), match=said),
        environment({}, "signal", 9, 2, files=tmp_path if files else None),
    ):
        pytest.fail("given")
