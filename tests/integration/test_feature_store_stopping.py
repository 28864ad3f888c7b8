"""A process that is told to stop while it waits for the database stops, whatever it hangs in."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from de.embedded import Coordinates, PostgresServer, add_company
from tests.environment import inherited

ROOT = Path(__file__).parents[2]
STOPS_WITHIN_S = 120  # on the busiest machine; every limit of the waiter itself is far beyond it
# The handler is what main.py installs; it must need nothing more than that an exception leaves the wait.
WAITER = """
import logging, os, signal, sys
from data_science.sources.postgres import feature_store, postgres
import logging, os, signal, sys, time
from data_science.sources.postgres.waiting import Patience
from data_science.settings import Settings
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
postgres.CONNECT_TIMEOUT_S = 3_600
patience = Patience(look_s=3_600, silence_s=3_600, sleep=lambda _: time.sleep(3_600))
feature_store.get_dataset(Settings.from_environment(os.environ).database, patience=patience)
print("read", flush=True)
"""


def waiting(company: Coordinates) -> subprocess.Popen[str]:
    environment = {**inherited(), **company.environment(), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", WAITER], env=environment, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )


def assert_sigterm_ends(waiter: subprocess.Popen[str]) -> None:
    waiter.send_signal(signal.SIGTERM)
    output, _ = waiter.communicate(timeout=STOPS_WITHIN_S)

    assert waiter.returncode == 143
    assert "read" not in output.split()


def test_sigterm_ends_the_wait_between_two_looks(fresh_server: PostgresServer):
    company = add_company(fresh_server, n_clients=100)
    fresh_server.stop()
    waiter = waiting(company)
    assert any("waiting for feature_store" in line for line in waiter.stdout)

    assert_sigterm_ends(waiter)


def test_sigterm_ends_the_wait_for_a_connection(fresh_server: PostgresServer):
    company = add_company(fresh_server, n_clients=100)
    fresh_server.pause()
    waiter = waiting(company)
    process = psutil.Process(waiter.pid)
    while company.port not in {place.raddr.port for place in process.net_connections() if place.raddr}:
        time.sleep(0.02)

    assert_sigterm_ends(waiter)


def test_sigterm_ends_a_read(fresh_server: PostgresServer, slow_down, await_copy):
    company = add_company(fresh_server, n_clients=100)
    slow_down(company, 60)
    waiter = waiting(company)
    await_copy(company)

    assert_sigterm_ends(waiter)
