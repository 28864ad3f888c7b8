"""How rows fare that were left out, overall and by group, on nodes set by hand."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from data_science.evaluation.candidates import BASELINE, MODEL
from data_science.evaluation.comparison import Comparison
from data_science.evaluation.loo import Loo
from data_science.evaluation.performance import performance
from data_science.formula.encoding import Encoding, Factor, Term
from data_science.formula.rows import Observations

ENCODING = Encoding(
    (Term("Intercept"), Term("x", ("x",)), Term("1|g", (), (), (Factor("g", ("a", "b", "new")),)))
)
Y = np.array([1.0, 0.0, 1.0, 0.0, 0.0, 0.0])
P = np.array([0.4, 0.3, 0.2, 0.1, 0.2, 0.1])
WEIGHTS = np.array([1.0, 4.0, 1.0, 4.0, 5.0, 5.0])  # rows that each node stands for
G, X = np.array([0, 0, 0, 1, 1, 1]), np.array([1.0, 1.0, 2.0, 3.0, 4.0, 9.0])


def compared(successes=Y, trials=1.0, x=X):
    n = int(WEIGHTS.sum())
    nodes = Observations({"g": G}, {"x": x}, len(Y), successes, np.broadcast_to(trials, len(Y)))
    blind = np.full(len(Y), 0.1)
    loos = {
        name: Loo(np.log(np.where(Y == 1, p, 1 - p)), 0 * Y, WEIGHTS, n, 0 * Y)
        for name, p in ((MODEL, P), (BASELINE, blind))
    }
    return Comparison(loos, {}, {}, nodes)


def test_a_group_is_of_the_rows_that_its_nodes_stand_for():
    found = performance(compared(), ENCODING)

    a, b, *_ = found.groups
    assert [(one.column, one.level, one.n_rows) for one in (a, b)] == [("g", "a", 6), ("g", "b", 14)]
    assert a.observed == pytest.approx(
        (stats.beta.ppf(0.025, 2.5, 4.5), 2 / 6, stats.beta.ppf(0.975, 2.5, 4.5))
    )
    assert b.observed == pytest.approx((0, 0, stats.beta.ppf(0.975, 0.5, 14.5)))
    assert a.predicted == pytest.approx((0.4 + 4 * 0.3 + 0.2) / 6)
    assert a.gain == pytest.approx(np.log(0.4 / 0.1) + 4 * np.log(0.7 / 0.9) + np.log(0.2 / 0.1))
    assert a.gain + b.gain == pytest.approx(found.gain)
    each = np.repeat(np.log([4, 0.7 / 0.9, 2]), [1, 4, 1])
    assert a.gain_se == pytest.approx(each.std(ddof=1) * 6**0.5)


def test_a_column_of_few_values_is_shown_by_them_and_one_of_many_by_thirds_of_the_rows(monkeypatch):
    few = [(one.level, one.n_rows) for one in performance(compared(), ENCODING).groups if one.column == "x"]
    monkeypatch.setattr("data_science.evaluation.performance._PARTS", 2)
    many = [(one.level, one.n_rows) for one in performance(compared(), ENCODING).groups if one.column == "x"]

    assert few == [("1", 5), ("2", 1), ("3", 4), ("4", 5), ("9", 5)]
    assert many == [("to 3", 10), ("above 3", 10)]


@pytest.mark.parametrize(
    ("x", "levels"),
    [(2000 + X, "2001 2002 2003 2004 2009"), (1e7 + X, "10000001 10000002 10000003 10000004 10000009")],
    ids=["years", "far from zero"],
)
def test_numbers_are_written_with_digits_that_tell_them_apart(x, levels, monkeypatch):
    few = [one.level for one in performance(compared(x=x), ENCODING).groups if one.column == "x"]
    monkeypatch.setattr("data_science.evaluation.performance._PARTS", 2)
    many = [one.level for one in performance(compared(x=x), ENCODING).groups if one.column == "x"]

    third = levels.split()[2]
    assert few == levels.split()
    assert many == [f"to {third}", f"above {third}"]


def test_a_group_of_one_row_has_no_standard_error():
    errors = {one.n_rows: one.gain_se for one in performance(compared(), ENCODING).groups}

    assert np.isnan(errors.pop(1))
    assert np.isfinite(list(errors.values())).all()


def test_neither_nodes_of_merged_rows_nor_pieces_of_a_spline_are_groups():
    merged = replace(compared(), continuous="x")
    pieces = Encoding(ENCODING.terms, derived=(SimpleNamespace(columns=("x", "x2"), reads=("z",)),))

    for made, encoding in ((merged, ENCODING), (compared(), pieces)):
        assert {one.column for one in performance(made, encoding).groups} == {"g"}


def test_the_squared_error_is_of_the_probability_without_the_row():
    found = performance(compared(), ENCODING)

    rows = [np.repeat(values, WEIGHTS.astype(int)) for values in (Y, P)]
    own, blind = (rows[0] - rows[1]) ** 2, (rows[0] - 0.1) ** 2
    assert found.brier == pytest.approx(
        (own.mean(), (blind - own).mean(), (blind - own).std(ddof=1) / 20**0.5)
    )


def test_of_rows_with_several_trials_only_scores_and_rates_are_known():
    found = performance(compared(successes=2 * Y, trials=3.0), ENCODING)

    assert found.brier is None
    assert found.groups[0].predicted is None
    assert found.groups[0].observed[1] == pytest.approx(4 / 18)


def test_without_the_nodes_nothing_is_measured():
    made = compared()

    assert performance(Comparison(made.loos, {}, {}), ENCODING) is None
