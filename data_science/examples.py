"""A data set in one line, to try the package on: simulated clients like the company's."""

from __future__ import annotations

import numpy as np
import pandas as pd

from data_science.likelihood.binomial import probability

#: Effects on the logit scale where there is a signal, per unit and by level: those of the stand-in company.
INTERCEPT, SCD_A, SCD_B = -3.4, 1.2, 0.15
ATTR_A = {1: 0.4, 2: -0.6, 3: 0.1, 4: -0.3, 5: 0.4}
ATTR_B = {"a": -0.5, "b": 0.3, "c": -0.1, "d": 0.3}
BASE_RATE = 0.091  # of label 1, without a signal


def clients(n_rows: int = 1_000, *, signal: bool = True, seed: int = 1) -> pd.DataFrame:
    """Simulate clients with the columns and shares of ``feature_store``.

    Parameters
    ----------
    n_rows : int
    signal : bool
        Whether the label depends on the features (by the effects of this module), or, as in the company's own
        data, on nothing.
    seed : int

    Returns
    -------
    DataFrame
        Columns ``idx``, ``attr_a`` (1 to 5), ``attr_b`` ("a" to "d"), ``scd_a`` (in [0, 1)), ``scd_b``
        (1 to 5) and ``label`` (0 or 1).

    Examples
    --------
    >>> from data_science.examples import clients
    >>> clients(3)
       idx  attr_a attr_b     scd_a  scd_b  label
    0    0       2      d  0.827703      1      0
    1    1       5      c  0.409199      1      0
    2    2       1      c  0.549594      5      0
    """
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "idx": np.arange(n_rows),
            "attr_a": rng.choice(5, n_rows, p=[0.5, 0.05, 0.1, 0.15, 0.2]) + 1,
            "attr_b": rng.choice(list("abcd"), n_rows, p=[0.1, 0.2, 0.3, 0.4]),
            "scd_a": rng.random(n_rows),
            "scd_b": rng.integers(1, 6, n_rows),
        }
    )
    rate = np.full(n_rows, BASE_RATE)
    if signal:
        groups = frame["attr_a"].map(ATTR_A) + frame["attr_b"].map(ATTR_B)
        rate = probability((INTERCEPT + SCD_A * frame["scd_a"] + SCD_B * frame["scd_b"] + groups).to_numpy())
    return frame.assign(label=(rng.random(n_rows) < rate).astype(int))
