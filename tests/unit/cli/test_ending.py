"""With which code and which last words a run ends, without a database and without fitting."""

import logging
import signal
from contextlib import nullcontext

import pytest

import main as job
from data_science import errors, pipeline
from data_science.cli import console, train
from data_science.sources.postgres import feature_store

pytestmark = pytest.mark.usefixtures("remote")
CODES = {
    errors.DataScienceError: 1,
    errors.SettingsError: 2,
    errors.SpecificationError: 2,
    errors.ArtifactError: 2,
    errors.DatabaseError: 3,
    errors.SchemaError: 3,
    errors.FeatureError: 3,
    errors.GateError: 4,
}


@pytest.fixture
def interruptible():
    """Ctrl-C as Python has it by default: workers of pytest-xdist ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def failing(monkeypatch, fail):
    monkeypatch.setattr(pipeline, "train", lambda *_, **__: fail())


def test_a_stored_model_ends_the_job_with_0_and_says_where_it_is(trained):
    assert job.main([]) == 0

    (said,) = console.opened
    assert said.findings == {
        "Model": "label ~ 1",
        "Features": "none",
        "Stored in": "/srv/models/version",
        "Load it": "from data_science import BayesianLogitModel; BayesianLogitModel().load('/srv/models')",
    }
    assert said.closed
    assert said.verbose is False


def test_a_folder_that_cannot_be_written_ends_the_job_before_anything_is_waited_for(monkeypatch, trained):
    def refuse(folder):
        raise errors.ArtifactError(f"{folder} could not be written")

    monkeypatch.setenv("MODEL_FOLDER", "/full")
    monkeypatch.setattr(train, "require_writable", refuse)
    monkeypatch.setattr(feature_store, "read", lambda _: pytest.fail("waited"))

    assert job.main([]) == 2
    assert not trained


def test_every_error_that_is_documented_has_its_exit_code():
    documented = {getattr(errors, name) for name in vars(errors) if name.endswith("Error")}

    assert {kind: kind.exit_code for kind in documented} == CODES
    assert {*CODES.values(), 0, 137, 143} == set(job.EXIT_CODES)


@pytest.mark.parametrize("kind", CODES)
def test_an_error_ends_the_job_with_its_code_and_its_reason(monkeypatch, caplog, kind):
    def fail():
        raise kind("this is why")

    failing(monkeypatch, fail)

    assert job.main([]) == CODES[kind]
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


@pytest.mark.parametrize(
    ("number", "said"), [(signal.SIGINT, "stopped; "), (signal.SIGTERM, "stopped by SIGTERM; ")]
)
def test_a_stop_after_the_model_was_saved_says_that_it_was(
    monkeypatch, caplog, interruptible, tmp_path, number, said
):
    old, new = "20260101T000000Z-aaaaaa", "20260102T000000Z-bbbbbb"
    (tmp_path / "LATEST").write_text(f"{old}\n")
    monkeypatch.setenv("MODEL_FOLDER", str(tmp_path))
    monkeypatch.setattr(train, "require_writable", lambda _: None)

    def save_and_be_stopped():
        (tmp_path / "LATEST").write_text(f"{new}\n")
        signal.raise_signal(number)

    failing(monkeypatch, save_and_be_stopped)
    with pytest.raises(SystemExit) if number is signal.SIGTERM else nullcontext():
        job.main([])

    assert caplog.messages == [f"{said}version {new} had been saved in {tmp_path}, and is the newest"]


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
    failing(monkeypatch, lambda: train.log.error("half"))
    train.log.addHandler(half)
    try:
        with pytest.raises(SystemExit) as ended:
            job.main([])
    finally:
        train.log.removeHandler(half)

    assert ended.value.code == 143


def test_settings_that_cannot_be_used_end_the_job_before_anything_is_trained(monkeypatch, trained):
    monkeypatch.setenv("SEED", "one")

    assert job.main([]) == 2
    assert not trained
