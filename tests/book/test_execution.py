"""Of a failed run the reader is told what matters first; nothing that it started is left."""

import json
import time
from pathlib import Path

import psutil
import pytest

from book import execution
from book.site import BuildError
from tests.environment import inherited

PATIENCE_S = 60  # on the busiest machine
FAILED = "/somewhere/book/fit.md: WARNING: Executing notebook failed: CellTimeoutError [mystnb.exec]\n"


def lives(process):
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def jupyter_book(tmp_path, monkeypatch):
    """A program in the place of Jupyter Book's, made of a few lines, and the environment that finds it."""

    def make(*lines):
        package = tmp_path / "fake" / "jupyter_book" / "cli"
        package.mkdir(parents=True)
        for folder in (package, package.parent):
            (folder / "__init__.py").touch()
        body = "\n    ".join(lines)
        (package / "main.py").write_text(f"import os, subprocess, sys, time\ndef main():\n    {body}\n")
        return {**inherited(), "PYTHONPATH": str(tmp_path / "fake")}

    return make


def wrote_to_stderr(work, *texts, name="stderr"):
    notebook = work / "executed" / "deep" / "base.ipynb"
    notebook.parent.mkdir(parents=True)
    outputs = [{"name": name, "text": [text]} for text in texts] + [{"output_type": "display_data"}]
    cells = [{"cell_type": "markdown"}, {"cell_type": "code", "outputs": outputs}]
    notebook.write_text(json.dumps({"cells": cells}))


def test_the_chapters_are_built_as_asked_and_found_before_what_is_installed(jupyter_book, tmp_path):
    environ = jupyter_book(
        "import book",
        f"open({str(tmp_path / 'seen')!r}, 'w').write(repr((sys.argv[1:], os.environ['ASKED'], book.__file__)))",
    )

    execution.run("singlehtml", tmp_path / "work", tmp_path / "config.yml", {**environ, "ASKED": "for"})

    arguments, asked, found = eval((tmp_path / "seen").read_text())
    assert arguments[:2] == ["build", str(execution.SOURCE)]
    given = dict(zip(arguments[2::2], arguments[3::2], strict=False))
    assert given["--path-output"] == str(tmp_path / "work")
    assert given["--config"] == str(tmp_path / "config.yml")
    assert given["--builder"] == "singlehtml"
    assert {"-W", "-n", "--keep-going"} < set(arguments)  # a warning fails the build, after all chapters
    assert asked == "for"
    assert Path(found).parent == execution.SOURCE


def test_a_run_that_fails_says_why_after_all_it_said(jupyter_book, tmp_path, capsys):
    environ = jupyter_book(
        "print('the whole story')", "print('a.md:3: WARNING: no such label ')", "sys.exit(1)"
    )

    with pytest.raises(
        BuildError, match=r"^html: a\.md:3: WARNING: no such label\. The full output is above"
    ):
        execution.run("html", tmp_path / "work", tmp_path / "config.yml", environ)

    assert "the whole story" in capsys.readouterr().err


def test_a_run_that_succeeds_says_which_chapters_are_done(jupyter_book, tmp_path, capsys, caplog):
    environ = jupyter_book(
        r"print('\x1b[2m/somewhere/book/fit.md: Executed notebook in 12.61 seconds [mystnb]\x1b[0m')",
        "print('other words')",
    )

    with caplog.at_level("INFO", logger="book"):
        execution.run("html", tmp_path / "work", tmp_path / "config.yml", environ)

    assert caplog.messages == ["fit: executed in 13 s"]
    assert capsys.readouterr().err == ""


def test_what_a_run_started_ends_with_it(jupyter_book, tmp_path):
    environ = jupyter_book(
        "kernel = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)",
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(kernel.pid))",
        "os._exit(0)",
    )

    execution.run("html", tmp_path / "work", tmp_path / "config.yml", environ)

    kernel = int((tmp_path / "pid").read_text())
    until = time.monotonic() + PATIENCE_S
    while lives(kernel):
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (FAILED, "chapter fit failed: CellTimeoutError"),
        (FAILED + "KeyError: 'attr_a'\na.b.ValueError: x is 3\n", "chapter fit failed: ValueError: x is 3"),
        (
            FAILED + "KeyboardInterrupt: stopped\nExecutionError: x\n",
            "chapter fit failed: KeyboardInterrupt: stopped",
        ),
        (
            "fine\n/book/fit.md:3: WARNING: no label\n/b.md:1: WARNING: other\n",
            "/book/fit.md:3: WARNING: no label",
        ),
        ("OSError: disk full\n", "OSError: disk full"),
        ("nothing that helps\n", "Jupyter Book failed"),
    ],
    ids=[
        "no error",
        "the last error",
        "no wrapper",
        "the first warning",
        "an error of the program",
        "nothing",
    ],
)
def test_the_reason_is_the_most_telling_thing_that_was_said(said, reason, tmp_path):
    assert execution._reason(said, tmp_path) == reason


def test_what_a_chapter_wrote_to_stderr_is_the_reason_of_a_warning(tmp_path):
    wrote_to_stderr(tmp_path, "UserWarning:\n  tight   layout ", "x" * 2_000)

    reason = execution._reason("fit.md: WARNING: stderr was found\n", tmp_path)

    assert reason.startswith(
        "a chapter wrote to stderr, which may be a warning about a figure: UserWarning: tight layout xx"
    )
    assert len(reason) < 1_100


def test_what_a_chapter_printed_is_no_reason(tmp_path):
    wrote_to_stderr(tmp_path, "a table", name="stdout")

    assert execution._reason("fit.md: WARNING: no label\n", tmp_path) == "fit.md: WARNING: no label"
