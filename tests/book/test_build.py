"""The command that builds the book, where it cannot build: it says why, and loses nothing."""

import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from book import build, execution, printing, site, snapshot
from book.study import Study
from data_science.errors import SettingsError
from data_science.settings import Settings
from de.embedded import embedded_company
from tests.book.conftest import REPOSITORY
from tests.environment import inherited

PATIENCE_S = 600  # on the busiest machine
BUILD = [sys.executable, "-m", "book.build"]
UNREACHABLE = {
    "DB_HOSTNAME": "127.0.0.1",
    "DB_PORT": "1",
    "DS_DB_USER": "ds_user",
    "DS_DB_PASSWORD": "s3cr3t",
    "WAIT_TIMEOUT_S": "1",
}


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*BUILD, *arguments],
        cwd=REPOSITORY,
        env={**inherited(), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


@pytest.fixture
def main(monkeypatch, caplog):
    """``main(*arguments, **variables)`` is the command in this process, with the exit code that it gives."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    for ours in ("book", "data_science", "de"):
        caplog.set_level("INFO", logger=ours)  # as the command does, and back at the end

    def run_here(*arguments: str, **variables: str) -> int:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return build.main(arguments)

    return run_here


@pytest.mark.parametrize("given", ["variable", "option"])
def test_a_cache_that_cannot_be_made_ends_it_with_what_to_do(given, tmp_path, main, caplog):
    (tmp_path / "file").touch()
    cache = str(tmp_path / "file" / "cache")
    option = ["--cache", cache] if given == "option" else []

    code = main(
        "html",
        "--output",
        str(tmp_path / "html"),
        *option,
        BOOK_CACHE=str(tmp_path / "unused") if option else cache,
    )

    assert code == 1
    assert f"the cache {cache} cannot be made or written: Not a directory" in caplog.text
    assert "--cache or BOOK_CACHE" in caplog.text


def test_a_build_without_chromium_says_what_makes_the_pdf_and_nothing_that_a_container_cannot_do(
    monkeypatch, caplog
):
    monkeypatch.setattr(printing, "chromium", lambda: None)

    with caplog.at_level("INFO", logger="book"):
        wanted = build._pdf("html")

    assert wanted == "no"
    assert "make book-pdf" in caplog.text
    assert "install" not in caplog.text


def test_a_database_that_cannot_be_reached_ends_it_before_any_chapter(tmp_path):
    done = run("html", "--output", str(tmp_path / "html"), "--cache", str(tmp_path / "cache"), **UNREACHABLE)

    assert done.returncode == 1
    assert "feature_store" in done.stderr.splitlines()[-1]
    assert "s3cr3t" not in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache"]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"DE_FILES": "nowhere"},
            "DE_FILES is 'nowhere', which is not a folder; expected a folder of CSV files",
        ),
        ({**UNREACHABLE, "DE_FILES": "."}, "DE_FILES and DB_HOSTNAME are both set; expected only one"),
    ],
    ids=["no folder", "two databases"],
)
def test_files_that_go_into_no_database_end_it(tmp_path, variables, said):
    wanted = build.Wanted(tmp_path / "html", tmp_path / "cache", "no")

    with pytest.raises(site.BuildError, match=said):
        build.build(wanted, variables)


def test_where_a_host_is_named_nothing_of_the_data_engineers_is_needed(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "de", None)

    with build._database(UNREACHABLE, Settings.from_environment(UNREACHABLE)) as ready:
        assert ready == {**UNREACHABLE, "MODEL_FOLDER": str(Path("models").resolve())}
    with (
        pytest.raises(SettingsError, match=r"not installed \(de\). Set DB_HOSTNAME, or"),
        build._database({}, Settings()),
    ):
        pytest.fail("given")


def test_a_port_in_use_is_named_before_anything_is_built(tmp_path, main, caplog):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        code = main("serve", "--output", str(tmp_path / "html"), "--port", str(port))

    assert code == 1
    assert f"port {port} is not available: [Errno 98] Address already in use" in caplog.text
    assert not (tmp_path / "html").exists()


def test_a_stopped_build_leaves_nothing_behind_and_the_site_before_stays(book, tmp_path):
    before = tmp_path / "html"
    before.mkdir()
    (before / ".buildinfo").touch()
    (before / "index.html").write_text("the site before")
    shutil.copytree(book.cache, tmp_path / "cache")
    options = [*book.options, "--output", str(before), "--cache", str(tmp_path / "cache")]
    options += ["--models", str(tmp_path / "models")]
    with subprocess.Popen([*BUILD, "html", *options], cwd=REPOSITORY, env=inherited()) as process:
        while not (kernels := kernels_of(process.pid)):
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        code = process.wait(PATIENCE_S)

    assert code == 128 + signal.SIGTERM
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "html"]
    assert (before / "index.html").read_text() == "the site before"
    until = time.monotonic() + PATIENCE_S  # a kernel looks now and then whether its parent lives
    while left := [kernel for kernel in kernels if lives(kernel)]:
        assert time.monotonic() < until, left
        time.sleep(0.1)
    commands = [command_of(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    assert [command for command in commands if str(tmp_path) in command] == []


def kernels_of(build: int) -> list[psutil.Process]:
    """Processes that execute chapters of this build, once there is one, and what they are forked from."""
    try:
        found = [
            p for p in psutil.Process(build).children(recursive=True) if "ipykernel" in " ".join(p.cmdline())
        ]
        return found if any(p.ppid() in {other.pid for other in found} for p in found) else []
    except psutil.Error:  # one ended while we looked
        return []


def lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def command_of(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (OSError, ProcessLookupError):  # it has ended
        return ""


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (
            lambda output: (output / "thesis.txt").write_text("years of work"),
            "is not a book; it will not be overwritten",
        ),
        (
            lambda output: (output.rmdir(), output.write_text("a file")),
            "is a file; it will not be overwritten",
        ),
        (
            lambda output: (output / "cache").mkdir() or (output / ".buildinfo").touch(),
            "which every build replaces",
        ),
    ],
)
def test_a_folder_that_holds_anything_but_a_book_is_not_replaced(there, said, tmp_path):
    output = tmp_path / "output"
    output.mkdir()
    there(output)

    with pytest.raises(site.BuildError, match=said):
        site.require_replaceable(output, [output / "cache"])


def test_an_empty_folder_and_the_book_before_may_be_replaced(tmp_path):
    site.require_replaceable(tmp_path, [tmp_path.parent / "cache"])
    (tmp_path / ".buildinfo").touch()
    (tmp_path / "index.html").touch()
    site.require_replaceable(tmp_path, [tmp_path.parent / "cache"])
    site.require_replaceable(tmp_path / "new" / "html", [tmp_path / "cache"])


@pytest.mark.parametrize(
    "shown",
    [
        "Traceback (most recent call last)",
        "Error in callback <f>",
        "&lt;Figure size 680x520 with 12 Axes&gt;",
    ],
)
def test_a_page_that_shows_an_error_in_the_place_of_a_figure_is_refused(shown, tmp_path):
    (tmp_path / "index.html").write_text("<p>All is well.</p>")
    site.require_sound(tmp_path)
    (tmp_path / "data.html").write_text(f"<pre>{shown}</pre>")

    with pytest.raises(site.BuildError, match=r"data: a result could not be shown"):
        site.require_sound(tmp_path)


def test_the_reason_of_a_failure_is_the_chapter_s_own_error(tmp_path):
    said = (
        "/somewhere/book/fit.md: WARNING: Executing notebook failed: CellExecutionError [mystnb.exec]\n"
        "nbclient.exceptions.CellExecutionError: An error occurred while executing the following cell:\n"
        "data_science.errors.GateError: r_hat is 1.2, and must be below 1.01\n"
        "RuntimeError: \n"
    )

    reason = execution._reason(said, tmp_path)

    assert reason == "chapter fit failed: GateError: r_hat is 1.2, and must be below 1.01"


def test_all_chapters_read_the_same_rows_whatever_is_loaded_meanwhile(tmp_path):
    with embedded_company(n_clients=60) as company:
        settings = Settings.from_environment(company.environment())
        snapshot.take(settings, tmp_path / "snapshot")
        with company.connect() as connection, connection.cursor() as cursor:
            for table in ("feature_store", "labels", "customer_activity", "customer_profiles"):
                cursor.execute(f"DELETE FROM {table} WHERE idx > 50")  # as filled as it will be: no long wait
            cursor.execute("COMMENT ON TABLE feature_store IS NULL")
        connection.close()

        study = Study(settings, tmp_path / "snapshot")

        assert study.data.n_rows == 60
        assert len(study.sources["labels"]) == 60
        assert study.source == "60 clients, all generated (scenario no-signal, seed 1)"
        assert len(Study(settings).data.frame) == 51
