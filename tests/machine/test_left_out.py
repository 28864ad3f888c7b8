"""Without a browser the tests that need one are left out by name; where one is required, they fail."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = f"{Path(__file__).relative_to(ROOT)}"
NEEDY = [f"{HERE}::test_a_test_that_needs_a_browser_runs[{which}]" for which in ("one", "another")]
OPTIONS = (
    *("-p", "pytest_timeout", "-p", "no:cacheprovider"),
    *("-o", "addopts=--import-mode=importlib --strict-markers"),
)
ONE_PROCESS, TWO_WORKERS = ("-p", "no:xdist"), ("-p", "xdist", "-n", "2")


@pytest.fixture
def run(tmp_path):
    """``run(words, **environment)``: pytest on a machine whose PATH is empty."""

    def run_there(*words, **environment):
        left = ("PYTEST_", "REQUIRE_", "DOCKER_", "PLAYWRIGHT_")
        given = {name: value for name, value in os.environ.items() if not name.startswith(left)}
        given |= {"PATH": str(tmp_path), "HOME": str(tmp_path), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        return subprocess.run(
            [sys.executable, "-m", "pytest", *OPTIONS, *words],
            cwd=ROOT, env=given | environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run_there


@pytest.mark.parametrize("processes", [ONE_PROCESS, TWO_WORKERS], ids=["one process", "two workers"])
def test_what_has_no_browser_is_named_once_with_the_command_that_brings_one(run, processes):
    done = run(*processes, *NEEDY, f"{HERE}::test_a_test_without_needs_runs")

    assert done.returncode == 0, done.stdout + done.stderr
    assert [done.stdout.splitlines().count(name) for name in NEEDY] == [1, 1]
    assert "2 tests did not run: browser" in done.stdout
    assert "no Chromium found" in done.stdout
    assert "sudo apt-get install chromium" in done.stdout
    assert "1 passed" in done.stdout


def test_a_test_without_needs_runs():
    pass


@pytest.mark.browser
@pytest.mark.parametrize("which", ["one", "another"])
def test_a_test_that_needs_a_browser_runs(which):
    assert which  # needs nothing else, so that a process that asks for it starts at once


def test_where_a_browser_is_required_its_tests_fail_and_say_why(run):
    done = run(*ONE_PROCESS, *NEEDY, REQUIRE_BROWSER="1")

    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert "2 errors" in done.stdout
    assert "REQUIRE_BROWSER=1, but no Chromium found" in done.stdout
    assert "did not run" not in done.stdout


def test_to_leave_out_all_there_is_is_no_failure(run):
    done = run(*ONE_PROCESS, *NEEDY, "tests/containers")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "DOCKER_HOST is not set" in done.stdout
    assert done.stdout.splitlines()[-1].split(" in ")[0].endswith("deselected")


def test_make_test_containers_requires_an_engine(run):
    done = run(*ONE_PROCESS, "tests/containers/test_images.py", "--maxfail=1", REQUIRE_CONTAINERS="1")

    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert "REQUIRE_CONTAINERS=1, but docker info:" in done.stdout
