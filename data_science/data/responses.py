"""What is modelled: how its columns are read, and their faults; changes with the kinds of response."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from data_science.data.columns import Values
from data_science.data.faults import ColumnFault, RowFault
from data_science.data.numbers import RowFaults

_SHOWN = 8  # levels in a message
_COLUMN = re.compile(r"[^\W\d_][\w.]*")  # names that formulae takes before a bracket


@dataclass(frozen=True, slots=True)
class Response:
    """What is modelled: a 0/1 column, the event that a column has one of its levels, or successes of trials.

    Attributes
    ----------
    successes : str
        The column; with ``trials`` the integer column of successes.
    trials : str, optional
        The integer column of trials.
    event : str, optional
        The level whose probability is modelled, as text: "blue", "True" or "2".
    """

    successes: str
    trials: str | None = None
    event: str | None = None

    @property
    def name(self) -> str:
        """What has the probability that is predicted, as a formula writes it."""
        return self.successes if self.event is None else f"{self.successes}['{self.event}']"

    @property
    def wanted(self) -> dict[str, str]:
        """Each column, and how it is read."""
        if self.event is not None:
            return {self.successes: "level"}
        whole = {self.successes: "integer"}
        return whole if self.trials is None else whole | {self.trials: "integer"}

    def example(self, n_rows: int) -> dict[str, Any]:
        """Columns of made-up rows, of which every second one is a success."""
        every_second = np.arange(n_rows) % 2
        if self.event is not None:
            levels = np.where(every_second == 1, self.event, f"not {self.event}")
            return {self.successes: pd.Categorical(levels)}
        return {self.successes: every_second} | ({} if self.trials is None else {self.trials: 1})

    def read(self, typed: dict[str, Values]) -> Iterator[ColumnFault]:
        """Replace the column of an event by 0 and 1; yield a fault if no row has the level."""
        if self.event is None or self.successes not in typed:
            return
        levels = typed[self.successes]
        occurred = self.occurred(levels)
        if occurred.any():
            typed[self.successes] = occurred
            return
        del typed[self.successes]
        there = ", ".join(repr(str(level)) for level in pd.unique(levels)[:_SHOWN])
        yield ColumnFault(
            self.successes,
            f"the level {self.event!r} in no row",
            f"one of {there}",
            f"The formula names the event: {named(self.successes, str(levels.iloc[0]))}, for example",
        )

    def occurred(self, levels: Values) -> Values:
        """Return 1 where a typed column has the level of the event, else 0."""
        places, distinct = levels.factorize()
        is_event = np.array([str(level) == self.event for level in distinct], dtype=np.int64)
        return pd.Series(is_event[places], levels.index, name=levels.name)

    def faults(self, row_faults: RowFaults, typed: Mapping[str, Values]) -> Iterator[ColumnFault]:
        """Yield what is wrong with columns that were read."""
        if self.successes not in typed or (self.trials is not None and self.trials not in typed):
            return
        successes = typed[self.successes]
        if self.trials is None:
            trials, allowed = pd.Series(1, successes.index), "0 or 1"
        else:
            trials, allowed = typed[self.trials], f"0 to {self.trials!r}"
            remedy = "Leave out groups without trials"
            yield from row_faults(
                self.trials, (trials < 1).to_numpy(), "fewer than one trial", "at least one trial", remedy
            )
        yield from self._outside(row_faults, successes, trials, allowed)
        extreme = next((end for end in (0 * trials, trials) if (successes == end).all()), None)
        if extreme is not None:
            which = (
                f"{successes.iloc[0] if self.event is None else repr(self.event)} in every row"
                if self.trials is None
                else f"no {'failure' if extreme.any() else 'success'} in any row"
            )
            yield ColumnFault(self.successes, which, "both classes, which training needs", "Load more data")

    def _outside(
        self, row_faults: RowFaults, successes: Values, trials: Values, allowed: str
    ) -> Iterator[RowFault]:
        outside = ((successes < 0) | (successes > trials)).to_numpy()
        problem, remedy = "", "Correct the source: values are not recoded"
        if outside.any():
            example = successes[outside].iloc[0]
            problem = f"a value such as {example}"
            if self.trials is None and (event := named(self.successes, str(example))):
                remedy += f". If {example} is the event, the formula says so by {event}"
        yield from row_faults(self.successes, outside, problem, allowed, remedy)


def instead_of_text(column: str, values: Values) -> str:
    """Say how the event in a column of text is named."""
    levels = pd.unique(values)
    ways = [way for level in levels if (way := named(column, str(level)))]
    if len(ways) < min(len(levels), 2):
        return f"Add a column that is 1 for the event and 0 otherwise, and write it instead of {column}"
    some = " or ".join(ways[:2]) if len(levels) == 2 else f"{ways[0]}, for example"
    return f"Name the event in the formula: {some}"


def named(column: str, level: str) -> str:
    """Write an event as a formula names it; empty if formulae could not read it."""
    can_be = (
        level.strip() == level != ""
        and level.isprintable()
        and not {*level} & {*"'\""}
        and _COLUMN.fullmatch(column)
    )
    return f"{column}['{level}']" if can_be else ""
