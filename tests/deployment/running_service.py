"""The service as a real process on a port of its own, and clients that load it."""

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
from machine_learning_engineering.reading import read_predictions

ROOT = Path(__file__).parents[2]
FEATURES = {"attr_a": 1, "attr_b": "c", "scd_a": 0.55, "scd_b": 3}
PUBLISHED = {"idx": 150000, "features": FEATURES}
PATIENCE_S = 120.0  # of every client here, on the busiest machine


class RunningService:
    """`python -m deployment` with these folders; every answer is checked for traces of the inside."""

    def __init__(self, model_folder, log_folder, environment):
        self.log_folder = Path(log_folder)
        self._reserved = reserved_port()
        self.port = self._reserved.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        settings = {
            "MODEL_FOLDER": str(model_folder),
            "MLE_STORAGE": str(log_folder),
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            "MODEL_POLL_S": "0.05",
        }
        self.stderr_path = Path(model_folder).parent / f"service-{self.port}.log"
        with self.stderr_path.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deployment"],
                cwd=ROOT,
                env={**os.environ, **settings, **environment},
                stdout=stderr,
                stderr=stderr,
            )
        self.client = httpx.Client(base_url=self.url, timeout=PATIENCE_S)
        try:
            self.wait_for(lambda: self.answers())
        except BaseException:
            self.kill()  # whoever made it gets no object to end it by
            raise

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the service ended at once:\n{self.said()}")
        try:
            return self.client.get("/health/live").status_code == 200
        except httpx.TransportError:
            return False

    def wait_for(self, condition, limit_s=PATIENCE_S):
        stop = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < stop, f"waited {limit_s:g} s in vain:\n{self.said()}"
            time.sleep(0.02)

    def post(self, path, body=None, **options):
        options = options or {"json": body}
        return checked(self.client.post(path, **options))

    def get(self, path):
        return checked(self.client.get(path))

    @contextmanager
    def begun(self, n_bytes):
        """Post a prediction of so many bytes up to its head, wait until its body is asked for, and yield the socket."""
        head = (
            f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {n_bytes}\r\nExpect: 100-continue\r\n\r\n"
        )
        with self.connected() as client:
            client.sendall(head.encode())
            asked = b"HTTP/1.1 100 Continue\r\n\r\n"
            assert client.recv(len(asked), socket.MSG_WAITALL) == asked
            yield client

    def connected(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def listens(self):
        try:
            self.connected().close()
        except ConnectionRefusedError:
            return False
        return True

    def version(self):
        return self.get("/health").json()["model_version"]

    def said(self):
        return self.stderr_path.read_text()

    def logged(self):
        return read_predictions(self.log_folder)

    def process_maps(self):
        """Return the names of all files mapped into the process: every extension module shows there."""
        return Path(f"/proc/{self.process.pid}/maps").read_text()

    def stop(self):
        """Send SIGTERM and return the exit code."""
        self.process.terminate()
        return self.process.wait(timeout=PATIENCE_S)

    def kill(self):
        self.client.close()
        self.process.kill()
        self.process.wait()
        self._reserved.close()


def reserved_port():
    """Return a socket that holds a port: nobody else is given it, but a service that is told it can listen there.

    Both sockets allow the address to be reused, and this one never listens.
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    return holder


def checked(response):
    for trace in ("Traceback", 'File "', ".py"):
        assert trace not in response.text
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        assert response.json()["status"] == response.status_code
    return response


class Load:
    """Threads that post predictions, each waiting for its answer, until stopped."""

    def __init__(self, url, n_threads=6):
        self.url = url
        self.acknowledged = {}  # idx -> label
        self.failed = []
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._post, args=(n,)) for n in range(n_threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, n_more, limit_s=PATIENCE_S):
        """Wait until so many more predictions were acknowledged."""
        goal, stop = len(self.acknowledged) + n_more, time.monotonic() + limit_s
        while len(self.acknowledged) < goal:
            assert time.monotonic() < stop, f"{len(self.acknowledged)} of {goal}; failed: {self.failed[:3]}"
            time.sleep(0.005)

    def _post(self, thread):
        idx = thread * 1_000_000
        with httpx.Client(base_url=self.url, timeout=PATIENCE_S) as client:
            while not self._stopped.is_set():
                idx += 1
                try:
                    response = client.post("/predict", json={"idx": idx, "features": FEATURES})
                except httpx.TransportError as error:
                    self.failed.append(error)
                    time.sleep(0.01)
                    continue
                if response.status_code == 200:
                    self.acknowledged[idx] = response.json()["label"]
                else:
                    self.failed.append(response.text)
