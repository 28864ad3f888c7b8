"""Jupyter Book, with kernels that are forked from one process in which what chapters import is imported once.

Changes with what chapters import, and with how Jupyter starts a kernel.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

#: What takes long to import. Not `matplotlib_inline`: that asks at its import which kernel it is in.
_IMPORTED = [
    "ipykernel.kernelapp",
    "arviz",
    "myst_nb",
    "matplotlib.pyplot",
    "book.chapter",
    "book.exploration",
    "data_science.evaluation.replication",
    "data_science.report.findings",
]
_NAME = "forked"
_forks = get_context("forkserver")


class ForkedProvisioner(LocalProvisioner):
    """Starts a kernel in a fork. All belong to the group of this process, and end with it."""

    process: Any
    parent: Any

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:  # noqa: ARG002 (a name of theirs)
        """Start a kernel of Python, whatever the command."""
        cwd = kwargs.get("cwd") or Path.cwd()
        process = _forks.Process(target=_kernel, args=(self.parent.connection_file, cwd, kwargs["env"]))
        process.start()
        self.process, self.pid, self.pgid, self.cwd = _Started(process), process.pid, None, cwd
        return self.connection_info


class _Started:
    """A process as `subprocess` has it."""

    stdin = stdout = stderr = None

    def __init__(self, process: Any) -> None:
        self._process = process
        self.pid, self.kill, self.terminate = process.pid, process.kill, process.terminate

    def poll(self) -> int | None:
        """Return the exit code, once there is one."""
        found: int | None = self._process.exitcode
        return found

    def wait(self) -> int | None:
        """Return the exit code."""
        self._process.join()
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Send it to the process, if it still lives."""
        if self.poll() is None:
            os.kill(self.pid, number)


def _kernel(connection: str, cwd: str | Path, environ: Mapping[str, str]) -> None:
    """Run a kernel until it is asked to end, or until whoever asked for it has ended."""
    from ipykernel.kernelapp import IPKernelApp

    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(cwd)
    IPKernelApp.launch_instance(argv=["-f", connection], parent_handle=os.getppid())


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def use_forks() -> None:
    """Let every kernel that this process starts be a fork."""
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")  # as a kernel would
    _forks.set_forkserver_preload(_IMPORTED)
    factory = KernelProvisionerFactory.instance()
    home = f"{__name__}:{ForkedProvisioner.__name__}"
    factory.provisioners[_NAME] = EntryPoint(_NAME, home, factory.GROUP_NAME)
    factory.default_provisioner_name = _NAME


def main() -> None:
    """Run the command of Jupyter Book."""
    from jupyter_book.cli.main import main as jupyter_book  # type: ignore[import-untyped]

    use_forks()
    jupyter_book()
