"""Run blocking work in a thread, so that signals are answered and silence has a limit.

libpq waits in C: a signal handler would not run before it returns, and a paused server, whose kernel
still acknowledges every packet, would never make it return.
"""

import os
import socket
import threading
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future
from contextlib import suppress

from data_science.sources.postgres.obstacles import NotReadyError, silent
from data_science.sources.postgres.waiting import Patience


class Supervised:
    """One connection's work; the thread that works and the one that waits for it share this."""

    def __init__(self, patience: Patience) -> None:
        self._clock = patience.clock
        self._heard = self._clock()
        self._limit_s = 0.0
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._given_up = False

    def heard(self) -> None:
        """Note a sign of life of the server."""
        self._heard = self._clock()

    def allow(self, limit_s: float) -> None:
        """Set, from now on, how long the server may be silent."""
        self._limit_s = limit_s
        self.heard()

    def connected(self, descriptor: int) -> None:
        """Take note of the connection's socket, through which `give_up` can wake the work."""
        with self._lock:
            # A descriptor of our own: the work's may be closed, and its number used again, at any time.
            self._socket = socket.socket(fileno=os.dup(descriptor))
            given_up = self._given_up
        if given_up:
            self._cut()

    def run[T](self, work: Callable[[], T], limit_s: float) -> T:
        """Return what ``work`` returns, or raise what it raises.

        Raises
        ------
        NotReadyError
            If nothing was heard for the time allowed; the connection is then cut.
        """
        self.allow(limit_s)
        future: Future[T] = Future()
        # A daemon: a process that is told to stop does not wait for libpq's own time-out.
        threading.Thread(target=self._work, args=(work, future), daemon=True).start()
        try:
            return self._result(future)
        finally:
            self._give_up()

    def _result[T](self, future: Future[T]) -> T:
        while not future.done():
            left_s = self._heard + self._limit_s - self._clock()
            if left_s <= 0:
                raise NotReadyError(silent())
            futures.wait([future], timeout=min(left_s, 1.0))  # the work may change its limit meanwhile
        return future.result()

    def _work[T](self, work: Callable[[], T], future: Future[T]) -> None:
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001 (handed to the thread that waits, which raises it)
            future.set_exception(error)

    def _give_up(self) -> None:
        with self._lock:
            self._given_up = True
        self._cut()

    def _cut(self) -> None:
        with self._lock:
            if self._socket is not None:
                with suppress(OSError):  # the server was first
                    self._socket.shutdown(socket.SHUT_RDWR)
                self._socket.close()
                self._socket = None
