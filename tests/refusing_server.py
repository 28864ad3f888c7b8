"""A server that speaks PostgreSQL's protocol as far as it takes to refuse everybody."""

import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

_SSL, _GSS = 80877103, 80877104


class RefusingServer:
    """Answers each login with ``fields`` of an ErrorResponse; None: it hangs up without a word."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.fields: dict[bytes, bytes] | None = None
        self.n_logins = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def say(self, sqlstate: str | None, words: str, severity: str = "FATAL", codec: str = "utf-8") -> None:
        """Set the answer."""
        self.fields = {b"S": severity.encode(codec, "replace"), b"M": words.encode(codec, "replace")}
        if sqlstate is not None:
            self.fields[b"C"] = sqlstate.encode()

    def close(self) -> None:
        """Stop listening."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                with ExitStack() as opened, suppress(OSError):
                    self._refuse(opened.enter_context(client), opened)

    def _refuse(self, client: socket.socket, opened: ExitStack) -> None:
        while True:
            length, code = struct.unpack("!ii", self._received(client, 8))
            if code not in (_SSL, _GSS):
                break
            if code == _SSL and self._tls:
                client.sendall(b"S")
                client = opened.enter_context(self._tls.wrap_socket(client, server_side=True))
            else:
                client.sendall(b"N")
        self._received(client, length - 8)
        self.n_logins += 1
        if self.fields is not None:
            body = b"".join(name + value + b"\0" for name, value in self.fields.items()) + b"\0"
            client.sendall(b"E" + struct.pack("!i", len(body) + 4) + body)

    @staticmethod
    def _received(client: socket.socket, length: int) -> bytes:
        data = b""
        while len(data) < length:
            more = client.recv(length - len(data))
            if not more:
                raise ConnectionError
            data += more
        return data


@contextmanager
def refusing_server(tls: ssl.SSLContext | None = None) -> Iterator[RefusingServer]:
    """Run one while the block runs."""
    with closing(RefusingServer(tls)) as server:
        yield server
