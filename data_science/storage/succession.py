"""Which versions served before the one that serves, and which must stay: read off the history.

Changes when what a rollback goes back to changes.
"""

from __future__ import annotations

from data_science.storage.history import Line
from data_science.storage.roles import ROLLED_BACK, Roles


def earlier(there: list[str], lines: list[Line], now: Roles) -> list[str]:
    """Return the versions that served before the one that does, the last first, of those ``there``.

    A rollback takes the version that it leaves off the pile, so that two of them go back by two. Before the
    history began, versions served in the order of their names.
    """
    pile: list[str] = []
    for line in lines:
        champion = line["after"].get("champion")
        if champion is None:
            continue
        if line["verb"] == "rollback":
            while pile and pile[-1] != champion:
                pile.pop()
        if not pile or pile[-1] != champion:
            pile.append(champion)
    if now.champion is not None and (not pile or pile[-1] != now.champion):
        pile.append(now.champion)  # changed by hand, and not yet recorded
    older = [
        name
        for name in sorted(there, reverse=True)
        if pile and name < pile[0] and not now.held.get(name, "").startswith(ROLLED_BACK)
    ]
    found = dict.fromkeys([*reversed(pile[:-1]), *older])
    return [name for name in found if name in there and name != now.champion]


def protected(there: list[str], lines: list[Line], now: Roles) -> frozenset[str]:
    """Return the versions that are never pruned: what serves, served before, waits, or is held."""
    found = {now.champion, now.candidate, *now.held, *earlier(there, lines, now)[:1]}
    return frozenset(name for name in found if name is not None)
