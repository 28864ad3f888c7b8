"""Which columns a specification needs of a frame, and as what; then dataset.py checks them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from data_science.arrays import Ints
from data_science.data.dataset import Dataset, Schema, validate
from data_science.data.frames import as_frame, without_dictionaries
from data_science.formula.column_names import require_distinct
from data_science.formula.roles import Roles
from data_science.formula.specification import DEFAULT_FORMULA, ModelSpecification

_COMPANYS_KEY = "idx"  # of `feature_store`; in any other table a column of this name is one like others


def validated(
    table: Any, specification: ModelSpecification, schema: Schema | None, counts: Ints | None = None
) -> Dataset:
    """Check a table for one specification; the rows that come back keep the role of every column.

    Parameters
    ----------
    table : DataFrame, or another table that speaks Arrow
    specification : ModelSpecification
    schema : Schema, optional
        Promised types. With them, and with the company's own formula, rows are the company's clients,
        and no ``idx`` may repeat.
    counts : int array, shape (row,), optional
        Rows that each row stands for; see :func:`data_science.data.dataset.validate`.

    Raises
    ------
    SpecificationError
        If a name would stand for two things, now that it is known which columns have levels.
    SchemaError
        With every fault at once.
    """
    frame = as_frame(table)
    if isinstance(frame, pd.DataFrame):
        frame = without_dictionaries(frame)
    roles = Roles.of(specification, frame)
    require_distinct(specification.formula, specification.terms, roles.coded)
    estimated = {column for term in specification.terms for column in term.reads}
    data = validate(
        frame,
        numeric=roles.numbers,
        factors=roles.levels,
        offsets={column for offset in specification.offsets for column in offset.reads} - estimated,
        response=specification.response,
        key=key_of(specification, schema),
        schema=schema,
        counts=counts,
    )
    return replace(data, frame=roles.keep(frame, data.frame))


def key_of(specification: ModelSpecification, schema: Schema | None) -> str | None:
    """Name the column that identifies a row, if the rows are the company's clients."""
    is_companys = schema is not None or specification.formula == DEFAULT_FORMULA
    return _COMPANYS_KEY if is_companys else None
