"""The tool on a package of two functions: one has a test that holds it, the other one that does not."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = """
def total(a, b):
    return a + b


def difference(a, b):
    return a - b
"""
TESTS = """
from data_science.data.toy import difference, total


def test_strong():
    assert total(2, 1) == 3


def test_weak():
    difference(2, 1)
"""


@pytest.fixture
def toy(tmp_path):
    for name, text in {
        "data_science/__init__.py": "",
        "data_science/data/__init__.py": "",
        "data_science/data/toy.py": MODULE,
        "tests/unit/test_toy.py": TESTS,
        "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["."]\nfilterwarnings = ["error"]\n',
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def campaign(tree):
    command = [sys.executable, "-m", "mutation", f"--tree={tree}", "--workers=1", "--per-package=99"]
    alone = {"PYTHONPATH": str(Path(__file__).parents[1]), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **alone},
        cwd=tree,
        timeout=300,
    ).stdout


def test_what_a_strong_test_holds_is_killed_and_what_a_weak_one_holds_survives(toy):
    told = campaign(toy)

    assert re.search(r"killed +data_science/data/toy.py:3 .* by tests/unit/test_toy.py::test_strong ", told)
    assert re.search(r"survived: data_science/data/toy.py:7 .* \[2 tests asked\]", told)
    assert re.search(r"data +1 +1 +0 +50%", told)
    assert (toy / "data_science/data/toy.py").read_text() == MODULE
