"""Says what is seen: what a figure shows, how a toggle is called, what a page is about."""

import re
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

#: What myst-nb calls a toggle; a label must contain what is seen (WCAG 2.5.3).
_HIDDEN_NAME = ' aria-label="Toggle hidden content"'
_LONGEST = 300

#: What docutils calls a work cited in a list, where ARIA has only list items.
_CITED = ' role="doc-biblioentry"'


def _tell_what_figures_show(_: Sphinx, document: nodes.document, __: str) -> None:
    """Give an image its caption, with what was found, after the words that describe the drawing."""
    for figure in document.findall(nodes.figure):
        caption = next(figure.findall(nodes.caption), None)
        for image in figure.findall(nodes.image):
            if caption is not None:
                image["alt"] = " ".join(f"{image.get('alt', '')} {caption.astext()}".split())


def _improve(*arguments: Any) -> None:
    context: dict[str, Any] = arguments[3]  # after the application, the page and its template
    document: nodes.document | None = arguments[4]
    if document is None:
        return
    context["body"] = context["body"].replace(_HIDDEN_NAME, "").replace(_CITED, ' role="listitem"')
    takeaway = next(document.findall(nodes.admonition), None)
    if takeaway is not None:
        said = " ".join(part.astext() for part in takeaway.children[1:])
        short = re.sub(r"\s+", " ", said)[:_LONGEST]
        context["metatags"] += f'<meta name="description" content="{escape(short)}" />'


def setup(app: Sphinx) -> dict[str, bool]:
    """Register for when every computed sentence is in its place, and after the page is written."""
    app.connect("doctree-resolved", _tell_what_figures_show, priority=950)
    app.connect("html-page-context", _improve, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
