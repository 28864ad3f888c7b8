"""Which combinations of levels training has seen, where a term's groups are combinations: as bits in a file.

A new combination of known levels is as new as a new level: it has a coefficient, but no row has informed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from data_science.arrays import Ints, Mask
from data_science.formula.encoding import Encoding, Term
from data_science.formula.rows import Rows


@dataclass(frozen=True, eq=False)
class Combinations:
    """The groups of ``(... | g:h)``.

    Attributes
    ----------
    columns : tuple of str
    lengths : tuple of int
        Levels of each.
    seen : array of bool, shape (combination,)
        By place, the codes in C order.
    """

    columns: tuple[str, ...]
    lengths: tuple[int, ...]
    seen: Mask

    @property
    def name(self) -> str:
        """As a formula writes it."""
        return ":".join(self.columns)

    @cached_property
    def unseen(self) -> Ints:
        """Places of the combinations that no row of training has."""
        return np.flatnonzero(~self.seen)

    def are_new(self, codes: Mapping[str, Any]) -> Any:
        """Whether all levels are known and their combination is not: for one row's codes, or for arrays."""
        place, known = 0, True
        for column, length in zip(self.columns, self.lengths, strict=True):
            known = known & (codes[column] < length)
            place = place * length + codes[column]
        return known & ~self.seen[np.where(known, place, 0)]

    def some_unseen(self, n_rows: int) -> dict[str, Ints]:
        """Codes of unseen combinations, evenly spaced through all, shape (row,)."""
        chosen = self.unseen[np.linspace(0, len(self.unseen) - 1, n_rows).astype(np.intp)]
        return dict(zip(self.columns, np.unravel_index(chosen, self.lengths), strict=True))

    def to_json(self) -> dict[str, Any]:
        """Represent it with JSON types: the bits in hexadecimal digits."""
        return {"columns": list(self.columns), "seen": np.packbits(self.seen).tobytes().hex()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any], encoding: Encoding) -> Combinations:
        """Construct it from :meth:`to_json`'s representation, which it must equal."""
        columns = tuple(document["columns"])
        lengths = {_columns(term): _lengths(term) for term in encoding.group_specific}[columns]
        bits = np.unpackbits(np.frombuffer(bytes.fromhex(document["seen"]), np.uint8))
        found = cls(columns, lengths, bits[: prod(lengths)].astype(bool))
        if len(found.seen) != prod(lengths) or found.to_json() != dict(document):
            raise ValueError(f"{bits.size} bits for the {prod(lengths)} combinations of {found.name}")
        return found


def _columns(term: Term) -> tuple[str, ...]:
    return tuple(factor.column for factor in term.groups)


def _lengths(term: Term) -> tuple[int, ...]:
    return tuple(len(factor.levels) for factor in term.groups)


def incomplete(encoding: Encoding, rows: Rows) -> tuple[Combinations, ...]:
    """Find the groups that are combinations of which training lacks some."""
    found: dict[tuple[str, ...], Combinations] = {}
    for term in encoding.group_specific:
        columns, lengths = _columns(term), _lengths(term)
        if len(columns) > 1 and columns not in found:
            seen = np.zeros(prod(lengths), dtype=bool)
            seen[np.ravel_multi_index([rows.codes[column] for column in columns], lengths)] = True
            found[columns] = Combinations(columns, lengths, seen)
    return tuple(one for one in found.values() if not one.seen.all())
