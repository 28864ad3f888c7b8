"""Models small enough to store in milliseconds: the default formula with coefficients set by hand."""

from datetime import UTC, datetime

import numpy as np

from data_science import Predictor
from data_science.formula.encoding import Encoding, Factor, Term
from data_science.storage import artifact

ATTR_A = Factor("attr_a", (1, 2, 3, 4, 5))
ATTR_B = Factor("attr_b", ("a", "b", "c", "d"))
TERMS = (
    Term("Intercept"),
    Term("scd_a", ("scd_a",)),
    Term("scd_b", ("scd_b",)),
    Term("1|attr_a", groups=(ATTR_A,)),
    Term("1|attr_b", groups=(ATTR_B,)),
)
N_DRAWS = 200


def predictor(intercept=-2.0, slope=0.2, **options):
    """Return a predictor: label 1 for everyone if the intercept is large, 0 if it is small."""
    means = np.array([intercept, slope, -slope / 2, 0.3, 0.1, 0.0, -0.1, -0.3, 0.2, 0.1, -0.1, -0.2])
    sd = np.array([0.1, slope / 4, slope / 4, *([0.1] * 9)])
    noise = np.random.default_rng(20_261_122).normal(0.0, sd, (N_DRAWS, means.size))
    return Predictor(Encoding(TERMS), means, means + noise, np.full((N_DRAWS, 2), 0.3), **options)


def store(folder, intercept=-2.0, slope=0.2, **options):
    """Store a version in a folder and return the version's folder."""
    return artifact.save(
        folder,
        predictor=predictor(intercept, slope, **options),
        diagnostics={},
        model_card="A model set by hand.",
        writers={},
        provenance={"by": "tests"},
        now=datetime.now(UTC),
    )
