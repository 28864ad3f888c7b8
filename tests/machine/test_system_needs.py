"""What the tests need from a machine is found, installed where nobody has to be asked, and else named."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bin import system_needs
from book.printing import PROGRAMS, chromium

ENV = "/usr/bin/env"
BROWSER = "#!/bin/sh\necho Chromium 156\n"
UTIL_LINUX = ("mount", "umount", "prlimit", "setpriv")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A folder that is the whole PATH: a machine with util-linux, PgBouncer, nginx and promtool, and no browser."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "env").symlink_to(ENV)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("PLAYWRIGHT_BROWSERS_PATH", *(need.required_by for need in system_needs.NEEDS)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(system_needs, "_SBIN", str(programs))
    for name in (*UTIL_LINUX, "pgbouncer", "nginx", "promtool"):
        put(programs / name, "#!/bin/sh\n")
    return programs


def put(program, text):
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(text)
    program.chmod(0o755)


def put_apt(machine, does):
    """An apt-get that notes what it is asked for, in the file of which the path is returned."""
    asked = machine.parent / "asked"
    put(machine / "apt-get", f'#!/bin/sh\necho "$@" >> {asked}\ncase "$*" in *install*) {does};; esac\n')
    return asked


def installs(machine):
    return f"printf '#!/bin/sh\\n' > {machine}/chromium; /bin/chmod 755 {machine}/chromium"


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_browser_on_the_path_is_found_under_each_of_its_names(machine, name):
    put(machine / name, BROWSER)

    assert chromium() == str(machine / name)
    assert system_needs.main() == 0


@pytest.mark.parametrize(
    "place",
    [
        "chromium-1180/chrome-linux/chrome",
        "chromium-1223/chrome-linux64/chrome",
        "chromium_headless_shell-1180/chrome-linux/headless_shell",
        "chromium_headless_shell-1223/chrome-headless-shell-linux64/chrome-headless-shell",
    ],
)
@pytest.mark.parametrize("folder", ["", "elsewhere"])
def test_playwrights_browser_is_found_in_its_cache(machine, monkeypatch, place, folder):
    cache = machine.parent / (folder or ".cache/ms-playwright")
    if folder:
        monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(cache))
    put(cache / place, BROWSER)

    assert chromium() == str(cache / place)


def test_a_browser_that_does_not_start_is_passed_over_for_one_that_does(machine):
    put(machine / "chromium", "#!/bin/sh\necho 'install the snap' >&2; exit 1\n")
    put(machine / "google-chrome", BROWSER)

    assert chromium() == str(machine / "google-chrome")


def test_root_installs_what_is_missing_and_says_so_in_one_line(machine, monkeypatch, capsys):
    asked = put_apt(machine, installs(machine))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("REQUIRE_BROWSER", "1")

    assert system_needs.main() == 0

    assert capsys.readouterr().out.splitlines() == [
        "installing what the tests need: apt-get install chromium"
    ]
    update, install = asked.read_text().splitlines()
    assert update.endswith("update")
    assert install.endswith("install -y --no-install-recommends chromium")


def test_a_user_installs_where_sudo_asks_nothing(machine):
    put_apt(machine, installs(machine))
    put(machine / "true", "#!/bin/sh\n")
    put(machine / "sudo", '#!/bin/sh\n[ "$1" = -n ] && shift && exec "$@"\n')

    assert system_needs.main() == 0

    assert chromium()


def test_whoever_would_be_asked_for_a_password_is_not(machine, capsys):
    asked = put_apt(machine, installs(machine))
    put(machine / "sudo", "#!/bin/sh\necho 'sudo: a password is required' >&2; exit 1\n")

    assert system_needs.main() == 0

    assert not asked.exists()
    assert capsys.readouterr() == ("", "")


def test_nothing_is_installed_where_nothing_is_missing(machine, monkeypatch):
    asked = put_apt(machine, "exit 1")
    put(machine / "chromium", BROWSER)
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    assert system_needs.main() == 0

    assert not asked.exists()


def test_programs_that_are_missing_are_installed_too(machine, monkeypatch):
    asked = put_apt(machine, f"printf '' > {machine}/prlimit; /bin/chmod 755 {machine}/prlimit")
    put(machine / "chromium", BROWSER)
    (machine / "prlimit").unlink()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("REQUIRE_UTIL_LINUX", "1")

    assert system_needs.main() == 0

    assert "util-linux mount" in asked.read_text()


def test_a_package_that_apt_does_not_know_does_not_prevent_another(machine, monkeypatch, capsys):
    refuses = "case \"$*\" in *chromium*) echo 'E: Unable to locate package chromium'; exit 100;; esac"
    asked = put_apt(machine, f"{refuses}; printf '' > {machine}/prlimit; /bin/chmod 755 {machine}/prlimit")
    (machine / "prlimit").unlink()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("REQUIRE_UTIL_LINUX", "1")

    assert system_needs.main() == 0

    assert "apt-get could not install it: E: Unable to locate package chromium" in capsys.readouterr().out
    update, *installed = asked.read_text().splitlines()
    assert update.endswith(" update")
    assert len(installed) == 2


@pytest.mark.parametrize("required", ["0", "1"])
def test_what_cannot_be_installed_is_an_error_only_where_it_is_required(
    machine, monkeypatch, capsys, required
):
    put_apt(machine, "echo 'E: Unable to locate package chromium'; exit 100")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("REQUIRE_BROWSER", required)

    assert system_needs.main() == int(required)

    said = capsys.readouterr()
    assert "apt-get could not install it: E: Unable to locate package chromium" in said.out
    assert ("REQUIRE_BROWSER=1, but no Chromium found" in said.err) == (required == "1")
    assert ("sudo apt-get install chromium" in said.err) == (required == "1")


@pytest.mark.parametrize("target", ["test", "test-slow"])
def test_make_asks_for_it_before_the_tests(target):
    recipe = (Path(__file__).parents[2] / "Makefile").read_text().split(f"\n{target}: ")[1].split("\n\n")[0]

    assert recipe.index("-m bin.system_needs") < recipe.index("-m pytest")


def test_it_runs_as_a_command(machine):
    root = Path(__file__).parents[2]

    done = subprocess.run(
        [sys.executable, "-m", "bin.system_needs"], cwd=root, env={**os.environ, "REQUIRE_BROWSER": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("REQUIRE_BROWSER=1, but no Chromium found")
