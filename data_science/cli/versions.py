"""Which stored version a command is about, and the verbs of the registry of versions."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_science.errors import ArtifactError

if TYPE_CHECKING:
    from data_science.storage.loading import Loaded


def folder_of(options: Namespace) -> Path:
    """Return the folder of versions: of the option, of MODEL_FOLDER, or ``models``."""
    from data_science.storage.layout import home

    return home(options.models or os.environ.get("MODEL_FOLDER", "").strip() or "models")


def loaded(options: Namespace) -> Loaded:
    """Load the version that is asked for, by default the one that serves."""
    from data_science.storage import layout, loading

    folder = folder_of(options)
    asked = getattr(options, "version", None)
    if asked is None:
        return loading.load(folder)
    return loading.load(layout.located(folder, named(folder, asked)))


def named(folder: Path, asked: str) -> str:
    """Return the name of a version: given whole or by how it begins.

    Raises
    ------
    ArtifactError
        If there is none, or more than one.
    """
    from data_science.storage import layout

    names = layout.listed(folder)
    if asked in ("champion", "candidate", "previous"):
        return _by_role(folder, asked)
    found = [name for name in names if asked and name.startswith(asked)]
    if len(found) == 1 or asked in found:
        return asked if asked in found else found[0]
    there = ", ".join(names[:5]) or "none"
    problem = f"fits {len(found)} versions" if found else "is no version"
    raise ArtifactError(
        f"{asked!r} {problem} in {folder}; expected a name, how one begins, or champion, candidate or "
        f"previous. The newest are: {there}"
    )


def _by_role(folder: Path, role: str) -> str:
    from data_science.storage.registry import Registry

    registry = Registry(folder)
    found = registry.previous() if role == "previous" else getattr(registry.roles(), role)
    if found is None:
        raise ArtifactError(f"{folder} has no {role} version")
    return str(found)


def show(options: Namespace) -> int:
    """List the versions, newest first."""
    from data_science.cli.output import say, say_json
    from data_science.storage.registry import Registry

    found = Registry(folder_of(options)).versions()
    if options.json:
        say_json(found)
        return 0
    heads = ("version", "role", "good", "trained", "rows", "formula", "verdict", "held")
    table = [heads, *map(_row, found)]
    widths = [max(len(row[k]) for row in table) for k in range(len(table[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
    say("\n".join(line.rstrip() for line in lines))
    return 0


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    return (
        one["version"],
        one["role"] or "",
        "yes" if one["good"] else "NO",
        (one["trained_at"] or "")[:10],
        "" if one["rows"] is None else f"{one['rows']:,}",
        one["formula"] or "",
        one["verdict"] or "",
        "" if one["held"] is None else one["held"] or "held",
    )


def change(options: Namespace) -> int:
    """Promote, roll back, hold, release or prune, and show the line that went into the history."""
    from data_science.cli.output import say, say_json
    from data_science.storage.registry import Registry

    folder = folder_of(options)
    registry = Registry(folder, options.lock_timeout)
    said: dict[str, Any] = {"why": options.why, "dry_run": options.dry_run}
    if options.verb == "prune":
        line = registry.prune(options.keep, **said)
    elif options.verb == "rollback":
        line = registry.rollback(**said)
    else:
        asked = options.version
        version = asked if asked is None or asked in registry.roles().held else named(folder, asked)
        line = getattr(registry, options.verb)(version, **said)
    if options.json:
        say_json(line)
        return 0
    after, verb = line["after"], line["verb"] + (" (dry run: nothing was changed)" if options.dry_run else "")
    held = ", ".join(f"{name} ({why})" if why else name for name, why in after["held"].items())
    removed = ", ".join((line["evidence"] or {}).get("removed", []))
    shown = {
        verb: line["version"] or removed or "nothing to remove", "serves": after["champion"],
        "candidate": after["candidate"], "held": held,
    }  # fmt: skip
    say("\n".join(f"{heading}: {text}" for heading, text in shown.items() if text))
    return 0
