"""Reading feature values into level codes and numbers without guessing; changes with the reading rules.

A value that equals a level is that level (1, 1.0, True and ``np.int64(1)`` are all level 1; text is compared
without its padding). Text is never read as a number, nor a number as text. Anything else is refused.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from numbers import Number
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from data_science.arrays import Floats, Ints
from data_science.errors import FeatureError
from data_science.formula.encoding import Factor
from data_science.formula.rows import EXACT_IN_FLOAT

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["integer", "real", "boolean", "text"]

# Exact types whose equality and hash agree with the reading rules, so that one dict look-up reads them.
PLAIN_NUMBERS: frozenset[type] = frozenset({int, float, bool, np.int64, np.float64, np.bool_})
PLAIN_TEXTS: frozenset[type] = frozenset({str, np.str_})
WIDEST_TABLE = 2**16  # integer levels spread over less are looked up in an array
REFUSED = -1


def describe(value: object) -> str:
    """Show a value and its type, shortened."""
    return f"{reprlib.repr(value)} ({type(value).__name__})"


def finite_number(value: object) -> Any:
    """Return ``value`` itself if it is a finite real number or a truth value, else None."""
    if isinstance(value, np.bool_):
        return bool(value)
    if not isinstance(value, Number) or isinstance(value, complex | np.complexfloating | np.timedelta64):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]  # complex numbers are gone
    except (ValueError, OverflowError, TypeError):  # a signalling NaN; an integer beyond any float
        return None
    return value if number - number == 0.0 else None  # inf - inf and NaN are not 0


def read_number(column: str, value: object) -> float:
    """Return the value of a numeric column as a float.

    Raises
    ------
    FeatureError
        If it is not a finite number or a truth value.
    """
    number = finite_number(value)
    if number is None:
        raise FeatureError(f"{column} is {describe(value)}; expected a finite number", column)
    return float(number)


def read_numbers(column: str, values: pd.Series, first: int = 0) -> Floats:
    """Return a numeric column as floats, shape (row,); a FeatureError names the first row refused."""
    plain = as_numpy(values)
    if (several := _distinct(plain)) is not None:
        distinct, places = several
        read = [np.nan if finite_number(value) is None else float(value) for value in distinct]
        numbers = np.array([*read, np.nan])[places]
    else:
        numbers = plain.to_numpy()
        if numbers.dtype.kind == "O" and set(map(type, numbers)) <= PLAIN_NUMBERS:
            with suppress(OverflowError):  # an integer beyond any float is refused below
                numbers = numbers.astype(np.float64)
    if numbers.dtype.kind not in "biuf":
        return np.array(_each_row(values, partial(read_number, column), first), dtype=np.float64)
    numbers = numbers.astype(np.float64, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        total = numbers.sum()  # one pass; finite only if all of them are
    if not np.isfinite(total) and not (finite := np.isfinite(numbers)).all():
        row = int(finite.argmin())
        _each_row(values.iloc[row : row + 1], partial(read_number, column), first + row)
    return numbers


def as_numpy(values: pd.Series) -> pd.Series:
    """Return a nullable, Arrow or sparse column of numbers as one of NumPy's if no value is missing."""
    if (sparse := getattr(values, "sparse", None)) is not None:
        dense: pd.Series = sparse.to_dense()
        return dense
    numpy_dtype = getattr(values.dtype, "numpy_dtype", None)
    if numpy_dtype is None or numpy_dtype.kind not in "biuf" or values.hasnans:
        return values
    return values.astype(numpy_dtype)


@dataclass(frozen=True)
class LevelReader:
    """Reads one categorical column into codes; a level not seen in training has the code ``len(levels)``."""

    factor: Factor
    refuses_unseen: bool
    kind: Kind = field(init=False)
    codes: dict[Any, int] = field(init=False, repr=False)
    plain: frozenset[type] = field(init=False, repr=False)  # types that `codes` may be asked with

    def __post_init__(self) -> None:
        kind = kind_of(self.factor)
        keys = [level.strip() if isinstance(level, str) else level for level in self.factor.levels]
        codes = {key: code for code, key in enumerate(keys)}
        if len(codes) != len(keys):
            raise FeatureError(
                f"{self.factor.column} has levels that cannot be told apart when read: {self._levels()}"
            )
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "codes", codes)
        object.__setattr__(self, "plain", PLAIN_TEXTS if kind == "text" else PLAIN_NUMBERS)

    def code(self, value: object) -> int:
        """Return the code of one value.

        Raises
        ------
        FeatureError
            If the value cannot be a level of this column, or is unseen and must not be.
        """
        if type(value) in self.plain:
            code = self.codes.get(value)
            if code is not None:
                return code
        return self._unseen(value) if (code := self.codes.get(self._level(value))) is None else code

    def read(self, values: pd.Series, first: int = 0) -> Ints:
        """Return the codes of a column, shape (row,); a FeatureError names the first row refused."""
        plain = as_numpy(values)
        dtype = plain.dtype
        if isinstance(dtype, np.dtype):
            if (
                dtype.kind in "biu"
                and self.kind == "integer"
                and (codes := self._table_codes(plain)) is not None
            ):
                return codes
            if dtype.kind in "biuf":
                distinct, places = np.unique(plain.to_numpy(), return_inverse=True)
                return self._spread(list(distinct), places, values, first)
            objects = plain.tolist()
            if set(map(type, objects)) <= self.plain:
                if None not in (found := list(map(self.codes.get, objects))):
                    return np.array(found, dtype=np.intp)
                typed = list(
                    zip(map(type, objects), objects, strict=True)
                )  # 1 and 1.0 are read each by its own
                with suppress(FeatureError):  # whose row is looked for below
                    read = {one: self.code(one[1]) for one in dict.fromkeys(typed)}
                    return np.array([read[one] for one in typed], dtype=np.intp)
        elif (several := _distinct(plain)) is not None:
            return self._spread(*several, values, first)
        return np.array(_each_row(values, self.code, first), dtype=np.intp)

    def _level(self, value: object) -> Any:
        """Return the level that ``value`` would be, seen or not."""
        if self.kind == "text":
            text = str.strip(value) if isinstance(value, str) else ""
            if not text and not (isinstance(value, str) and "" in self.codes):
                raise self._error(value)
            return text
        number = finite_number(value)
        if number is None:
            raise self._error(value)
        if self.kind == "boolean" and number not in (0, 1):
            raise self._error(value)
        if self.kind == "integer":
            if number != int(number) or (
                isinstance(value, float | np.floating) and abs(float(number)) > EXACT_IN_FLOAT
            ):
                raise self._error(value)
            return int(number)
        return float(number)

    def _unseen(self, value: object) -> int:
        if self.refuses_unseen:
            raise FeatureError(
                f"{self.factor.column} is {describe(value)}, a level not seen in training; "
                f"expected one of {self._levels()}",
                self.factor.column,
            )
        return len(self.factor.levels)

    def _error(self, value: object) -> FeatureError:
        expected = {"integer": "an integer", "real": "a number", "boolean": "a truth value", "text": "text"}
        return FeatureError(
            f"{self.factor.column} is {describe(value)}; "
            f"expected {expected[self.kind]} such as {self._levels()}",
            self.factor.column,
        )

    def _levels(self) -> str:
        shown = ", ".join(repr(level) for level in self.factor.levels[:8])
        return shown if len(self.factor.levels) <= 8 else f"{shown}, ... ({len(self.factor.levels)} levels)"

    def _table_codes(self, values: pd.Series) -> Ints | None:
        """Return the codes of integers that all lie where an array can look them up, else None."""
        low, high = min(self.factor.levels), max(self.factor.levels)
        if int(high) - int(low) >= WIDEST_TABLE or abs(int(low)) > EXACT_IN_FLOAT:
            return None
        table = np.full(int(high) - int(low) + 1, len(self.factor.levels), dtype=np.intp)
        table[[int(level) - int(low) for level in self.factor.levels]] = range(len(self.factor.levels))
        given = values.to_numpy()
        if given.dtype == np.uint64 and (given > np.iinfo(np.int64).max).any():
            return None  # such a number would wrap to a negative one
        offsets = given.astype(np.int64, copy=False) - int(low)
        # Seen as unsigned, a negative offset is huge, so one comparison checks both ends.
        if not (offsets.view(np.uint64) < table.size).all():
            return None
        codes: Ints = table[offsets]
        if self.refuses_unseen and (codes == len(self.factor.levels)).any():
            return None
        return codes

    def _spread(self, distinct: list[Any], places: Ints, values: pd.Series, first: int) -> Ints:
        """Read each distinct value once, then give every row its code; place -1 is a missing value."""
        table = np.full(len(distinct) + 1, REFUSED, dtype=np.intp)
        for place, value in enumerate(distinct):
            try:
                table[place] = self.code(value)
            except FeatureError:
                table[place] = REFUSED  # an unused category harms nobody
        codes: Ints = table[places]
        if table[:-1].min(initial=0) >= 0 and places.min() >= 0:
            return codes
        refused = codes == REFUSED
        if refused.any():
            row = int(refused.argmax())
            _each_row(values.iloc[row : row + 1], self.code, first + row)
        return codes


def _distinct(values: pd.Series) -> tuple[list[Any], Ints] | None:
    """Return what occurs and each row's place in it, -1 if missing; None if equal values may differ."""
    if hasattr(values, "cat"):
        return list(values.cat.categories), values.cat.codes.to_numpy().astype(np.intp, copy=False)
    if isinstance(values.dtype, np.dtype):
        return None
    try:
        places, distinct = values.factorize()
    except (TypeError, NotImplementedError):  # lists, and others that are neither levels nor numbers
        return None
    return list(distinct), places


def kind_of(factor: Factor) -> Kind:
    """Return what the levels of a factor are; a mixture is refused with a FeatureError."""
    kinds: dict[type, Kind] = {bool: "boolean", int: "integer", float: "real", str: "text"}
    found = {kinds.get(type(level)) for level in factor.levels}
    kind = found.pop() if len(found) == 1 else None
    if kind is None:
        raise FeatureError(
            f"{factor.column} has the levels {reprlib.repr(factor.levels)}; "
            "expected only text, only integers, only floats or only truth values"
        )
    return kind


def _each_row(values: Iterable[Any], read: Callable[[Any], Any], first: int) -> list[Any]:
    """Read values one by one, naming the row of the first that is refused."""
    found = []
    for row, value in enumerate(values, first):
        try:
            found.append(read(value))
        except FeatureError as error:
            raise FeatureError(f"row {row}: {error}", error.column) from None
    return found
