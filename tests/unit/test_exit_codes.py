"""Every error that the package raises on purpose has an exit code that says who must act."""

import logging
import signal

import pytest

import main
from data_science import errors

RAISED = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and kind is not errors.DataScienceError
]


@pytest.fixture(autouse=True)
def logging_and_signals_as_before():
    """A job sets them for its whole process, which here is everybody's."""
    names = ("main", "data_science", "de")
    levels = {name: logging.getLogger(name).level for name in (None, *names)}
    handlers, stop = list(logging.root.handlers), signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, stop)
    logging.root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize("kind", RAISED, ids=lambda kind: kind.__name__)
def test_no_error_of_ours_ends_as_an_unforeseen_one(kind, monkeypatch, tmp_path):
    def fails(settings, console):
        raise kind("on purpose")

    monkeypatch.setattr(main, "_train", fails)
    monkeypatch.setenv("DB_HOSTNAME", "db.example.com")
    monkeypatch.setenv("DS_DB_USER", "ds_user")
    monkeypatch.setenv("DS_DB_PASSWORD", "ds_user")
    monkeypatch.setenv("MODEL_FOLDER", str(tmp_path))

    assert main.main([]) in {2, 3, 4}
