"""An environment is made with the first Python that can make one; where none can, what is missing is named."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "bin" / "make-venv"
# A Python that answers what the script asks: is it new enough, can it make environments, make one.
PYTHON = """#!/bin/sh
case "$*" in
  *version_info*'<'*) exit {too_old} ;;
  *ensurepip*) exit {lacks_pip} ;;
  *version_info*) echo 3.13 ;;
  --version) echo "Python 3.13.0" ;;
  *) echo "{name} $*" ;;
esac
"""


@pytest.fixture
def machine(tmp_path):
    """``machine(python313="no pip", ...)``: run the script where these are the only programs."""

    def run(**pythons):
        for name, fault in pythons.items():
            program = tmp_path / name.replace("3_", "3.")
            text = PYTHON.format(too_old=fault == "too old", lacks_pip=fault == "no pip", name=program.name)
            program.write_text(text.replace("True", "1").replace("False", "0"))
            program.chmod(0o755)
        return subprocess.run(
            ["/bin/bash", SCRIPT, "target"],
            env={"PATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_python_without_ensurepip_is_passed_over_for_the_next(machine):
    done = machine(python3_13="no pip", python3_12="")

    assert done.returncode == 0, done.stderr
    assert "python3.12 -m venv --clear target" in done.stdout


def test_uv_is_tried_where_no_python_has_ensurepip(machine):
    done = machine(python3_13="no pip", uv="")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("uv venv ")


def test_the_package_that_brings_ensurepip_is_named(machine):
    done = machine(python3="no pip")

    assert done.returncode == 1
    assert "python3 is Python 3.13" in done.stderr
    assert "sudo apt-get install python3.13-venv" in done.stderr


def test_without_a_new_enough_python_the_places_looked_in_are_named(machine):
    done = machine(python3="too old")

    assert done.returncode == 1
    assert "found no Python 3.12 or newer" in done.stderr
