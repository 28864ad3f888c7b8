"""The density on cells and nodes of functions and offsets, against the sum over all rows by formulae's columns."""

import numpy as np
import pandas as pd
import pytest
from formulae import design_matrices
from scipy.special import expit

from data_science.evaluation.pointwise import log_likelihood, pool
from data_science.formula.design import encode, learn
from data_science.formula.specification import ModelSpecification
from data_science.likelihood.fidelity import compress_enough

CASES = {  # what stands for the rows
    "y ~ g + log(x)": "quadrature",
    "y ~ g + offset(z)": "quadrature",
    "y ~ S(g) + bs(k, df=4) + offset(log(k))": "merged",
    "y ~ bs(x, df=4) + g": "nodes",
    "y ~ z + I(z**2) + (1 | g) + offset(log(x))": "nodes",
}


@pytest.fixture(scope="module")
def frame():
    rng, n = np.random.default_rng(8), 4_000
    x, z, k, g = rng.uniform(1, 3, n), rng.normal(size=n), rng.integers(1, 9, n), rng.integers(0, 3, n)
    y = rng.random(n) < expit(-1.5 + np.sin(2 * x) + 0.4 * z + 0.3 * np.log(k))
    return pd.DataFrame({"x": x, "z": z, "k": k, "g": np.array(["a", "b", "c"])[g], "y": y.astype(int)})


def by_formulae(formula, frame, raw):
    """Linear predictor of every row, shape (row, draw), from formulae's columns, offsets included."""
    matrices, eta, first = design_matrices(formula, frame, extra_namespace={"log": np.log}), 0.0, 0
    for part in (matrices.common, matrices.group):
        if part is None:
            continue
        whole = part.design_matrix.toarray() if part is matrices.group else np.asarray(part.design_matrix)
        for name, own in part.slices.items():
            columns = whole[:, own].reshape(len(frame), -1)
            if name.startswith("offset("):
                eta = eta + columns
                continue
            eta = eta + columns @ raw[first : first + columns.shape[1]]
            first += columns.shape[1]
    return eta


@pytest.mark.parametrize("formula", CASES)
def test_cells_give_the_log_likelihood_of_all_rows_up_to_what_was_certified(formula, frame):
    design = learn(ModelSpecification(formula), frame)
    rows = encode(design, frame)
    found = compress_enough(design, rows, seed=2)
    rng, mode = np.random.default_rng(3), found.mode
    x = mode.x + np.array([mode.factor.solve_upper(rng.normal(size=len(mode.x))) for _ in range(40)])

    on_cells = found.joint.log_likelihood(x)[0] + found.log_weights(x)

    eta = by_formulae(formula, frame, found.at.to_raw(x).T)
    y = frame["y"].to_numpy()[:, None]
    on_rows = (y * eta - np.logaddexp(0, eta)).sum(axis=0)
    error = on_rows - on_cells  # up to a constant: D'y leaves what an offset adds to the successes out
    assert np.std(error) < 0.005
    assert found.nodes is not None or CASES[formula] != "nodes"
    assert (found.cells.continuous is not None) is (CASES[formula] == "quadrature")
    assert len(found.cells) < len(rows) / 2


@pytest.mark.parametrize("formula", CASES)
def test_the_log_likelihood_of_each_row_knows_functions_and_offsets(formula, frame):
    design = learn(ModelSpecification(formula), frame)
    draws = np.random.default_rng(4).normal(0, 0.2, (3, design.encoding.n_coefficients))
    pooled = pool(encode(design, frame))

    total = pooled.weights @ log_likelihood(design.encoding, pooled.rows, draws)

    eta = by_formulae(formula, frame, draws.T)
    y = frame["y"].to_numpy()[:, None]
    np.testing.assert_allclose(total, (y * eta - np.logaddexp(0, eta)).sum(axis=0), rtol=1e-10)
