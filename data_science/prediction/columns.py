"""What a predictor reads, for code that describes it to others: schemas, forms."""

from __future__ import annotations

from dataclasses import dataclass

from data_science.formula.encoding import Level
from data_science.prediction.features import Kind
from data_science.prediction.rows import RowReader


@dataclass(frozen=True, slots=True)
class FeatureColumn:
    """One column of the features.

    Attributes
    ----------
    name : str
    kind : {"real", "integer", "boolean", "text"}
        What its values are.
    levels : tuple or None
        Values seen in training; None of a column of numbers.
    refuses_unseen : bool
        Whether any other value is an error.
    """

    name: str
    kind: Kind
    levels: tuple[Level, ...] | None = None
    refuses_unseen: bool = False


def columns_of(reader: RowReader) -> tuple[FeatureColumn, ...]:
    """List the columns that are read, in the order in which they are asked for."""
    return tuple(
        FeatureColumn(name, one.kind, tuple(one.factor.levels), one.refuses_unseen)
        if (one := reader.levels.get(name))
        else FeatureColumn(name, "real")
        for name in reader.columns
    )
