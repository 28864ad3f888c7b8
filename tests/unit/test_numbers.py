"""Numbers that arithmetic would change or lose are refused by name, with what helps."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_science.data.numbers import LEAST_SPREAD, rounded_by_floats
from data_science.errors import SchemaError
from data_science.formula.design import learn
from data_science.formula.specification import ModelSpecification
from data_science.formula.training_data import validated

BY_NUMBER, BY_LEVEL = ModelSpecification("y ~ x"), ModelSpecification("y ~ (1 | x)")
DTYPES = ["int64", "Int64", "int64[pyarrow]", "float64", "Float64"]


def table(values, dtype):
    return pd.DataFrame({"x": pd.Series(values, dtype=dtype), "y": np.arange(len(values)) // 2 % 2})


def refusal(frame):
    with pytest.raises(SchemaError) as caught:
        validated(frame, BY_NUMBER, None)
    return str(caught.value)


@given(st.lists(st.integers(-(2**63) + 1, 2**63 - 1), min_size=1, max_size=5))
def test_a_whole_number_is_rounded_if_and_only_if_its_float_is_another(values):
    found = rounded_by_floats(pd.Series(values, dtype="int64"))

    assert found.tolist() == [int(float(value)) != value for value in values]


@pytest.mark.parametrize("dtype", DTYPES[:3])
@pytest.mark.parametrize("base", [2**53, 2**60, -(2**62)])
def test_whole_numbers_that_a_float_rounds_are_refused_as_numbers_and_are_levels_all_the_same(base, dtype):
    frame = table([base + 1, base + 3, base + 2**55, base + 2**56], dtype)

    assert f"x: a whole number such as {base + 1}, which a float rounds in 2 of 4 rows" in refusal(frame)
    assert len(learn(BY_LEVEL, validated(frame, BY_LEVEL, None).frame).encoding.factors[0].levels) == 4


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("base", [2**50, -(2**52)])
def test_numbers_that_differ_by_rounding_only_are_refused_with_what_to_subtract(base, dtype):
    frame = table([base, base + 1, base, base + 2], dtype)

    said = refusal(frame)

    assert re.search(
        rf"x: a spread of 2 around .*; expected a spread of at least {LEAST_SPREAD:g} of the size", said
    )
    remedy = int(re.search(r"Subtract (-?\d+), say", said)[1])
    mended = validated(frame.assign(x=frame["x"] - remedy), BY_NUMBER, None).frame
    assert learn(BY_NUMBER, mended).sds["x"] == pytest.approx(np.std([0, 1, 0, 2]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_constant_is_refused_as_one_whatever_its_dtype_and_size(dtype):
    for value in (2, 2**53, -(2**53), 0):
        assert f"x: the constant {value}" in refusal(table([value] * 4, dtype)).replace(".0 ", " ")


@pytest.mark.parametrize(
    "values", [[2**62, 1, 2, 3], [2**53, 0, -(2**53), 1], [1e12, 1e12 + 30, 1e12, 1e12 + 40]]
)
def test_numbers_that_arithmetic_keeps_apart_are_read(values):
    assert learn(BY_NUMBER, validated(table(values, None), BY_NUMBER, None).frame).sds["x"] > 0
