"""Tables that pass the validation: clients as `feature_store` gives them, and groups of trials."""

import numpy as np
import pandas as pd

from data_science.data.responses import Response

LABEL = Response("label")
FEATURES = {"numeric": ("scd_a", "scd_b"), "factors": ("attr_a", "attr_b"), "response": LABEL}


def clients() -> pd.DataFrame:
    """Six clients whose idx starts at 10, as `feature_store` gives them."""
    return pd.DataFrame(
        {
            "idx": np.arange(10, 16),
            "attr_a": [1, 2, 3, 4, 5, 1],
            "attr_b": ["a", "b", "c", "d", "a", "b"],
            "scd_a": [0.5, 0.25, 0.125, 0.75, 0.1, 0.9],
            "scd_b": [1, 2, 3, 4, 5, 1],
            "label": [0, 1, 0, 0, 1, 0],
        }
    )


def groups() -> pd.DataFrame:
    """Three herds: successes out of trials."""
    return pd.DataFrame({"herd": ["x", "y", "z"], "incidence": [2, 0, 3], "size": [14, 5, 9]})
