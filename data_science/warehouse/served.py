"""Which formulas sums per cell serve, and which column they replace."""

from __future__ import annotations

import numpy as np
import pandas as pd

from data_science.formula.roles import Roles
from data_science.formula.rows import Rows
from data_science.formula.specification import ModelSpecification
from data_science.likelihood.compression import continuous_column, continuous_columns


class NeedsRowsError(Exception):
    """Sums per cell cannot serve; the message says why."""


def require_plain(specification: ModelSpecification) -> None:
    """Refuse by name what sums per cell cannot serve.

    Raises
    ------
    NeedsRowsError
    """
    if specification.response.trials is not None:
        raise NeedsRowsError(f"{specification.response.name} counts trials")
    for term in (*specification.terms, *specification.offsets):
        for component in term.expression:
            if component.function is not None:
                raise NeedsRowsError(f"{component.name} is a function of columns, learned from rows")


def replaced_column(roles: Roles, sample: pd.DataFrame) -> str | None:
    """Name the column that nodes replace; None if all columns repeat.

    Raises
    ------
    NeedsRowsError
        If several do not repeat, or one does not and cells are many.
    """
    codes = {name: pd.factorize(sample[name])[0] + 1 for name in roles.levels}
    numbers = [name for name in roles.numbers if name not in roles.levels]
    rows = Rows(
        codes, {name: sample[name].to_numpy(np.float64, na_value=np.nan) for name in numbers}, len(sample)
    )
    column, unlike = continuous_column(rows), continuous_columns(rows)
    if len(unlike) > 1:
        raise NeedsRowsError(
            f"{', '.join(unlike[:-1])} and {unlike[-1]} are continuous; sums serve one such column"
        )
    if column is None and unlike:
        raise NeedsRowsError(
            f"{unlike[0]} is continuous, and the other columns make too many cells of few rows"
        )
    return column
