"""Numbers or levels: decided once, from the dtype, and kept by the rows that passed validation."""

import numpy as np
import pandas as pd
import pytest
from dtypes import NUMERIC, WRAPPED, column, is_truth
from formulae import design_matrices

from data_science import pipeline
from data_science.errors import SchemaError
from data_science.formula.design import encode, learn, sample_frame
from data_science.formula.roles import Roles
from data_science.formula.specification import Component, ModelSpecification
from data_science.formula.training_data import validated
from data_science.prediction.rows import RowReader
from data_science.settings.fit import FitSettings

BY_NAME = ModelSpecification("y ~ c")
FORMULAS = ["y ~ c", "y ~ C(c)", "y ~ c + x", "y ~ (1 | c)", "y ~ (c | g)", "y ~ x:c", "y ~ c + (1 | c:g)"]


def with_column(c):
    """Return a frame that has the column beside a response, a number and text."""
    n = len(c)
    return pd.DataFrame(
        {"c": c, "y": np.arange(n) // 2 % 2, "x": np.linspace(0, 1, n), "g": np.resize(["u", "v", "w"], n)}
    )


def values_for(dtype, n=24):
    return np.resize([True, False, True], n).tolist() if is_truth(dtype) else np.resize([3, 1, 2], n).tolist()


@pytest.mark.parametrize("wrapped", [None, *WRAPPED])
@pytest.mark.parametrize("dtype", NUMERIC)
@pytest.mark.parametrize("formula", ["y ~ c", "y ~ C(c) + (1 | c)", "y ~ c + (1 | c:g)"])
def test_every_dtype_has_one_role_before_and_after_validation(formula, dtype, wrapped):
    frame = with_column(column(values_for(dtype), dtype, wrapped))
    specification = ModelSpecification(formula)

    roles = Roles.of(specification, frame)
    typed = validated(frame, specification, None).frame

    assert Roles.of(specification, typed) == roles
    by_name = Component("c") in {part for term in specification.terms for part in term.expression}
    assert ("c" in roles.numbers) is (by_name and wrapped is None)
    assert typed["c"].tolist() == frame["c"].tolist()


@pytest.mark.parametrize("wrapped", WRAPPED)
@pytest.mark.parametrize("dtype", NUMERIC)
def test_values_in_a_dtype_that_is_not_numeric_are_levels_and_never_one_slope(dtype, wrapped):
    frame = with_column(column(values_for(dtype), dtype, wrapped))
    typed = validated(frame, BY_NAME, None).frame

    design = learn(BY_NAME, typed)
    rows = encode(design, typed)

    (factor,) = design.encoding.factors
    rising = sorted(set(values_for(dtype)))
    assert list(factor.levels) == (rising[::-1] if wrapped == "ordered category" else rising)
    assert {type(level) for level in factor.levels} == {bool if is_truth(dtype) else int}
    assert [factor.levels[code] for code in rows.codes["c"]] == values_for(dtype)
    assert design.encoding.numeric_columns == ()


@pytest.mark.parametrize("wrapped", [None, *WRAPPED])
@pytest.mark.parametrize("dtype", NUMERIC)
@pytest.mark.parametrize("formula", ["y ~ c", "y ~ C(c)", "y ~ c + (1 | c)"])
def test_prediction_reads_the_rows_of_training_as_training_encoded_them(formula, dtype, wrapped):
    specification = ModelSpecification(formula)
    frame = with_column(column(values_for(dtype), dtype, wrapped))
    typed = validated(frame, specification, None).frame
    design = learn(specification, typed)
    encoded = encode(design, typed)

    read = RowReader.of(design.encoding, "refuse").all_rows(frame)

    for trained, served in ((encoded.codes, read.codes), (encoded.numeric, read.numeric)):
        assert list(trained) == list(served)
        for name, values in trained.items():
            np.testing.assert_array_equal(served[name], values)


@pytest.mark.parametrize("dtype", NUMERIC)
def test_values_in_a_numeric_dtype_are_one_slope(dtype):
    frame = with_column(column(values_for(dtype), dtype))
    typed = validated(frame, BY_NAME, None).frame

    design = learn(BY_NAME, typed)

    assert design.encoding.factors == ()
    assert encode(design, typed).numeric["c"].tolist() == [float(value) for value in values_for(dtype)]


@pytest.mark.parametrize("wrapped", WRAPPED)
@pytest.mark.parametrize("dtype", ["int64", "float64", "bool", "Int64", "int64[pyarrow]"])
@pytest.mark.parametrize("formula", FORMULAS)
def test_formulae_and_so_bambi_reads_the_sample_frame_in_the_same_roles_and_order(formula, dtype, wrapped):
    specification = ModelSpecification(formula)
    frame = with_column(column(values_for(dtype), dtype, wrapped))
    design = learn(specification, validated(frame, specification, None).frame)

    sample = sample_frame(design)

    assert learn(specification, sample).encoding == design.encoding
    matrices = design_matrices(formula, sample)
    theirs = {
        component.name.removeprefix("C(").removesuffix(")"): component.levels
        for part in (matrices.common, matrices.group)
        for term in (part.terms.values() if part is not None else ())
        for component in getattr(getattr(term, "expr", term), "components", ())
        if component.kind == "categoric"
    }
    ours = {c.factor.column: list(c.factor.levels) for term in design.encoding.terms for c in term.codings}
    assert theirs == ours


@pytest.mark.parametrize("frame", [[("c", 1)], {"c": [1]}, pd.DataFrame([[1, 2]], columns=["c", "c"])])
def test_what_is_no_frame_or_has_a_column_twice_is_refused_by_the_validation(frame):
    with pytest.raises(SchemaError, match=r"expected a DataFrame|appears more than once"):
        validated(frame, BY_NAME, None)


def test_a_category_of_floats_an_object_column_and_c_fit_the_same_effects_of_levels():
    rng = np.random.default_rng(0)
    c = pd.Series(rng.integers(0, 4, 400))
    frame = pd.DataFrame({"c": c, "y": rng.random(400) < np.array([0.1, 0.9, 0.2, 0.8])[c]}).astype(
        {"y": int}
    )
    new = pd.DataFrame({"c": range(4)})
    settings = FitSettings(engine="nested-laplace", second_opinion=False)

    found = {}
    for name, values in {
        "integers": c.astype("category"), "floats": c.astype(float).astype("category"),
        "nullable": c.astype("Int64").astype("category"), "object": c.astype(object), "C": c,
    }.items():  # fmt: skip
        specification = ModelSpecification("y ~ C(c)" if name == "C" else "y ~ c")
        fit = pipeline.fit(frame.assign(c=values), specification, settings=settings)
        found[name] = fit.predictor.predict_proba(new)

    rates = frame.groupby("c")["y"].mean()
    np.testing.assert_allclose(found["C"], rates, atol=0.1)  # the prior draws each cell inwards a little
    for name, chances in found.items():
        np.testing.assert_array_equal(chances, found["C"], err_msg=name)


def test_text_in_order_keeps_its_order_in_the_sample_frame():
    ordered = pd.Categorical(np.resize(["low", "high", "mid"], 24), ["low", "mid", "high"], ordered=True)
    design = learn(BY_NAME, with_column(ordered))

    matrices = design_matrices("y ~ c", sample_frame(design))

    assert matrices.common.terms["c"].components[0].levels == ["low", "mid", "high"]


@pytest.mark.parametrize(
    "categories", [["x", 1, 2, 3], [3, 2, 1, 0.5], [1, 2, 3, "1"], [pd.Timestamp(0), 1, 2, 3]], ids=str
)
@pytest.mark.parametrize("ordered", [True, False])
def test_an_unused_category_of_another_kind_is_no_level(categories, ordered):
    values = pd.Categorical(np.resize([3, 1, 2], 24), categories, ordered=ordered)

    design = learn(BY_NAME, validated(with_column(values), BY_NAME, None).frame)

    (factor,) = design.encoding.factors
    assert sorted(factor.levels) == [1, 2, 3]


def test_an_unused_category_that_reads_as_another_is_no_level():
    values = pd.Categorical(np.resize(["a", "b"], 24), ["a ", "b", "a"], ordered=True)

    design = learn(BY_NAME, validated(with_column(values), BY_NAME, None).frame)

    assert design.encoding.factors[0].levels == ("b", "a")


@pytest.mark.parametrize("wrapped", ["category", "object"])
def test_fractions_in_a_dtype_that_is_not_numeric_are_refused_with_both_ways_out(wrapped):
    frame = with_column(pd.Series(np.resize([0.5, 1.0, 1.5], 24)).astype(wrapped))

    with pytest.raises(SchemaError, match=r"levels to text or whole numbers, and numbers .* astype\(float\)"):
        validated(frame, BY_NAME, None)


@pytest.mark.parametrize("dtype", ["str", "string", "string[pyarrow]", "object", "category"])
def test_text_is_levels_in_every_dtype(dtype):
    frame = with_column(pd.Series(np.resize(["b", "a"], 24)).astype(dtype))

    typed = validated(frame, BY_NAME, None).frame

    assert Roles.of(BY_NAME, typed) == Roles.of(BY_NAME, frame) == Roles((), ("c",), {Component("c")})
    assert learn(BY_NAME, typed).encoding.factors[0].levels == ("a", "b")
