"""The book on paper: the single page with a front page and contents, printed as a PDF that says what it is.

The contents need page numbers, which only a printed book has: it is printed twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from pypdf import PdfReader, PdfWriter
from pypdf.generic import Destination

from book.printing import PrintingError, print_pdf


@dataclass(frozen=True, slots=True)
class About:
    """What is printed on the front page."""

    title: str
    author: str
    day: date
    source: str = ""  # where the data come from


def print_book(page: Path, pdf: Path, about: About) -> None:
    """Print the single-page build as a book.

    Parameters
    ----------
    page : Path
        The single page; it is changed: chapters become equals, and a front page is put before them.
    pdf : Path
        The file to write.
    about : About

    Raises
    ------
    PrintingError
        If there is no Chromium, or it does not print every chapter.
    """
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    titles = _chapters(soup)
    front, numbers = _front_page(about, titles)
    soup.select("article")[0].insert(0, front)
    for _ in range(2):  # the second time with the page numbers that the first has shown
        page.write_text(str(soup), encoding="utf-8")
        print_pdf(page, pdf)
        for number, found in zip(numbers, _first_pages(PdfReader(pdf), len(titles)), strict=True):
            number.string = str(found)
    _describe(pdf, about)


def _chapters(soup: BeautifulSoup) -> list[Tag]:
    """Give every chapter's title the same rank, below the book's; return the titles.

    Sphinx puts the other chapters into the first, so that their titles rank below its own.
    """
    first = soup.select("article > section > h1")
    for heading in soup.select("article > section > section > h2"):
        heading.name = "h3"
    titles = [*first, *soup.select("article > section > .toctree-wrapper > section > h2")]
    for title in titles:
        title.name = "h2"
        title["class"] = "chapter"
    return titles


def _front_page(about: About, titles: list[Tag]) -> tuple[Tag, list[Tag]]:
    """Make the front page; return it with the places of the chapters' page numbers."""
    soup = BeautifulSoup('<section class="front"><h1></h1><p></p><ol></ol></section>', "html.parser")
    heading, line, contents = (soup.select(name)[0] for name in ("h1", "p", "ol"))
    heading.string, line.string = about.title, f"{about.author}, {about.day:%-d %B %Y}"
    if about.source:
        line.insert_after(source := soup.new_tag("p"))
        source.string = f"The data: {about.source}."
    numbers = []
    for title in titles:
        row, number = soup.new_tag("li"), soup.new_tag("span")
        link = soup.new_tag("a", attrs={"href": f"#{title.parent['id'] if title.parent else ''}"})
        link.string = title.get_text().removesuffix("#")
        row.extend([link, number])
        contents.append(row)
        numbers.append(number)
    return soup.select("section")[0], numbers


def _first_pages(reader: PdfReader, n_chapters: int) -> list[int]:
    """Page on which each chapter begins, counted as the footers count, from the front page."""
    below_title = [entry for entry in reader.outline if isinstance(entry, list)]
    chapters = [entry for entry in below_title[0] if isinstance(entry, Destination)] if below_title else []
    if len(chapters) != n_chapters:
        raise PrintingError(
            f"the PDF has {len(chapters)} chapters in its outline, but the book has {n_chapters}"
        )
    return [(reader.get_destination_page_number(chapter) or 0) + 1 for chapter in chapters]


def _describe(pdf: Path, about: About) -> None:
    """Write title and author into the PDF, and let viewers open it with its outline."""
    writer = PdfWriter(clone_from=pdf)
    writer.metadata = {"/Title": about.title, "/Author": about.author, "/Creator": "data_science"}
    writer.page_mode = "/UseOutlines"
    writer.write(pdf)
