"""``data-science card``: the model card of a stored version."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from data_science.errors import ArtifactError


def run(options: Namespace) -> int:
    """Show the card as it was stored, or what it is made of as JSON."""
    from data_science.cli.output import say, say_json
    from data_science.cli.versions import loaded
    from data_science.storage.manifest import MODEL_CARD, read_listed

    version = loaded(options)
    if options.json or options.format == "json":
        say_json(_document(version))
        return 0
    try:
        say(read_listed(version.path, MODEL_CARD, keep=True).decode("utf-8"))
    except UnicodeError as error:
        raise ArtifactError(f"{version.path / MODEL_CARD} is not UTF-8 ({error}). Train again") from error
    return 0


def _document(version: Any) -> dict[str, Any]:
    manifest, diagnostics = version.manifest, version.diagnostics
    about = manifest.get("provenance", {})
    return {
        "version": version.path.name,
        "saved_at": manifest.get("saved_at"),
        "specification": about.get("specification"),
        "data": about.get("data"),
        "settings": about.get("settings"),
        "sources": about.get("sources"),
        "threshold": version.predictor.threshold,
        "verdict": diagnostics.get("verdict"),
        "sentences": diagnostics.get("sentences"),
        "diagnostics": diagnostics.get("diagnostics"),
        "effects": diagnostics.get("summary"),
        "packages": manifest.get("packages"),
    }
