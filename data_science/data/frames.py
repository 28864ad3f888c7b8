"""The door for tables: a pandas frame as it is, any other that speaks Arrow read once.

Changes when tables come in another container. pandas is imported only where a table is converted.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from data_science.errors import DataScienceError, SchemaError

if TYPE_CHECKING:
    import pandas as pd

A_TABLE = "a DataFrame with plain columns, or a table that speaks Arrow (polars, pyarrow, DuckDB)"


def as_frame(table: Any) -> Any:
    """Return a pandas frame of a table that speaks Arrow; anything else as it is, for the caller to refuse.

    Raises
    ------
    DataScienceError
        If pyarrow, which reads Arrow, is not installed, or cannot read what this table speaks.
    """
    if (
        is_pandas(table)  # which speaks Arrow, too, and need not
        or isinstance(table, type)
        or not (hasattr(table, "__arrow_c_stream__") or hasattr(table, "__arrow_c_array__"))
    ):
        return table
    import pandas as pd

    try:
        frame = pd.DataFrame.from_arrow(table)  # type: ignore[attr-defined]  # pandas 3, not yet in its stubs
    except ImportError as error:
        raise DataScienceError(
            f"the table is of type {type(table).__name__}, and reading Arrow needs pyarrow, which is not "
            "installed: pip install pyarrow, or pass a pandas DataFrame"
        ) from error
    except (TypeError, ValueError, NotImplementedError) as error:
        if not hasattr(table, "columns"):  # one column, say, which is no table
            return table
        raise SchemaError(
            f"the table is of type {type(table).__name__}, and pyarrow cannot read what it holds ({error}); "
            "expected columns of Arrow's own types. Cast the others to int64, float64 or text"
        ) from error
    return with_floats(frame)


def with_floats(frame: pd.DataFrame) -> pd.DataFrame:
    """Make floats of decimals, in place: numbers of an engine are numbers here, such as sums of DuckDB's."""
    import pandas as pd

    for place, dtype in enumerate(frame.dtypes):
        if dtype.kind == "O" and pd.api.types.infer_dtype(frame.iloc[:, place]) == "decimal":
            floats: Any = frame.iloc[:, place].astype(float)
            frame.isetitem(place, floats)
    return frame


def is_pandas(table: Any) -> bool:
    """Whether a table is read as a pandas frame is. Its class is asked: making an indexer takes time."""
    return hasattr(type(table), "iloc")


def described(table: Any) -> str:
    """Say what came in place of a table, and how it becomes one; what it holds is not shown."""
    kind = type(table)
    if isinstance(table, type):
        return f"the class {table.__name__}, not an object of it"
    if is_pandas(table) and getattr(getattr(table, "columns", None), "nlevels", 1) > 1:
        return f"a {kind.__name__} of which each column has several names"
    for method in ("collect", "to_table", "to_pandas"):
        if callable(getattr(kind, method, None)) and (hasattr(kind, "columns") or hasattr(kind, "schema")):
            return f"of type {kind.__name__}, of which {method}() makes a table"
    if isinstance(table, Mapping | list) or hasattr(kind, "dtype"):
        return f"of type {kind.__name__}, of which pandas.DataFrame(...) makes a table"
    return reprlib.repr(table) if isinstance(table, str | int | float | None) else f"of type {kind.__name__}"


def without_dictionaries(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with columns of Arrow that pandas cannot compare as what it can: categories, texts."""
    odd = ("dictionary<", "string_view")
    coded = [place for place, dtype in enumerate(frame.dtypes) if str(dtype).startswith(odd)]
    if coded:
        frame = frame.copy(deep=False)
        for place in coded:  # by place: a name may occur twice, and is refused later
            coded_values: Any = frame.iloc[:, place].array  # pandas' own conversion refuses NULL
            frame.isetitem(place, coded_values.__arrow_array__().to_pandas().array)
    return frame
