"""What a specification reads each column as, numbers or levels: decided here and nowhere else.

The dtype decides if the formula does not: a numeric dtype holds numbers, any other (text, object,
category) holds levels, whatever the values look like. A frame keeps the answer: what was read as levels never
gets a numeric dtype, so that asking again, of the validated frame, gives the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from data_science.formula.specification import Component, ModelSpecification


@dataclass(frozen=True, slots=True)
class Roles:
    """The columns of a specification on one frame; a column may be in both tuples, as in ``k + (1 | k)``."""

    numbers: tuple[str, ...]  # in order of first use
    levels: tuple[str, ...]  # in order of first use
    coded: frozenset[Component]  # components of expressions that are read as levels

    @classmethod
    def of(cls, specification: ModelSpecification, frame: pd.DataFrame) -> Roles:
        """Decide the role of every column; one that is missing, or occurs twice, is refused later."""
        numbers: dict[str, None] = {}
        levels: dict[str, None] = {}
        coded: set[Component] = set()
        for term in specification.terms:
            for component in term.expression:
                if component.function is not None:
                    numbers |= dict.fromkeys(component.reads)
                    continue
                name = component.column
                values = frame.get(name) if isinstance(frame, pd.DataFrame) else None
                if component.categorical or (isinstance(values, pd.Series) and not holds_numbers(values)):
                    coded.add(component)
                    levels[name] = None
                else:
                    numbers[name] = None
            levels |= dict.fromkeys(component.column for component in term.groups)
        numbers |= dict.fromkeys(column for offset in specification.offsets for column in offset.reads)
        return cls(tuple(numbers), tuple(levels), frozenset(coded))

    def keep(self, came: pd.DataFrame, typed: pd.DataFrame) -> pd.DataFrame:
        """Return the ``typed`` frame, in which no column that came with levels has a numeric dtype."""
        turned = [
            name for name in self.levels if not holds_numbers(came[name]) and holds_numbers(typed[name])
        ]
        return typed.astype(dict.fromkeys(turned, "category")) if turned else typed


def holds_numbers(values: pd.Series[Any]) -> bool:
    """Whether a column is numeric by its dtype: integer, float or boolean, of NumPy, pandas or Arrow."""
    dtype = values.dtype  # pandas counts each boolean dtype as numeric but Arrow's
    is_truth = pd.api.types.is_bool_dtype(dtype) and not isinstance(dtype, pd.CategoricalDtype)
    return is_truth or pd.api.types.is_numeric_dtype(dtype)
