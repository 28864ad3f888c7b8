"""One process that has imported what the command needs, and the folder that the tutorial leaves."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "deployment"))
sys.path.insert(0, str(Path(__file__).parent))

from pages import DOCS, blocks_of
from walk import Walk

from tests.warm_command import warm_command


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    """A folder to go first on the PATH: `data-science` there takes no seconds to import its libraries."""
    with warm_command(tmp_path_factory.mktemp("programs")) as folder:
        yield folder


@pytest.fixture(scope="session")
def after_tutorial(programs, tmp_path_factory):
    """The tutorial, walked through once: the folder as it is at its end."""
    with Walk(tmp_path_factory.mktemp("tutorial"), programs) as walk:
        for block in blocks_of(DOCS / "tutorial.md"):
            walk.follow(block)
    return walk


@pytest.fixture
def walk(after_tutorial, programs, tmp_path):
    """A reader who goes on where the tutorial ended, in a copy of its folder."""
    folder = tmp_path / "reader"
    shutil.copytree(after_tutorial.folder, folder)
    with Walk(folder, programs) as reader:
        yield reader
