"""The HTTP service under load, against peers in the same run: requests/s, latency, CPU, memory.

Run: ``python -m benchmarks.load`` (needs the service's requirements, psutil, and for generating load `wrk`,
Debian's package of that name; without it a slower generator in Python is used and said so).
Each server is one process; the generator takes most of a second core. Rounds alternate between servers, and
medians over rounds are shown. The service stores every prediction durably before it answers; afterwards the
records on disk are counted against the answers. With ``EARLIER=FOLDER``, a checkout of other code of the service, that
is loaded in the same run, too.
"""

import argparse
import asyncio
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from machine_learning_engineering.segments import segments

ROOT = Path(__file__).resolve().parents[1]
FEATURES = {"attr_a": 1, "attr_b": "c", "scd_a": 0.55, "scd_b": 3}
ONE = {"idx": 150000, "features": FEATURES}
BATCH = 100
UVICORN_ALONE = """
import deployment.__main__ as service
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
service.Http11Protocol = HttpToolsProtocol
service.main()
"""
WRK_SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [[%s]]
done = function(summary, latency, requests)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.write
               + summary.errors.status + summary.errors.timeout
  io.write(string.format(
    '\\nRESULT {"requests": %%d, "seconds": %%f, "p50": %%f, "p99": %%f, "failed": %%d}\\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, failed))
end
"""


def minimal():
    """Return the least that FastAPI can do: a typed body in, a constant out; nothing predicted or stored."""
    from fastapi import FastAPI
    from pydantic import BaseModel

    class Features(BaseModel):
        attr_a: int
        attr_b: str
        scd_a: float
        scd_b: int

    class Body(BaseModel):
        idx: int
        features: Features

    app = FastAPI()

    @app.post("/predict")
    async def predict(body: Body) -> dict[str, int]:  # noqa: ARG001 - read, then ignored
        return {"label": 0}

    return app


def by_contract():
    """Return the deployment contract to the letter: a frame and a blocking, durable record per request."""
    import pandas as pd
    from fastapi import FastAPI

    from data_science import BayesianLogitModel

    model = BayesianLogitModel()
    model.load(os.environ["MODEL_FOLDER"])
    app = FastAPI()

    @app.post("/predict")
    def predict(data: dict) -> dict[str, int]:
        return {"label": int(model.predict_with_logging(data["idx"], pd.DataFrame([data["features"]])))}

    return app


@dataclass
class Case:
    """One server and one request to load it with."""

    name: str
    server: str  # "service", or a factory of this module
    path: str
    body: dict
    per_request: int = 1  # predictions
    rounds: list[dict] = field(default_factory=list)
    rss_mb: float = 0.0

    def median(self, what: str) -> float:
        """Return the median over rounds."""
        return statistics.median(one[what] for one in self.rounds)


CASES = [
    Case("minimal FastAPI endpoint, no model, no log", "minimal", "/predict", ONE),
    Case("FastAPI + predict_with_logging(frame)", "by_contract", "/predict", ONE),
    Case("this service", "service", "/predict", ONE),
    Case("... its requests read by uvicorn alone, which offers break", "uvicorn", "/predict", ONE),
    Case("... with metrics scraped each second, and JSON logs", "observed", "/predict", ONE),
    Case("... with probability", "service", "/predict", ONE | {"probability": True}),
    Case("... with 95 % interval", "service", "/predict", ONE | {"interval": 0.95}),
    Case(f"... batches of {BATCH}", "service", "/predict/batch", {"clients": [ONE] * BATCH}, BATCH),
]


PEERS = ("minimal", "by_contract")
if "EARLIER" in os.environ:
    CASES.insert(3, Case("... its code in EARLIER", "earlier", "/predict", ONE))


@contextmanager
def scraped(port: int | None) -> Iterator[None]:
    """Read the metrics each second, fifteen times as often as Prometheus does, if there are any."""
    stopped = threading.Event()

    def scrape() -> None:
        while not stopped.wait(1.0):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30).read()

    thread = threading.Thread(target=scrape)
    if port is not None:
        thread.start()
    yield
    stopped.set()
    if port is not None:
        thread.join()


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Server:
    """One server process on a port of its own, with a prediction log of its own."""

    def __init__(self, name: str, models: Path, folder: Path) -> None:
        self.port, self.log, self.metrics_port = free_port(), folder / name, None
        command, root = [sys.executable, "-m", "deployment"], ROOT
        if name == "uvicorn":
            command = [sys.executable, "-c", UVICORN_ALONE]
        elif name == "earlier":
            root = Path(os.environ["EARLIER"])
        elif name not in ("service", "observed"):
            command = [sys.executable, "-m", "uvicorn", f"load:{name}", "--factory", "--no-access-log"]
            command += ["--app-dir", "benchmarks", "--port", str(self.port), "--log-level", "warning"]
        own = {"MODEL_FOLDER": models, "MLE_STORAGE": self.log, "PORT": self.port, "HOST": "127.0.0.1"}
        environment = {**os.environ, **{key: str(value) for key, value in own.items()}}
        if name == "observed":
            self.metrics_port = free_port()
            environment |= {"METRICS_PORT": str(self.metrics_port), "LOG_FORMAT": "json"}
        environment["PYTHONPATH"] = os.pathsep.join([str(root), str(root / "mle")])
        quiet = (folder / f"{name}.stderr").open("wb")
        self.process = psutil.Popen(command, cwd=root, env=environment, stdout=quiet, stderr=quiet)
        self.answered = 0  # predictions

    def wait(self) -> None:
        """Wait until it answers the published request."""
        url, headers = f"http://127.0.0.1:{self.port}/predict", {"Content-Type": "application/json"}
        request = urllib.request.Request(url, json.dumps(ONE).encode(), headers)
        for _ in range(300):
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:
                    json.load(answer)["label"]
                self.answered += 1
                return
            except urllib.error.HTTPError:
                raise
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"no answer from {self.process.args}; run it by hand to see what it says")

    def load(self, case: Case, connections: int, seconds: float, folder: Path) -> None:
        """Load it for some seconds and keep what was measured."""
        before = self.process.cpu_times()
        with scraped(self.metrics_port):
            found = generate(self.port, case, connections, seconds, folder)
        after = self.process.cpu_times()
        if found["failed"]:
            raise SystemExit(f"{case.name}: {found['failed']} requests failed; expected none")
        cpu_s = after.user + after.system - before.user - before.system
        self.answered += found["requests"] * case.per_request
        case.rounds.append(
            {
                "rate": found["requests"] * case.per_request / found["seconds"],
                "p50": found["p50"],
                "p99": found["p99"],
                "cpu_us": 1e6 * cpu_s / (found["requests"] * case.per_request),
            }
        )
        case.rss_mb = self.process.memory_info().rss / 1e6

    def stop(self) -> None:
        """Stop it gracefully."""
        self.process.terminate()
        self.process.wait(30)


def generate(port: int, case: Case, connections: int, seconds: float, folder: Path) -> dict:
    """Load a server by wrk if there is one; return requests, seconds, p50 and p99 in ms, and failures."""
    body = json.dumps(case.body)
    if shutil.which("wrk") is None:
        return asyncio.run(generate_in_python(port, case.path, body.encode(), connections, seconds))
    script = folder / "load.lua"
    script.write_text(WRK_SCRIPT % body)
    # Its own limit of 2 s would count slow answers of a busy machine as failures.
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "30s", "-s", str(script)]
    output = subprocess.run(
        [*command, f"http://127.0.0.1:{port}{case.path}"], capture_output=True, text=True, check=True
    ).stdout
    return json.loads(output.rpartition("RESULT ")[2])


async def generate_in_python(port: int, path: str, body: bytes, connections: int, seconds: float) -> dict:
    """Load a server from this process; its own CPU limits what it can measure."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    request, latencies, failed = head.encode() + b"\r\n\r\n" + body, [], 0
    stop = time.perf_counter() + seconds

    async def connect() -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (started := time.perf_counter()) < stop:
            writer.write(request)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(answer.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
            failed += not answer.startswith(b"http/1.1 200")
            latencies.append(1e3 * (time.perf_counter() - started))
        writer.close()

    await asyncio.gather(*(connect() for _ in range(connections)))
    centiles = statistics.quantiles(latencies, n=100)
    return {
        "requests": len(latencies),
        "seconds": seconds,
        "p50": centiles[49],
        "p99": centiles[98],
        "failed": failed,
    }


def count_records(folder: Path) -> int:
    """Return how many whole lines the log of a stopped server has."""
    return sum(path.read_bytes().count(b"\n") for path in segments(folder))


def report(cases: list[Case]) -> None:
    """Print the table, ratios against the two peers."""
    minimal, contract = (case.median("rate") for case in cases[:2])
    names = ("predictions/s", "x minimal", "x contract", "p50 ms", "p99 ms", "CPU us each", "RSS MB")
    print(f"{'one worker':<46}" + "".join(f"{name:>14}" for name in names))
    for case in cases:
        rate, p50, p99, cpu = (case.median(what) for what in ("rate", "p50", "p99", "cpu_us"))
        print(
            f"{case.name:<46}{rate:>14,.0f}{rate / minimal:>14.2f}{rate / contract:>14.1f}"
            f"{p50:>14.2f}{p99:>14.2f}{cpu:>14.1f}{case.rss_mb:>14.0f}"
        )


def own_models(folder: Path) -> Path:
    """Store a model set by hand; what it says does not matter for its speed."""
    sys.path.insert(0, str(ROOT / "tests" / "deployment"))
    from small_models import store

    return store(folder / "models").parent


def main() -> None:
    """Measure every case and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, help="folder of a trained model; by default one set by hand")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=4.0, help="per case and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", help="servers, beside the two peers")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="on the disk to log to")
    chosen = parser.parse_args()
    if shutil.which("wrk") is None:
        print("wrk is not installed (apt install wrk): loading from Python instead, which shows lower rates")
    with tempfile.TemporaryDirectory(dir=chosen.folder, prefix=".load_") as name, ExitStack() as stack:
        folder = Path(name)
        models = (chosen.models or own_models(folder)).absolute()
        cases = [case for case in CASES if not chosen.only or case.server in (*PEERS, *chosen.only)]
        names = dict.fromkeys(case.server for case in cases)
        servers = {name: Server(name, models, folder) for name in names}
        for server in servers.values():
            stack.callback(server.process.kill)
            server.wait()
        for _ in range(chosen.rounds):
            for case in cases:
                servers[case.server].load(case, chosen.connections, chosen.seconds, folder)
        for server in servers.values():
            server.stop()
        stack.pop_all()
        report(cases)
        answered, stored = servers["service"].answered, count_records(servers["service"].log)
    print(f"\n{answered:,} predictions answered by the service, {stored:,} on record")
    # wrk stops without waiting for the answers under way, so the log may hold a few more.
    if stored < answered:
        raise SystemExit("some answered predictions are not on record")


if __name__ == "__main__":
    main()
