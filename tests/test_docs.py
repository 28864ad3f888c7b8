"""The reference holds every public name, the page of mathematics names what is in the code, and both are built."""

import re
import subprocess
import sys
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path

import pytest

import data_science

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
MATHEMATICS = (DOCS / "mathematics.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+)\n\n((?:(?!^## ).*\n)*)", MATHEMATICS, re.MULTILINE))


def test_every_public_name_has_an_entry_and_nothing_else_has():
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    entries = re.findall(r"^\.\. auto\w+:: data_science\.(\S+)", page, re.MULTILINE)

    assert sorted(entries) == sorted([*data_science.__all__, "examples.clients"])


def test_every_page_is_in_the_contents():
    contents = re.findall(
        r"^```{toctree}\n(.*?)^```$",
        (DOCS / "index.md").read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    listed = [line for part in contents for line in part.split("\n") if line and not line.startswith(":")]
    pages = [path.relative_to(DOCS) for path in DOCS.rglob("*.md") if "_build" not in path.parts]

    assert sorted(str(page.with_suffix("")) for page in pages) == sorted(["index", *listed])


def modules_of(section):
    paths = re.findall(r"`(data_science/\S+?)\.py`", SECTIONS[section])
    return [import_module(path.replace("/", ".")) for path in paths]


@pytest.mark.parametrize("section", SECTIONS)
def test_each_section_of_the_mathematics_names_its_modules(section):
    assert modules_of(section)


@pytest.mark.parametrize(
    ("section", "owner", "name"),
    [(s, *pair) for s, text in SECTIONS.items() for pair in re.findall(r"`([A-Z]\w+)\.(\w+)`", text)],
)
def test_a_field_that_the_mathematics_names_is_in_the_code(section, owner, name):
    (found,) = {getattr(module, owner) for module in modules_of(section) if hasattr(module, owner)}

    assert hasattr(found, name) or (is_dataclass(found) and name in {f.name for f in fields(found)})


def test_the_reference_is_built_without_a_warning_and_read_without_the_internet(tmp_path):
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet"]
    done = subprocess.run([*command, DOCS, tmp_path], capture_output=True, text=True, cwd=ROOT, check=False)

    assert done.returncode == 0, done.stderr
    for page in tmp_path.rglob("*.html"):
        fetched = re.findall(
            r"<(?:script|link|img)\b[^>]*?\b(?:src|href)=\"([^\"]+)", page.read_text("utf-8")
        )
        assert not [url for url in fetched if re.match(r"(https?:)?//", url)]
    (mathjax,) = set(
        re.findall(r'src="(\S+mathjax\S+?)(?:\?\S*)?"', (tmp_path / "mathematics.html").read_text())
    )
    assert (tmp_path / mathjax).stat().st_size > 1_000_000
