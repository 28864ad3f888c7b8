"""A chapter's kernel is a fork with a folder and an environment of its own, and lives no longer than who asked for it."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.environment import inherited

PATIENCE_S = 120  # on the busiest machine
PROGRAM = """
import os, sys
from jupyter_client.manager import start_new_kernel
from book import kernels

kernels._IMPORTED.clear()  # what chapters import is not needed here
kernels.use_forks()
manager, client = start_new_kernel(cwd={folder!r}, env={{**os.environ, "ASKED": "for"}})
client.execute_interactive("import os; print(os.getcwd(), os.environ['ASKED'], os.getpid(), flush=True)")
sys.stdout.flush()
{then}
"""


def lives(process):
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(
    ("then", "code"),
    [
        ("client.stop_channels(); manager.shutdown_kernel()", 0),
        ("manager.interrupt_kernel(); manager.shutdown_kernel(now=True)", 0),
        ("client.execute('os._exit(3)'); manager.provisioner.process.wait() == 3 or sys.exit(1)", 0),
        ("os.kill(os.getpid(), 9)", -9),
    ],
    ids=["asked to end", "killed", "of itself", "its parent killed"],
)
def test_a_kernel_is_where_it_was_asked_for_and_ends(then, code, tmp_path):
    program = PROGRAM.format(folder=str(tmp_path), then=then)

    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**inherited(), "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert done.returncode == code, done.stderr
    folder, asked, kernel = done.stdout.split()[-3:]
    assert (folder, asked) == (str(tmp_path), "for")
    until = time.monotonic() + PATIENCE_S
    while lives(int(kernel)):
        assert time.monotonic() < until
        time.sleep(0.02)
