"""Writes down every line of the tree that this interpreter runs, also where a test starts it as a process.

The interpreter of a copy holds this file as `sitecustomize.py`, which it runs first whenever it starts. Each line costs one event: it is written at once, so that kill -9 loses nothing, and not reported again.
"""

import contextlib
import os
import sys
from types import CodeType

_TREE, _LINES = os.environ.get("MUTATION_TREE"), os.environ.get("MUTATION_LINES")


def _note(code: CodeType, line: int) -> object:
    if code.co_filename.startswith(_TREE):
        with contextlib.suppress(OSError):  # where a test has taken the right, or the disk, to write
            descriptor = os.open(_LINES, os.O_WRONLY | os.O_APPEND)
            os.write(descriptor, f"{os.path.relpath(code.co_filename, _TREE)}:{line}\n".encode())
            os.close(descriptor)
    return sys.monitoring.DISABLE


if _TREE and _LINES:
    sys.monitoring.use_tool_id(sys.monitoring.COVERAGE_ID, "mutation")
    sys.monitoring.register_callback(sys.monitoring.COVERAGE_ID, sys.monitoring.events.LINE, _note)
    sys.monitoring.set_events(sys.monitoring.COVERAGE_ID, sys.monitoring.events.LINE)
