"""A process that is told to stop while it waits for the database stops at once, whatever it hangs in."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from de.embedded import Coordinates, PostgresServer, add_company

ROOT = Path(__file__).parents[2]
# The handler is what main.py installs; it must need nothing more than that an exception leaves the wait.
WAITER = """
import logging, os, signal, sys
from data_science.sources.postgres import feature_store
from data_science.settings import Settings
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
print("starting", flush=True)
feature_store.get_dataset(Settings.from_environment(os.environ).database)
print("read", flush=True)
"""


def pause(server: PostgresServer, company: Coordinates) -> None:
    server.pause()


def stop(server: PostgresServer, company: Coordinates) -> None:
    server.stop()


def slow_down(server: PostgresServer, company: Coordinates) -> None:
    with server.connect(company.database) as connection, connection.cursor() as cursor:
        cursor.execute("ALTER TABLE feature_store RENAME TO quick")
        cursor.execute("CREATE VIEW feature_store AS SELECT *, pg_sleep(1)::text AS slept FROM quick")
    connection.close()


@pytest.mark.parametrize("harm", [stop, pause, slow_down], ids=["between looks", "connecting", "reading"])
def test_sigterm_ends_the_wait_within_two_seconds_with_status_143(
    fresh_server: PostgresServer, harm: Callable[[PostgresServer, Coordinates], None]
):
    company = add_company(fresh_server, n_clients=100)
    harm(fresh_server, company)
    environment = {**os.environ, **company.environment(), "PYTHONPATH": str(ROOT)}
    waiter = subprocess.Popen(
        [sys.executable, "-c", WAITER], env=environment, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )

    assert waiter.stdout.readline() == "starting\n"
    time.sleep(1.5)
    waiter.send_signal(signal.SIGTERM)
    told = time.monotonic()
    output, _ = waiter.communicate(timeout=30)

    assert waiter.returncode == 143
    assert time.monotonic() - told < 2
    assert "read" not in output.split()
