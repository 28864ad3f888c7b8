"""The linear predictor in SQL, term by term in the order and with the roundings of `prediction.tables`.

A staged query: the columns as read, the codes of their levels, the numbers, the coefficients, the sum. Every
column that it adds begins with ``PREFIX``.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import ibis
import numpy as np

from data_science.arrays import Floats
from data_science.errors import FeatureError
from data_science.formula.rows import Rows
from data_science.prediction.combinations import Combinations
from data_science.prediction.predictor import Predictor
from data_science.warehouse.arithmetic import Arithmetic, all_of, any_of, is_finite, number
from data_science.warehouse.columns import read_levels, read_number
from data_science.warehouse.functions import Functions
from data_science.warehouse.lookup import join, look_up

PREFIX = "ds_"
#: More rows than any table has. Where arithmetic needs conditions, a value is used several times, and an
#: engine that merges the stages, as PostgreSQL does, would write it out each time, with all that it uses.
FENCE = 2**62


@dataclass
class Query:
    """The table with what the model reads of it; each step adds columns."""

    table: Any
    predictor: Predictor
    dialect: str
    n_columns: int = 0

    def __post_init__(self) -> None:
        schema, reader = self.table.schema(), self.predictor.reader
        for column in reader.columns:
            if column not in schema.names:
                raise FeatureError(
                    f"{column} is missing; expected the columns {', '.join(reader.columns)}, "
                    f"got {list(schema.names)!r}",
                    column,
                )
        self.arithmetic = Arithmetic(self.dialect)
        self.codes: dict[str, str] = {}
        self.numbers: dict[str, str] = {}
        self._cells: dict[tuple[str, ...], str] = {}
        self.n_codes = {column: len(one.codes) + 1 for column, one in reader.levels.items()}
        self._read()
        self._derive()
        self.new = [self._look_up_new(one) for one in reader.combinations]

    def name(self) -> str:
        """Return a column name that the table does not have."""
        while True:
            self.n_columns += 1
            if (name := f"{PREFIX}{self.n_columns}") not in self.table.columns:
                return name

    def add(self, *values: Any) -> list[str]:
        """Add columns and return their names."""
        names = [self.name() for _ in values]
        self.table = self.table.mutate(**dict(zip(names, values, strict=True)))
        if self.arithmetic.raises:
            self.table = self.table.limit(FENCE)
        return names

    def look_up(self, columns: tuple[str, ...], values: list[Floats]) -> list[str]:
        """Add numbers that the codes of some factors find, each an array over their cells in C order."""
        names = [self.name() for _ in values]
        if not columns:
            self.table = self.table.mutate(**{n: number(v[0]) for n, v in zip(names, values, strict=True)})
            return names
        found = dict(zip(names, values, strict=True))
        cell = self._cell(columns)  # adds a column, before the table is read
        self.table = look_up(self.table, cell, found, self.dialect)
        return names

    def cells(self, columns: tuple[str, ...]) -> Rows:
        """Return every combination of codes of some factors, in the order of their cells."""
        lengths = [self.n_codes[column] for column in columns]
        n_cells = prod(lengths)
        at = np.unravel_index(np.arange(n_cells), lengths) if lengths else ()
        return Rows(dict(zip(columns, at, strict=True)), {}, n_cells)

    def logit(self) -> Any:
        """Return the linear predictor; NULL or not finite where it overflows."""
        tables = self.predictor.tables
        by_place = np.concatenate([self.predictor.coefficients, np.zeros(1 + tables.encoding.n_sds)])
        wanted: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for place, table in enumerate(tables.terms):
            wanted[table.columns].append(place)
        names: dict[int, str] = {}
        for columns, places in wanted.items():
            rows = self.cells(columns)
            values = [by_place[tables.terms[place].places(rows)] for place in places]
            names |= dict(zip(places, self.look_up(columns, values), strict=True))
        parts = [self.table[self.numbers[column]] for _, column in tables.encoding.offsets]
        for place, table in enumerate(tables.terms):
            factors = [self.table[self.numbers[column]] for column in table.numeric]
            parts.append(self.arithmetic.product(self.table[names[place]], factors))
        at = self.add(*parts)
        return self.arithmetic.sum([self.table[name] for name in at])

    @property
    def corrects(self) -> bool:
        """Whether labels follow the corrected probability."""
        correction = self.predictor.correction
        return correction is not None and correction.active

    @property
    def unseen(self) -> Any:
        """Whether a row has a level or a combination that training has not seen."""
        levels = [(self.table[self.codes[c]] == n - 1).fill_null(False) for c, n in self.n_codes.items()]
        return any_of([*levels, *((self.table[name] == 1).fill_null(False) for name in self.new)])

    @property
    def readable(self) -> Any:
        """Whether every column of a row could be read, and its functions have values."""
        levels = self.predictor.reader.levels
        conditions = []
        for column, code in self.codes.items():
            conditions.append(self.table[code].notnull())
            if levels[column].refuses_unseen:
                conditions.append((self.table[code] < self.n_codes[column] - 1).fill_null(False))
        if self.predictor.reader.refuses_new:
            conditions += [(self.table[name] == 0).fill_null(False) for name in self.new]
        conditions += [is_finite(self.table[name]) for name in self.numbers.values()]
        return all_of(conditions)

    def _read(self) -> None:
        reader = self.predictor.reader
        read = {c: read_levels(self.table[c], one, self.dialect) for c, one in reader.levels.items()}
        numbers = dict.fromkeys(reader.numeric)
        names = self.add(*(one.key for one in read.values()), *(read_number(self.table[c]) for c in numbers))
        self.numbers = dict(zip(numbers, names[len(read) :], strict=True))
        codes = []
        for name, one in zip(names, read.values(), strict=False):
            found = None
            if (entries := one.entries(code := self.name())) is not None:
                self.table = join(self.table, entries, self.table[name], self.name(), self.dialect)
                found = code
            codes.append((replace(one, key=ibis._[name]), found))
        values = [one.code(None if found is None else ibis._[found]) for one, found in codes]
        self.codes = dict(zip(read, self.add(*values), strict=True)) if values else {}

    def _derive(self) -> None:
        encoding = self.predictor.encoding
        functions = Functions(self.arithmetic)
        read = {column: self.table[name] for column, name in self.numbers.items()}
        made: dict[str, Any] = {}
        for derived in encoding.derived:
            made |= dict(zip(derived.columns, functions.columns(derived, read), strict=True))
        if made:
            self.numbers |= dict(zip(made, self.add(*made.values()), strict=True))
        for factor, contrasts in encoding.contrasts:
            matrix = np.array([*contrasts.matrix, [0.0] * len(contrasts.columns)])
            names = self.look_up((factor.column,), list(matrix.T))
            self.numbers |= dict(zip(contrasts.columns, names, strict=True))

    def _look_up_new(self, one: Combinations) -> str:
        new = one.are_new(self.cells(one.columns).codes)
        return self.look_up(one.columns, [new.astype(float)])[0]

    def _cell(self, columns: tuple[str, ...]) -> str:
        if len(columns) == 1:
            return self.codes[columns[0]]
        if columns not in self._cells:
            cell = self.table[self.codes[columns[0]]]
            for column in columns[1:]:
                cell = cell * self.n_codes[column] + self.table[self.codes[column]]
            (self._cells[columns],) = self.add(cell)
        return self._cells[columns]
