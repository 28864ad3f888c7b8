"""Predictions that a test makes, a second apart."""

from datetime import UTC, datetime, timedelta

from machine_learning_engineering.records import Prediction

START = datetime(2026, 11, 22, tzinfo=UTC)


def prediction(second, p=0.5, idx=None, **features):
    return Prediction(second if idx is None else idx, 0, features, p, "v1", START + timedelta(seconds=second))
