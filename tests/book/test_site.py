"""A real browser visits every page of the book as built from a real database; the PDF is read page by page."""

import re
from unicodedata import normalize
from urllib.parse import unquote, urldefrag, urlparse

import pypdf
import pytest
from bs4 import BeautifulSoup

from tests.book.conftest import built
from tests.book.test_chapters import CHAPTERS, text_of
from tests.book.visiting import reader, visit

pytestmark = pytest.mark.browser

READERS = [(False, 1280), (True, 1280), (False, 390), (True, 390)]
OWN_PAGES = ("search",)
N_FIGURES = sum(text_of(chapter).count("name: fig-") for chapter in CHAPTERS)
N_TABLES = sum(text_of(chapter).count("name: tab-") for chapter in CHAPTERS)


def pages(site):
    """Every chapter as it was written, in the order of the book."""
    for chapter in CHAPTERS:
        yield BeautifulSoup((site[0] / f"{chapter}.html").read_text(encoding="utf-8"), "html.parser")


@pytest.fixture(scope="module", params=["no-signal", pytest.param("signal", marks=pytest.mark.slow)])
def site(request, tmp_path_factory):
    """Folder and address of a book, and whether there is time to audit every page as every reader has it."""
    if request.param == "no-signal":
        found = request.getfixturevalue("book")
        yield found.site, found.address, False
    else:
        with built(request.param, tmp_path_factory.mktemp("book")) as found:
            yield found.site, found.address, True


@pytest.fixture(scope="module")
def visits(site, browser):
    """Every page, seen by every reader.

    Each theme and each width is audited; all four together take long, and are for `slow`.
    """
    _, address, patient = site
    found = {}
    for dark, width in READERS:
        audit = patient or dark == (width < 600)
        with reader(browser, dark=dark, width=width) as context:
            for page in (*CHAPTERS, *OWN_PAGES):
                found[page, dark, width] = visit(context, f"{address}/{page}.html", audit=audit)
    return found


def test_no_page_fails_a_request_or_says_anything_in_the_console(visits):
    faults = {seen: (found.failures, found.console) for seen, found in visits.items()}

    assert {seen: fault for seen, fault in faults.items() if any(fault)} == {}


def test_no_request_leaves_the_site(site, visits):
    assert all(found.requests for found in visits.values())
    hosts = {urlparse(url).netloc for found in visits.values() for url in found.requests if url[:4] == "http"}

    assert hosts == {urlparse(site[1]).netloc}


def test_the_theme_follows_the_readers_system(visits):
    assert {(dark, found.theme) for (_, dark, _), found in visits.items()} == {
        (False, "light"),
        (True, "dark"),
    }


def test_no_page_is_wider_than_the_screen(visits):
    assert {seen: found.overflow for seen, found in visits.items() if found.overflow > 0} == {}


def test_every_text_can_be_read_against_its_ground(visits):
    assert {seen: found.pale for seen, found in visits.items() if found.pale} == {}


def test_every_figure_has_an_image_and_an_alt_text(visits):
    for dark, width in READERS:
        images = [image for page in CHAPTERS for image in visits[page, dark, width].images]
        assert len(images) == N_FIGURES
        assert [i for i in images if not (i["width"] > 100 and i["height"] > 50 and i["alt"].strip())] == []


def test_no_page_violates_wcag_2_2_aa(visits):
    assert {seen: found.violations for seen, found in visits.items() if found.violations} == {}


def test_the_alternative_text_of_a_figure_says_what_was_found(site):
    for page in pages(site):
        for figure in page.select("article figure"):
            caption = " ".join(figure.figcaption.select(".caption-text")[0].get_text().split())
            assert figure.img["alt"].endswith(caption)


def test_every_table_has_a_number_a_caption_and_headings_that_say_what_they_head(site):
    numbers = []
    for page in pages(site):
        for table in page.select("article table"):
            numbers.append(int(table.caption.select(".caption-number")[0].get_text().split()[1]))
            assert {heading.get("scope") for heading in table.select("th")} == {"row", "col"}
            assert all(heading.get_text(strip=True) for heading in table.select("th"))
    assert numbers == list(range(1, N_TABLES + 1))


def test_bambi_and_this_engine_have_one_posterior(visits):
    text = " ".join(visits["from_bambi", False, 1280].text.split())
    by_sd, by_error = re.search(r"at most ([\d.]+) of a .*?at most ([\d.]+) Monte Carlo", text).groups()

    assert float(by_sd) < 0.1
    assert float(by_error) < 4.5


def test_the_forms_are_there_and_answer(site, browser):
    with reader(browser) as context:
        page = context.new_page()
        page.goto(f"{site[1]}/decision.html")

        for name, first, answer in (
            ("Other costs", "Cost of a false alarm", "Clients contacted"),
            ("One client", "attr_a", "Probability"),
        ):
            form = page.get_by_role("form", name=name)
            assert form.get_by_label(first).is_visible()
            assert re.search(rf"{answer}.*\d", " ".join(form.inner_text().split()))
        page.emulate_media(media="print")
        assert not page.locator("form.book-form").first.is_visible()


def test_every_formula_is_typeset(visits):
    assert [seen for seen, found in visits.items() if found.raw_tex] == []


def test_every_sentence_that_is_computed_is_there(visits):
    for page in CHAPTERS:
        text = visits[page, False, 1280].text
        assert "TAKEAWAY" in text.upper()
        assert not [sign for sign in ("glue:", "{cite", "nan ", "None ", "Traceback") if sign in text], page


def test_the_first_page_says_where_the_data_come_from(visits):
    text = " ".join(normalize("NFKC", visits["index", False, 1280].text).split())

    assert re.search(r"3,000 clients, all generated \(scenario (no-)?signal, seed 1\)", text)


def test_every_link_resolves(site, visits):
    folder, address, _ = site
    anchors = {page: visits[page, False, 1280].anchors for page in (*CHAPTERS, *OWN_PAGES)}
    broken = []
    for seen, found in visits.items():
        for link in found.links:
            target, anchor = urldefrag(link)
            if not target.startswith(address):
                continue
            path = unquote(urlparse(target).path).strip("/") or "index.html"
            page = path.removesuffix(".html")
            missing = anchor and page in anchors and unquote(anchor) not in anchors[page]
            if not (folder / path).exists() or missing:
                broken.append((seen, link))
    assert broken == []


def test_the_search_finds_calibration(site, browser):
    with reader(browser) as context:
        page = context.new_page()
        page.goto(f"{site[1]}/search.html?q=calibration")

        page.wait_for_selector("#search-results li a[href*='checks.html']")


def test_every_page_offers_the_pdf(site, visits):
    assert (site[0] / "book.pdf").stat().st_size > 100_000
    for page in CHAPTERS:
        assert f"{site[1]}/book.pdf" in visits[page, False, 390].links


def read(page):
    """Text of a printed page, and how far down it reaches, as a share of its height; the footer does not count."""
    heights = []

    def hear(text, around, matrix, *_):
        if text.strip():
            heights.append(around[1] * matrix[4] + around[3] * matrix[5] + around[5])

    text = page.extract_text(visitor_text=hear)
    below = [1 - height / float(page.mediabox.height) for height in heights]
    # Some fonts print "fi" as one glyph, which NFKC reads as the two letters, as viewers do when they search.
    return normalize("NFKC", text), max(share for share in below if share < 0.92)


def test_the_pdf_has_every_chapter_with_its_figures_and_no_page_that_is_blank_or_half_empty(site):
    reader = pypdf.PdfReader(site[0] / "book.pdf")
    texts, reach = zip(*map(read, reader.pages), strict=True)
    whole = "\n".join(texts)

    for chapter in CHAPTERS:
        title = next(line[2:] for line in text_of(chapter).splitlines() if line.startswith("# "))
        assert any(title in " ".join(text.split()) for text in texts), title
    assert [number for number, text in enumerate(texts, 1) if len(text.strip()) < 40] == []
    assert [number for number, share in enumerate(reach[:-1], 1) if share < 0.4] == []
    assert [n for n in range(1, N_FIGURES + 1) if f"Figure {n} " not in " ".join(whole.split())] == []
    assert len(reader.outline) >= 1
    assert "glue:" not in whole
