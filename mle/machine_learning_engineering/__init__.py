"""What the machine-learning engineers provide for every model; names are resolved on first use."""

_HOMES = {
    "InputReference": "machine_learning_engineering.drift",
    "MLEModel": "machine_learning_engineering.mle_model",
    "Prediction": "machine_learning_engineering.records",
    "PredictionLog": "machine_learning_engineering.prediction_log",
    "PredictionLogError": "machine_learning_engineering.errors",
    "RetrainingDecision": "machine_learning_engineering.retraining",
    "RetrainingPolicy": "machine_learning_engineering.retraining",
    "read_predictions": "machine_learning_engineering.reading",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # not at the top: it would be most of this package's import time

    return getattr(import_module(_HOMES[name]), name)
