"""The front page lists every chapter with its page, whatever prints the book; equal chapters have equal titles."""

from dataclasses import replace
from datetime import date

import pytest
from bs4 import BeautifulSoup
from pypdf import PdfReader, PdfWriter

from book import paper
from book.paper import About, print_book
from book.printing import PrintingError

ABOUT = About("A book", "Its author", date(2026, 3, 5))
PAGE = """<html><body><article><section id="first"><h1>1 First<a href="#first">#</a></h1>
<section id="inner"><h2>1.1 Inner</h2></section>
<div class="toctree-wrapper"><section id="second"><h2>2 Second<a>#</a></h2><section><h3>2.1 Deep</h3></section></section>
<section id="third"><h2>3 No. #<a>#</a></h2></section></div></section></article></body></html>"""


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "index.html"
    path.write_text(PAGE, encoding="utf-8")
    return path


@pytest.fixture
def printer(monkeypatch):
    """Prints chapters that begin on the given pages, and keeps what it was given."""
    given = []

    def begin_on(*pages):
        def print_pdf(page, pdf):
            given.append(BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser"))
            writer = PdfWriter()
            for _ in range(9):
                writer.add_blank_page(100, 100)
            book = writer.add_outline_item(title="A book", page_number=0)
            for number in pages:
                chapter = writer.add_outline_item(title="chapter", page_number=number - 1, parent=book)
                writer.add_outline_item(title="section", page_number=number, parent=chapter)
            writer.write(pdf)

        monkeypatch.setattr(paper, "print_pdf", print_pdf)
        return given

    return begin_on


def contents(soup):
    """Each line of the contents: where it leads, what it says, and the page."""
    rows = soup.select("article > section.front ol > li")
    return [(row.a["href"], row.a.get_text(), row.span.get_text()) for row in rows]


def test_the_second_print_has_the_page_numbers_that_the_first_has_shown(page, printer, tmp_path):
    given = printer(2, 5, 8)

    print_book(page, tmp_path / "book.pdf", ABOUT)

    first, second = given
    assert [number for _, _, number in contents(first)] == ["", "", ""]
    assert contents(second) == [
        ("#first", "1 First", "2"),
        ("#second", "2 Second", "5"),
        ("#third", "3 No. #", "8"),
    ]


def test_the_front_page_comes_first_and_says_whose_book_of_which_day_it_is(page, printer, tmp_path):
    given = printer(2, 5, 8)

    print_book(page, tmp_path / "book.pdf", ABOUT)

    front = next(child for child in given[-1].article.children if child.name)
    assert front["class"] == ["front"]
    assert front.h1.get_text() == "A book"
    assert front.p.get_text() == "Its author, 5 March 2026"


def test_the_front_page_says_where_the_data_come_from(page, printer, tmp_path):
    given = printer(2, 5, 8)

    print_book(page, tmp_path / "book.pdf", replace(ABOUT, source="9 clients, all generated"))

    lines = [line.get_text() for line in given[-1].select("section.front > p")]
    assert lines == ["Its author, 5 March 2026", "The data: 9 clients, all generated."]


def test_chapters_are_equals_below_the_title_and_their_sections_below_them(page, printer, tmp_path):
    given = printer(2, 5, 8)

    print_book(page, tmp_path / "book.pdf", ABOUT)

    assert [title.get_text() for title in given[-1].select("h1")] == ["A book"]
    assert [title.get_text() for title in given[-1].select("h2.chapter")] == [
        "1 First#",
        "2 Second#",
        "3 No. ##",
    ]
    assert given[-1].select("h2:not(.chapter)") == []
    assert [title.get_text() for title in given[-1].select("h3")] == ["1.1 Inner", "2.1 Deep"]


def test_the_pdf_says_what_it_is_and_opens_with_its_outline(page, printer, tmp_path):
    printer(2, 5, 8)

    print_book(page, tmp_path / "book.pdf", ABOUT)

    reader = PdfReader(tmp_path / "book.pdf")
    assert (reader.metadata.title, reader.metadata.author) == ("A book", "Its author")
    assert reader.page_mode == "/UseOutlines"
    assert len(reader.pages) == 9


@pytest.mark.parametrize("pages", [(), (2, 5), (2, 5, 8, 9)], ids=["no outline", "too few", "too many"])
def test_a_print_with_other_chapters_than_the_book_is_refused(page, printer, tmp_path, pages):
    printer(*pages)

    with pytest.raises(
        PrintingError, match=f"the PDF has {len(pages)} chapters in its outline, but the book has 3"
    ):
        print_book(page, tmp_path / "book.pdf", ABOUT)
