"""Versions of models on disk, without a fit."""

import pickle
from datetime import UTC, datetime

from serving_cases import predictor

from data_science.storage import artifact

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
FILES = (
    "bambi_model.cloudpickle",
    "diagnostics.json",
    "draws.npz",
    "model_card.md",
    "posterior.nc",
    "predictor.json",
)


def save(folder, model=None, now=NOW, **changes):
    stored = {
        "predictor": model or predictor(),
        "diagnostics": {"rhat_max": 1.001, "summary": [{"parameter": "Intercept", "mean": -1.0}]},
        "model_card": "# A model\n",
        "writers": {
            "posterior.nc": lambda path: path.write_bytes(b"posterior" * 50),
            "bambi_model.cloudpickle": lambda path: path.write_bytes(pickle.dumps({"model": 1})),
        },
        "provenance": {"n_rows": 3},
        "now": now,
    }
    return artifact.save(folder, **stored | changes)


class Bomb:
    """Unpickling it would raise, and the tests would see it."""

    def __reduce__(self):
        return exec, ("raise SystemExit('code from the file was run')",)
