"""A table that stays where it is, and is asked by the text of a query."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, slots=True)
class Queried:
    """A relation of a server, for whoever writes queries in its dialect.

    Attributes
    ----------
    name : str
    schema : str
        The namespace that the name is in.
    dialect : str
        As Ibis names it: "postgres".
    types : mapping from column to type
        As Ibis names it: "int64".
    run : callable
        Returns the rows of one SELECT, in a transaction and a snapshot of its own.
    copied : callable
        Returns all columns and rows, however many there are.
    """

    name: str
    schema: str
    dialect: str
    types: Mapping[str, str]
    run: Callable[[str], pd.DataFrame]
    copied: Callable[[], pd.DataFrame]
