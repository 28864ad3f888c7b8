"""How many nodes are enough: the measured shift against the true one, and the choice that follows from it."""

import numpy as np
import pytest
from hand_made import clients, learned

from data_science.formula.design import encode, learn
from data_science.formula.specification import ModelSpecification
from data_science.likelihood import fidelity
from data_science.likelihood.compression import compress, merge
from data_science.likelihood.fidelity import SHIFT_LIMIT, compress_enough
from data_science.likelihood.laplace import conditional_mode
from data_science.likelihood.log_joint import Coordinates, LogJoint, Statistics

FORMULA = "label ~ scd_a + (1 | attr_b)"


def steep(n_rows=3_000, slope=8.0):
    """Return clients whose label depends so steeply on `scd_a` that few nodes are not enough."""
    frame = clients(n_rows)
    chance = 1 / (1 + np.exp(-slope * (frame["scd_a"] - 0.5)))
    return frame.assign(label=(np.random.default_rng(5).random(n_rows) < chance).astype(int))


def at(n_nodes, frame):
    """Return the density with a number of nodes, the design's rows, and its measured shift."""
    design = learn(ModelSpecification(FORMULA), frame)
    rows = encode(design, frame)
    statistics = Statistics.of(design.encoding, rows)
    found = fidelity.on_cells(
        design,
        rows,
        compress(rows, "scd_a" if n_nodes else None, n_nodes),
        statistics,
        Coordinates.of(design, statistics),
        fidelity.Order.of(design.encoding),
    )
    return design, rows, found


@pytest.mark.parametrize(
    ("shifts", "n_nodes"),
    [
        ({4: 0.00099}, 4),
        ({4: 0.001, 6: 0.00099}, 6),
        ({4: 0.9, 6: 0.02, 8: 0.0099, 12: 0.0011, 16: 0.0005}, 16),
        ({4: np.nan, 6: 0.0}, 6),
    ],
)
def test_the_fewest_nodes_are_taken_whose_shift_is_ten_times_below_the_promise(shifts, n_nodes, monkeypatch):
    asked = []
    monkeypatch.setattr(
        fidelity, "_shift", lambda design, rows, found, n, *rest: asked.append(n) or shifts[n]
    )
    design = learned(FORMULA)

    found = compress_enough(design, encode(design, clients()))

    assert found.cells.n_nodes_per_cell == n_nodes
    assert found.shift == shifts[n_nodes]
    assert asked == list(shifts)
    assert SHIFT_LIMIT == 0.01


def test_where_no_number_of_nodes_is_enough_every_distinct_row_is_kept(monkeypatch):
    asked = []
    monkeypatch.setattr(fidelity, "_shift", lambda design, rows, found, n, *rest: asked.append(n) or 0.001)
    design = learned(FORMULA)

    found = compress_enough(design, encode(design, clients()))

    assert asked == [4, 6, 8, 12, 16]
    assert (found.cells.n_nodes_per_cell, found.shift, len(found.cells)) == (None, 0, 300)


def test_where_four_nodes_are_too_few_more_are_taken_until_they_are_enough():
    frame = steep(slope=6.0)
    assert fidelity._shift(*at(4, frame), 4, "scd_a", 0) > SHIFT_LIMIT

    found = compress_enough(*at(4, frame)[:2])

    assert found.cells.n_nodes_per_cell > 4
    assert 0 < found.shift < SHIFT_LIMIT / 10


@pytest.mark.parametrize("n_nodes", [2, 3, 4])
def test_the_measured_shift_is_how_far_the_mode_moves(n_nodes):
    frame = steep(slope=2.0)
    design, rows, few = at(n_nodes, frame)
    _, _, every = at(0, frame)

    measured = fidelity._shift(design, rows, few, n_nodes, "scd_a", 0)

    mode = conditional_mode(every.joint, every.elimination, few.mode.theta, few.mode.x)
    moved = np.abs(mode.x - few.mode.x) / np.sqrt(few.mode.factor.inverse_diagonal())
    # the largest of three points, of which the mode is one, and to first order only
    assert 0.8 * moved.max() < measured < 2 * moved.max()


def test_a_shift_measured_on_a_sample_of_rows_is_that_of_all_of_them(monkeypatch):
    design, rows, found = at(2, steep())
    whole = fidelity._shift(design, rows, found, 2, "scd_a", 0)

    monkeypatch.setattr(fidelity, "_SAMPLE_ROWS", 1_500)
    sampled = fidelity._shift(design, rows, found, 2, "scd_a", 0)

    assert sampled != whole
    assert 0.5 * whole < sampled < 2 * whole


def test_a_sentence_says_what_compression_did():
    design = learned(FORMULA)
    found = compress_enough(design, encode(design, clients()))

    assert found.sentence == (
        f"300 rows → {len(found.cells)} nodes ({found.cells.n_nodes_per_cell} per cell for scd_a), "
        f"largest posterior shift {found.shift:.1g} sd"
    )


@pytest.mark.parametrize(
    ("formula", "exact", "reason"),
    [
        (FORMULA, True, "300 rows → 300 distinct rows, without loss (no nodes: exact=True)"),
        ("label ~ 1", True, "300 rows → 1 distinct row, without loss"),
        ("label ~ scd_b", True, "300 rows → 5 distinct rows, without loss"),
        ("label ~ scd_b", False, "300 rows → 5 distinct rows, without loss"),
        (
            "label ~ scd_a + other",
            True,
            "300 rows → 300 distinct rows, without loss (no nodes: exact=True)",
        ),
        (
            "label ~ scd_a + other",
            False,
            "300 rows → 300 distinct rows, without loss (no nodes: 300 distinct rows are too few to gain from nodes)",
        ),
        (
            "label ~ scd_a + (1 | many)",
            False,
            "300 rows → 300 distinct rows, without loss (no nodes: 300 distinct rows are too few to gain from nodes)",
        ),
    ],
)
def test_a_sentence_says_why_every_row_was_kept(formula, exact, reason):
    frame = clients().assign(other=np.random.default_rng(3).normal(size=300), many=np.arange(300) % 100)
    design = learned(formula, frame)

    assert compress_enough(design, encode(design, frame), exact=exact).sentence == reason


def test_where_no_number_of_quadrature_nodes_is_enough_the_reason_is_that_of_matched_ones(monkeypatch):
    monkeypatch.setattr(fidelity, "_shift", lambda *_: SHIFT_LIMIT)
    design = learned(FORMULA)

    found = compress_enough(design, encode(design, clients()))

    assert found.sentence == (
        "300 rows → 300 distinct rows, without loss "
        "(no nodes: 300 distinct rows are too few to gain from nodes)"
    )


@pytest.mark.parametrize("base", [-3.0, -5.0])
@pytest.mark.parametrize("seed", range(3))
def test_quadrature_of_a_heavy_tailed_covariate_is_right_in_the_tails_or_is_not_used(base, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_t(2, 5_200)
    chance = 1 / (1 + np.exp(-(base + 0.4 * np.clip(x, -8, 8))))
    frame = clients(5_200).assign(scd_a=x, label=(rng.random(5_200) < chance).astype(int))
    design = learned("label ~ scd_a", frame)
    rows = encode(design, frame)

    found = compress_enough(design, rows)

    sds = np.sqrt(found.mode.factor.inverse_diagonal())
    draws = found.mode.x + rng.normal(size=(300, 2)) * sds
    every = merge(rows)
    error = LogJoint.of(design, every, found.statistics, found.at).log_partition(draws)
    assert float(np.std(error - found.joint.log_partition(draws))) <= SHIFT_LIMIT
    assert found.unfit_for_quadrature is (found.cells.continuous is None)
