"""A page of chapters becomes a PDF with contents whose numbers are those of the pages, printed by Chromium."""

from datetime import date

import pypdf
import pytest

from book.paper import About, print_book
from book.printing import PrintingError

pytestmark = pytest.mark.browser

STYLE = """<style>@media print { .toctree-wrapper > section { break-before: page; } .front { break-after: page; } }
</style>"""
CHAPTER = '<section id="c{n}"><h2>{n} Title {n}<a href="#c{n}">#</a></h2>{body}</section>'
LONG = "<p>Words.</p>" * 150  # more than two pages


def page_of(folder, *bodies):
    chapters = "".join(CHAPTER.format(n=n, body=body) for n, body in enumerate(bodies, 2))
    page = folder / "index.html"
    page.write_text(
        f"<html lang='en'><head><title>x</title>{STYLE}</head><body><article><section id='c1'><h1>1 Title 1</h1>"
        f"<p>First.</p><div class='toctree-wrapper'>{chapters}</div></section></article></body></html>",
        encoding="utf-8",
    )
    return page


def test_the_contents_name_the_page_on_which_each_chapter_begins(tmp_path):
    pdf = tmp_path / "book.pdf"

    print_book(
        page_of(tmp_path, LONG, "<p>Short.</p>"), pdf, About("A book", "Its author", date(2026, 11, 25))
    )

    reader = pypdf.PdfReader(pdf)
    texts = [page.extract_text() for page in reader.pages]
    assert "A book" in texts[0]
    assert "Its author, 25 November 2026" in texts[0]
    for chapter in (1, 2, 3):
        begins = next(n for n, text in enumerate(texts[1:], 2) if f"{chapter} Title {chapter}" in text)
        assert f"{chapter}Title{chapter}{begins}" in "".join(texts[0].split())
    assert (reader.metadata.title, reader.metadata.author) == ("A book", "Its author")
    assert reader.page_mode == "/UseOutlines"
    book, chapters = reader.outline
    assert book.title == "A book"
    assert [entry.title[:1] for entry in chapters] == ["1", "2", "3"]


def test_a_print_that_lost_a_chapter_is_refused(tmp_path):
    page = page_of(tmp_path, "<p>Short.</p>")
    page.write_text(page.read_text().replace("<h2>", "<h2 style='display: none'>"))

    with pytest.raises(PrintingError, match=r"1 chapters in its outline, but the book has 2"):
        print_book(page, tmp_path / "book.pdf", About("A book", "Its author", date(2026, 11, 25)))
