"""A browser is found where there is one that starts, and what it prints, or why it does not, is told."""

import stat
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest

from book import printing
from book.printing import PrintingError


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with the programs that a test puts there."""
    for folder in ("bin", "playwright", "home"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))

    def put(place, script="exit 0"):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return put


@pytest.fixture
def page(tmp_path):
    """A page of a site."""
    path = tmp_path / "site" / "index.html"
    path.parent.mkdir()
    path.write_text("<p>A page.</p>")
    return path


def test_without_a_browser_there_is_none(machine):
    assert printing.chromium() is None


@pytest.mark.parametrize("name", printing.PROGRAMS)
def test_a_browser_on_the_path_is_found_by_any_of_its_names(machine, name):
    program = machine(f"bin/{name}")

    assert printing.chromium() == program


def test_one_that_does_not_start_is_passed_over(machine):
    machine("bin/chromium", "exit 127")
    Path(machine("bin/chromium-browser")).write_text("no program")
    program = machine("bin/google-chrome")

    assert printing.chromium() == program


def test_the_newest_of_playwright_is_taken_and_its_whole_browser_before_a_shell(machine):
    machine("playwright/chromium_headless_shell-1300/chrome-linux/headless_shell")
    machine("playwright/chromium-1100/chrome-linux/chrome")
    program = machine("playwright/chromium-1200/chrome-linux/chrome")

    assert printing.chromium() == program
    assert machine("bin/chromium") == printing.chromium()


@pytest.mark.parametrize(
    "place", ["chrome-linux/headless_shell", "chrome-headless-shell-linux64/chrome-headless-shell"]
)
def test_a_shell_of_playwright_is_enough(machine, place):
    program = machine(f"playwright/chromium_headless_shell-1300/{place}")

    assert printing.chromium() == program


def test_playwrights_own_folder_is_looked_at_unless_another_is_named(machine, monkeypatch):
    monkeypatch.delenv("PLAYWRIGHT_BROWSERS_PATH")
    program = machine("home/.cache/ms-playwright/chromium-1200/chrome-linux/chrome")

    assert printing.chromium() == program


PRINT = """for argument in "$@"; do
  case "$argument" in --print-to-pdf=*) echo "$@" > "${argument#--print-to-pdf=}";; esac
done"""


def test_the_page_is_printed_from_a_local_server_with_an_outline_and_no_footer(machine, page, tmp_path):
    machine("bin/chromium", PRINT)

    printing.print_pdf(page, tmp_path / "book.pdf")

    arguments = (tmp_path / "book.pdf").read_text().split()
    assert set(printing.QUIET) < set(arguments)
    assert {"--no-pdf-header-footer", "--generate-pdf-document-outline"} < set(arguments)
    assert arguments[-1].startswith("http://127.0.0.1:")
    assert arguments[-1].endswith("/index.html")
    (profile,) = [a.partition("=")[2] for a in arguments if a.startswith("--user-data-dir=")]
    assert not Path(profile).exists()  # it was made for this one run


def test_without_a_browser_it_is_said_how_to_get_one(machine, page, tmp_path):
    with pytest.raises(PrintingError, match="apt-get install chromium"):
        printing.print_pdf(page, tmp_path / "book.pdf")


@pytest.mark.parametrize(
    "script",
    ["echo no display >&2; [ $1 = --version ]", "echo no display >&2"],
    ids=["it fails", "it prints nothing"],
)
def test_a_browser_that_prints_no_pdf_is_quoted(machine, page, tmp_path, script):
    machine("bin/chromium", script)

    with pytest.raises(PrintingError, match=r"chromium ended with code [01] and printed no PDF: no display"):
        printing.print_pdf(page, tmp_path / "book.pdf")


def test_a_pdf_of_a_browser_that_failed_does_not_count(machine, page, tmp_path):
    machine("bin/chromium", PRINT + "\n[ $1 = --version ] || exit 3")

    with pytest.raises(PrintingError, match="ended with code 3"):
        printing.print_pdf(page, tmp_path / "book.pdf")


def test_a_browser_that_does_not_end_is_given_up(machine, page, tmp_path, monkeypatch):
    machine("bin/chromium", "[ $1 = --version ] || exec sleep 600")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(printing, "_LIMIT_S", 0.2)

    with pytest.raises(PrintingError, match=r"has not printed within 0\.2 s"):
        printing.print_pdf(page, tmp_path / "book.pdf")


def test_one_that_does_not_say_its_version_in_time_does_not_start(monkeypatch):
    def run(command, **options):
        assert 10 <= options["timeout"] <= 120
        raise printing.subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(
        printing, "subprocess", SimpleNamespace(run=run, TimeoutExpired=printing.subprocess.TimeoutExpired)
    )

    assert not printing._starts("chromium")


def test_a_folder_is_served_while_the_block_runs_and_says_nothing(page, capfd):
    with printing.served(page.parent) as address:
        assert urllib.request.urlopen(f"{address}/index.html").read() == b"<p>A page.</p>"

    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{address}/index.html")
    assert capfd.readouterr() == ("", "")
