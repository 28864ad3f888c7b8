"""Columns of text in a CSV, some rows at a time: as fixed-width bytes, which make no object for each cell.

A cell that fills the width may have been cut. Then the file is read again, each cell as an object.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from data_science.cli.data_files import STANDARD_INPUT, DataFile

try:
    import pyarrow
except ImportError:  # the light installation has none
    pyarrow = None

_WIDTH = 64  # bytes; a UUID has 36
_MOST = 8  # columns, for each of which so many bytes of every row are held


def parts(
    data: DataFile, text: IO[str], places: Sequence[int], reading: dict[str, Any], n_rows: int
) -> Iterator[pd.DataFrame]:
    """Yield the rows in parts, with the columns at these places as text.

    Parameters
    ----------
    data : DataFile
    text : stream
        Of `data`, behind the header.
    places : sequence of int
        Columns that are text.
    reading : dict
        How pandas is to read it.
    n_rows : int
        Of one part.
    """

    def read(source: IO[str], kind: str) -> Any:
        kinds = dict.fromkeys(places, kind)
        return pd.read_csv(source, dtype=kinds, chunksize=n_rows, low_memory=False, **reading)

    if pyarrow is None or len(places) > _MOST or data.path == STANDARD_INPUT or not Path(data.path).is_file():
        yield from read(text, "str")
        return
    n_given = 0
    for part in read(text, f"S{_WIDTH}"):
        if any(_is_cut(part[place].to_numpy()) for place in places):
            break
        yield _with_text(part, places)
        n_given += 1
    else:
        return
    with data.opened() as (_, again):
        yield from islice(read(again, "str"), n_given, None)


def _is_cut(cells: np.ndarray[Any, Any]) -> bool:
    return bool(np.ascontiguousarray(cells).view(np.uint8).reshape(len(cells), _WIDTH)[:, -1].any())


def _with_text(part: pd.DataFrame, places: Sequence[int]) -> pd.DataFrame:
    kind: Any = pd.StringDtype("pyarrow", na_value=np.nan)  # that of "str"; its stub lacks the method
    for place in places:
        cells = pyarrow.array(part[place].to_numpy(), pyarrow.binary()).cast(pyarrow.string())
        part[place] = cells.to_pandas(types_mapper={pyarrow.string(): kind}.get).set_axis(part.index)
    return part
