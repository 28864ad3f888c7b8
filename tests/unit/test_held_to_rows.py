"""Draws on nodes are looked at once more on all rows; where they are off, every row is fitted."""

from dataclasses import replace

import numpy as np
import odd_covariates as odd
import pytest

from data_science.engines.posterior import Posterior
from data_science.engines.registry import engine, weighs_all_rows
from data_science.fitting import held_to_rows as module
from data_science.fitting.held_to_rows import held_to_rows, spread_of_weights
from data_science.fitting.posterior_on import Problem
from data_science.formula.design import encode, learn
from data_science.formula.specification import ModelSpecification
from data_science.likelihood.fidelity import compress_enough
from data_science.likelihood.node_certificate import SHIFT_LIMIT, NodeCertificate

FAIR = NodeCertificate(spread=0.1, narrow=0.3, wide=2.0, shift=1e-8)


@pytest.fixture(scope="module")
def nodes():
    design = learn(ModelSpecification(odd.FORMULA), odd.plain())
    return compress_enough(design, encode(design, odd.plain()))


def laplace(compressed, width=1.0, n=400):
    """Draw from Laplace's approximation around the mode, as an engine would from the posterior."""
    rng = np.random.default_rng(1)
    mode = compressed.mode
    x = np.array([mode.x + width * mode.factor.solve_upper(rng.normal(size=len(mode.x))) for _ in range(n)])
    raw = compressed.at.to_raw(x).reshape(4, n // 4, -1)
    return Posterior(raw, np.ones((4, n // 4, 1)), {}, {"engine": "toy"})


def recorded(asked, width=1.0):
    """Return an engine that remembers what it was asked to draw on."""

    def draw(compressed):
        asked.append(compressed)
        return laplace(compressed, width if compressed.nodes else 1.0)

    return draw


def test_draws_that_all_rows_confirm_stay(nodes):
    asked = []

    posterior, used, notes = held_to_rows(recorded(asked), nodes, weighs_all_rows=False)

    assert asked == [nodes]
    assert used is nodes
    assert notes == ()
    assert spread_of_weights(posterior, nodes) < SHIFT_LIMIT


def test_draws_where_the_nodes_are_off_are_drawn_again_on_every_row_and_the_note_says_so(nodes):
    asked = []

    posterior, used, notes = held_to_rows(recorded(asked, width=15.0), nodes, weighs_all_rows=False)

    assert [found.nodes is None for found in asked] == [False, True]
    assert len(asked[1].cells) == odd.N_ROWS
    assert used is asked[1]
    assert "distinct rows, without loss (matched nodes were dropped)" in used.sentence
    assert spread_of_weights(posterior, nodes) < SHIFT_LIMIT
    (note,) = notes
    assert note.startswith("The nodes were dropped (")
    assert note.endswith(" off on the draws, expected at most 0.01); the fit uses every distinct row.")


def test_an_error_that_is_not_a_number_is_no_confirmation(nodes, monkeypatch):
    monkeypatch.setattr(module, "spread_of_weights", lambda *_: np.nan)
    asked = []

    _, _, notes = held_to_rows(recorded(asked), nodes, weighs_all_rows=False)

    assert [found.nodes is None for found in asked] == [False, True]
    assert len(notes) == 1


def test_nodes_that_need_weights_are_for_engines_that_weigh(nodes):
    fair = replace(nodes, nodes=replace(nodes.nodes, certificate=FAIR))
    weighing, plain = [], []

    _, _, none = held_to_rows(recorded(weighing), fair, weighs_all_rows=True)
    _, _, notes = held_to_rows(recorded(plain), fair, weighs_all_rows=False)

    assert weighing == [fair]
    assert none == ()
    assert [found.nodes is None for found in plain] == [True]
    assert "which this engine does not give" in notes[0]


def test_cells_without_loss_are_drawn_on_and_nothing_is_said(nodes):
    whole, asked = nodes.on_all_rows(), []

    _, _, notes = held_to_rows(recorded(asked), whole, weighs_all_rows=False)

    assert asked == [whole]
    assert notes == ()


def test_nested_laplace_weighs_all_rows_and_an_engine_that_says_nothing_does_not():
    assert weighs_all_rows(engine("nested-laplace"))
    assert not weighs_all_rows(object())


def test_predictions_are_measured_on_rows_where_nodes_stand_for_them_in_sums_only(nodes):
    frame = odd.plain()
    design = learn(ModelSpecification(odd.FORMULA), frame)
    rows = encode(design, frame)

    matched, whole = Problem(design, rows, nodes), Problem(design, rows, nodes.on_all_rows())

    np.testing.assert_array_equal(matched.covariates.numeric["x"], frame["x"])
    np.testing.assert_array_equal(matched.covariates.codes["g"], rows.codes["g"])
    assert len(matched.covariates) == odd.N_ROWS
    assert whole.covariates is whole.compressed.cells
