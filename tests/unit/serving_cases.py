"""Predictors that the serving tests share: the default formula, with known coefficients and draws."""

import numpy as np

from data_science.errors import FeatureError
from data_science.formula.encoding import Coding, Encoding, Factor, Term
from data_science.prediction.predictor import Predictor

ATTR_A = Factor("attr_a", (1, 2, 3, 4, 5))
ATTR_B = Factor("attr_b", ("a", "b", "c", "d"))
DEFAULT = Encoding(
    (
        Term("Intercept"),
        Term("scd_a", ("scd_a",)),
        Term("scd_b", ("scd_b",)),
        Term("1|attr_a", groups=(ATTR_A,)),
        Term("1|attr_b", groups=(ATTR_B,)),
    )
)
COMMON_FACTOR = Encoding(
    (
        Term("Intercept"),
        Term("attr_b", codings=(Coding(ATTR_B, True),)),
        Term("scd_a:attr_b", ("scd_a",), (Coding(ATTR_B, True),)),
        Term("scd_a|attr_a", ("scd_a",), groups=(ATTR_A,)),
        Term("1|attr_a:attr_b", groups=(ATTR_A, ATTR_B)),
    )
)
ROW = {"attr_a": 1, "attr_b": "c", "scd_a": 0.55, "scd_b": 3}


def predictor(encoding=DEFAULT, n_draws=200, sd=0.2, seed=1, **options):
    """Return a predictor whose draws are normal around known means."""
    rng = np.random.default_rng(seed)
    n = encoding.n_coefficients
    means = np.linspace(-1.0, 1.0, n)
    draws = means + rng.normal(0, sd, (n_draws, n))
    group_sds = np.abs(rng.normal(0.6, 0.1, (n_draws, encoding.n_sds)))
    return Predictor(encoding, draws.mean(axis=0), draws, group_sds, **options)


def answer(ask):
    """Return what was answered, or that it was refused: nothing else may happen."""
    try:
        return ask()
    except FeatureError:
        return "refused"
