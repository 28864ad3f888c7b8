"""Linear predictors and log-likelihoods of raw rows, term by term, without the package's predictor."""

import numpy as np
import pandas as pd
from scipy.special import expit, xlogy

from data_science.formula.design import Design, encode
from data_science.formula.places import strands

N_SHOWN = 5  # rows whose logits are looked at one by one


def linear_predictor(design: Design, coefficients: np.ndarray, frame: pd.DataFrame) -> np.ndarray:
    """Logit of every row, shape (..., row), from coefficients, shape (..., coefficient)."""
    rows = encode(design, frame)
    eta = np.zeros((*coefficients.shape[:-1], len(frame)))
    absent = np.zeros((*coefficients.shape[:-1], 1))  # what the place past the last finds
    for term in design.encoding.terms:
        effects = np.concatenate([coefficients[..., design.encoding.slices[term.name]], absent], axis=-1)
        for strand in strands(term):
            position = strand.places.rows(rows.codes, len(frame))
            eta += effects[..., position] * strand.multipliers(rows.numeric, len(frame))
    for _, column in design.encoding.offsets:
        eta += rows.numeric[column]
    return eta


def probabilities(design: Design, coefficients: np.ndarray, frame: pd.DataFrame) -> np.ndarray:
    return expit(linear_predictor(design, coefficients, frame))


def of_rows(design: Design, probability: np.ndarray, frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Log-likelihood of the frame and the logits of some of its rows, each (chain, draw).

    These see what the margins of parameters do not: a posterior that is a little too wide in every
    direction, and one that is shifted where parameters correlate.
    """
    response = design.specification.response
    successes = frame[response.successes].to_numpy()
    trials = np.ones(len(frame)) if response.trials is None else frame[response.trials].to_numpy()
    p = np.clip(probability, 1e-15, 1 - 1e-15)
    shown = np.linspace(0, len(frame) - 1, N_SHOWN).round().astype(int)
    return {
        "log likelihood": (xlogy(successes, p) + xlogy(trials - successes, 1 - p)).sum(axis=-1),
        **{f"logit of row {row}": np.log(p[..., row]) - np.log1p(-p[..., row]) for row in shown},
    }
