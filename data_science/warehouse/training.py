"""A table of an engine as training data: what stands for its rows, or all of them where they are few.

Nothing is sampled in place of the rows: a formula that sums per cell cannot serve is refused by the name of
its term, or all rows are fetched if they are at most :data:`MOST_FETCHED`.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

import pandas as pd

from data_science.data.dataset import Dataset, Schema, presence_faults
from data_science.errors import GateError, SchemaError, SettingsError
from data_science.formula import training_data
from data_science.formula.design import encode
from data_science.formula.specification import ModelSpecification
from data_science.likelihood.separation import require_held
from data_science.likelihood.tallied import compress_tallied
from data_science.settings.fit import FitSettings
from data_science.warehouse.relation import Relation
from data_science.warehouse.served import NeedsRowsError
from data_science.warehouse.tallying import FEW, TableData, tallied

log = logging.getLogger(__name__)
#: Rows up to which a table is fetched whose formula needs rows; some 100 MB a column of text.
MOST_FETCHED = 1_000_000


def validated(
    relation: Relation,
    specification: ModelSpecification,
    schema: Schema | None = None,
    settings: FitSettings | None = None,
) -> TableData | Dataset:
    """Check a table for one specification, and find what stands for its rows.

    Parameters
    ----------
    relation : Relation
    specification : ModelSpecification
    schema : Schema, optional
        Promised types, as in :func:`data_science.formula.training_data.validated`.
    settings : FitSettings, optional
        Those of the fit.

    Returns
    -------
    TableData or Dataset
        The latter if all rows were fetched.

    Raises
    ------
    SchemaError
        With every fault at once, in the words of a frame's; of a table without a key no first row is named.
    SettingsError
        If the table is too large to be fetched, and the formula needs rows.
    """
    settings = settings or FitSettings()
    table, key = relation.table, training_data.key_of(specification, schema)
    response = specification.response
    wanted = list(dict.fromkeys((*specification.columns, *response.wanted)))
    if key is not None and (schema is not None or key in table.columns):
        wanted.insert(0, key)
    if faults := [f"- {fault}" for name in wanted for fault in presence_faults(list(table.columns), name)]:
        raise SchemaError("\n".join(["invalid data:", *faults]))
    narrow = Relation(table.select(wanted), relation.dialect, relation.ask)
    n_rows = int(relation.ask(table.aggregate(n=table.count()))["n"].iloc[0])
    if n_rows <= FEW:
        return training_data.validated(relation.ask(narrow.table), specification, schema)
    try:
        found = tallied(narrow, specification, schema, n_rows, exact=settings.exact)
        _require_enough(found, specification, settings)
    except NeedsRowsError as reason:
        if relation.copied is None and n_rows > MOST_FETCHED:
            raise SettingsError(
                f"the table has {n_rows:,} rows, which stay in their engine, and {reason}; expected a "
                f"formula that sums per cell serve, or at most {MOST_FETCHED:,} rows, which are fetched"
            ) from None
        log.info("%s rows are fetched: %s", f"{n_rows:,}", reason)
    else:
        return found
    rows = relation.ask(narrow.table) if relation.copied is None else relation.copied()
    return training_data.validated(rows, specification, schema)


def _require_enough(data: TableData, specification: ModelSpecification, settings: FitSettings) -> None:
    """Compress as the fit will, as long as rows can still be fetched; the engine's answer is kept for it.

    Raises
    ------
    SeparationError
        If no number of nodes would help.
    NeedsRowsError
        If the nodes are not good enough.
    """
    table = data.frame
    learned = table.learned(specification)
    rows = table.encoded(learned)
    require_held(learned, rows, encode(learned, table.extremes))
    try:
        compress_tallied(learned, rows, table.sampled(learned), table.expected, seed=settings.seed)
    except GateError as reason:
        raise NeedsRowsError(str(reason)) from reason


def fetched(relation: Relation, columns: Collection[str]) -> pd.DataFrame:
    """Return some columns of all rows, of those columns that there are.

    Raises
    ------
    SettingsError
        If the table is too large.
    """
    table = relation.table
    n_rows = int(relation.ask(table.aggregate(n=table.count()))["n"].iloc[0])
    if n_rows > MOST_FETCHED:
        raise SettingsError(
            f"the table has {n_rows:,} rows, and comparing candidates needs them here; expected at most "
            f"{MOST_FETCHED:,}. Fit the candidates one by one"
        )
    return relation.ask(table.select([column for column in table.columns if column in columns]))
