"""The question that Docker's health check asks."""

import os
import re
import socket
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from running_service import reserved_port

from deployment import probe

ROOT = Path(__file__).parents[2]
PROBE = ROOT / "deployment/probe.py"
DOCKERFILE = ROOT / "deployment/Dockerfile"


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


def test_a_service_that_says_nothing_is_not_waited_for_until_docker_ends_the_probe(monkeypatch):
    """Docker's limit ends the probe without a word, so the probe's own must come first."""
    limits = []

    def connect(_, limit_s):
        limits.append(limit_s)
        raise TimeoutError("timed out")

    monkeypatch.setattr(probe.socket, "create_connection", connect)
    dockers = int(re.search(r"HEALTHCHECK .*--timeout=(\d+)s", DOCKERFILE.read_text())[1])

    assert probe.main() == "no answer: timed out"
    assert dockers / 2 < limits[0] < dockers


@pytest.mark.parametrize(("variable", "port"), [("", 5000), (None, 5000), ("5001", 5001)])
def test_the_service_is_asked_at_its_port(monkeypatch, variable, port):
    ours, theirs = socket.socketpair()
    asked = []

    def connect(place, _):
        asked.append(place)
        return ours

    theirs.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    monkeypatch.setattr(probe.socket, "create_connection", connect)
    if variable is None:
        monkeypatch.delenv("PORT", raising=False)
    else:
        monkeypatch.setenv("PORT", variable)

    with theirs:
        assert probe.main() is None
    assert asked == [("127.0.0.1", port)]
