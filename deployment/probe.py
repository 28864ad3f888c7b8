"""Does the service answer? Docker asks all the time, so this imports next to nothing.

``python -IS probe.py`` ends with 0 if /health/live answers 200, else with a word and 1.
"""

import os
import socket
import sys

REQUEST = b"GET /health/live HTTP/1.0\r\n\r\n"
LIMIT_S = 9  # below the limit of the health check, which would end this without a word


def main() -> str | None:
    """Return what is wrong, or None."""
    try:
        with socket.create_connection(("127.0.0.1", int(os.environ.get("PORT") or 5000)), LIMIT_S) as service:
            service.sendall(REQUEST)
            status = service.recv(100).partition(b"\r\n")[0].decode("latin-1")
    except OSError as error:
        return f"no answer: {error}"
    return None if status.split()[1:2] == ["200"] else f"answered {status!r}"


if __name__ == "__main__":
    sys.exit(main())
