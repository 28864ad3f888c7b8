"""Scores as a query on the table that holds the rows, with the decisions of `predict_batch`.

Changes when what is asked of a scored table changes. The query is lazy: the engine computes it where and when
the caller wants.
"""

from __future__ import annotations

from math import prod
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal

import ibis
import numpy as np

from data_science.errors import FeatureError, SettingsError
from data_science.formula.rows import Rows
from data_science.likelihood.binomial import logit
from data_science.prediction.predictor import Predictor
from data_science.warehouse.arithmetic import is_finite, missing, number
from data_science.warehouse.linear_predictor import Query
from data_science.warehouse.lookup import MOST_ENTRIES
from data_science.warehouse.uncertainty import corrected, variance

if TYPE_CHECKING:
    import ibis.expr.types as ir

Averaged = Literal["unread", "plug-in"]
SCORES = ("probability", "lower", "upper", "label", "unseen", "unread")
_ASSUMED = {"text": "string", "integer": "int64", "boolean": "boolean", "real": "float64"}
_WITHOUT_SESSION = {"pyspark": "databricks", "spark": "databricks"}  # the same SQL, compiled without Spark


def score(
    predictor: Predictor,
    table: ir.Table,
    *,
    interval: float | None = 0.95,
    averaged: Averaged = "unread",
    dialect: str | None = None,
) -> ir.Table:
    """Return the table with its scores; see `BayesianLogitModel.score`."""
    if not isinstance(table, ibis.Table):
        raise SettingsError(f"table is of type {type(table).__name__}; expected an Ibis table")
    if interval is not None and not 0.0 < interval < 1.0:
        raise SettingsError(f"interval is {interval!r}; expected a probability between 0 and 1, or None")
    if averaged not in ("unread", "plug-in"):
        raise SettingsError(f"averaged is {averaged!r}; expected 'unread' or 'plug-in'")
    kept = [column for column in table.columns if column not in SCORES]
    query = Query(table, predictor, dialect or _dialect_of(table))
    eta, unseen, readable = query.add(query.logit(), query.unseen, query.readable)
    spread = variance(query, with_unseen=False) if query.corrects else None
    width = variance(query, with_unseen=True) if interval is not None else None
    (unread,) = query.add(~(query.table[readable] & is_finite(query.table[eta])))
    names = query.add(*(found.sqrt() for found in (spread, width) if found is not None))
    average = _averages(query, averaged)
    now = query.table
    if spread is not None:  # a variance beyond any float is refused, as predict_batch does
        (unread,) = query.add(now[unread] | now[names[0]].isnull())
    if average == "unread":
        (unread,) = query.add(query.table[unread] | query.table[unseen])
    now = query.table
    by_label = query.arithmetic.probability(now[eta])
    above = now[eta] > number(logit(predictor.threshold))
    if spread is not None:
        above = corrected(query, eta, names[0]) > number(predictor.threshold)
    if average not in (None, "unread"):
        by_label = ibis.ifelse(now[unseen], now[average], by_label)
        above = ibis.ifelse(now[unseen], now[average] > number(predictor.threshold), above)
    scores = {"probability": _where(~now[unread], by_label)}
    if interval is not None:
        sd, z = now[names[-1]], NormalDist().inv_cdf((1.0 + interval) / 2.0)
        for name, bound in (("lower", now[eta] - sd * number(z)), ("upper", now[eta] + sd * number(z))):
            scores[name] = _where(~now[unread], query.arithmetic.probability(bound))
    scores["label"] = ibis.ifelse(now[unread], ibis.null("int64"), ibis.ifelse(above, 1, 0).cast("int64"))
    return now.select(*kept, **scores, unseen=now[unseen], unread=now[unread])


def sql(
    predictor: Predictor,
    dialect: str,
    table: ir.Table | str = "features",
    *,
    interval: float | None = 0.95,
    averaged: Averaged = "unread",
) -> str:
    """Return the same as one SELECT; see `BayesianLogitModel.sql`."""
    dialect = _WITHOUT_SESSION.get(dialect, dialect)
    if isinstance(table, str):
        types = {one.name: _ASSUMED[one.kind] for one in predictor.columns}
        if not types:
            raise FeatureError(
                "the model reads no column; expected a table with its columns: give an Ibis table"
            )
        table = ibis.table(types, name=table)
    try:
        return str(
            ibis.to_sql(
                score(predictor, table, interval=interval, averaged=averaged, dialect=dialect), dialect
            )
        )
    except (AttributeError, ValueError) as error:
        if isinstance(error, SettingsError | FeatureError):
            raise
        raise SettingsError(
            f"the query could not be written for dialect {dialect!r} ({error}); expected an engine that "
            "Ibis knows, such as 'duckdb', 'postgres' or 'databricks'"
        ) from error


def _dialect_of(table: ir.Table) -> str:
    from ibis.common.exceptions import IbisError

    try:
        return str(table.get_backend().name)
    except IbisError as error:
        raise SettingsError(
            f"the table belongs to no one engine ({error}); expected a table of a connection, such as "
            "ibis.duckdb.connect().table(...). For a text without one use sql(dialect)"
        ) from error


def _averages(query: Query, averaged: Averaged) -> str | None:
    """Return the column of probabilities of rows with an unseen level that are averaged over the posterior.

    The average over draws has no closed form in a row's numbers, but there is a number for each combination
    of levels where nothing else is read. Otherwise these rows are not scored: "unread".
    """
    predictor = query.predictor
    if not predictor.averages_unseen or averaged == "plug-in":
        return None
    columns = tuple(query.n_codes)
    if predictor.reader.numeric or prod(query.n_codes.values()) > MOST_ENTRIES:
        return averaged
    cells = query.cells(columns)
    rows = Rows(cells.codes, predictor.encoding.numeric_of({}, cells.codes, len(cells)), len(cells))
    found = np.zeros(len(rows))
    refusing = [column for column, one in predictor.reader.levels.items() if one.refuses_unseen]
    wanted = predictor.reader.with_unseen(rows)
    for column in refusing:
        wanted &= rows.codes[column] < query.n_codes[column] - 1
    if wanted.any():
        found[wanted] = predictor.posterior.mean_probability(rows.take(wanted))
    return query.look_up(columns, [found])[0]


def _where(condition: Any, value: Any) -> Any:
    return ibis.ifelse(condition, value, missing())
