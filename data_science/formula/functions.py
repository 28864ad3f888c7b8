"""The functions of a column that a formula may use: one entry each; to add one, add its entry here.

Training lets formulae's own transform learn and keeps what it remembers as JSON; serving evaluates that here,
without formulae. NumPy only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_science.arrays import Floats
from data_science.formula.bases import b_splines, orthogonal_polynomials

MOST_DEGREE = 64  # of polynomials and their pieces
State = Mapping[str, Any]  # what a function remembers of training, with JSON types


@dataclass(frozen=True, slots=True)
class Function:
    """One function of a column.

    Attributes
    ----------
    evaluate : callable
        Columns of a number per row, from an array, shape (row,), and the state.
    expects : str
        The numbers that it is defined for, in an error; empty if all.
    transform : str
        Name of formulae's transform that learns the state; empty if there is nothing to learn.
    remembers : tuple of str
        That transform's attributes that are the state.
    arguments : tuple of str
        What may be given besides the column, in the order of positions.
    is_basis : bool
        Whether it may have several columns, and so be no part of arithmetic.
    """

    evaluate: Callable[[Floats, State], Sequence[Floats]]
    expects: str = ""
    transform: str = ""
    remembers: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    is_basis: bool = False


def _elementwise(function: Callable[[Floats], Floats], expects: str = "") -> Function:
    return Function(lambda x, _: [function(x)], expects)


def _scaled(x: Floats, state: State) -> list[Floats]:
    return [(x - state["mean"]) / state["std"]]


def _splines(x: Floats, state: State) -> list[Floats]:
    columns = b_splines(x, state["_knots"], _bounded(state["_degree"]))
    return columns if state["_intercept"] else columns[1:]


def _polynomials(x: Floats, state: State) -> list[Floats]:
    degree = _bounded(state["degree"])
    if state["raw"]:
        return [x**power for power in range(1, degree + 1)]
    return orthogonal_polynomials(x, state["alpha"], state["norms2"])


def _bounded(degree: int) -> int:
    if not 0 <= degree <= MOST_DEGREE:
        raise ValueError(f"the degree is {degree!r}; expected at most {MOST_DEGREE}")
    return degree


_SCALE = Function(_scaled, transform="scale", remembers=("mean", "std"))

#: By the name in a formula. Those of NumPy may also be written with ``np.`` before them.
FUNCTIONS: Mapping[str, Function] = {
    "scale": _SCALE,
    "standardize": _SCALE,
    "center": Function(lambda x, state: [x - state["mean"]], transform="center", remembers=("mean",)),
    "bs": Function(
        _splines,
        transform="bs",
        remembers=("_knots", "_degree", "_intercept"),
        arguments=("df", "knots", "degree", "intercept", "lower_bound", "upper_bound"),
        is_basis=True,
    ),
    "poly": Function(
        _polynomials,
        transform="poly",
        remembers=("degree", "raw", "alpha", "norms2"),
        arguments=("degree", "raw"),
        is_basis=True,
    ),
    "I": _elementwise(lambda x: x),
    "log": _elementwise(np.log, "a number above 0"),
    "log2": _elementwise(np.log2, "a number above 0"),
    "log10": _elementwise(np.log10, "a number above 0"),
    "log1p": _elementwise(np.log1p, "a number above -1"),
    "exp": _elementwise(np.exp, "a number up to 700"),
    "exp2": _elementwise(np.exp2, "a number up to 1000"),
    "expm1": _elementwise(np.expm1, "a number up to 700"),
    "sqrt": _elementwise(np.sqrt, "a number from 0"),
    "abs": _elementwise(np.abs),
    "square": _elementwise(np.square),
}
#: Names that NumPy has too, and that formulas therefore may write as ``np.log``.
NUMPY = frozenset(name for name in FUNCTIONS if name.islower() and hasattr(np, name))


def evaluated(name: str, values: Any) -> Any:
    """Evaluate a function that remembers nothing, as Bambi calls it."""
    return FUNCTIONS[name].evaluate(np.asarray(values, dtype=np.float64), {})[0]


def function_named(name: str) -> Function | None:
    """Return the function that a formula calls by this name, if there is one."""
    if name.startswith("np."):
        return FUNCTIONS[name[3:]] if name[3:] in NUMPY else None
    return FUNCTIONS.get(name)
