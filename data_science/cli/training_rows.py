"""The rows of ``train DATA``: a file's, a response of two words as 0 and 1, incomplete rows left out."""

from __future__ import annotations

import logging
from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_science.cli.data_files import DataFile
from data_science.errors import SchemaError, SettingsError, needing

if TYPE_CHECKING:
    import pandas as pd

    from data_science.formula.specification import ModelSpecification
    from data_science.formula.tallied import TalliedFrame

log = logging.getLogger(__name__)
_SHOWN = 5  # levels of a column
MOST_IN_MEMORY = 1_000_000  # rows of a Parquet file that are read as a frame
_CLEAR = ({"no", "yes"}, {"false", "true"})  # words of which anybody knows the positive one


def read(options: Namespace, specification: ModelSpecification) -> tuple[Any, int]:
    """Return the rows to train on, or a table of them, and how many were dropped.

    Raises
    ------
    SchemaError
        If the file cannot be read, or its response is text and it is not clear which value counts as 1.
    SettingsError
        If both the formula and ``--positive`` say which value counts as 1.
    """
    data = DataFile(options.data, options.delimiter, options.encoding)
    table = _left_in_place(data, options)
    if table is not None:
        return table, 0
    frame = data.whole()
    dropped = 0
    if options.drop_missing:
        response = specification.response
        names = (*specification.columns, response.successes, response.trials)
        used = [name for name in dict.fromkeys(names) if name in frame.columns]
        complete = frame[used].notna().all(axis=1)
        dropped = int((~complete).sum())
        frame = frame[complete].reset_index(drop=True)
        log.info("%s: %s of %s rows have a missing value and were dropped", data.name, dropped, len(complete))
    return _with_numbers(frame, specification, options.positive, data.name), dropped


def _left_in_place(data: DataFile, options: Namespace) -> Any | None:
    """Return large Parquet as a table of DuckDB, so that its rows are not read into memory; else None."""
    if not data.is_parquet or options.drop_missing or options.positive is not None:
        return None
    is_pattern = bool({*"*?["} & {*data.path}) and not Path(data.path).exists()
    if not is_pattern and not (find_spec("ibis") and find_spec("duckdb") and data.n_rows > MOST_IN_MEMORY):
        return None
    with needing("warehouse", "reading large Parquet"):
        from data_science.warehouse import files
    return files.parquet(data.path)


def described(frame: pd.DataFrame | TalliedFrame, specification: ModelSpecification) -> dict[str, str]:
    """Return what each column of the formula is read as: numbers or levels, and which."""
    from data_science.formula.roles import Roles
    from data_science.formula.tallied import TalliedFrame

    frame = frame.extremes if isinstance(frame, TalliedFrame) else frame
    roles = Roles.of(specification, frame)
    found = {name: f"numbers from {frame[name].min():g} to {frame[name].max():g}" for name in roles.numbers}
    for name in roles.levels:
        levels = sorted(map(str, frame[name].unique().tolist()))
        shown = f"{', '.join(map(repr, levels[:_SHOWN]))}{', ...' if len(levels) > _SHOWN else ''}"
        found[name] = f"{len(levels):,} levels: {shown}"
    return found


def _with_numbers(
    frame: pd.DataFrame, specification: ModelSpecification, positive: str | None, name: str
) -> pd.DataFrame:
    response = specification.response.successes
    if specification.response.event is not None and positive is not None:
        raise SettingsError(f"--positive is {positive!r}, and the formula names what counts as 1; drop one")
    counted = specification.response.trials is not None or specification.response.event is not None
    if response not in frame.columns or counted:
        return frame  # a missing column is refused with the others' faults; an event names its level itself
    values = frame[response]
    if values.dtype.kind in "biuf" and positive is None:
        return frame
    present = values.dropna()
    texts = sorted(map(str, present.unique().tolist()))
    if positive is None:
        positive = _clear(texts)
    if positive not in texts or len(texts) != 2:
        shown = ", ".join(map(repr, texts[:5]))
        raise SchemaError(
            f"{name}: the response {response} has the values {shown}; expected 0 and 1, or two words, of "
            f"which --positive names the one that counts as 1"
        )
    log.info("%s: %r counts as 1", response, positive)
    numbers: Any = (values.astype(str) == positive).astype("int64").where(values.notna())
    return frame.assign(**{response: numbers if values.isna().any() else numbers.astype("int64")})


def _clear(texts: list[str]) -> str | None:
    return texts[1] if {text.lower() for text in texts} in _CLEAR and len(texts) == 2 else None
