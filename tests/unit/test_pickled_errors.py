"""Errors cross process borders (joblib, multiprocessing, Celery): each arrives as the one that was raised."""

import copy
import inspect
import pickle

import machine_learning_engineering.errors
import pytest

import data_science.errors
import deployment.settings
from deployment.problems import Problem

MODULES = (data_science.errors, machine_learning_engineering.errors, deployment.settings)
CLASSES = [
    found
    for module in MODULES
    for _, found in inspect.getmembers(module, inspect.isclass)
    if issubclass(found, Exception) and found.__module__ == module.__name__
]
ERRORS = [
    *(found("what came; what was expected") for found in CLASSES),
    data_science.errors.FeatureError("scd_a is 'high'", "scd_a"),
    data_science.errors.FeatureError("scd_a is 'high'", column="scd_a"),
    Problem(422, "1 field is invalid", [{"field": "idx", "detail": "Field required"}]),
    Problem(status=413, detail="too large"),
]


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_arrives_as_it_was_raised(error, again):
    arrived = again(error)

    assert type(arrived) is type(error)
    assert (str(arrived), vars(arrived)) == (str(error), vars(error))
