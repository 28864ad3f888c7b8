"""Gives a cell's output a number and a caption among tables, if its name begins with ``tab-``."""

from typing import Any

from bs4 import BeautifulSoup
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

_PREFIX = "tab-"


class CaptionedTable(nodes.figure):  # type: ignore[misc]  # docutils has no types
    """A figure that is a table: counted among tables, its caption inside."""


class _FindTables(SphinxTransform):
    """Runs before labels and numbers are noted."""

    default_priority = 400

    def apply(self, **_: Any) -> None:
        for figure in list(self.document.findall(nodes.figure)):
            if any(name.startswith(_PREFIX) for name in figure["names"]):
                table = CaptionedTable("", *figure.children, **figure.attributes)
                table.source, table.line = figure.source, figure.line
                figure.replace_self(table)
                self.document.ids.update(dict.fromkeys(table["ids"], table))


def _open(translator: Any, node: nodes.Element) -> None:
    node["begins"] = len(translator.body)
    translator.body.append(translator.starttag(node, "div", CLASS="book-table"))


def _close(translator: Any, node: nodes.Element) -> None:
    written = "".join(translator.body[node["begins"] :]) + "</div>"
    del translator.body[node["begins"] :]
    translator.body.append(_described(written))


def _described(written: str) -> str:
    """Move the caption into the table, say what its headings head, and let the keyboard scroll it."""
    soup = BeautifulSoup(written, "html.parser")
    box, table, caption = soup.div, soup.table, soup.figcaption
    if box is None or table is None or caption is None:
        raise ValueError(f"no table with a caption: {written[:200]}")
    caption.name = "caption"
    table.insert(0, caption.extract())
    for link in caption.select("a.headerlink"):
        link["title"] = "Link to this table"
    for heading in table.select("th"):
        if heading.get_text(strip=True):
            heading["scope"] = "col" if heading.find_parent("thead") else "row"
        else:
            heading.name = "td"  # the corner heads nothing
    label = caption.select(".caption-text")[0].get_text()
    box.attrs |= {"tabindex": "0", "role": "group", "aria-label": " ".join(label.split())}
    return str(soup)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the node, how it is found and how it is written."""
    app.add_enumerable_node(CaptionedTable, "table", html=(_open, _close))
    app.add_transform(_FindTables)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
