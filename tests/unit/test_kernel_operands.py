"""The compiled transport before anything is compiled: where it is used, and what it is handed."""

import numpy as np
import pandas as pd
import pytest
from hand_made import compressed, learned

from data_science.likelihood.compiled.kernel import LARGEST_WORK, SPARSE_GAIN, Kernel, _loops_win, compiled
from data_science.likelihood.laplace import transport_at


@pytest.mark.parametrize(
    ("n_entries", "n_levels", "q", "r", "loops"),
    [
        ([], 0, 0, 144, True),  # 144^3 = 2,985,984
        ([], 0, 0, 145, False),
        ([100] * 200, 200, 1, 100, True),  # 200 * 100^2 + 100^3: the limit itself
        ([100] * 201, 201, 1, 100, False),
        ([2] * 1000, 1000, 1, 100, True),  # a sparse border: 204,000 + 10^6 of 11,000,000
        ([100] * 1000, 1000, 1, 100, False),
        ([25] * 1000, 1000, 1, 100, True),  # 3,125,000 + 10^6, twice, is less than 11,000,000
        ([45] * 1000, 1000, 1, 100, False),  # 6,525,000 + 10^6, twice, is more
        ([60] * 1000, 1000, 3, 40, False),
    ],
)
def test_loops_are_used_where_the_work_is_small_or_the_border_sparse(n_entries, n_levels, q, r, loops):
    assert _loops_win(np.array(n_entries, dtype=int), n_levels, q, r) is loops
    assert (LARGEST_WORK, SPARSE_GAIN) == (3_000_000, 2)


def transport(formula, flag):
    """Return a transport of 50 branches; ``flag`` is a slope that most of them do not have."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "branch": np.arange(200) % 50,
            "region": np.arange(200) % 50 // 5,
            "flag": np.where(np.arange(200) % 50 < 7, flag, 0.0) * rng.integers(0, 2, 200),
            "label": rng.integers(0, 2, 200),
        }
    )
    design = learned(formula, frame)
    found = compressed(design, frame)
    return transport_at(found.joint, found.mode)


@pytest.mark.parametrize("flag", [1.0, -1.0], ids=["0/1", "0/-1"])
@pytest.mark.parametrize(
    "formula",
    [
        "label ~ 0 + flag + (1 | branch)",
        "label ~ 0 + flag + (flag | branch) + (1 | region)",
        "label ~ 1 + flag + (1 | branch)",
        "label ~ 1 + flag",
    ],
)
def test_the_loops_are_handed_the_same_matrices_without_their_zeros(formula, flag):
    given = transport(formula, flag)
    hessian, joint = given.hessian, given.joint

    kernel = compiled(given)

    assert isinstance(kernel, Kernel)
    arrow = kernel.arrow
    border = np.zeros(hessian.b.shape)
    for level in range(len(border)):
        for entry in range(arrow.starts[level], arrow.starts[level + 1]):
            border[level, :, arrow.columns[entry]] = arrow.b[entry]
    np.testing.assert_array_equal(border, hessian.b)
    assert len(arrow.columns) == (hessian.b != 0).any(axis=1).sum()
    for ours, theirs in ((arrow.head, hessian.order.head), (arrow.rest, hessian.order.rest)):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(arrow.a, hessian.a)
    np.testing.assert_array_equal(arrow.c, hessian.c)
    nodes = kernel.nodes
    matrix = np.zeros(joint.matrix.shape)
    matrix[:, : joint.n_common] = nodes.common.T
    for places, multipliers in zip(nodes.places, nodes.multipliers, strict=True):
        there = multipliers != 0
        matrix[there, places[there]] = multipliers[there]
    np.testing.assert_array_equal(matrix, joint.matrix)
    np.testing.assert_array_equal(nodes.weights, joint.weights)
    np.testing.assert_array_equal(nodes.successes, joint.successes)
    whitening = kernel.whitening
    np.testing.assert_array_equal(whitening.linear, given.linear)
    np.testing.assert_array_equal(whitening.common_precision, given.common_precision)
    assert (whitening.sizes.tolist(), whitening.n_common) == (joint.block_sizes.tolist(), joint.n_common)
    for ours, theirs in zip(kernel.priors, (joint.common_priors, joint.sd_priors), strict=True):
        assert ours.bases.tolist() == theirs.bases.tolist()
        np.testing.assert_array_equal(ours.norms, theirs.norms)
        np.testing.assert_array_equal(ours.arguments, theirs.arguments)
