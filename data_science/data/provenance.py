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
_CLIENTS = "customer_profiles"
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
        """Return where ``n_clients`` clients, their labels and their activity come from, without a full stop.

        Whatever is generated is named, and nothing is called a file's unless its table states it.
        """
        files, generated = self._stated(_FILE), self._stated(_GENERATED)
        unknown = [table for table in SOURCES if table not in {*files, *generated}]
        names = dict(SOURCES)
        if len(unknown) == len(SOURCES):
            return f"where the data come from is {_NOWHERE}"
        names[_CLIENTS] = f"{n_clients:,} clients"
        if len(generated) == len(SOURCES):
            return f"{names[_CLIENTS]}, all generated ({self._recipe(generated)})"
        # Profiles that are generated beside a file are made for the clients that the file has.
        theirs = bool(files) and _CLIENTS in generated
        of, for_them = (f" of {names[_CLIENTS]}", " for them") if theirs else ("", "")
        names[_CLIENTS] = "profiles" if theirs else names[_CLIENTS]
        # What the labels were made to show is said of them alone.
        alone = [table for table in generated if table == "labels" and self._has_signal()]
        others = [table for table in generated if table not in alone]

        def listed(tables: Sequence[str]) -> str:
            return _listed([names[table] for table in tables])

        comes = "comes" if unknown == ["customer_activity"] else "come"
        parts = [
            f"{listed(files)}{of} from the company's files" if files else "",
            f"{listed(others)} generated{for_them}" if others else "",
            f"{listed(alone)} generated{for_them} ({self._recipe(alone)})" if alone else "",
            f"where {listed(unknown)} {comes} from is {_NOWHERE}" if unknown else "",
        ]
        return "; ".join(filter(None, parts))

    def _origin(self, table: str) -> str:
        return self.tables.get(table, NOT_STATED)

    def _stated(self, origin: re.Pattern[str]) -> list[str]:
        return [table for table in SOURCES if origin.fullmatch(self._origin(table))]

    def _has_signal(self) -> bool:
        found = _GENERATED.fullmatch(self._origin("labels"))
        return found is not None and found["scenario"] not in (None, "no-signal")

    def _recipe(self, tables: Sequence[str]) -> str:
        found = [found for table in tables if (found := _GENERATED.fullmatch(self._origin(table)))]
        seeds = sorted({int(one["seed"]) for one in found})
        scenarios = [f"scenario {one['scenario']}" for one in found if one["scenario"]]
        return ", ".join(
            [*scenarios, f"{'seed' if len(seeds) == 1 else 'seeds'} {_listed([str(s) for s in seeds])}"]
        )


def recognised(text: str | None) -> str:
    """Return what a source table's own comment states about its origin; "not stated" for other words."""
    text = text or ""
    return text if _FILE.fullmatch(text) or _GENERATED.fullmatch(text) else NOT_STATED


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
