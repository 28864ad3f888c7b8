"""The default model and its peers, for every serving benchmark; speed does not depend on the values."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data_science.formula.encoding import Encoding, Factor, Term
from data_science.prediction.predictor import Predictor

ROW = {"attr_a": 1, "attr_b": "c", "scd_a": 0.55, "scd_b": 3}
ATTR_A, ATTR_B = Factor("attr_a", (1, 2, 3, 4, 5)), Factor("attr_b", ("a", "b", "c", "d"))
FORMULA = "label ~ 1 + scd_a + scd_b + (1 | attr_a) + (1 | attr_b)"
ENCODING = Encoding(
    (
        Term("Intercept"),
        Term("scd_a", ("scd_a",)),
        Term("scd_b", ("scd_b",)),
        Term("1|attr_a", groups=(ATTR_A,)),
        Term("1|attr_b", groups=(ATTR_B,)),
    )
)
N_CHAINS, N_DRAWS = 2, 500


def rows(n_rows: int, seed: int = 1) -> pd.DataFrame:
    """Return typed rows as the feature store has them."""
    rng = np.random.default_rng(seed)
    letters = pd.Categorical.from_codes(rng.choice(4, n_rows, p=[0.1, 0.2, 0.3, 0.4]), list(ATTR_B.levels))
    return pd.DataFrame(
        {
            "attr_a": rng.choice(5, n_rows, p=[0.5, 0.05, 0.1, 0.15, 0.2]) + 1,
            "attr_b": letters,
            "scd_a": rng.random(n_rows),
            "scd_b": rng.integers(1, 6, n_rows),
        }
    )


def draws() -> np.ndarray:
    """Return made-up posterior draws, shape (draw, coefficient)."""
    rng = np.random.default_rng(2)
    means = np.concatenate([[-2.3, 0.3, 0.1], rng.normal(0, 0.3, 9)])
    return means + rng.normal(0, 0.05, (N_CHAINS * N_DRAWS, means.size))


def predictor() -> Predictor:
    """Return our predictor."""
    made = draws()
    return Predictor(ENCODING, made.mean(axis=0), made, np.full((len(made), 2), 0.4))


def scikit_learn() -> Any:
    """Return the fitted scikit-learn pipeline."""
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder

    features = rows(20_000).astype({"attr_b": str})
    label = np.random.default_rng(3).random(20_000) < 0.09
    encode = ColumnTransformer([("levels", OneHotEncoder(), ["attr_a", "attr_b"])], remainder="passthrough")
    return Pipeline([("encode", encode), ("model", LogisticRegression())]).fit(features, label.astype(int))


def onnx(pipeline: Any) -> Any:
    """Return an ONNX Runtime session of the scikit-learn pipeline, on one thread."""
    import onnxruntime
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType

    types = [
        ("attr_a", Int64TensorType([None, 1])),
        ("attr_b", StringTensorType([None, 1])),
        ("scd_a", FloatTensorType([None, 1])),
        ("scd_b", FloatTensorType([None, 1])),
    ]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = to_onnx(pipeline, initial_types=types, options={"zipmap": False})
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def bambi() -> tuple[Any, Any]:
    """Return a Bambi model of the same formula, and its posterior of the same draws."""
    import bambi
    import xarray

    data = rows(2_000).assign(label=np.resize([0, 1], 2_000))
    model = bambi.Model(FORMULA, data, family="bernoulli")
    model.build()
    made = draws().reshape(N_CHAINS, N_DRAWS, -1)
    dataset = xarray.Dataset(
        {
            **{
                name: (("chain", "draw"), made[..., at])
                for at, name in enumerate(("Intercept", "scd_a", "scd_b"))
            },
            "1|attr_a": (("chain", "draw", "attr_a__factor_dim"), made[..., 3:8]),
            "1|attr_b": (("chain", "draw", "attr_b__factor_dim"), made[..., 8:]),
        },
        coords={
            "chain": range(N_CHAINS),
            "draw": range(N_DRAWS),
            "attr_a__factor_dim": [str(level) for level in ATTR_A.levels],
            "attr_b__factor_dim": list(ATTR_B.levels),
        },
    )
    return model, xarray.DataTree.from_dict({"posterior": dataset})


def store(folder: Path) -> None:
    """Save our predictor as a version in ``folder``."""
    from datetime import UTC, datetime

    from data_science.storage.artifact import save

    save(
        folder,
        predictor=predictor(),
        diagnostics={},
        model_card="",
        writers={"posterior.nc": lambda path: path.write_bytes(bytes(2_000_000))},
        provenance={},
        now=datetime.now(UTC),
    )
