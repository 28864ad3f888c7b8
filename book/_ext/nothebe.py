"""Leaves out the Thebe scripts, which Jupyter Book adds even when off and which come from the internet."""

from typing import Any

from sphinx.application import Sphinx


def _without_thebe(*arguments: Any) -> None:
    context: dict[str, Any] = arguments[3]  # after the application, the page and its template

    def foreign(script: Any) -> bool:
        return "thebe" in f"{getattr(script, 'filename', script)} {getattr(script, 'attributes', '')}".lower()

    context["script_files"] = [script for script in context.get("script_files", []) if not foreign(script)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register after Sphinx's own handlers have added their scripts."""
    app.connect("html-page-context", _without_thebe, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
