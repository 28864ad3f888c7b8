"""What every chapter must have before it is built: short cells, a takeaway, captions computed, alt texts."""

import ast
import re
from pathlib import Path

import pytest
import yaml

BOOK = Path(__file__).parents[2] / "book"
CHAPTERS = ("index", *(c["file"] for c in yaml.safe_load((BOOK / "_toc.yml").read_text())["chapters"]))
CELL = re.compile(
    r"^```\{code-cell\} ipython3\n(---\n(?P<options>.*?)---\n|(:.*?\n)*)(?P<code>.*?)^```",
    re.MULTILINE | re.DOTALL,
)
LONGEST_CELL = 10
PUBLIC = {
    "book",
    "data_science",
    "numpy",
    "pandas",
    "scipy",
    "arviz",
    "bambi",
    "matplotlib",
    "myst_nb",
    "IPython",
}


def text_of(chapter: str) -> str:
    return (BOOK / f"{chapter}.md").read_text(encoding="utf-8")


def cells(chapter: str) -> list[tuple[dict, str]]:
    found = CELL.finditer(text_of(chapter))
    return [(yaml.safe_load(cell["options"] or "") or {}, cell["code"]) for cell in found]


def test_every_page_is_a_chapter_whose_number_the_contents_give():
    assert {path.stem for path in BOOK.glob("*.md")} == {*CHAPTERS}
    for chapter in CHAPTERS:
        assert re.search(r"^# [^\d\s]", text_of(chapter), re.MULTILINE), chapter


def test_page_one_is_the_verdict_and_its_provenance_the_people_the_power_and_the_advice():
    code = "\n".join(code for _, code in cells("index"))
    opening = text_of("index").split(":::{admonition} Takeaway")[1].split("\n:::\n")[0]

    first, *others = opening.split("\n\n")
    assert re.findall(r"\{glue:text\}`(\S+)`", first) == ["answer", "source"]
    assert [re.findall(r"\{glue:text\}`(\S+)`", line) for line in others] == [
        ["people"],
        ["missed"],
        ["next"],
    ]
    for name, what in (
        ("answer", "study.held"),
        ("source", "study.source"),
        ("missed", "study.said(verdict.SEEN)"),
        ("next", "study.said(verdict.ADVICE)"),
    ):
        assert f'glue("{name}", {what}, display=False)' in code


CLAIMING = ("checks", "posterior", "comparison", "limits")


@pytest.mark.parametrize("chapter", CLAIMING)
def test_a_chapter_about_the_fit_opens_with_the_verdict(chapter):
    code = "\n".join(code for _, code in cells(chapter))

    assert re.search(r'glue\("takeaway", study\.(held|said\(verdict\.\w+\)), display=False\)', code)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_opens_with_its_takeaway_which_is_computed(chapter):
    prose = CELL.sub("", text_of(chapter).split("---\n", 2)[2]).split("\n# ", 1)[1]
    opening = prose.split("\n", 1)[1].strip()

    assert opening.startswith(":::{admonition} Takeaway")
    assert "{glue:text}" in opening.split("\n:::\n")[0]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_cells_are_short_and_import_public_names_only(chapter):
    for _, code in cells(chapter):
        assert len(code.strip().splitlines()) <= LONGEST_CELL, code
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
                assert {name.split(".")[0] for name in names} <= PUBLIC
                assert not any(part.startswith("_") for name in names for part in name.split("."))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_figure_has_a_name_an_alt_text_and_a_caption_that_states_what_was_computed(chapter):
    for options, code in cells(chapter):
        if re.search(r"charts\.(canvas|panels)|az\.plot", code):
            shown = options["mystnb"]
            assert shown["figure"]["name"].startswith("fig-")
            assert "{glue:text}" in shown["figure"]["caption"]
            assert len(shown["image"]["alt"]) > 40


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_prose_states_no_result_that_is_not_computed(chapter):
    prose = CELL.sub("", text_of(chapter).split("---\n", 2)[2])
    prose = re.sub(r"\$\$.*?\$\$|\$[^$]*\$|`[^`]*`|\]\([^)]*\)", "", prose, flags=re.DOTALL)
    prose = re.sub(r"^#+ .*$", "", prose, flags=re.MULTILINE)
    quoted = set(re.findall(r"\d+(?:[.,]\d+)*(?: %)?", prose))

    # Labels, an odds ratio's meaning, the levels of intervals: chosen, not found.
    assert quoted <= {"0", "1", "2", "90 %", "95 %", "99 %"}, quoted
