"""Where the compiled loops are used: by the multiplications of one factorisation, at both of its limits."""

import numpy as np
import pytest

from data_science.engines.kernel import LARGEST_WORK, SPARSE_GAIN, _loops_win


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
