"""Frames of feature_store as the tests of odd shapes need them."""

import numpy as np
import pandas as pd


def clients(n: int, seed: int = 1) -> pd.DataFrame:
    """``n`` clients; with two or more, both labels occur."""
    rng = np.random.default_rng(seed)
    label = (rng.random(n) < 0.3).astype(int)
    label[:2] = [0, 1][:n]
    return pd.DataFrame(
        {
            "idx": np.arange(n),
            "attr_a": np.arange(n) % 3 + 1,
            "attr_b": np.array(["a", "b"])[(np.arange(n) // 3) % 2],
            "scd_a": rng.random(n),
            "scd_b": rng.integers(1, 6, n),
            "label": label,
        }
    )
