"""Rows of `feature_store` without its label, from a generator that the caller seeds and goes on with."""

import numpy as np
import pandas as pd


def features(rng: np.random.Generator, n_rows: int) -> pd.DataFrame:
    """Return the four features, independent of each other, with levels of unequal size."""
    return pd.DataFrame(
        {
            "attr_a": rng.choice(5, n_rows, p=[0.5, 0.05, 0.1, 0.15, 0.2]) + 1,
            "attr_b": rng.choice(list("abcd"), n_rows, p=[0.1, 0.2, 0.3, 0.4]),
            "scd_a": rng.random(n_rows),
            "scd_b": rng.integers(1, 6, n_rows),
        }
    )
