"""The SQLSTATE of a refused connection, which neither psycopg2 nor libpq's usual message gives.

Changes with libpq. The message has only words, in the server's language and encoding. libpq gives the code
instead if it is asked to, through the library that psycopg2 has loaded.
"""

import ctypes
import re
import select
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import psycopg2
from psycopg2 import extensions

PASSED = "00000"  # the second attempt was let in
_PQERRORS_SQLSTATE = 3
_CODE = re.compile(r":  ([0-9A-Z]{5})\s*$", re.MULTILINE)


def sqlstate_of(arguments: Mapping[str, Any], limit_s: float) -> str | None:
    """Connect again and return the code with which the server refuses.

    Parameters
    ----------
    arguments : mapping
        Of ``psycopg2.connect``.
    limit_s : float
        Of the attempt.

    Returns
    -------
    str or None
        `PASSED` if it does not refuse this time; None if it gives no code within the limit.
    """
    try:
        connection = psycopg2.connect(**arguments, async_=True)
        _report_codes(connection)
        passed = _passes(connection, time.monotonic() + limit_s)
        connection.close()
    except (psycopg2.Error, UnicodeDecodeError) as error:
        codes = _CODE.findall(message_of(error))
        return codes[-1] if codes else None  # of several addresses the last has the last word
    return PASSED if passed else None


def message_of(error: Exception) -> str:
    """Return what a failed connection said, whatever its encoding."""
    if isinstance(error, UnicodeDecodeError):
        return error.object.decode(errors="replace")
    return str(error)


def _report_codes(connection: extensions.connection) -> None:
    # Looked up in psycopg2's own module and what that has loaded: another copy of libpq would not do.
    with suppress(OSError, AttributeError):  # where that finds none, words have to do
        libpq = ctypes.CDLL(psycopg2._psycopg.__file__)
        libpq.PQsetErrorVerbosity(ctypes.c_void_p(connection.pgconn_ptr), _PQERRORS_SQLSTATE)


def _passes(connection: extensions.connection, until: float) -> bool:
    """Return whether the connection opens in time; raise what psycopg2 raises if it is refused."""
    while (state := connection.poll()) != extensions.POLL_OK:
        left_s = until - time.monotonic()
        if left_s <= 0:
            return False
        reads, writes = (
            [connection] * (state == extensions.POLL_READ),
            [connection] * (state == extensions.POLL_WRITE),
        )
        select.select(reads, writes, [], left_s)
    return True
