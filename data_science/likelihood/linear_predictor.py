"""The linear predictor term by term, looked up: no design matrix, whose columns are as many as the levels."""

from __future__ import annotations

import numpy as np

from data_science.arrays import Floats
from data_science.formula.encoding import Encoding
from data_science.formula.places import strands
from data_science.formula.rows import Rows


def linear_predictor(encoding: Encoding, rows: Rows, coefficients: Floats) -> Floats:
    """Evaluate at many draws.

    Parameters
    ----------
    encoding : Encoding
    rows : Rows
    coefficients : array, shape (coefficient, draw)
        Per unit of the raw columns; coefficients first, so that a row's look-up is one line of memory.

    Returns
    -------
    array, shape (row, draw)
    """
    n_rows = len(rows)
    eta = np.zeros((n_rows, coefficients.shape[1]))
    if (offset := encoding.offset(rows.numeric, n_rows)) is not None:
        eta += offset[:, None]
    for term in encoding.terms:
        own = coefficients[encoding.slices[term.name]]
        if not term.columns:
            eta += own
            continue
        for strand in strands(term):
            places = strand.places.rows(rows.codes, n_rows)
            part = own[np.minimum(places, term.n_coefficients - 1)]
            if strand.numeric:
                part *= strand.multipliers(rows.numeric, n_rows)[:, None]
            without = places == term.n_coefficients
            if without.any():
                part[without] = 0.0
            eta += part
    return eta
