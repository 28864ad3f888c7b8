"""Which columns a specification asks of a frame, and as what."""

import pandas as pd
import pytest

from data_science.data.dataset import FEATURE_STORE
from data_science.data.responses import Response
from data_science.errors import SchemaError
from data_science.formula import training_data
from data_science.formula.specification import ModelSpecification
from data_science.formula.training_data import validated

FRAME = pd.DataFrame({"x": [1.5], "k": [1], "g": ["a"], "flag": [True], "label": [0]})


@pytest.mark.parametrize(
    ("formula", "numeric", "factors"),
    [
        ("label ~ 1", [], []),
        ("label ~ x + k", ["x", "k"], []),
        ("label ~ x + C(k)", ["x"], ["k"]),
        ("label ~ g:x + x", ["x"], ["g"]),
        ("label ~ k + (x | k)", ["k", "x"], ["k"]),
        ("label ~ (g | k:g)", [], ["k", "g"]),
        ("label ~ (1 | g) + (C(k) | g)", [], ["g", "k"]),
        ("label ~ flag", ["flag"], []),
        ("label ~ absent", ["absent"], []),
        ("label ~ C(absent) + (1 | gone)", [], ["absent", "gone"]),
    ],
)
@pytest.mark.parametrize("schema", [None, FEATURE_STORE])
def test_a_column_is_asked_for_once_in_each_role_it_has(formula, numeric, factors, schema, monkeypatch):
    asked = []

    def refuse(frame, **given):
        asked.append((frame, given))
        raise SchemaError("seen")

    monkeypatch.setattr(training_data, "validate", refuse)

    with pytest.raises(SchemaError, match="seen"):
        validated(FRAME, ModelSpecification(formula), schema)

    ((frame, given),) = asked
    assert frame is FRAME
    assert given == {
        "numeric": tuple(numeric),
        "factors": tuple(factors),
        "offsets": set(),
        "response": Response("label"),
        "key": None if schema is None else "idx",
        "schema": schema,
        "counts": None,
    }
