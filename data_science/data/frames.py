"""The door for tables: a pandas frame as it is, any other that speaks Arrow read once.

Changes when tables come in another container. pandas is imported only where a table is converted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data_science.errors import DataScienceError

if TYPE_CHECKING:
    import pandas as pd

A_TABLE = "a DataFrame with plain columns, or a table that speaks Arrow (polars, pyarrow, DuckDB)"


def as_frame(table: Any) -> Any:
    """Return a pandas frame of a table that speaks Arrow; anything else as it is, for the caller to refuse.

    Raises
    ------
    DataScienceError
        If pyarrow, which reads Arrow, is not installed.
    """
    # A pandas frame speaks Arrow, too, and need not. Its class is asked: making an indexer takes time.
    if (
        hasattr(type(table), "iloc")
        or isinstance(table, type)
        or not (hasattr(table, "__arrow_c_stream__") or hasattr(table, "__arrow_c_array__"))
    ):
        return table
    import pandas as pd

    try:
        return pd.DataFrame.from_arrow(table)  # type: ignore[attr-defined]  # pandas 3, not yet in its stubs
    except ImportError as error:
        raise DataScienceError(
            f"the table is of type {type(table).__name__}, and reading Arrow needs pyarrow, which is not "
            "installed: pip install pyarrow, or pass a pandas DataFrame"
        ) from error
    except (TypeError, ValueError):  # one column, say, which is no table
        return table


def without_dictionaries(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with each column of an Arrow dictionary as a category, pandas' own word for it."""
    coded = [place for place, dtype in enumerate(frame.dtypes) if str(dtype).startswith("dictionary<")]
    if coded:
        frame = frame.copy(deep=False)
        for place in coded:  # by place: a name may occur twice, and is refused later
            coded_values: Any = frame.iloc[:, place].array  # pandas' own conversion refuses NULL
            frame.isetitem(place, coded_values.__arrow_array__().to_pandas().array)
    return frame
