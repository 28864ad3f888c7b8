"""The formula of a classifier: the user's, or every column by its dtype."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from data_science.errors import SpecificationError
from data_science.formula.tilde import sides

_KEY = "idx"  # names rows, here as in the feature store
_AMBIGUOUS = ("`", "|")  # quoting, and the bar of a group-specific term


def formula_of(formula: str | None, groups: Iterable[str], frame: pd.DataFrame) -> str:
    """Write out a formula with its response.

    Parameters
    ----------
    formula : str, optional
        The right-hand side, or all of it. None: every column of the frame that is not in ``groups``, is not
        constant, and is not the key ``idx``.
    groups : iterable of str
        Columns with an intercept of their own by level.
    frame : DataFrame
        The features.

    Raises
    ------
    SpecificationError
        If there is no such column, or its name has no place in a formula.
    """
    grouping = list(groups)
    if missing := [name for name in grouping if name not in frame.columns]:
        raise SpecificationError(
            f"groups names {missing}, which is no column; expected some of {list(frame.columns)}"
        )
    left, right = sides(formula or "")
    if formula is None:
        varying = [str(name) for name in frame.columns if not _is_constant(frame[name])]
        right = " + ".join(["1", *(_quoted(name) for name in varying if name not in (*grouping, _KEY))])
        grouping = [name for name in grouping if name in varying]
    random = "".join(f" + (1 | {_quoted(name)})" for name in grouping)
    return f"{left or _unused(frame)} ~ {right}{random}"


def _is_constant(values: pd.Series[Any]) -> bool:
    """Whether there is nothing to learn from a column; one with missing values is for others to refuse."""
    return bool(values.notna().all() and values.nunique() < 2)


def _unused(frame: pd.DataFrame) -> str:
    """Name for the response that no column has."""
    name = "y"
    while name in frame.columns:
        name += "y"
    return name


def _quoted(name: str) -> str:
    if name == "Intercept" or any(mark in name for mark in _AMBIGUOUS):
        raise SpecificationError(f"a column is called {name!r}, which has a meaning in formulas. Rename it")
    return f"`{name}`"
