"""Turn what COPY wrote into a typed frame, exactly.

Changes when another type of PostgreSQL should be read as more than text. Pure: bytes in, frame out. Needs
pandas 3.1, whose parser rounds floats correctly; that of 3.0 misses a third of them by a bit.
"""

import io
from dataclasses import dataclass, field

import pandas as pd

from data_science.errors import SchemaError

INTEGERS = ("smallint", "integer", "bigint")
REALS = ("real", "double precision", "numeric")


@dataclass(frozen=True, slots=True)
class TableText:
    """All rows of one table, as CSV in UTF-8 without a header."""

    table: str
    types: dict[str, str]  # column -> PostgreSQL's name of its type, in the order of the table
    null: str  # what stands for NULL; no value is the same
    content: io.BytesIO = field(repr=False)
    comment: str | None = None  # what the table says of itself
    asked: frozenset[str] | None = None  # columns that must be of their type; None: all


def parse(text: TableText) -> pd.DataFrame:
    """Return the rows; NULL stays missing and text keeps its padding.

    Raises
    ------
    SchemaError
        If a value of a column that is asked for has no counterpart in pandas, such as the date 'infinity'.
    """
    has_null = text.null.encode() in text.content.getvalue()
    integer = "Int64" if has_null else "int64"  # int64 cannot hold NULL, and Int64 is slower to parse
    boolean = "boolean" if has_null else "bool"
    dtypes = dict.fromkeys(text.types, "str")
    for name, sql_type in text.types.items():
        if sql_type in INTEGERS:
            dtypes[name] = integer
        elif sql_type in REALS:
            dtypes[name] = "float64"
        elif sql_type == "boolean":
            dtypes[name] = boolean
    # A float NaN and a NULL are both missing in float64; the parser knows only Infinity by name.
    nulls = {name: [text.null] + ["NaN"] * (dtypes[name] == "float64") for name in text.types}
    text.content.seek(0)
    try:
        frame = pd.read_csv(
            text.content,
            header=None,
            names=list(text.types),
            dtype=dtypes,
            na_values=nulls,
            keep_default_na=False,
            true_values=["t"],
            false_values=["f"],
            skip_blank_lines=False,
            index_col=False,
            low_memory=False,
        )
        for name, sql_type in text.types.items():
            if sql_type == "date":
                frame[name] = _dates(frame[name], strictly=text.asked is None or name in text.asked)
    except (ValueError, OverflowError) as error:
        raise SchemaError(
            f"{text.table} contains a value that cannot be read ({error}); expected UTF-8 text, "
            "64-bit integers and finite dates. Correct it in the source table"
        ) from error
    return _without_needless_nulls(frame) if has_null else frame


def _dates(days: pd.Series, *, strictly: bool) -> pd.Series:
    """Return days as datetime64; where one is none that pandas has, the text as it came or an error."""
    try:
        return pd.to_datetime(days, format="%Y-%m-%d")
    except ValueError:
        if strictly:
            raise
        return days


def _without_needless_nulls(frame: pd.DataFrame) -> pd.DataFrame:
    complete = frame.columns[frame.notna().all()]
    integers = {name: "int64" for name in complete if frame[name].dtype == "Int64"}
    booleans = {name: "bool" for name in complete if frame[name].dtype == "boolean"}
    return frame.astype({**integers, **booleans})
