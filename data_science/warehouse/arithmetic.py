"""Arithmetic as NumPy does it, in SQL: exact constants, no number that is not finite, nothing that raises.

Changes with what engines do differently. Most follow IEEE 754; others, as PostgreSQL, raise an error that
ends the whole statement where a product overflows, or underflows to zero. For those, what would raise is
looked for first. ``least`` and ``greatest`` are never used: they skip NULL.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add, and_, mul, or_
from typing import Any

import ibis

IEEE = frozenset({"duckdb", "pyspark", "databricks", "trino", "polars", "datafusion", "clickhouse"})
LARGEST = sys.float_info.max
SMALLEST = sys.float_info.min
LARGEST_EXPONENT = 709.782712893384  # the exponential of a larger number is infinite
NEGLIGIBLE_EXPONENT = -700.0  # 1 + exp of it is 1
SAFE_POWER = 280.0  # decimal powers up to which a product neither overflows nor vanishes
SCALE = 2.0**-10  # exact, and makes room for a thousand summands


def number(value: float) -> Any:
    """Return a constant that every engine reads to the last bit: as text, since `0.1` may be a decimal."""
    return ibis.literal(repr(float(value))).cast("float64")


def missing() -> Any:
    """Return NULL, as a number."""
    return ibis.null("float64")


def is_finite(value: Any) -> Any:
    """Return whether a value is a number, never NULL; DuckDB folds `isnan` by statistics that ignore NaN."""
    return (value - value == number(0.0)).fill_null(False)


def all_of(conditions: Sequence[Any]) -> Any:
    """Return whether all hold."""
    return reduce(and_, conditions) if conditions else ibis.literal(True)


def any_of(conditions: Sequence[Any]) -> Any:
    """Return whether any holds."""
    return reduce(or_, conditions) if conditions else ibis.literal(False)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Sums, products, quotients and the logistic function in one dialect; NULL for what would raise."""

    dialect: str

    @property
    def raises(self) -> bool:
        """Whether overflow may end the statement."""
        return self.dialect not in IEEE

    def product(self, first: Any, others: Sequence[Any]) -> Any:
        """Multiply from left to right; ``first`` is of ordinary size."""
        plain = reduce(mul, others, first)
        if not self.raises or not others:
            return plain
        limit = 10.0 ** (SAFE_POWER / (len(others) + 1))
        ordinary = all_of([(x == 0) | x.abs().between(number(1 / limit), number(limit)) for x in others])
        careful = self.multiply(first, others[0]) if len(others) == 1 else missing()
        return ibis.ifelse(ordinary, plain, careful)

    def sum(self, parts: Sequence[Any]) -> Any:
        """Add from left to right."""
        plain = reduce(add, parts)
        if not self.raises or len(parts) == 1:
            return plain
        small = all_of([part.abs() < number(SCALE * LARGEST) for part in parts])
        scaled = reduce(
            add, [ibis.ifelse(p.abs() < number(1e-280), number(0.0), p * number(SCALE)) for p in parts]
        )
        careful = ibis.ifelse(scaled.abs() <= number(SCALE * LARGEST), scaled / number(SCALE), missing())
        return ibis.ifelse(small, plain, careful)

    def probability(self, eta: Any) -> Any:
        """Return the logistic function as `likelihood.binomial.probability` does, NULL of NULL."""
        return ibis.cases(
            (eta < number(-LARGEST_EXPONENT), number(0.0)),
            (eta > number(-NEGLIGIBLE_EXPONENT), number(1.0)),
            else_=number(1.0) / (number(1.0) + (-eta).exp()),
        )

    def multiply(self, a: Any, b: Any) -> Any:
        """Return the product of two numbers of any size; NULL where it overflows."""
        if not self.raises:
            return a * b
        large, small = a.abs() > 1, a.abs() < 1
        most = number(LARGEST) / ibis.ifelse(large, a.abs(), number(1.0))
        least = number(SMALLEST) / ibis.ifelse(small & (a != 0), a.abs(), number(1.0))
        return ibis.cases(
            ((a == 0) | (b == 0), number(0.0)),
            (large & (b.abs() > most), missing()),
            (small & (b.abs() < least), number(0.0)),
            else_=a * b,
        )

    def divide(self, a: Any, b: Any) -> Any:
        """Return the quotient of two numbers of any size; NULL where it is not finite."""
        divisor = ibis.ifelse(b != 0, b, missing())
        if not self.raises:
            return a / divisor
        large, small = b.abs() > 1, b.abs() < 1
        most = number(LARGEST) * ibis.ifelse(small, b.abs(), number(1.0))
        least = number(SMALLEST) * ibis.ifelse(large, b.abs(), number(1.0))
        return ibis.cases(
            (small & (a.abs() > most), missing()), (large & (a.abs() < least), number(0.0)), else_=a / divisor
        )
