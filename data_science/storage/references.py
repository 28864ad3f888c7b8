"""What a version keeps of its training's rows, to compare later ones with; older versions have none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data_science.storage.manifest import read_listed, read_manifest
from data_science.storage.version_files import parse_json

REFERENCE = "reference.json"


def read_reference(version: Path) -> dict[str, Any] | None:
    """Return the document that training stored, None if the version is older than that.

    Raises
    ------
    ArtifactError
        If the file is not the one that training wrote.
    """
    if REFERENCE not in read_manifest(version)["files"]:
        return None
    return parse_json(read_listed(version, REFERENCE, keep=True), version / REFERENCE)


def input_counts(held: Any) -> dict[str, Any] | None:
    """Return levels, edges and counts by column, of a fit or of a loaded version; None if it has none."""
    path = getattr(held, "path", None)
    stored = held.reference if path is None else read_reference(path)
    return None if stored is None else dict(stored["columns"])
