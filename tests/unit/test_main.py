"""The job's command line, its exit codes and its last words, without a database and without fitting."""

import logging
import signal
from contextlib import contextmanager
from pathlib import Path

import pytest

import main as job
from data_science import console, errors, pipeline
from data_science.settings import VARIABLES, DatabaseSettings, Settings
from data_science.sources.postgres import feature_store
from de import embedded

REMOTE = {"DB_HOSTNAME": "db", "DS_DB_USER": "reader", "DS_DB_PASSWORD": "s3cret"}
CODES = {
    errors.SettingsError: 2,
    errors.SpecificationError: 2,
    errors.ArtifactError: 2,
    errors.DatabaseError: 3,
    errors.SchemaError: 3,
    errors.GateError: 4,
}
BY_PARENT = {errors.FeatureError: 3, errors.DataScienceError: 1}


class Console:
    """Takes what the job says in place of the terminal."""

    def __init__(self, *, verbose=False):
        self.verbose = verbose
        self.findings = None
        console.opened.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True

    def progress(self, _):
        pass

    def done(self, findings):
        self.findings = findings


class Report:
    sentences = {"Model": "label ~ 1", "Features": "none"}  # noqa: RUF012


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """A database that is somewhere else, no terminal, and the handler of SIGTERM as it was, afterwards."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)  # a job that sets none would end these tests
    for variable in VARIABLES:
        monkeypatch.delenv(variable.name, raising=False)
    for name, value in REMOTE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(console, "Console", Console)
    monkeypatch.setattr(console, "opened", [], raising=False)
    monkeypatch.setattr(job, "require_writable", lambda _: None)
    monkeypatch.setattr(feature_store, "get_dataset_and_provenance", lambda *_: ("rows", "their source"))
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def interruptible():
    """Ctrl-C as Python has it by default: workers of pytest-xdist ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def trained(monkeypatch):
    """Return the settings of each training, which stores a model without fitting one."""
    seen = []

    def train(frame, settings, *, source, progress, watch):
        seen.append(settings)
        assert (frame, source) == ("rows", "their source")
        assert set(watch.seconds) == {"wait and read"}
        assert progress.__self__ is console.opened[-1]
        return Path("/srv/models/version"), Report()

    monkeypatch.setattr(pipeline, "train", train)
    return seen


def failing(monkeypatch, fail):
    monkeypatch.setattr(pipeline, "train", lambda *_, **__: fail())


def test_a_stored_model_ends_the_job_with_0_and_says_where_it_is(trained):
    assert job.main([]) == 0

    (said,) = console.opened
    assert said.findings == {
        **Report.sentences,
        "Stored in": "/srv/models/version",
        "Load it": "from data_science import BayesianLogitModel; BayesianLogitModel().load('/srv/models')",
    }
    assert said.closed
    assert said.verbose is False


def test_the_rows_are_read_where_the_settings_say_and_waited_for_as_long(monkeypatch, trained):
    asked = []
    monkeypatch.setattr(
        feature_store,
        "get_dataset_and_provenance",
        lambda *given: asked.append(given) or ("rows", "their source"),
    )
    monkeypatch.setenv("WAIT_TIMEOUT_S", "7.5")

    assert job.main([]) == 0

    assert asked == [(trained[0].database, 7.5)]
    assert trained[0].database.hostname == "db"


def test_a_folder_that_cannot_be_written_ends_the_job_before_anything_is_waited_for(monkeypatch, trained):
    def refuse(folder):
        raise errors.ArtifactError(f"{folder} could not be written")

    monkeypatch.setenv("MODEL_FOLDER", "/full")
    monkeypatch.setattr(job, "require_writable", refuse)
    monkeypatch.setattr(feature_store, "get_dataset_and_provenance", lambda *_: pytest.fail("waited"))

    assert job.main([]) == 2
    assert not trained


def test_every_error_that_is_documented_has_its_exit_code():
    assert job._CODES == CODES
    assert set(CODES.values()) | {0, 1, 137, 143} == set(job.EXIT_CODES)


@pytest.mark.parametrize("kind", [*CODES, *BY_PARENT])
def test_an_error_ends_the_job_with_its_code_and_its_reason(monkeypatch, caplog, kind):
    def fail():
        raise kind("this is why")

    failing(monkeypatch, fail)

    assert job.main([]) == (CODES | BY_PARENT)[kind]
    assert caplog.messages == ["this is why", "no model was saved; the previous one is unchanged"]


def test_ctrl_c_ends_the_job_with_130_and_no_traceback(monkeypatch, caplog, interruptible):
    failing(monkeypatch, lambda: signal.raise_signal(signal.SIGINT))

    assert job.main([]) == 130
    assert caplog.messages == ["stopped; no model was saved"]


def test_sigterm_ends_the_job_with_143(monkeypatch, caplog):
    failing(monkeypatch, lambda: signal.raise_signal(signal.SIGTERM))

    with pytest.raises(SystemExit) as ended:
        job.main([])

    assert ended.value.code == 143
    assert caplog.messages == ["stopped by SIGTERM; no model was saved"]


def test_sigterm_in_the_middle_of_a_line_of_the_log_ends_the_job_all_the_same(monkeypatch):
    class Half(logging.Handler):
        """Stopped in the middle of its first line; as a buffered stream does, it takes no second one inside it."""

        writing = False

        def emit(self, record):
            if self.writing:
                raise RuntimeError("reentrant call")
            self.writing = True
            try:
                if record.getMessage() == "half":
                    signal.raise_signal(signal.SIGTERM)
            finally:
                self.writing = False

    half = Half()
    failing(monkeypatch, lambda: job.log.error("half"))
    job.log.addHandler(half)
    try:
        with pytest.raises(SystemExit) as ended:
            job.main([])
    finally:
        job.log.removeHandler(half)

    assert ended.value.code == 143


def test_settings_that_cannot_be_used_end_the_job_before_anything_is_trained(monkeypatch, trained):
    monkeypatch.setenv("SEED", "one")

    assert job.main([]) == 2
    assert not trained


@pytest.mark.parametrize(
    ("flags", "setting"),
    [
        (["--models", "/elsewhere"], lambda found: found.model_folder == Path("/elsewhere")),
        (["--engine", "nested-laplace"], lambda found: found.engine == "nested-laplace"),
        (["--seed", "7"], lambda found: found.seed == 7),
        (["--scenario", "signal"], lambda found: found.stand_in.scenario == "signal"),
        (["--clients", "77"], lambda found: found.stand_in.clients == 77),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_flag_wins_over_its_variable_and_an_absent_one_leaves_it(monkeypatch, trained, flags, setting):
    given = {
        "MODEL_FOLDER": "/given",
        "ENGINE": "nuts",
        "SEED": "3",
        "DE_SCENARIO": "no-signal",
        "DE_CLIENTS": "33",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    assert job.main([]) == 0
    assert job.main(flags) == 0

    without, with_flag = trained
    assert without == Settings.from_environment(REMOTE | given)
    assert not setting(without)
    assert setting(with_flag)


def test_verbose_is_handed_on(trained):
    job.main(["--verbose"])

    assert console.opened[0].verbose is True


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

    with caplog.at_level(logging.INFO, "main"):
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


def test_help_says_every_variable_with_its_default_and_every_exit_code(capsys):
    with pytest.raises(SystemExit) as ended:
        job.main(["--help"])

    assert ended.value.code == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    for variable in VARIABLES:
        meant = f"{variable.meaning} (default: {variable.default or 'none'})"
        assert f"{variable.name:<22}{meant}" in lines
    for code, meaning in job.EXIT_CODES.items():
        assert f"{code:<5}{meaning}" in lines
