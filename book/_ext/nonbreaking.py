"""Keeps what belongs together on one line, in prose, captions and tables: 9.1 %, SE 3.2, 4 × a."""

import re

from docutils import nodes
from sphinx.application import Sphinx

_BREAKABLE = re.compile(r"(?<=\d) (?=%)|(?<=\bSE) (?=\d)| (?=\xd7 )|(?<=\xd7) ")
_NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


def _keep_together(_: Sphinx, document: nodes.document, __: str) -> None:
    for text in list(document.findall(nodes.Text)):
        if text.parent is not None and not isinstance(text.parent, nodes.literal | nodes.literal_block):
            text.parent.replace(text, nodes.Text(_BREAKABLE.sub(_NO_BREAK_SPACE, text)))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register for when every computed sentence is in its place."""
    app.connect("doctree-resolved", _keep_together, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
