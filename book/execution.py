"""Run Jupyter Book: report which chapter is done, and of a failure first what matters."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from book.site import BuildError

SOURCE = Path(__file__).parent
log = logging.getLogger("book")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_DONE = re.compile(r"([^/\s]+)\.md: Executed notebook in ([\d.]+) seconds")
_ERROR = re.compile(r"^(?:\w+\.)*(\w*(?:Error|Interrupt|Exception)): (.+)$", re.MULTILINE)
_WRAPPERS = {"ExecutionError", "CellExecutionError"}


def run(builder: str, work: Path, config: Path, environ: Mapping[str, str]) -> None:
    """Execute every chapter and write its pages below ``work``.

    Raises
    ------
    BuildError
        If a chapter fails or Sphinx warns, with the reason.
    """
    program = "from book.kernels import main; main()"
    command = [sys.executable, "-c", program, "build", str(SOURCE), "--path-output", str(work)]
    command += ["--config", str(config), "--builder", builder, "-W", "-n", "--keep-going"]
    path = os.pathsep.join(filter(None, [str(SOURCE.parent), environ.get("PYTHONPATH")]))
    # A group of its own, kernels included, that can be ended as a whole.
    with subprocess.Popen(  # noqa: S603 (our own command)
        command,
        env={**environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            said = [_relayed(line) for line in process.stdout or ()]
            code = process.wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if code:
        whole = "".join(said)
        sys.stderr.write(whole)
        raise BuildError(
            f"{builder}: {_reason(whole, work)}. The full output is above; the previous site is unchanged"
        )


def _relayed(line: str) -> str:
    plain = _COLOUR.sub("", line)
    done = _DONE.search(plain)
    if done:
        log.info("%s: executed in %.0f s", done[1], float(done[2]))
    return plain


def _reason(said: str, work: Path) -> str:
    """Find what went wrong: the last error of a chapter, what a chapter wrote to stderr, or a warning."""
    chapter = re.search(r"([^/\s]+)\.md: WARNING: Executing notebook failed: (\w+)", said)
    errors = [f"{name}: {text}" for name, text in _ERROR.findall(said) if name not in _WRAPPERS]
    own = errors[-1] if errors else None
    if chapter:
        return f"chapter {chapter[1]} failed: {own or chapter[2]}"
    written = _stderr(work)
    if written:
        return f"a chapter wrote to stderr, which may be a warning about a figure: {written}"
    warning = re.search(r"^.*WARNING: .*$", said, re.MULTILINE)
    return warning.group().strip() if warning else own or "Jupyter Book failed"


def _stderr(work: Path) -> str:
    """Collect what the chapters that were executed wrote to stderr."""
    texts = []
    for notebook in (work / "executed").rglob("*.ipynb"):
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            outputs = cell.get("outputs", [])
            texts += ["".join(output["text"]) for output in outputs if output.get("name") == "stderr"]
    return " ".join("".join(texts).split())[:1_000]
