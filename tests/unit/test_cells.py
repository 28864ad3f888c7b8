"""Cells by hand: which covariate is replaced, which cells keep their rows, sums over the design's columns."""

import numpy as np
import pytest
from hand_made import clients, learned

from data_science.formula.design import encode
from data_science.formula.rows import Observations
from data_science.likelihood import compression
from data_science.likelihood.compression import compress, continuous_column, continuous_columns, weighted_sums


def encoded(frame, formula):
    design = learned(formula, frame)
    return design, encode(design, frame)


def numbers(**columns) -> Observations:
    n = len(next(iter(columns.values())))
    numeric = {name: np.asarray(values, dtype=float) for name, values in columns.items()}
    return Observations({}, numeric, n, np.zeros(n), np.ones(n))


@pytest.mark.parametrize(("n_distinct", "continuous"), [(50, False), (51, True)])
def test_a_column_is_continuous_if_more_than_half_of_its_values_differ(n_distinct, continuous):
    rows = numbers(v=np.arange(100) % n_distinct, w=np.zeros(100))

    assert continuous_columns(rows) == (("v",) if continuous else ())


@pytest.mark.parametrize(("n_distinct", "column"), [(40, None), (41, "v"), (100, "v")])
def test_a_column_is_replaced_if_it_has_ten_values_for_every_cell_of_the_others(n_distinct, column):
    rows = numbers(w=np.arange(4 * n_distinct) % 4, v=np.arange(4 * n_distinct) // 4)

    assert continuous_column(rows) == column
    assert (
        continuous_column(Observations({"g": np.zeros(9, dtype=int)}, {}, 9, np.zeros(9), np.ones(9))) is None
    )


def test_what_is_continuous_is_judged_on_an_even_sample(monkeypatch):
    monkeypatch.setattr(compression, "_SAMPLE", 100)
    rows = numbers(v=np.where(np.arange(1_000) % 10 == 0, np.arange(1_000), -1))

    assert continuous_columns(rows) == ("v",)  # every tenth row, from the first
    assert continuous_columns(rows.take(slice(1, None))) == ()
    assert continuous_columns(rows.take(slice(0, 199))) == ()  # fewer than two samples: all are looked at


@pytest.mark.parametrize("n_nodes", [2, 3])
def test_a_cell_is_replaced_if_it_has_more_than_twice_as_many_rows_and_values_as_nodes(n_nodes):
    most = 2 * n_nodes
    values = [
        np.arange(most),
        np.arange(most + 1),
        np.arange(most + 1) % most,
        np.arange(5 * most) % (most + 1),
    ]
    codes = np.repeat(np.arange(4), [len(v) for v in values])
    n = len(codes)
    rows = Observations({"g": codes}, {"v": np.concatenate(values) / 7.0}, n, np.zeros(n), np.ones(n))

    cells = compress(rows, "v", n_nodes)

    assert np.bincount(cells.codes["g"]).tolist() == [most, n_nodes, most, n_nodes]
    np.testing.assert_allclose(np.bincount(cells.codes["g"], cells.weights), np.bincount(codes))
    assert (cells.n_rows, cells.n_nodes_per_cell, cells.continuous) == (n, n_nodes, "v")


def test_values_that_differ_only_far_down_a_long_cell_are_taken_for_equal():
    values = np.r_[np.zeros(80), np.arange(20.0)]  # 20 x 4 rows are looked at
    rows = numbers(v=values)

    assert len(compress(rows, "v", 2)) == 20
    assert len(compress(rows.take(slice(1, None)), "v", 2)) == 20
    assert len(compress(rows.take(slice(5, None)), "v", 2)) == 2


def test_rows_come_to_the_quadrature_in_chunks_with_the_same_moments(monkeypatch):
    _, rows = encoded(clients(1_000), "label ~ scd_a + (1 | attr_b)")
    whole = compress(rows, "scd_a", 5)

    monkeypatch.setattr(compression, "_CHUNK", 77)

    parts = compress(rows, "scd_a", 5)
    np.testing.assert_allclose(parts.numeric["scd_a"], whole.numeric["scd_a"], rtol=1e-9)
    np.testing.assert_allclose(parts.weights, whole.weights, rtol=1e-9)


@pytest.mark.parametrize("power", [1, 2, 3])
def test_sums_are_of_powers_of_the_designs_columns(power):
    frame = clients(100)
    design, rows = encoded(frame, "label ~ 0 + scd_a:scd_b + attr_b")
    weights = np.random.default_rng(10).random(100)

    found = weighted_sums(design.encoding, rows, weights, power=power)

    expected = {"attr_b": [weights[frame["attr_b"] == level].sum() for level in "abcd"]}
    expected["scd_a:scd_b"] = [weights @ (frame["scd_a"] * frame["scd_b"]) ** power]
    for name, where in design.encoding.slices.items():
        np.testing.assert_allclose(found[where], expected[name], rtol=1e-12)
