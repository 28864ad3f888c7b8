"""The service under real clients of other languages: who gets an answer? Prints the table of deployment/README.md.

Run: ``python -m benchmarks.clients [--python VENV/bin/python]`` (needs the service's requirements; each client
that is not on this machine is named and left out: Debian's curl, default-jdk-headless, nodejs, golang-go; the
Python clients are looked for in VENV). Each sends three predictions over one client object, which must be
answered and on record, and one HEAD to /health.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import ONE, ROOT, own_models

N = 3
BODY = json.dumps(ONE)

JAVA = """
import java.net.URI;
import java.net.http.*;
public class Client {
  public static void main(String[] a) throws Exception {
    HttpClient client = HttpClient.newHttpClient();
    for (int i = 0; i < 3; i++) {
      HttpRequest.BodyPublisher body = a[2].equals("stream")
        ? HttpRequest.BodyPublishers.ofInputStream(() -> new java.io.ByteArrayInputStream(a[1].getBytes()))
        : HttpRequest.BodyPublishers.ofString(a[1]);
      HttpRequest request = HttpRequest.newBuilder(URI.create(a[0] + "/predict"))
        .header("Content-Type", "application/json").POST(body).build();
      HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
      System.out.println(answer.statusCode() + " " + answer.body());
    }
    HttpRequest head = HttpRequest.newBuilder(URI.create(a[0] + "/health"))
      .method("HEAD", HttpRequest.BodyPublishers.noBody()).build();
    System.out.println(client.send(head, HttpResponse.BodyHandlers.ofString()).statusCode());
  }
}
"""
NODE = """
const [url, body] = process.argv.slice(1);
(async () => {
  for (let i = 0; i < 3; i++) {
    const answer = await fetch(url + "/predict", {method: "POST", body, headers: {"content-type": "application/json"}});
    console.log(answer.status + " " + await answer.text());
  }
  console.log((await fetch(url + "/health", {method: "HEAD"})).status);
})();
"""
GO = """
package main
import ("fmt"; "io"; "net/http"; "os"; "strings")
func main() {
  for i := 0; i < 3; i++ {
    var body io.Reader = strings.NewReader(os.Args[2])
    if os.Args[3] == "stream" { body = io.MultiReader(body) }
    answer, err := http.Post(os.Args[1] + "/predict", "application/json", body)
    if err != nil { panic(err) }
    text, _ := io.ReadAll(answer.Body)
    answer.Body.Close()
    fmt.Println(answer.StatusCode, string(text))
  }
  answer, err := http.Head(os.Args[1] + "/health")
  if err != nil { panic(err) }
  fmt.Println(answer.StatusCode)
}
"""
URLLIB = """
import sys, urllib.request as u
url, body = sys.argv[1:3]
for _ in range(3):
    with u.urlopen(u.Request(url + "/predict", body.encode())) as answer:
        print(answer.status, answer.read().decode())
print(u.urlopen(u.Request(url + "/health", method="HEAD")).status)
"""
SESSION = """
import sys, {module} as m
url, body = sys.argv[1:3]
with m.{session}() as client:
    for _ in range(3):
        answer = client.post(url + "/predict", {content}=body.encode())
        print(answer.status_code, answer.text)
    print(client.head(url + "/health").status_code)
"""
AIOHTTP = """
import asyncio, sys, aiohttp
async def main(url, body):
    async with aiohttp.ClientSession() as client:
        for _ in range(3):
            async with client.post(url + "/predict", data=body.encode()) as answer:
                print(answer.status, await answer.text())
        async with client.head(url + "/health") as answer:
            print(answer.status)
asyncio.run(main(*sys.argv[1:3]))
"""


@dataclass(frozen=True)
class Client:
    """A program, what makes it send the body to an URL, and how it says its version."""

    name: str
    command: list[str]
    version: list[str]


def curl(name: str, *options: str, body: str = BODY) -> Client:
    """Return curl with other options; the body comes from a file, as it is."""
    posts = ["--next", "-s", "-w", " %{http_code}\n", *options, "--data-binary", body, "URL/predict"] * N
    head = ["--next", "-s", "-I", "-o", "/dev/null", "-w", "%{http_code}\n", *options, "URL/health"]
    return Client(name, ["curl", *posts[1:], *head], ["curl", "--version"])


def clients(folder: Path, python: str) -> list[Client]:
    """Write the programs and return how to run each."""
    (folder / "Client.java").write_text(JAVA)
    (folder / "client.go").write_text(GO)
    (folder / "bom.json").write_bytes(b"\xef\xbb\xbf" + BODY.encode())
    java, go = str(folder / "Client.java"), str(folder / "client.go")
    httpx = SESSION.format(module="httpx", session="Client", content="content")
    requests = SESSION.format(module="requests", session="Session", content="data")

    def of_python(name: str, program: str) -> Client:
        version = f"import {name} as m; print('{name}', m.__version__)"
        return Client(f"Python {name}", [python, "-c", program, "URL", BODY], [python, "-c", version])

    return [
        Client("Java HttpClient", ["java", java, "URL", BODY, "plain"], ["java", "--version"]),
        Client(
            "Java HttpClient, streamed body", ["java", java, "URL", BODY, "stream"], ["java", "--version"]
        ),
        curl("curl"),
        curl("curl --http2", "--http2"),
        curl("curl --http2, chunked", "--http2", "-H", "Transfer-Encoding: chunked"),
        curl("curl --http2, Expect: 100-continue", "--http2", "-H", "Expect: 100-continue"),
        curl("curl --http1.0", "--http1.0"),
        curl("a file with a byte order mark (PowerShell), by curl", body=f"@{folder / 'bom.json'}"),
        Client("Node fetch", ["node", "-e", NODE, "URL", BODY], ["node", "--version"]),
        Client("Go net/http", ["go", "run", go, "URL", BODY, "plain"], ["go", "version"]),
        Client("Go net/http, streamed body", ["go", "run", go, "URL", BODY, "stream"], ["go", "version"]),
        Client("Python urllib", [python, "-c", URLLIB, "URL", BODY], [python, "--version"]),
        of_python("requests", requests),
        of_python("httpx", httpx),
        of_python("aiohttp", AIOHTTP),
    ]


def said(command: list[str]) -> str | None:
    """Return what a command prints, or None if it cannot be run."""
    if shutil.which(command[0]) is None:
        return None
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return ended.stdout if ended.returncode == 0 else None


def main() -> None:
    """Run every client that is here and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="with requests, httpx and aiohttp")
    chosen = parser.parse_args()
    failed = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sys.path.insert(0, str(ROOT / "tests" / "deployment"))
        from running_service import RunningService

        service = RunningService(own_models(folder), folder / "log", {})
        try:
            print("| client | version | answers | HEAD |\n|---|---|---|---|")
            for client in clients(folder, chosen.python):
                version = said(client.version)
                if version is None:
                    print(f"| {client.name} | not on this machine | | |")
                    continue
                before = len(service.logged().predictions)
                command = [part.replace("URL", service.url) for part in client.command]
                ended = subprocess.run(command, capture_output=True, text=True, check=False)
                *answers, head = ended.stdout.splitlines() or [""]
                good = sum("200" in answer and '{"label":0}' in answer for answer in answers)
                recorded = len(service.logged().predictions) - before
                if (good, recorded, head.strip()) != (N, N, "200"):
                    failed.append(f"{client.name}: {ended.stdout}{ended.stderr}")
                row = (
                    client.name,
                    " ".join(version.split()[:2]),
                    f"{good} of {N}, {recorded} on record",
                    head,
                )
                print(f"| {' | '.join(row)} |", flush=True)
        finally:
            service.kill()
    if failed:
        raise SystemExit("\n".join(failed))


if __name__ == "__main__":
    main()
