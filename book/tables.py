"""The look of every table of the book: numbers that line up, and text that can be read to its end.

Changes with the way in which tables are printed.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from pandas.io.formats.style import Styler


def numbers(frame: pd.DataFrame, digits: int | Mapping[str, int] = 0) -> pd.DataFrame:
    """Write numbers with thousands separators and a fixed count of decimals, by column if need be."""
    each = digits if isinstance(digits, Mapping) else dict.fromkeys(frame.columns, digits)
    return pd.DataFrame({name: [number(v, each[name]) for v in frame[name]] for name in each}, frame.index)


def number(value: float, digits: int = 0) -> str:
    """Write a number as the book does: "−46,034.1"; what rounds to zero has no sign."""
    return f"{value:z,.{digits}f}".replace("-", "\N{MINUS SIGN}")


def with_notes(frame: pd.DataFrame) -> Styler:
    """Show numbers with a last column of words, which starts at the left."""
    return frame.style.set_table_attributes('class="dataframe notes"')


def text(frame: pd.DataFrame) -> Styler:
    """Show columns of text, such as formulas: from the left, uncut, with letters that are told apart."""
    return frame.style.set_table_attributes('class="dataframe text"')
