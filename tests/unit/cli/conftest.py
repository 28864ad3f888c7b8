"""The job without a terminal, a database or a fit."""

import logging
import signal
from pathlib import Path

import pytest

from data_science import pipeline
from data_science.cli import console, train
from data_science.settings import VARIABLES
from data_science.sources.postgres import feature_store

REMOTE = {"DB_HOSTNAME": "db", "DS_DB_USER": "reader", "DS_DB_PASSWORD": "s3cret"}


class Console:
    """Takes what the job says in place of the terminal."""

    def __init__(self, *, verbose=False, quiet=False):
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


@pytest.fixture
def remote(monkeypatch):
    """Variables of a database that is somewhere else, no terminal, and SIGTERM's handler as it was, afterwards."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)  # a job that sets none would end these tests
    for variable in VARIABLES:
        monkeypatch.delenv(variable.name, raising=False)
    for name, value in REMOTE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(console, "Console", Console)
    monkeypatch.setattr(console, "opened", [], raising=False)
    monkeypatch.setattr(train, "require_writable", lambda _: None)
    monkeypatch.setattr(feature_store, "read", lambda _: ("rows", "their source"))
    yield REMOTE
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def trained(remote, monkeypatch):
    """Return the settings of each training, which stores a model without fitting one."""
    seen = []

    def fit_and_store(frame, settings, *, source, progress, watch):
        seen.append(settings)
        assert (frame, source) == ("rows", "their source")
        assert set(watch.seconds) == {"wait and read"}
        assert progress.__self__ is console.opened[-1]
        return Path("/srv/models/version"), Report()

    monkeypatch.setattr(pipeline, "train", fit_and_store)
    return seen


@pytest.fixture
def as_it_was():
    """Loggers and SIGTERM's handler, which a command sets for its process, as they were."""
    root, ours = logging.getLogger(), [logging.getLogger(name) for name in ("data_science", "de")]
    handlers, levels, handler = (
        root.handlers[:],
        [one.level for one in (root, *ours)],
        signal.getsignal(signal.SIGTERM),
    )
    yield
    root.handlers[:] = handlers
    for one, level in zip((root, *ours), levels, strict=True):
        one.setLevel(level)
    signal.signal(signal.SIGTERM, handler)
