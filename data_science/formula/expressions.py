"""Functions of columns as values: a tree of numbers, columns, arithmetic and calls, evaluated row by row.

Serving reads trees from JSON, with what training learned in their calls. NumPy only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_science.arrays import Floats
from data_science.formula.functions import FUNCTIONS, State

#: Arithmetic by the sign that a formula writes; with one operand, ``-`` and ``+`` are signs.
OPERATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": np.power,
}


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: float

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read: none."""
        return ()

    @property
    def expects(self) -> str:
        """What its columns must be, in an error."""
        return ""

    def evaluate(self, values: Mapping[str, Floats]) -> list[Floats]:  # noqa: ARG002 (as the others)
        """Return the constant."""
        return [np.float64(self.value)]  # type: ignore[list-item]  # it broadcasts

    def to_json(self) -> list[Any]:
        """Represent with JSON types."""
        return ["number", self.value]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table, read as a number."""

    name: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return (self.name,)

    @property
    def expects(self) -> str:
        """What it must be, in an error."""
        return ""

    def evaluate(self, values: Mapping[str, Floats]) -> list[Floats]:
        """Return the column."""
        return [values[self.name]]

    def to_json(self) -> list[Any]:
        """Represent with JSON types."""
        return ["column", self.name]


@dataclass(frozen=True, slots=True)
class Operation:
    """Arithmetic of one or two operands."""

    sign: str
    operands: tuple[Expression, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read, each once."""
        return _columns(self.operands)

    @property
    def expects(self) -> str:
        """What is expected of the first operand that expects something."""
        return next(filter(None, (operand.expects for operand in self.operands)), "")

    def evaluate(self, values: Mapping[str, Floats]) -> list[Floats]:
        """Return the result, one column."""
        operands = [operand.evaluate(values)[0] for operand in self.operands]
        if len(operands) == 1:
            return [-operands[0] if self.sign == "-" else operands[0]]
        return [OPERATIONS[self.sign](*operands)]

    def to_json(self) -> list[Any]:
        """Represent with JSON types."""
        return [self.sign, *(operand.to_json() for operand in self.operands)]


@dataclass(frozen=True, slots=True)
class Call:
    """A function of :data:`FUNCTIONS`, of one operand."""

    name: str  # key of FUNCTIONS
    operand: Expression
    arguments: tuple[tuple[str, Any], ...] = ()  # as the formula gives them
    state: State | None = None  # what training learned; None before

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read, each once."""
        return self.operand.columns

    @property
    def expects(self) -> str:
        """What the innermost function that expects something expects."""
        return self.operand.expects or FUNCTIONS[self.name].expects

    def evaluate(self, values: Mapping[str, Floats]) -> list[Floats]:
        """Return the function's columns."""
        (operand,) = self.operand.evaluate(values)
        return list(FUNCTIONS[self.name].evaluate(operand, self.state or {}))

    def to_json(self) -> list[Any]:
        """Represent with JSON types."""
        return ["call", self.name, self.operand.to_json(), dict(self.state or {})]


Expression = Number | Column | Operation | Call


def from_json(document: Sequence[Any]) -> Expression:
    """Construct the expression that ``to_json`` represents."""
    match list(document):
        case ["number", value]:
            return Number(float(value))
        case ["column", str(name)]:
            return Column(name)
        case ["call", str(name), operand, dict(state)] if name in FUNCTIONS:
            return Call(name, from_json(operand), (), state)
        case [str(sign), *operands] if sign in OPERATIONS and len(operands) in (1, 2):
            return Operation(sign, tuple(map(from_json, operands)))
    raise ValueError(f"{document!r} is no function of columns that this version can evaluate")


def _columns(operands: Sequence[Expression]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(column for operand in operands for column in operand.columns))
