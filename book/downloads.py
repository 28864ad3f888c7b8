"""Files that a page holds in itself, so that they can be saved without a request.

Changes with what readers are offered to take away.
"""

from __future__ import annotations

import re
from base64 import b64encode
from html import escape
from pathlib import Path

import jupytext

_CHAPTERS = Path(__file__).parent
_TYPES = {"ipynb": "application/x-ipynb+json", "md": "text/markdown", "json": "application/json"}
_TAKEAWAY = re.compile(r"^:::\{admonition\}.*?^:::\n*", re.MULTILINE | re.DOTALL)


def link(content: str, name: str, text: str) -> str:
    """Write a link that saves a text as a file."""
    kind, data = _TYPES[name.rpartition(".")[2]], b64encode(content.encode()).decode()
    return (
        f'<a class="download" download="{escape(name)}" href="data:{kind};base64,{data}">{escape(text)}</a>'
    )


def notebook(chapter: str) -> str:
    """Make a notebook of a chapter's file: its prose, and the code that it shows without being asked.

    What is hidden belongs to the book: sentences computed, and figures in its look. A cell that the book does
    not run, since it takes long, is one like any other here.
    """
    found = jupytext.reads((_CHAPTERS / chapter).read_text(encoding="utf-8"), fmt="md:myst")
    found.cells = [cell for cell in found.cells if set(cell.metadata.get("tags", ())) <= {"skip-execution"}]
    for cell in found.cells:
        cell.metadata = {}
        cell.source = _TAKEAWAY.sub("", cell.source).strip()
    found.cells = [cell for cell in found.cells if cell.source]
    found.metadata.pop("jupytext", None)
    return str(jupytext.writes(found, fmt="ipynb"))
