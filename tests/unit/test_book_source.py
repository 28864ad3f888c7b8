"""The book reads PostgreSQL: another source of rows is refused before anything is made."""

import pytest

from book import build, site
from data_science.extension import SOURCES


def test_a_book_of_another_source_is_refused(tmp_path):
    SOURCES.register("list", "nowhere")
    wanted = build.Wanted(tmp_path / "html", tmp_path / "cache", "no")

    try:
        with pytest.raises(site.BuildError, match=r"SOURCE is 'list', but the book reads PostgreSQL"):
            build.build(wanted, {"SOURCE": "list"})
    finally:
        SOURCES.unregister("list")

    assert list(tmp_path.iterdir()) == []
