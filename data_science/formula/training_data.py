"""Which columns a specification needs of a frame, and as what; then dataset.py checks them."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from data_science.data.dataset import Dataset, Schema, validate
from data_science.formula.roles import Roles
from data_science.formula.specification import ModelSpecification


def validated(frame: pd.DataFrame, specification: ModelSpecification, schema: Schema | None) -> Dataset:
    """Check the frame for one specification; the rows that come back keep the role of every column.

    Raises
    ------
    SchemaError
        With every fault at once.
    """
    roles = Roles.of(specification, frame)
    data = validate(
        frame,
        numeric=roles.numbers,
        factors=roles.levels,
        response=specification.response,
        schema=schema,
    )
    return replace(data, frame=roles.keep(frame, data.frame))
