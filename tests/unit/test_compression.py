from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_science.formula.design import encode, learn
from data_science.formula.priors import Prior
from data_science.formula.rows import Observations
from data_science.formula.specification import ModelSpecification
from data_science.likelihood.compression import (
    compress,
    continuous_column,
    merge,
    weighted_sums,
)
from data_science.likelihood.fidelity import SHIFT_LIMIT, compress_enough
from data_science.likelihood.log_joint import Coordinates, LogJoint, Statistics
from tests.frames import features

N_ROWS = 4_000


def clients(n_rows: int = N_ROWS, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = features(rng, n_rows)
    eta = -2 + 1.5 * frame["scd_a"] + 0.3 * (frame["attr_b"] == "b")
    return frame.assign(label=(rng.random(n_rows) < 1 / (1 + np.exp(-eta))).astype(int))


def encoded(frame: pd.DataFrame, formula: str | None = None):
    design = learn(ModelSpecification(formula) if formula else ModelSpecification(), frame)
    return design, encode(design, frame)


def log_joint(design, rows, cells) -> LogJoint:
    statistics = Statistics.of(design.encoding, rows)
    return LogJoint.of(design, cells, statistics, Coordinates.of(design, statistics))


def test_dy_is_the_sum_over_raw_rows():
    frame = clients()
    design, rows = encoded(frame)

    sums = weighted_sums(design.encoding, rows, rows.successes)

    ones = frame[frame["label"] == 1]
    expected = [len(ones), ones["scd_a"].sum(), ones["scd_b"].sum()]
    expected += [(ones["attr_a"] == level).sum() for level in range(1, 6)]
    expected += [(ones["attr_b"] == level).sum() for level in "abcd"]
    np.testing.assert_allclose(sums, expected, rtol=1e-13)


@pytest.mark.parametrize(
    "formula",
    ["label ~ 1", "label ~ C(scd_b) * attr_b", "label ~ scd_b + (scd_b | attr_a) + (1 | attr_a:attr_b)"],
)
def test_merging_identical_rows_changes_the_log_density_by_nothing(formula):
    design, rows = encoded(clients(), formula)
    cells = merge(rows)
    x = np.random.default_rng(2).normal(size=(3, design.encoding.n_coefficients))

    merged, whole = log_joint(design, rows, cells), log_joint(design, rows, _as_cells(rows))

    assert len(cells) < 200
    np.testing.assert_allclose(merged.log_likelihood(x)[0], whole.log_likelihood(x)[0], rtol=1e-12)
    np.testing.assert_allclose(merged.log_likelihood(x)[1], whole.log_likelihood(x)[1], atol=1e-8)


def _as_cells(rows: Observations):
    """Every row as its own node."""
    return merge(replace(rows, codes={**rows.codes, "row": np.arange(len(rows))}))


def test_a_continuous_covariate_becomes_a_few_nodes_per_cell():
    _, rows = encoded(clients())
    column = continuous_column(rows)

    cells = compress(rows, column, 4)

    n_cells = len(rows.without("scd_a").distinct()[0])
    assert column == "scd_a"
    assert len(cells) <= 4 * n_cells * 2
    assert cells.weights.sum() == pytest.approx(N_ROWS)
    assert cells.n_rows == N_ROWS


def test_moments_of_every_cell_are_those_of_its_rows():
    frame = clients()
    _, rows = encoded(frame)

    cells = compress(rows, "scd_a", 4)

    keys = ["attr_a", "attr_b", "scd_b"]
    of_nodes = pd.DataFrame(
        {
            "attr_a": cells.codes["attr_a"] + 1,
            "attr_b": np.array(list("abcd"))[cells.codes["attr_b"]],
            "scd_b": cells.numeric["scd_b"],
        }
    )
    for degree in range(8):
        sums = of_nodes.assign(m=cells.weights * cells.numeric["scd_a"] ** degree).groupby(keys)["m"].sum()
        expected = frame.assign(m=frame["scd_a"] ** degree).groupby(keys)["m"].sum()
        np.testing.assert_allclose(sums, expected, rtol=1e-9)


def test_cells_with_few_rows_stay_raw():
    frame = clients(60)
    frame["attr_b"] = np.repeat(["a", "b", "c", "d"], [8, 9, 3, 40])
    design = learn(ModelSpecification("label ~ scd_a + (1 | attr_b)"), frame)
    rows = encode(design, frame)

    cells = compress(rows, "scd_a", 4)

    counts = np.bincount(cells.codes["attr_b"])
    assert counts.tolist() == [8, 4, 3, 4]  # at most 2 m = 8 rows are kept
    kept = cells.numeric["scd_a"][cells.codes["attr_b"] == 0]
    np.testing.assert_array_equal(np.sort(kept), np.sort(frame["scd_a"][:8]))


def test_a_cell_with_many_rows_but_few_distinct_values_stays_raw():
    frame = clients(400)
    frame["attr_b"] = np.repeat(["a", "b"], 200)
    frame.loc[:199, "scd_a"] = np.resize([0.1, 0.2, 0.3], 200)
    design = learn(ModelSpecification("label ~ scd_a + (1 | attr_b)"), frame)

    cells = compress(encode(design, frame), "scd_a", 4)

    assert np.bincount(cells.codes["attr_b"]).tolist() == [3, 4]
    assert cells.weights[cells.codes["attr_b"] == 0].tolist() == [67, 67, 66]


@pytest.mark.parametrize(
    ("formula", "column"),
    [
        ("label ~ scd_a + (1 | attr_b)", "scd_a"),
        ("label ~ scd_b + (1 | attr_b)", None),
        ("label ~ scd_a + other", None),
        ("label ~ attr_b", None),
    ],
    ids=["continuous", "few distinct values", "two continuous", "no numbers"],
)
def test_one_continuous_column_is_replaced_and_nothing_else(formula, column):
    frame = clients().assign(other=np.random.default_rng(3).normal(size=N_ROWS))

    assert continuous_column(encoded(frame, formula)[1]) == column


def test_few_rows_with_two_continuous_columns_are_kept_and_the_sentence_says_so():
    frame = clients(300).assign(other=np.random.default_rng(3).normal(size=300))

    compressed = compress_enough(*encoded(frame, "label ~ scd_a + other"))

    assert "no nodes: 300 distinct rows are too few to gain from nodes" in compressed.sentence
    assert compressed.cells.continuous is None
    assert compressed.shift == 0
    assert len(compressed.cells) == 300


def test_exact_keeps_every_distinct_row():
    design, rows = encoded(clients(500))

    compressed = compress_enough(design, rows, exact=True)

    assert len(compressed.cells) == 500
    assert compressed.cells.continuous is None
    assert compressed.shift == 0


def test_repeated_rows_are_merged_and_the_sentence_says_so():
    compressed = compress_enough(*encoded(clients(), "label ~ scd_b"))

    assert compressed.sentence == "4,000 rows → 5 distinct rows, without loss"


def test_the_measured_shift_is_below_what_is_promised_and_reported():
    compressed = compress_enough(*encoded(clients(40_000)))

    assert 0 < compressed.shift < SHIFT_LIMIT
    assert compressed.sentence.startswith("40,000 rows → ")
    assert "per cell for scd_a), largest posterior shift" in compressed.sentence


def test_a_steep_effect_gets_more_nodes():
    n_nodes = []
    for slope in (1, 8):
        frame = clients(40_000)
        chance = 1 / (1 + np.exp(-slope * (frame["scd_a"] - 0.5)))
        frame["label"] = (np.random.default_rng(5).random(len(frame)) < chance).astype(int)
        n_nodes.append(compress_enough(*encoded(frame)).cells.n_nodes_per_cell)

    assert n_nodes[0] < n_nodes[1]


def test_an_effect_too_steep_for_any_quadrature_is_matched_and_stays_correct():
    frame = clients(40_000)
    chance = 1 / (1 + np.exp(-200 * (frame["scd_a"] - 0.5)))
    frame["label"] = (np.random.default_rng(5).random(len(frame)) < chance).astype(int)
    wide = {"scd_a": Prior("Normal", mu=0, sigma=1000)}
    design = learn(ModelSpecification("label ~ scd_a + (1 | attr_b)", priors=wide), frame)

    compressed = compress_enough(design, encode(design, frame))

    exact = compress_enough(design, encode(design, frame), exact=True)
    sds = np.sqrt(exact.mode.factor.inverse_diagonal())
    assert compressed.nodes is not None
    assert len(compressed.cells) < 4_000
    assert np.abs((compressed.mode.x - exact.mode.x) / sds).max() < SHIFT_LIMIT


def test_the_mode_moves_by_less_than_the_measured_shift_allows():
    design, rows = encoded(clients(40_000))

    compact, exact = compress_enough(design, rows), compress_enough(design, rows, exact=True)

    sds = np.sqrt(exact.mode.factor.inverse_diagonal())
    assert np.abs((compact.mode.x - exact.mode.x) / sds).max() < SHIFT_LIMIT
    np.testing.assert_allclose(compact.mode.theta, exact.mode.theta, atol=0.01)


def test_trials_weigh_like_that_many_rows():
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"g": list("abcabd"), "n": [3, 5, 2, 4, 1, 6]})
    frame["s"] = rng.binomial(frame["n"], 0.5)
    single = frame.loc[frame.index.repeat(frame["n"])].reset_index(drop=True)
    single["y"] = np.concatenate([np.arange(n) < s for n, s in zip(frame["n"], frame["s"], strict=True)])
    single["y"] = single["y"].astype(int)

    pooled = compress_enough(*encoded(frame, "p(s, n) ~ 1 + (1 | g)"))
    rows = compress_enough(*encoded(single, "y ~ 1 + (1 | g)"))

    np.testing.assert_array_equal(pooled.cells.weights, rows.cells.weights)
    np.testing.assert_array_equal(pooled.statistics.successes, rows.statistics.successes)


def test_trials_weigh_in_the_quadrature_too():
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({"v": rng.random(500), "n": rng.integers(1, 9, 500)})
    frame["s"] = rng.binomial(frame["n"], frame["v"])
    _, rows = encoded(frame, "p(s, n) ~ v")

    cells = compress(rows, "v", 5)

    assert cells.weights.sum() == pytest.approx(frame["n"].sum())
    assert cells.weights @ cells.numeric["v"] ** 9 == pytest.approx(frame["n"] @ frame["v"] ** 9)


@given(seed=st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_row_order_changes_nothing(seed):
    frame = clients(1_000)
    shuffled = frame.sample(frac=1, random_state=seed)
    design, rows = encoded(frame)
    other, other_rows = encoded(shuffled)
    x = np.random.default_rng(8).normal(size=design.encoding.n_coefficients)

    values = [
        log_joint(d, r, compress(r, "scd_a", 4)).value(x, np.zeros(2))
        for d, r in ((design, rows), (other, other_rows))
    ]

    assert design.encoding == other.encoding
    assert values[0] == pytest.approx(values[1], rel=1e-12)
