"""One small fit while the image is built: what it compiles and caches, no container does again."""

import numpy as np
import pandas as pd

from data_science import BayesianLogitModel, GateError

N_ROWS = 2_000

rng = np.random.default_rng(1)
frame = pd.DataFrame(
    {
        "idx": np.arange(N_ROWS),
        "attr_a": rng.integers(1, 6, N_ROWS),
        "attr_b": rng.choice(list("abcd"), N_ROWS),
        "scd_a": rng.random(N_ROWS),
        "scd_b": rng.integers(1, 6, N_ROWS),
        "label": rng.integers(0, 2, N_ROWS),
    }
)
try:
    BayesianLogitModel(seed=1, engine="nuts").fit(frame)
except GateError as error:  # it has compiled as much as one that passed
    print(error)  # noqa: T201
