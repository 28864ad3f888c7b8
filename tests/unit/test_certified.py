"""Matched nodes on odd covariates against all rows; what the certificate sees, and what follows from it."""

import numpy as np
import odd_covariates as odd
import pandas as pd
import pytest

from data_science.formula.design import encode, learn
from data_science.formula.specification import ModelSpecification
from data_science.likelihood import certified, fidelity, pilot
from data_science.likelihood.arrow import Elimination, Order
from data_science.likelihood.compression import merge
from data_science.likelihood.fidelity import compress_enough
from data_science.likelihood.laplace import conditional_mode
from data_science.likelihood.log_joint import LogJoint
from data_science.likelihood.node_certificate import SHIFT_LIMIT, NodeCertificate


def posed(make, formula):
    """Return a design and its rows."""
    frame = make()
    design = learn(ModelSpecification(formula), frame)
    return design, encode(design, frame)


def on_all_rows(design, rows, found):
    """Return the density on every distinct row, and its mode at the group sds of the nodes' mode."""
    joint = LogJoint.of(design, merge(rows), found.statistics, found.at)
    elimination = Elimination.of(Order.of(design.encoding), joint.matrix)
    return joint, conditional_mode(joint, elimination, found.mode.theta, found.mode.x)


QUICK = {  # the rest is asked by `make test-slow`
    "plain", "heavy-tailed", "a spline of a heavy-tailed column", "duplicated", "integer", "one row far out",
    "all but separated", "slopes by group", "several trials",
}  # fmt: skip


@pytest.fixture(scope="module")
def plain():
    design, rows = posed(odd.plain, odd.FORMULA)
    return design, rows, compress_enough(design, rows)


@pytest.mark.parametrize(
    "kind", [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in odd.KINDS]
)
def test_the_posterior_on_nodes_is_that_on_all_rows(kind):
    design, rows = posed(*odd.KINDS[kind])

    found = compress_enough(design, rows)

    joint, mode = on_all_rows(design, rows, found)
    sds = np.sqrt(mode.factor.inverse_diagonal())
    assert found.nodes is not None
    assert len(found.cells) <= 0.1 * len(rows)
    assert found.cells.weights.min() > 0
    assert found.cells.weights.sum() == pytest.approx(rows.trials.sum())
    assert np.abs((found.mode.x - mode.x) / sds).max() < SHIFT_LIMIT / 2
    np.testing.assert_allclose(np.sqrt(found.mode.factor.inverse_diagonal()), sds, rtol=1e-3)
    rng = np.random.default_rng(9)
    steps = np.array([mode.factor.solve_upper(rng.normal(size=len(sds))) for _ in range(300)])
    for width, most in ((1, 0.05), (2, 0.5)):
        x = np.concatenate([mode.x[None], mode.x + width * steps])
        theta = np.broadcast_to(mode.theta, (301, len(mode.theta)))
        error = found.joint.value(x, theta) - joint.value(x, theta)
        assert np.abs(error - error[0]).max() < most
        assert width > 1 or error.std() < SHIFT_LIMIT


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: odd.plain(900), "900 distinct rows are too few to gain from nodes"),
        (
            lambda: odd.plain(2_000).assign(g=np.arange(2_000) // 4),
            "too many covariates, or combinations of levels, to gain from nodes",
        ),
    ],
    ids=["few rows", "many groups"],
)
def test_where_nodes_do_not_pay_every_row_stays_and_the_sentence_says_why(make, reason):
    design, rows = posed(make, odd.FORMULA)

    found = compress_enough(design, rows)

    assert found.nodes is None
    assert len(found.cells) == len(rows)
    assert found.sentence.endswith(f"without loss (no nodes: {reason})")


def test_a_bad_certificate_is_refined_and_then_every_row_stays(plain, monkeypatch):
    design, rows, _ = plain
    asked = []
    bad = NodeCertificate(spread=7.0, narrow=20.0, wide=300.0, shift=1e-8)
    monkeypatch.setattr(certified.Evidence, "on", lambda self, joint: asked.append(joint) or bad)

    found = compress_enough(design, rows)

    assert len(asked) == 4
    assert found.nodes is None
    assert len(found.cells) == len(rows)
    assert found.sentence.endswith(
        "(no nodes: nodes are 20 nats off on posterior draws, 300 on draws twice as wide)"
    )


def test_nodes_that_are_not_good_but_mendable_come_with_the_weights_of_all_rows(plain, monkeypatch):
    design, rows, _ = plain
    fair = NodeCertificate(spread=0.1, narrow=0.3, wide=2.0, shift=1e-8)
    monkeypatch.setattr(certified.Evidence, "on", lambda self, joint: fair)

    found = compress_enough(design, rows)

    joint, mode = on_all_rows(design, rows, found)
    x = mode.x + np.random.default_rng(3).normal(size=(20, len(mode.x)))
    exact = joint.log_likelihood(x)[0] - found.joint.log_likelihood(x)[0]
    assert not found.stands_alone
    np.testing.assert_allclose(found.log_weights(x), exact, atol=1e-6 * np.abs(exact).max())


def test_nodes_that_stand_alone_need_no_weights(plain):
    _, _, found = plain

    assert found.stands_alone
    assert found.log_weights(np.ones((4, found.joint.n_coefficients))).tolist() == [0.0] * 4


@pytest.mark.parametrize(
    ("certificate", "good", "mendable"),
    [
        (NodeCertificate(0.005, 0.02, 0.2, 0.005), True, True),
        (NodeCertificate(0.0051, 0.02, 0.1, 0.0), False, True),
        (NodeCertificate(0.0, 0.0, 0.21, 0.0), False, True),
        (NodeCertificate(0.0, 0.0, 0.0, 0.0051), False, True),
        (NodeCertificate(0.31, 1.0, 9.0, 0.0), False, False),
        (NodeCertificate(0.0, 0.0, 240.0, 0.31), False, False),
        (NodeCertificate(np.nan, np.nan, np.nan, np.nan), False, False),
        (NodeCertificate(0.1, 0.7, 9.0, 0.0), False, True),
        (NodeCertificate(0.1, 0.7, 9.1, 0.0), False, False),
        (NodeCertificate(0.0, 0.0, np.nan, 0.0), False, False),
        (NodeCertificate(0.0, 0.0, 0.0, np.nan), False, False),
        (NodeCertificate(np.nan, 0.0, 0.0, 0.0), False, False),
    ],
)
def test_a_certificate_is_good_only_if_every_error_is_small_and_known(certificate, good, mendable):
    assert (certificate.is_good, certificate.is_mendable) == (good, mendable)


def test_the_same_seed_gives_the_same_nodes(plain):
    design, rows, found = plain

    again, other = compress_enough(design, rows), compress_enough(design, rows, seed=5)

    np.testing.assert_array_equal(again.cells.weights, found.cells.weights)
    assert (
        len(other.cells.weights) != len(found.cells.weights)
        or (other.cells.weights != found.cells.weights).any()
    )


def test_exact_keeps_every_row_of_several_continuous_covariates(plain):
    design, rows, _ = plain

    found = compress_enough(design, rows, exact=True)

    assert found.nodes is None
    assert found.sentence.endswith("20,000 distinct rows, without loss (no nodes: exact=True)")


def test_a_pilot_that_starts_far_away_ends_at_the_mode(plain, monkeypatch):
    design, rows, found = plain
    monkeypatch.setattr(pilot, "_PART", 60)

    other = compress_enough(design, rows)

    sds = np.sqrt(found.mode.factor.inverse_diagonal())
    assert np.abs((other.mode.x - found.mode.x) / sds).max() < SHIFT_LIMIT


def test_the_sentence_names_the_covariates_and_the_shift(plain):
    _, _, found = plain

    assert found.sentence == (
        f"20,000 rows → {len(found.cells)} nodes (matched in x, z, w), largest posterior shift {found.shift:.1g} sd"
    )


def test_one_continuous_covariate_is_still_integrated_by_quadrature():
    frame = odd.plain()
    design = learn(ModelSpecification("y ~ x + (1 | g)"), frame)

    found = compress_enough(design, encode(design, frame))

    assert found.nodes is None
    assert found.cells.continuous == "x"


def test_discrete_covariates_are_matched_where_merging_leaves_many_rows():
    rng = np.random.default_rng(8)
    columns = {name: rng.integers(0, 40, 60_000) for name in "xzw"}
    frame = odd.labelled(pd.DataFrame(columns).assign(g=rng.integers(0, 5, 60_000)))
    design = learn(ModelSpecification(odd.FORMULA), frame)
    rows = encode(design, frame)

    found = compress_enough(design, rows)

    assert fidelity.continuous_columns(rows) == ()
    assert found.nodes is not None
    assert len(found.cells) < 1_000
    assert found.cells.weights.sum() == pytest.approx(60_000)


def test_many_covariates_on_few_rows_leave_nodes_that_exact_weights_mend():
    rng = np.random.default_rng(3)
    columns = {f"x{j}": rng.normal(size=8_000) for j in range(14)}
    eta = -1 + 0.2 * sum(columns.values())
    frame = pd.DataFrame(columns).assign(y=(rng.random(8_000) < 1 / (1 + np.exp(-eta))).astype(int))
    design = learn(ModelSpecification(f"y ~ {' + '.join(columns)}"), frame)
    rows = encode(design, frame)

    found = compress_enough(design, rows)

    joint, mode = on_all_rows(design, rows, found)
    rng = np.random.default_rng(5)
    x = mode.x + np.array([mode.factor.solve_upper(rng.normal(size=len(mode.x))) for _ in range(50)])
    exact = joint.log_likelihood(x)[0] - found.joint.log_likelihood(x)[0]
    assert len(found.cells) < 1_000
    assert not found.stands_alone
    assert found.sentence == (
        f"8,000 rows → {len(found.cells)} nodes (matched in 14 covariates), "
        f"largest posterior shift {found.shift:.1g} sd before the exact weights of all rows"
    )
    assert exact.std() < 0.1
    np.testing.assert_allclose(found.log_weights(x), exact, atol=1e-7)


def test_one_success_leaves_a_posterior_too_wide_for_nodes_and_every_row_stays():
    design, rows = posed(lambda: odd.plain().assign(y=(np.arange(odd.N_ROWS) == 5).astype(int)), odd.FORMULA)

    found = compress_enough(design, rows)

    assert found.nodes is None
    assert len(found.cells) == odd.N_ROWS
    assert "(no nodes: nodes are " in found.sentence
