"""Where the rows of `feature_store` come from, as the database states it, and the sentence that says so.

Changes with the data engineers' wording of a table's comment. What is not stated in their words counts as not
stated: nothing is guessed, and nothing here can fail.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

NOT_STATED = "not stated"
#: Source tables of `feature_store`, in the order in which a sentence names them.
SOURCES: Mapping[str, str] = {
    "customer_profiles": "clients",
    "labels": "labels",
    "customer_activity": "activity",
}
_FILE = re.compile(r"the company's file, sha256 [0-9a-f]{64}(?: \([0-9]+ files, one after another\))?")
_GENERATED = re.compile(r"generated, seed (?P<seed>[0-9]+)(?:, scenario (?P<scenario>[a-z-]+))?")
_NOWHERE = "not stated in the database"


@dataclass(frozen=True, slots=True)
class Provenance:
    """What is stated about the origin of every source table of `feature_store`."""

    #: Table → "the company's file, sha256 …", "generated, seed N" or "not stated".
    tables: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(SOURCES, NOT_STATED))

    @classmethod
    def parse(cls, comment: str | None) -> Self:
        """Read the comment on `feature_store`: a line "table: origin" for each source that states one."""
        stated = dict(line.split(": ", 1) for line in (comment or "").split("\n") if ": " in line)
        return cls({table: recognised(stated.get(table, NOT_STATED)) for table in SOURCES})

    def sentence(self, n_clients: int) -> str:
        """Say where ``n_clients`` clients, their labels and their activity come from; no full stop.

        Whatever is generated is named, and nothing is called a file's unless its table states it.
        """
        files = self._named(_FILE, n_clients)
        generated = self._named(_GENERATED, n_clients)
        unknown = [name for name in self._names(n_clients) if name not in {*files, *generated}]
        if len(unknown) == len(SOURCES):
            return f"where the data come from is {_NOWHERE}"
        if len(generated) == len(SOURCES):
            return f"{generated[0]}, all generated ({self._recipe()})"
        comes = "comes" if unknown == ["activity"] else "come"
        parts = [
            f"{_listed(files)} from the company's files" if files else "",
            f"{_listed(generated)} generated" if generated else "",
            f"where {_listed(unknown)} {comes} from is {_NOWHERE}" if unknown else "",
        ]
        return "; ".join(filter(None, parts))

    def _origin(self, table: str) -> str:
        return self.tables.get(table, NOT_STATED)

    def _names(self, n_clients: int) -> list[str]:
        return [f"{n_clients:,} {name}" if name == "clients" else name for name in SOURCES.values()]

    def _named(self, origin: re.Pattern[str], n_clients: int) -> list[str]:
        names = zip(SOURCES, self._names(n_clients), strict=True)
        return [name for table, name in names if origin.fullmatch(self._origin(table))]

    def _recipe(self) -> str:
        found = [found for table in SOURCES if (found := _GENERATED.fullmatch(self._origin(table)))]
        seeds = sorted({int(one["seed"]) for one in found})
        told = [f"scenario {one['scenario']}" for one in found if one["scenario"]]
        return ", ".join(
            [*told, f"{'seed' if len(seeds) == 1 else 'seeds'} {_listed([str(s) for s in seeds])}"]
        )


def recognised(text: str | None) -> str:
    """Return what a source table's own comment states about its origin; "not stated" for other words."""
    text = text or ""
    return text if _FILE.fullmatch(text) or _GENERATED.fullmatch(text) else NOT_STATED


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
