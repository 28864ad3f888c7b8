"""Intervals of many rows: the walk along order statistics against plain sorting."""

import numpy as np
import pandas as pd
import pytest
from hand_sums import logits_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from serving_cases import ATTR_A, COMMON_FACTOR, DEFAULT, predictor

from data_science.formula.encoding import Encoding, Term
from data_science.prediction import intervals
from data_science.prediction.order_statistics import walk

RANDOM_SLOPE = Encoding(
    (
        Term("Intercept"),
        Term("scd_a:scd_b", ("scd_a", "scd_b")),
        Term("scd_a|attr_a", ("scd_a",), groups=(ATTR_A,)),
    )
)


def frame(n_rows):
    rng = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "attr_a": rng.integers(1, 7, n_rows),  # 6 is unseen
            "attr_b": rng.choice(list("abcd"), n_rows),
            "scd_a": rng.normal(50, 20, n_rows),
            "scd_b": rng.integers(-1, 2, n_rows),
        }
    )


def by_sorting(model, rows, prob=0.95):
    probabilities = expit(logits_of(model, rows))
    return np.quantile(probabilities, [(1 - prob) / 2, (1 + prob) / 2], axis=1).T


@pytest.mark.parametrize(
    "encoding", [DEFAULT, COMMON_FACTOR, RANDOM_SLOPE], ids=["default", "common", "slope"]
)
@pytest.mark.parametrize("n_draws", [1, 2, 100, 333])
@pytest.mark.parametrize("prob", [0.5, 0.95, 0.999])
def test_many_rows_get_the_quantiles_that_sorting_their_draws_gives(encoding, n_draws, prob):
    model, rows = predictor(encoding, n_draws=n_draws), frame(8_000)

    found = model.predict_interval(rows, prob)

    np.testing.assert_allclose(found, by_sorting(model, rows, prob), rtol=0, atol=1e-12)


def test_the_default_formula_is_walked_and_not_sorted(monkeypatch):
    monkeypatch.setattr(intervals, "_sorted", None)

    assert predictor().predict_interval(frame(12_000)).shape == (12_000, 2)


def test_groups_whose_walk_went_astray_are_sorted(monkeypatch):
    model, rows = predictor(n_draws=50), frame(8_000)
    expected = model.predict_interval(rows)
    monkeypatch.setattr(intervals, "walk", lambda *args: [dict.fromkeys(args[2]) for _ in args[0]])

    np.testing.assert_allclose(model.predict_interval(rows), expected, rtol=0, atol=1e-14)


def test_draws_that_occur_twice_change_nothing_but_their_weight():
    model = predictor(n_draws=60)
    twice = predictor(n_draws=120)
    object.__setattr__(twice, "draws", np.repeat(model.draws, 2, axis=0))
    object.__setattr__(twice, "group_sd_draws", np.repeat(model.group_sd_draws, 2, axis=0))
    rows = frame(8_000).query("attr_a < 6")

    np.testing.assert_allclose(twice.predict_interval(rows), by_sorting(twice, rows), rtol=0, atol=1e-12)


@pytest.mark.parametrize("n_rows", [128, 129, 5_000])
@pytest.mark.parametrize("n_places", [1, 2, 60_000, 2**30], ids=lambda n: f"{n} places")
@pytest.mark.parametrize(
    "values",
    [lambda u: u, lambda u: np.round(3 * u), lambda u: 0 * u, lambda u: 1e15 + u, lambda u: 1e-310 * u,
     lambda u: (u - 0.5) * 3e308, lambda u: np.where(u < 0.01, 1e14, u)],
    ids=["spread", "tied", "constant", "far from zero", "subnormal", "of infinite range", "outliers"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_rows_are_ordered_by_place_and_then_by_value(n_rows, n_places, values):
    rng = np.random.default_rng(n_rows)
    places, x = rng.integers(0, n_places, n_rows), values(rng.random(n_rows))
    places[0], x[0] = 0, x.max()  # the largest value must not spill into the next place
    if n_places > 1:
        places[1], x[1] = 1, x.min()

    order = intervals._order(places, n_places, x)

    assert sorted(order.tolist()) == list(range(n_rows))
    exact = np.lexsort((x, places))
    np.testing.assert_array_equal(places[order], places[exact])
    np.testing.assert_array_equal(x[order], x[exact])


@pytest.mark.parametrize("outlier", [1e6, 1e12, 1e15, 1e300])
def test_an_outlier_changes_the_interval_of_no_other_row(outlier):
    model, rows = predictor(n_draws=60), frame(8_000)
    rows.loc[5, "scd_a"] = outlier
    others = rows.index != 5

    found = model.predict_interval(rows)

    np.testing.assert_allclose(found[others], by_sorting(model, rows[others]), rtol=0, atol=1e-12)


def test_lines_that_are_almost_parallel_never_cross():
    chain = walk(np.array([[0.0, 3.0]]), np.array([[0.0, 2.3e-308]]), [1], -1.0, 2.0)[0][1]

    assert chain.at_sorted(np.array([-1.0, 2.0])).tolist() == [3.0, 3.0]


COORDINATES = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e3, 1e3))


@settings(max_examples=300, deadline=None)
@given(data=st.data(), n_lines=st.integers(1, 9))
def test_a_walk_is_right_or_says_that_it_is_not(data, n_lines):
    lines = st.lists(COORDINATES, min_size=n_lines, max_size=n_lines).map(np.array)
    a, b = data.draw(lines)[None], data.draw(lines)[None]
    ranks = sorted({data.draw(st.integers(0, n_lines - 1)), n_lines - 1})
    x = np.linspace(-1.0, 2.0, 61)

    found = walk(a, b, ranks, -1.0, 2.0)[0]

    expected = np.sort(a[0][:, None] + b[0][:, None] * x, axis=0)
    for rank, chain in found.items():
        if chain is not None:
            np.testing.assert_allclose(chain.at_sorted(x), expected[rank], rtol=0, atol=1e-9)
