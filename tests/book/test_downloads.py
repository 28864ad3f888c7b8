"""What a page offers to take away is in the page itself, and a chapter's notebook runs without the book."""

import ast
import json
from base64 import b64decode
from pathlib import Path

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from book import downloads

BOOK = Path(downloads.__file__).parent
STORED = pd.read_csv(BOOK / "_stored" / "plain_bambi.csv", index_col=0)


def cells(kind):
    notebook = json.loads(downloads.notebook("from_bambi.md"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def test_a_link_holds_the_file_that_it_saves():
    link = BeautifulSoup(downloads.link("é < \"'", "card.md", "The <card>"), "html.parser").a

    assert link.get_text() == "The <card>"
    assert link["download"] == "card.md"
    head, _, data = link["href"].partition(",")
    assert head == "data:text/markdown;base64"
    assert b64decode(data).decode() == "é < \"'"


def test_the_notebook_has_the_chapters_prose_and_code_and_nothing_of_the_book():
    prose, code = "\n".join(cells("markdown")), "\n".join(cells("code"))

    assert prose.startswith("# From Bambi to this engine")
    assert not [sign for sign in ("{glue", "{cite", ":::", "](") if sign in prose]
    assert "import bambi as bmb" in code
    assert "drawn = plain.fit(" in code
    assert not [sign for sign in ("glue", "from book", "charts.", "_stored") if sign in code]
    ast.parse(code)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # PyMC reports its own troubles as warnings
def test_the_notebook_runs_and_plain_bambi_gives_the_stored_numbers_again():
    found = {}
    for code in cells("code"):
        exec(code, found)

    error = (STORED["mcse_mean"] ** 2 + found["by_bambi"]["mcse_mean"] ** 2) ** 0.5
    away = ((STORED["mean"] - found["by_bambi"]["mean"]) / error).abs()
    assert set(found["by_bambi"].index) == set(STORED.index)
    assert away.max() < 4.5
    assert ((found["by_bambi"]["mean"] - found["by_engine"]["mean"]).abs() / STORED["sd"]).max() < 0.1
