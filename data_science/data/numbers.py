"""Which numbers floating point could not hold, square, multiply or tell apart: faults of numeric columns.

Changes when the arithmetic that numbers go through changes.
"""

import reprlib
from collections.abc import Callable, Iterator

import numpy as np

from data_science.arrays import Mask
from data_science.data.columns import REAL_INTEGER_MAX, Values
from data_science.data.faults import ColumnFault, RowFault

LARGEST = 1e50  # so that squares of products of three columns stay finite
LEAST_SPREAD = 1e-11  # of the size: with less, slopes drown in the rounding of the column's own mean

#: Column, wrong rows, problem, expectation and remedy to at most one fault.
type RowFaults = Callable[[str, Mask, str, str, str], Iterator[RowFault]]


def number_faults(row_faults: RowFaults, features: list[Values]) -> Iterator[ColumnFault]:
    """Yield the faults of columns that are used as numbers; truth values have none."""
    for values in features:
        if values.dtype.kind in "if":
            yield from _unit_faults(row_faults, values)
        if values.dtype.kind == "i":
            lost = rounded_by_floats(values)
            problem = f"a whole number such as {_first(values, lost)}, which a float rounds"
            expected = "numbers that a float holds, as it does all whole ones up to 2**53"
            yield from row_faults(str(values.name), lost, problem, expected, "Change the unit")


def _unit_faults(row_faults: RowFaults, values: Values) -> Iterator[ColumnFault]:
    name, remedy = str(values.name), "Change the unit"
    expected = f"magnitudes up to {LARGEST:g}, a spread of at least {1 / LARGEST:g}"
    size, spread = values.abs(), float(values.max()) / 2 - float(values.min()) / 2
    huge = (size > LARGEST).to_numpy()
    yield from row_faults(name, huge, f"a number such as {_first(values, huge)}", expected, remedy)
    if 0 < spread < 1 / LARGEST:
        yield ColumnFault(name, f"a spread of {2 * spread:g}", expected, remedy)
    elif 0 < 2 * spread < LEAST_SPREAD * float(size.max()):
        yield ColumnFault(
            name,
            f"a spread of {2 * spread:g} around {float(values.iloc[0]):g}",
            f"a spread of at least {LEAST_SPREAD:g} of the size, which rounding leaves",
            f"Subtract {int(values.iloc[0])}, say, from it, here and before every prediction",
        )


def rounded_by_floats(values: Values) -> Mask:
    """Return which whole numbers are not the float nearest to them, shape (row,)."""
    lost: Mask = (values.abs() > REAL_INTEGER_MAX).to_numpy(copy=True)
    lost[lost] = [int(float(value)) != value for value in values[lost].tolist()]
    return lost


def _first(values: Values, wrong: Mask) -> str:
    return reprlib.repr(values.iloc[int(np.argmax(wrong))].item()) if wrong.any() else ""
