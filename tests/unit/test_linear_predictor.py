"""The linear predictor by look-up equals that of the design matrix."""

import numpy as np
import pandas as pd
import pytest

from data_science.formula.design import encode, learn
from data_science.formula.specification import ModelSpecification
from data_science.likelihood.linear_predictor import linear_predictor
from data_science.likelihood.log_joint import Coordinates, design_matrix


@pytest.mark.parametrize(
    "formula",
    ["y ~ 1", "y ~ x + (1 | g)", "y ~ x * c + (x | g)", "y ~ 0 + c + (c | g)", "y ~ x + (1 | g:c) + (1 | c)"],
)
def test_the_linear_predictor_is_that_of_the_design_matrix(formula):
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(
        {
            "x": rng.normal(size=60),
            "c": rng.choice(list("uvw"), 60),
            "g": rng.integers(0, 5, 60),
            "y": np.arange(60) % 2,
        }
    )
    design = learn(ModelSpecification(formula), frame)
    rows, n = encode(design, frame), design.encoding.n_coefficients
    coefficients = rng.normal(size=(n, 4))
    n_sds = sum(term.n_expressions for term in design.encoding.group_specific)

    found = linear_predictor(design.encoding, rows, coefficients)

    raw = Coordinates(np.zeros(n), np.ones(n), np.ones(n_sds), None)
    matrix = np.asarray(design_matrix(design.encoding, rows, raw))
    np.testing.assert_allclose(found, matrix @ coefficients, atol=1e-12)
