"""How the service's process is ended before it serves."""

import logging
import signal

import pytest

from deployment import __main__ as service


@pytest.fixture(autouse=True)
def restored(monkeypatch, tmp_path):
    """The process gets its signal handlers and log level back."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    level = logging.getLogger("data_science.storage").level
    monkeypatch.setenv("MODEL_FOLDER", str(tmp_path / "models"))
    monkeypatch.setenv("MLE_STORAGE", str(tmp_path / "log"))
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
    logging.getLogger("data_science.storage").setLevel(level)


def test_sigterm_outside_of_serving_is_a_graceful_end(monkeypatch):
    monkeypatch.setattr(service.uvicorn, "run", lambda *_, **__: signal.raise_signal(signal.SIGTERM))

    with pytest.raises(SystemExit) as ended:
        service.main()

    assert ended.value.code == 0
