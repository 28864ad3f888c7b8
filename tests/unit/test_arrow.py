"""Arrow matrices against dense linear algebra: one test matrix per shape of head and rest."""

import numpy as np
import pytest
import scipy.sparse as sp

from data_science.formula.encoding import Coding, Encoding, Factor, Term
from data_science.formula.places import Places
from data_science.likelihood.arrow import Elimination, Order

LARGE, SMALL = Factor("g", tuple(range(60))), Factor("h", tuple(range(3)))
INTERCEPT, SLOPE = Term("Intercept"), Term("x", ("x",))
ENCODINGS = {
    "no groups": Encoding((INTERCEPT, SLOPE)),
    "few groups": Encoding((INTERCEPT, SLOPE, Term("1|h", groups=(SMALL,)))),
    "one effect per level": Encoding((INTERCEPT, Term("1|g", groups=(LARGE,)), Term("1|h", groups=(SMALL,)))),
    "two effects per level": Encoding(
        (INTERCEPT, SLOPE, Term("1|g", groups=(LARGE,)), Term("x|g", ("x",), groups=(LARGE,)))
    ),
    "three effects per level": Encoding(
        (
            INTERCEPT,
            Term("1|g", groups=(LARGE,)),
            Term("h|g", codings=(Coding(SMALL, True),), groups=(LARGE,)),
            Term("1|h", groups=(SMALL,)),
        )
    ),
    "nothing but groups": Encoding((Term("1|g", groups=(LARGE,)),)),
}
HEADS = {
    "no groups": (0, 0),
    "few groups": (0, 0),
    "one effect per level": (60, 1),
    "two effects per level": (60, 2),
    "three effects per level": (60, 3),
    "nothing but groups": (60, 1),
}


def design(encoding: Encoding, n_rows: int = 400) -> np.ndarray:
    rng = np.random.default_rng(1)
    codes = {"g": rng.integers(0, 60, n_rows), "h": rng.integers(0, 3, n_rows)}
    numeric = {"x": rng.normal(size=n_rows)}
    matrix = np.zeros((n_rows, encoding.n_coefficients))
    for term in encoding.terms:
        positions = Places.of(term).rows(codes, n_rows)
        present = np.flatnonzero(positions < term.n_coefficients)
        columns = encoding.slices[term.name].start + positions[present]
        matrix[present, columns] = term.multipliers(numeric, n_rows)[present]
    return matrix


@pytest.fixture(params=ENCODINGS)
def shape(request):
    """Order, design, weights, diagonal, and the dense matrix that they make."""
    encoding = ENCODINGS[request.param]
    order, matrix = Order.of(encoding), design(encoding)
    assert order.head.shape == HEADS[request.param]
    rng = np.random.default_rng(2)
    weights, diagonal = rng.random(len(matrix)), 0.1 + rng.random(matrix.shape[1])
    dense = matrix.T @ (weights[:, None] * matrix)
    return order, matrix, weights, diagonal, dense


def test_an_order_is_a_permutation(shape):
    order, matrix, *_ = shape

    assert sorted([*order.head.ravel(), *order.rest]) == list(range(matrix.shape[1]))


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_a_gram_matrix_times_a_vector_is_the_dense_one(shape, form):
    order, matrix, weights, _, dense = shape
    v = np.random.default_rng(3).normal(size=len(dense))

    arrow = Elimination.of(order, form(matrix)).gram(weights)

    np.testing.assert_allclose(arrow.multiply(v), dense @ v, atol=1e-10)


def test_solving_is_the_dense_solution(shape):
    order, matrix, weights, diagonal, dense = shape
    v = np.random.default_rng(4).normal(size=len(dense))

    factor = Elimination.of(order, matrix).gram(weights).factor(diagonal)

    full = dense + np.diag(diagonal)
    np.testing.assert_allclose(factor.solve(v), np.linalg.solve(full, v), atol=1e-9)
    assert factor.half_log_det == pytest.approx(0.5 * np.linalg.slogdet(full)[1])
    np.testing.assert_allclose(factor.inverse_diagonal(), np.diag(np.linalg.inv(full)), atol=1e-10)


def test_lower_and_upper_solutions_are_those_of_one_triangular_factor(shape):
    order, matrix, weights, diagonal, dense = shape
    factor = Elimination.of(order, matrix).gram(weights).factor(diagonal)
    identity = np.eye(len(dense))
    first = [*order.head.ravel(), *order.rest]

    lower = np.linalg.inv(np.array([factor.solve_lower(e) for e in identity]).T)
    upper = np.linalg.inv(np.array([factor.solve_upper(e) for e in identity]).T)

    np.testing.assert_allclose(lower @ lower.T, dense + np.diag(diagonal), atol=1e-8)
    np.testing.assert_allclose(upper, lower.T, atol=1e-8)
    permuted = lower[np.ix_(first, first)]
    np.testing.assert_allclose(permuted, np.tril(permuted), atol=1e-8)


def test_a_matrix_that_is_not_positive_definite_is_refused():
    encoding = ENCODINGS["few groups"]
    arrow = Elimination.of(Order.of(encoding), design(encoding)).gram(np.ones(400))

    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        arrow.factor(np.full(encoding.n_coefficients, -1e6))


@pytest.mark.parametrize(("n_levels", "head"), [(39, (0, 0)), (40, (40, 1))])
def test_a_factor_is_eliminated_first_from_forty_levels_on(n_levels, head):
    factor = Factor("g", tuple(range(n_levels)))

    assert Order.of(Encoding((INTERCEPT, Term("1|g", groups=(factor,))))).head.shape == head


def test_the_factor_with_most_groups_is_eliminated_and_products_of_factors_count_as_one():
    middle = Factor("m", tuple(range(45)))
    encoding = Encoding(
        (
            INTERCEPT,
            Term("1|m", groups=(middle,)),
            Term("1|g", groups=(LARGE,)),
            Term("1|m:h", groups=(middle, SMALL)),
            Term("x|m:h", ("x",), groups=(middle, SMALL)),
        )
    )

    order = Order.of(encoding)

    assert order.head.shape == (135, 2)
    start = 1 + 45 + 60
    assert order.head[:2].tolist() == [[start, start + 135], [start + 1, start + 136]]
    assert order.rest.tolist() == list(range(start))


def test_a_sparse_rest_is_kept_sparse_only_if_it_is_large(monkeypatch):
    encoding = ENCODINGS["two effects per level"]
    order, matrix = Order.of(encoding), sp.csr_array(design(encoding))
    dense = Elimination.of(order, matrix)

    monkeypatch.setattr("data_science.likelihood.arrow._DENSE", dense.rest.size - 1)
    sparse = Elimination.of(order, matrix)

    assert isinstance(dense.rest, np.ndarray)
    assert sp.issparse(sparse.rest)
    weights = np.random.default_rng(5).random(400)
    for part in ("a", "b", "c"):
        np.testing.assert_allclose(
            getattr(sparse.gram(weights), part), getattr(dense.gram(weights), part), atol=1e-12
        )
    monkeypatch.setattr("data_science.likelihood.arrow._DENSE", dense.rest.size)
    assert isinstance(Elimination.of(order, matrix).rest, np.ndarray)


@pytest.mark.parametrize("where", ["head", "rest"])
def test_a_matrix_that_is_indefinite_in_either_part_is_refused(where):
    encoding = ENCODINGS["two effects per level"]
    order = Order.of(encoding)
    arrow = Elimination.of(order, design(encoding)).gram(np.ones(400))
    diagonal = np.ones(encoding.n_coefficients)
    diagonal[order.head[3, 1] if where == "head" else order.rest[-1]] = -1e6

    with pytest.raises(np.linalg.LinAlgError):
        arrow.factor(diagonal)


def test_a_matrix_that_is_no_number_is_refused():
    encoding = ENCODINGS["few groups"]
    arrow = Elimination.of(Order.of(encoding), design(encoding)).gram(np.ones(400))

    with pytest.raises(np.linalg.LinAlgError, match="matrix of order 5 is not positive definite"):
        arrow.factor(np.array([1.0, 1.0, 1.0, 1.0, np.inf]))
