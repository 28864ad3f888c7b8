"""A chapter is a page and a line in the table of contents: added to a copy of the book, and built."""

import shutil
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup

from book import build, execution
from tests.environment import inherited

BOOK = Path(build.__file__).parent
ABOUT = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, name: python3}
---

"""
FIRST = f"{ABOUT}# The question\n\n```{{tableofcontents}}\n```\n"
TOY = f"""{ABOUT}# The toy

```{{code-cell}} ipython3
:tags: [remove-cell]
from myst_nb import glue
glue("sum", 40 + 2, display=False)
```

The sum is {{glue:text}}`sum`.
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A book of a first page and the toy, with the configuration of the real one."""
    copy, work = tmp_path / "book", tmp_path / "work"
    shutil.copytree(BOOK, copy, ignore=shutil.ignore_patterns("_build", "__pycache__", "*.md"))
    contents = yaml.safe_load((copy / "_toc.yml").read_text())
    (copy / "_toc.yml").write_text(yaml.safe_dump({**contents, "chapters": [{"file": "toy"}]}))
    (copy / "index.md").write_text(FIRST)
    (copy / "toy.md").write_text(TOY)
    work.mkdir()
    for module in (build, execution):
        monkeypatch.setattr(module, "SOURCE", copy)
    execution.run("html", work, build._config(work), {**inherited(), "OMP_NUM_THREADS": "1"})
    return work / "_build" / "html"


def test_a_chapter_is_built_numbered_and_listed_on_page_one(site):
    toy, first = (
        BeautifulSoup((site / name).read_text(encoding="utf-8"), "html.parser").select("article")[0]
        for name in ("toy.html", "index.html")
    )

    assert toy.h1.get_text().startswith("1. The toy")
    assert "The sum is 42." in toy.get_text()
    assert [link["href"] for link in first.select("li.toctree-l1 a")] == ["toy.html"]
