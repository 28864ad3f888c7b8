"""The question that Docker's health check asks."""

import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from running_service import reserved_port

PROBE = Path(__file__).parents[2] / "deployment/probe.py"


def ask(port):
    """Run the probe as the image does: without site-packages and without the repository on the path."""
    return subprocess.run(
        [sys.executable, "-IS", str(PROBE)],
        env={**os.environ, "PORT": str(port)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def failing():
    """A server that answers 500 to everything."""

    class Failing(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(500)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Failing) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_service_with_a_model_is_healthy(service):
    ended = ask(service.port)

    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_service_that_waits_for_its_first_model_is_healthy_too(start):
    ended = ask(start().port)

    assert (ended.returncode, ended.stderr) == (0, "")


def test_no_service_is_not_healthy_and_the_reason_is_said():
    with reserved_port() as nobody_listens:
        ended = ask(nobody_listens.getsockname()[1])

    assert ended.returncode == 1
    assert "Connection refused" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_service_that_fails_is_not_healthy_and_its_answer_is_said(failing):
    ended = ask(failing)

    assert ended.returncode == 1
    assert "500" in ended.stderr
