"""Whole books of tables whose truth is known: each says what the table is, on page one and wherever it judges."""

import csv
import subprocess
import sys

import pytest
from bs4 import BeautifulSoup

from tests.book.conftest import REPOSITORY
from tests.environment import inherited
from tests.trust.known_tables import world


def files_of(frame, folder, lacking=()):
    """Write a table as the company's own files, without those that are lacking."""
    folder.mkdir()
    frame = frame.reset_index(drop=True).assign(idx=range(len(frame)))
    profiles = frame.assign(attr_c="yes")[["idx", "attr_a", "attr_b", "attr_c"]]
    activity = frame.assign(valid_from="2020-01-01", valid_to="")
    for name, table in (
        ("customer_profiles", profiles),
        ("labels", frame[["idx", "label"]]),
        ("customer_activity", activity[["idx", "valid_from", "valid_to", "scd_a", "scd_b"]]),
    ):
        if name not in lacking:
            table.to_csv(folder / f"{name}.csv", index=False, quoting=csv.QUOTE_MINIMAL)
    return folder


def words(element):
    """Text of an element in one line, with plain apostrophes."""
    return " ".join(element.get_text(" ").replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())


def pages_of(kind, n_rows, folder, lacking=()):
    """Build the book and return the takeaway of each page, in words."""
    site = folder / "html"
    command = [sys.executable, "-m", "book.build", "html", "--output", str(site)]
    command += ["--cache", str(folder / "cache"), "--models", str(folder / "models")]
    environ = {**inherited(), "DE_FILES": str(files_of(world(kind, n_rows), folder / "files", lacking))}
    done = subprocess.run(command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-5_000:]
    pages = {}
    for path in site.glob("*.html"):
        article = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").select_one("article")
        if article is not None and article.select_one(".takeaway") is not None:
            pages[path.stem] = words(article.select_one(".takeaway"))
            pages[f"{path.stem}, whole"] = words(article)
    return pages


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_book_of_a_bend_says_so_first_and_shows_the_form_that_has_it(tmp_path):
    pages = pages_of("bend", 3_000, tmp_path)

    for page in ("index", "checks", "limits"):
        assert pages[page].startswith("Takeaway The model's form is wrong"), page
        assert "most of it is in scd_a" in pages[page]
        assert "bs(scd_a, df=5)" in pages[page]
    assert "labels and activity from the company's files" in pages["index"]
    whole = pages["comparison, whole"]
    assert "expansion 1" in whole
    assert (
        "of it this is held, all candidates that were tried being allowed for: The features improve" in whole
    )
    assert "nothing was found" not in " ".join(pages.values()).casefold()


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_book_of_clients_with_signal_does_not_contradict_itself(tmp_path):
    pages = pages_of("signal", 500, tmp_path)

    for page in ("index", "posterior", "comparison", "limits"):
        assert "The features improve predictions" in pages[page], page
    said = " ".join(pages.values())
    assert "Undecided" not in said
    assert "Nothing was found" not in said
    assert "No candidate was added" in pages["comparison, whole"]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_book_of_the_companys_files_without_an_effect_says_so_and_which_of_them_are_the_companys(
    tmp_path,
):
    pages = pages_of("noise", 8_000, tmp_path, lacking=("customer_activity",))

    for page in ("index", "posterior", "comparison", "limits"):
        assert "Nothing was found in the features" in pages[page], page
    assert "8,000 clients and labels from the company's files; activity generated" in pages["index, whole"]
    said = " ".join(pages.values())
    assert "The features improve" not in said
    assert "put features into the formula" not in said.casefold()  # as if the intercept were the model
