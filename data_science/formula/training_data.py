"""Which columns a specification needs of a frame, and as what; then dataset.py checks them."""

from __future__ import annotations

import pandas as pd

from data_science.data.dataset import Dataset, Schema, validate
from data_science.formula.specification import ModelSpecification


def validated(frame: pd.DataFrame, specification: ModelSpecification, schema: Schema | None) -> Dataset:
    """Check the frame for one specification.

    Raises
    ------
    SchemaError
        With every fault at once.
    """
    numeric: list[str] = []
    factors: list[str] = []
    for term in specification.terms:
        for component in term.expression:
            as_number = not component.categorical and (
                component.column not in frame or pd.api.types.is_numeric_dtype(frame[component.column])
            )
            (numeric if as_number else factors).append(component.column)
        factors += [component.column for component in term.groups]
    return validate(
        frame,
        numeric=list(dict.fromkeys(numeric)),
        factors=list(dict.fromkeys(factors)),
        response=specification.response,
        schema=schema,
    )
