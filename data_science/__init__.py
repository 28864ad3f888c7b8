"""Train a Bayesian classifier on a feature store or a data frame, check the fit, and package it for serving.

Public names are resolved on first use, so that a serving process pays only for what it calls.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "ArtifactError": "data_science.errors",
    "BayesianLogitModel": "data_science.model",
    "Costs": "data_science.settings.fit",
    "DataScienceError": "data_science.errors",
    "DatabaseError": "data_science.errors",
    "FeatureError": "data_science.errors",
    "FitSettings": "data_science.settings.fit",
    "GateError": "data_science.errors",
    "ModelSpecification": "data_science.formula.specification",
    "Predictor": "data_science.prediction.predictor",
    "Prior": "data_science.formula.priors",
    "SchemaError": "data_science.errors",
    "SettingsError": "data_science.errors",
    "SpecificationError": "data_science.errors",
    "Verdict": "data_science.judgement.verdict",
    "compare": "data_science.selection",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from data_science._version import __version__

        return __version__
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
