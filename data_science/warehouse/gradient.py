"""One pass over all rows: the sums of their probabilities, which certify what stands for them."""

from __future__ import annotations

import numpy as np

from data_science.arrays import Floats
from data_science.formula.encoding import Encoding
from data_science.formula.rows import Rows
from data_science.likelihood.compression import weighted_sums
from data_science.prediction.predictor import Predictor
from data_science.warehouse.arithmetic import Arithmetic
from data_science.warehouse.linear_predictor import FENCE, Query
from data_science.warehouse.power_sums import PREFIX
from data_science.warehouse.relation import Relation, changed

_PLAIN = Arithmetic("duckdb")  # of checked numbers and finite coefficients, nothing overflows


def expected_successes(
    relation: Relation, encoding: Encoding, coefficients: Floats, continuous: str | None, n_rows: int
) -> Floats:
    """Sum ``D_ij p_i`` over all rows of a table.

    Parameters
    ----------
    relation : Relation
    encoding : Encoding
    coefficients : array, shape (coefficient,)
        Per unit of the raw columns.
    continuous : str or None
        The column that differs within a cell; no term multiplies it with itself.
    n_rows : int
        That the table had in the statement before.

    Returns
    -------
    array, shape (coefficient,)
    """
    none = np.zeros((1, encoding.n_sds))
    query = Query(
        relation.table, Predictor(encoding, coefficients, coefficients[None], none), relation.dialect
    )
    fenced, query.arithmetic = query.arithmetic.raises, _PLAIN
    eta = query.logit()
    table, at, p = query.table, f"{PREFIX}eta", f"{PREFIX}p"
    table = table.mutate(**{at: eta})
    table = table.limit(FENCE) if fenced else table
    table = table.mutate(**{p: _PLAIN.probability(table[at])})
    table = table.limit(FENCE) if fenced else table
    plain = {column for column in query.numbers if column in encoding.number_columns}
    keys = {column: name for column, name in query.numbers.items() if column in plain - {continuous}}
    sums = {"ds_n": table.count(), "ds_p": table[p].sum()}
    if continuous in query.numbers:
        sums["ds_px"] = (table[p] * table[query.numbers[continuous]]).sum()
    names = [*query.codes.values(), *keys.values()]
    found = relation.ask((table.group_by(names) if names else table).aggregate(**sums))
    if int(found["ds_n"].sum()) != n_rows:
        raise changed(n_rows, int(found["ds_n"].sum()))
    weights = found["ds_p"].to_numpy(np.float64)
    codes = {column: found[name].to_numpy(np.intp) for column, name in query.codes.items()}
    numbers = {column: found[name].to_numpy(np.float64) for column, name in keys.items()}
    if continuous in query.numbers:  # at its mean the sums are those of the rows, which are linear in it
        numbers[continuous] = found["ds_px"].to_numpy(np.float64) / weights
    rows = Rows(codes, encoding.numeric_of(numbers, codes, len(found)), len(found))
    return weighted_sums(encoding, rows, weights)
