"""A reader who writes the files of a page, types its commands, and compares what he sees with what is printed."""

import doctest
import os
import re
import signal
import subprocess
import sys
from contextlib import chdir, suppress
from pathlib import Path

PATIENCE_S = 300
_MOVES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # of the cursor
_SHOWN = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def _read(screen):
    """Return all that is written until nobody has the terminal any more."""
    parts = []
    with suppress(OSError):  # that is how a terminal ends
        while part := screen.read(2**16):
            parts.append(part)
    return _MOVES.sub("", b"".join(parts).decode())


class Walk:
    """Works in a folder; what it left running is ended with it."""

    def __init__(self, folder: Path, programs: Path):
        self.folder = folder
        self.names = {}  # what a page calls a thing -> what it is called here, such as a port that is free
        self._python = {}  # the reader's session
        self._started = []
        path = [str(programs), str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"]
        self._environment = {
            **os.environ,
            "PATH": os.pathsep.join(path),
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "120",
        }

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self._started:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def activate(self, environment):
        """Go on with another Python environment, as `. bin/activate` does."""
        self._environment["PATH"] = os.pathsep.join([str(environment / "bin"), self._environment["PATH"]])

    def follow(self, block):
        """Do what one block says, unless the page says that nobody can here."""
        if block.why_not:
            return
        text = self._here(block.text)
        if block.file:
            path = self.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif block.language == "python":
            self._type_into_python(block, text)
        else:
            self._type_into_shell(block, text)

    def _here(self, text):
        for theirs, ours in self.names.items():
            text = re.sub(rf"\b{re.escape(theirs)}\b", ours, text)
        return text

    def _type_into_shell(self, block, text):
        ours, theirs = os.openpty()  # what is shown on a terminal is what a reader sees
        with os.fdopen(ours, "rb", buffering=0) as screen:
            process = subprocess.Popen(
                ["bash", "-e", "-u", "-o", "pipefail", "-c", text],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
            )
            os.close(theirs)
            self._started.append(process)
            shown = _read(screen)
            code = process.wait(PATIENCE_S)
        assert code == 0, f"{block}: exit code {code}\n{text}\n{shown}"
        if block.output is not None:
            expected = self._here(block.output)
            same = doctest.OutputChecker().check_output(expected, shown, _SHOWN)
            assert same, f"{block}: the page shows\n{expected}\nand this was seen\n{shown}"

    def _type_into_python(self, block, text):
        session = doctest.DocTestParser().get_doctest(text, self._python, str(block), block.page, block.line)
        assert session.examples, f"{block}: Python without >>> is a file; give it a caption"
        said = []
        with chdir(self.folder):
            runner = doctest.DocTestRunner(optionflags=_SHOWN)
            runner.run(session, out=said.append, clear_globs=False)
        self._python = session.globs
        assert not runner.failures, "".join(said)
