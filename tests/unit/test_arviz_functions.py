"""ArviZ's functions of arrays are imported alone, and a later import of ArviZ is none the poorer."""

import subprocess
import sys

LATER = """
import sys
import numpy as np
from data_science.arviz_functions import array_stats as narrow
assert not {name for name in sys.modules if name.split(".")[0] in ("arviz", "arviz_base", "arviz_stats")}

import arviz, arviz_stats
from arviz_stats.base import array_stats as whole, dataarray_stats
assert arviz_stats.loo and arviz.summary and narrow is not whole

draws, axes = np.random.default_rng(1).normal(size=(4, 100, 3)), {"chain_axis": 0, "draw_axis": 1}
for name in ("ess", "rhat"):
    assert np.array_equal(getattr(narrow, name)(draws, **axes), getattr(whole, name)(draws, **axes)), name
assert np.array_equal(narrow.bfmi(draws[..., 0], **axes), whole.bfmi(draws[..., 0], **axes))
"""


def test_arviz_is_whole_and_gives_the_same_numbers_after_its_array_functions_were_imported_alone():
    ran = subprocess.run([sys.executable, "-c", LATER], capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stderr) == (0, "")
