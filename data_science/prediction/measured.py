"""What training measures of a predictor: how far the plug-in is off, on its rows and for unseen levels.

Changes when another approximation of serving has to be held to the posterior.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from data_science.arrays import Ints
from data_science.formula.rows import Rows
from data_science.prediction.correction import GAP_BOUND, Correction, covariance_of, largest_gap
from data_science.prediction.predictor import Predictor
from data_science.prediction.unseen import UnseenLevel


def measure_correction(predictor: Predictor, rows: Rows, bound: float = GAP_BOUND) -> Predictor:
    """Return the predictor with the gap between plug-in and posterior mean probability measured.

    Parameters
    ----------
    predictor : Predictor
        As built from the posterior.
    rows : Rows
        The distinct feature rows of training, or the cells that stand for them.
    bound : float
        Above this largest gap, labels follow the corrected probability.
    """
    gap = largest_gap(predictor.probabilities(rows, "plug-in"), predictor.probabilities(rows, "posterior"))
    measured = replace(predictor, correction=Correction(gap, bound, covariance_of(predictor.draws)))
    vars(measured)["posterior"] = predictor.posterior  # the same draws: made ready once
    return measured


def measure_unseen(predictor: Predictor, rows: Rows) -> Predictor:
    """Return the predictor with what an unseen group does, measured on some rows, for each grouping factor.

    Parameters
    ----------
    predictor : Predictor
    rows : Rows
        Of training, each standing for as many as the others do.
    """
    found = {}
    for column, reader in predictor.reader.levels.items():
        if reader.refuses_unseen:
            continue
        new = np.full(len(rows), len(reader.codes), dtype=np.intp)
        found[column] = _both(predictor, rows, {column: new})
    for one in () if predictor.reader.refuses_new else predictor.combinations:
        found[one.name] = _both(predictor, rows, one.some_unseen(len(rows)))
    return replace(predictor, unseen_levels=found)


def _both(predictor: Predictor, rows: Rows, new: dict[str, Ints]) -> UnseenLevel:
    codes, numeric = {**rows.codes, **new}, dict(rows.numeric)
    for _, contrasts in predictor.encoding.contrasts:
        numeric |= contrasts.evaluate(codes)
    moved = Rows(codes, numeric, len(rows))
    return UnseenLevel(
        float(predictor.probabilities(moved, "plug-in").mean()),
        float(predictor.probabilities(moved, "posterior").mean()),
    )
