"""The command that builds the book, where it cannot build."""

import os
import subprocess
import sys

import pytest

from tests.book.conftest import REPOSITORY


@pytest.mark.parametrize("given", ["variable", "option"])
def test_a_cache_that_cannot_be_made_ends_it_with_what_to_do(given, tmp_path):
    (tmp_path / "file").touch()
    cache = str(tmp_path / "file" / "cache")
    command = [sys.executable, "-m", "book.build", "html", "--output", str(tmp_path / "html")]
    option = ["--cache", cache] if given == "option" else []
    environ = {**os.environ, "BOOK_CACHE": str(tmp_path / "unused") if option else cache}

    done = subprocess.run(
        [*command, *option], cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert f"the cache {cache} cannot be made: Not a directory" in done.stderr
    assert "--cache or BOOK_CACHE" in done.stderr
