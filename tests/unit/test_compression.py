import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_science.formula.design import Rows, encode, learn
from data_science.formula.priors import Prior
from data_science.formula.specification import ModelSpecification
from data_science.likelihood import compression
from data_science.likelihood.compression import (
    cell_index,
    compress,
    continuous_column,
    continuous_columns,
    merge,
    weighted_sums,
)
from data_science.likelihood.fidelity import SHIFT_LIMIT, compress_enough
from data_science.likelihood.log_joint import Coordinates, LogJoint, Statistics

N_ROWS = 4_000


def clients(n_rows: int = N_ROWS, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "attr_a": rng.choice(5, n_rows, p=[0.5, 0.05, 0.1, 0.15, 0.2]) + 1,
            "attr_b": rng.choice(list("abcd"), n_rows, p=[0.1, 0.2, 0.3, 0.4]),
            "scd_a": rng.random(n_rows),
            "scd_b": rng.integers(1, 6, n_rows),
        }
    )
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
    every_row = Rows(rows.codes, rows.numeric, rows.successes, rows.trials)
    x = np.random.default_rng(2).normal(size=(3, design.encoding.n_coefficients))

    merged, whole = log_joint(design, rows, cells), log_joint(design, rows, _as_cells(every_row))

    assert len(cells) < 200
    np.testing.assert_allclose(merged.log_likelihood(x)[0], whole.log_likelihood(x)[0], rtol=1e-12)
    np.testing.assert_allclose(merged.log_likelihood(x)[1], whole.log_likelihood(x)[1], atol=1e-8)


def _as_cells(rows: Rows):
    """Every row as its own node."""
    identified = Rows({**rows.codes, "row": np.arange(len(rows))}, rows.numeric, rows.successes, rows.trials)
    return merge(identified)


def test_a_continuous_covariate_becomes_a_few_nodes_per_cell():
    _, rows = encoded(clients())
    column = continuous_column(rows)

    cells = compress(rows, column, 4)

    n_cells = cell_index(
        Rows(rows.codes, {"scd_b": rows.numeric["scd_b"]}, rows.successes, rows.trials)
    ).max()
    assert column == "scd_a"
    assert len(cells) <= 4 * (n_cells + 1) * 2
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

    assert "no nodes: 300 distinct rows are few" in compressed.sentence
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


def test_many_levels_do_not_overflow_the_numbering_of_cells():
    rng = np.random.default_rng(9)
    codes = {f"g{k}": rng.integers(0, 1000, 3_000) for k in range(8)}  # 10^24 products of levels
    rows = Rows(codes, {}, np.zeros(3_000), np.ones(3_000))

    assert len(np.unique(cell_index(rows))) == len(pd.DataFrame(codes).drop_duplicates())


def numbers(**columns) -> Rows:
    n = len(next(iter(columns.values())))
    numeric = {name: np.asarray(values, dtype=float) for name, values in columns.items()}
    return Rows({}, numeric, np.zeros(n), np.ones(n))


@pytest.mark.parametrize(("n_distinct", "continuous"), [(50, False), (51, True)])
def test_a_column_is_continuous_if_more_than_half_of_its_values_differ(n_distinct, continuous):
    rows = numbers(v=np.arange(100) % n_distinct, w=np.zeros(100))

    assert continuous_columns(rows) == (("v",) if continuous else ())


@pytest.mark.parametrize(("n_distinct", "column"), [(40, None), (41, "v"), (100, "v")])
def test_a_column_is_replaced_if_it_has_ten_values_for_every_cell_of_the_others(n_distinct, column):
    rows = numbers(w=np.arange(4 * n_distinct) % 4, v=np.arange(4 * n_distinct) // 4)

    assert continuous_column(rows) == column
    assert continuous_column(Rows({"g": np.zeros(9, dtype=int)}, {}, np.zeros(9), np.ones(9))) is None


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
    rows = Rows({"g": codes}, {"v": np.concatenate(values) / 7.0}, np.zeros(n), np.ones(n))

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
