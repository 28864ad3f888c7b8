"""A copy of the compose project under another name, with its own passwords, ports and models folder."""

import json
import os
import secrets
import shutil
import subprocess
import time
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
NEEDED = (
    ".dockerignore", ".env.example", "Dockerfile", "Dockerfile.book", "book", "constraints.txt", "data_science",
    "de", "deployment", "docker", "docker-compose.yml", "main.py", "mle", "pyproject.toml", "setup.py",
)  # fmt: skip
PROJECT = f"data-science-test-{os.getpid()}"
PASSWORDS = {
    name: secrets.token_hex(16) for name in ("DE_ADMIN_PASSWORD", "DS_DB_PASSWORD", "MLE_DB_PASSWORD")
}
N_CLIENTS = 20_000
PATIENCE_S = 900.0  # for anything; the slowest, the book, took 5 minutes on two cores that others used too


def docker(*arguments: str, timeout_s: float = PATIENCE_S, **options) -> str:
    """Run a docker command and return its output; fail with all it said."""
    done = subprocess.run(
        ["docker", *arguments], stdout=-1, stderr=-2, text=True, timeout=timeout_s, check=False, **options
    )
    assert done.returncode == 0, f"docker {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout.strip()


class Stack:
    """The services of docker-compose.yml, run from a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.models = folder / "models"
        for name in NEEDED:
            source = REPOSITORY / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "_build"))
            else:
                shutil.copy(source, folder / name)
        passwords = "".join(f"{name}={value}\n" for name, value in PASSWORDS.items())
        # Port 0: the engine picks a free one.
        ports = "".join(f"{name}_PORT=0\n" for name in ("OPERATIONAL_DB", "DEPLOYMENT", "BOOK"))
        self.settings = folder / ".env"
        self.settings.write_text(f"{passwords}{ports}DE_CLIENTS={N_CLIENTS}\n")

    def compose(self, *arguments: str, timeout_s: float = PATIENCE_S, **environment: str) -> str:
        """Run a compose command in the folder; only `environment` and .env set variables of the project."""
        kept = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME"} or k.startswith("DOCKER_")}
        return docker(
            *("compose", "--project-name", PROJECT, "--profile", "demo", *arguments),
            timeout_s=timeout_s, cwd=self.folder, env={**kept, **environment},
        )  # fmt: skip

    def up(self, *arguments: str, **environment: str) -> None:
        """Start services in the background, from the images as they are."""
        self.compose("up", "--detach", "--no-build", *arguments, **environment)

    def load_data(self) -> None:
        """Let the stand-in data engineers do their work."""
        self.compose("run", "--rm", "de_load")

    def logs(self, service: str) -> str:
        """Everything a service has said."""
        return self.compose("logs", "--no-log-prefix", service)

    def container(self, service: str) -> str:
        """Identifier of a service's container, running or not."""
        return self.compose("ps", "--all", "--quiet", service)

    def state(self, service: str) -> dict:
        """`docker inspect`'s state of a service."""
        return json.loads(docker("inspect", "--format", "{{json .State}}", self.container(service)))

    def wait_until_said(self, service: str, text: str) -> None:
        """Return once a service has said something; fail if it ends before."""
        self.wait_until(lambda: text in self.logs(service), f"{service} to say {text!r}", service)

    def wait_until_healthy(self, service: str) -> None:
        """Return once the health check of a service passes."""
        self.wait_until(
            lambda: self.state(service)["Health"]["Status"] == "healthy", f"{service} to be healthy", service
        )

    def exit_code(self, service: str) -> int:
        """Wait for the end of a service."""
        return int(docker("wait", self.container(service)))

    def address(self, service: str, port: int) -> str:
        """URL of a published port."""
        return f"http://{self.compose('port', service, str(port))}"

    def user_ids(self, service: str) -> set[int]:
        """Real and effective users of a service's own processes, as the host counts them."""
        listing = docker("top", self.container(service), "-e", "-o", "ruid,euid,pid,comm").splitlines()[1:]
        own = [line.split() for line in listing if not line.endswith("docker-init")]
        return {int(number) for fields in own for number in fields[:2]}

    def down(self) -> None:
        """Remove containers, networks and volumes."""
        self.compose("down", "--volumes", "--timeout", "5")

    def wait_until(self, happened, what: str, service: str) -> None:
        """Return once ``happened()`` is true; fail with the service's words if it ends before."""
        deadline = time.monotonic() + PATIENCE_S
        while not happened():
            alive = self.state(service)["Status"] in {"created", "restarting", "running"}
            hopeless = not alive or time.monotonic() > deadline
            assert not hopeless, f"waited for {what}:\n{self.logs(service)}"
            time.sleep(0.5)
