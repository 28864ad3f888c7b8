"""What was fitted or loaded, with the rows that it was trained on or others, as Bambi and ArviZ take it.

Changes when it is decided anew which rows may be looked at with which draws.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from data_science.data.columns import instead_of
from data_science.data.columns import read as read_column
from data_science.data.fingerprint import OF_SUMS
from data_science.data.responses import Response
from data_science.errors import ArtifactError, SchemaError, SettingsError
from data_science.finished_fit import Fit
from data_science.formula import training_data
from data_science.formula.bambi_fit import GROUPS, BambiFit, with_groups
from data_science.formula.design import learn
from data_science.formula.priors import Prior
from data_science.formula.specification import ModelSpecification
from data_science.prediction.features import read_numbers
from data_science.prediction.rows import RowReader
from data_science.storage.loading import Loaded


def opened(
    held: Fit | Loaded,
    frame: Any,
    *,
    groups: Collection[str] | None = None,
    rows: Literal["training", "new"] = "training",
    draws: int = 2_000,
    seed: int = 1,
) -> BambiFit:
    """Return Bambi's model on rows, and the draws with their groups; see `BayesianLogitModel.bambi`."""
    if rows not in ("training", "new"):
        raise SettingsError(f"rows is {rows!r}; expected 'training' or 'new'")
    chosen = GROUPS if groups is None else groups
    if isinstance(held, Loaded):
        stated, named = held.manifest["provenance"], f"version {held.path.name}"
    else:
        stated, named = held.provenance, "this model"
    if frame is None or (isinstance(held, Loaded) and rows == "new"):
        lacks = "was stored" if isinstance(held, Loaded) else "is kept"
        raise ArtifactError(f"{named} {lacks} without rows; call model.bambi(frame) with the training rows")
    if rows == "new" and isinstance(held, Fit):
        new = _read(held.predictor.reader, held.design.specification.response, frame)
        return with_groups(held.design, new, held.posterior, chosen, draws, seed, new=True)
    if str(stated["data"]["fingerprint"]).startswith(OF_SUMS):
        raise ArtifactError(
            f"{named} was trained on sums of a table that stayed in its engine: no rows can be told to be "
            "those. Fit on a frame of its rows"
        )
    specification = _stated(stated["specification"])
    data = training_data.validated(frame, specification, None)
    if data.fingerprint != stated["data"]["fingerprint"]:
        remedy = "rows='new' scores other rows" if isinstance(held, Fit) else "give those"
        raise SchemaError(
            f"these {data.n_rows:,} rows are not the {stated['data']['n_rows']:,} that trained {named}; "
            f"{remedy}"
        )
    design = held.design if isinstance(held, Fit) else learn(specification, data.frame)
    return with_groups(design, data.frame, held.posterior, chosen, draws, seed)


def _stated(document: Mapping[str, Any]) -> ModelSpecification:
    """Read back a specification that was stored."""
    priors = {term: Prior(**prior) for term, prior in document["priors"].items()}
    return ModelSpecification(document["formula"], priors=priors, standardize=document["standardize"])


def _read(reader: RowReader, response: Response, frame: pd.DataFrame) -> pd.DataFrame:
    """Read rows as a prediction does, which asks for no variety in them; the response must be there."""
    codes = reader.all_rows(frame).codes
    columns: dict[str, Any] = {}
    for name, level_reader in reader.levels.items():
        levels = level_reader.factor.levels
        if (codes[name] == len(levels)).any():
            unknown = frame[name].iloc[int((codes[name] == len(levels)).argmax())]
            raise SchemaError(f"{name} is {unknown!r}, a level that training has not seen")
        columns[name] = np.array(levels, dtype=object)[codes[name]]
    for name in reader.numeric:
        columns.setdefault(name, read_numbers(name, frame[name]))
    for part in (response.successes, response.trials):
        if part is not None:
            if part not in frame.columns:
                raise SchemaError(f"the response {part} is missing; expected it beside the features")
            columns[part] = (
                read_numbers(part, frame[part]).astype(np.int64)
                if response.event is None
                else _event(response, frame[part])
            )
    return pd.DataFrame(columns)


def _event(response: Response, column: pd.Series[Any]) -> Any:
    """Read a column of levels as 1 where it has the event, else 0; rows may all be one or the other."""
    reading = read_column(column, "level")
    if reading.values is None:
        raise SchemaError(
            f"the response {response.successes} has values that are no levels ({reading.kind}, or missing); "
            f"expected {response.event!r} or another level in each row. {instead_of(reading.kind, 'level')}"
        )
    return response.occurred(reading.values).to_numpy()
