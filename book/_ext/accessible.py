"""Gives the cells' toggles the name that they show, and every page a description."""

import re
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

#: What myst-nb calls a toggle; a label must contain what is seen (WCAG 2.5.3).
_HIDDEN_NAME = ' aria-label="Toggle hidden content"'
_LONGEST = 300


def _improve(*arguments: Any) -> None:
    context: dict[str, Any] = arguments[3]  # after the application, the page and its template
    document: nodes.document | None = arguments[4]
    if document is None:
        return
    context["body"] = context["body"].replace(_HIDDEN_NAME, "")
    takeaway = next(document.findall(nodes.admonition), None)
    if takeaway is not None:
        said = " ".join(part.astext() for part in takeaway.children[1:])
        short = re.sub(r"\s+", " ", said)[:_LONGEST]
        context["metatags"] += f'<meta name="description" content="{escape(short)}" />'


def setup(app: Sphinx) -> dict[str, bool]:
    """Register after the page is written."""
    app.connect("html-page-context", _improve, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
