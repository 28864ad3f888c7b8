"""Every command on the site is run, or said to be run elsewhere, or marked with why it cannot be; the reader's way."""

import shlex
import subprocess

import pytest
import yaml
from pages import COMMANDS, DOCS, FILES, blocks_of

from data_science.cli import command

#: Pages whose examples have a test of their own.
ELSEWHERE = {
    "scikit_learn.md": "tests/sklearn/test_examples.py",
    "warehouse.md": "tests/warehouse/test_model_door.py",
}
PAGES = {path.relative_to(DOCS).as_posix(): blocks_of(path) for path in sorted(DOCS.rglob("*.md")) if "_build" not in path.parts}
LATER = [name for name, blocks in PAGES.items() if blocks and name not in ELSEWHERE and name != "tutorial.md"]
UNRUN = [block for blocks in PAGES.values() for block in blocks if block.why_not]
NEEDS = {"how_to/deploy_behind_nginx.md": "nginx", "how_to/mlflow.md": "mlflow"}
SLOW = ("how_to/mlflow.md",)


def marked(name):
    marks = [getattr(pytest.mark, NEEDS[name])] if name in NEEDS else []
    return pytest.param(name, marks=[*marks, pytest.mark.slow] if name in SLOW else marks)


def test_the_tutorial_does_what_it_shows(after_tutorial):
    assert (after_tutorial.folder / "models" / "LATEST").exists()


@pytest.mark.parametrize("name", [marked(name) for name in LATER])
def test_a_page_does_what_it_shows_where_the_tutorial_ended(name, walk):
    for block in PAGES[name]:
        walk.follow(block)
