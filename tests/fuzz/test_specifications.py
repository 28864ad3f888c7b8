"""Any formula and any prior gives a specification that can be fitted, or one SpecificationError."""

import contextlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_science import ModelSpecification, Prior, SchemaError, SpecificationError
from data_science.formula import design
from data_science.formula.priors import COMMON, GROUP_SD
from data_science.formula.training_data import validated
from data_science.likelihood.fidelity import compress_enough

RELAXED = settings(deadline=2_000, suppress_health_check=[HealthCheck.too_slow], max_examples=150)
SYMBOLS = "yxzghn~+-*/:|()[]{}^,.;'\"`= 0123\n\N{SNOWMAN}"
WORDS = [
    "C(",
    "p(",
    "scale(",
    "poly(x,2)",
    "np.log(",
    "offset(",
    "label",
    "(1|g)",
    "(x|g)",
    "(0+x|g)",
    "(1|g:h)",
    "y['1']",
    "-1",
    "...",
]
PIECES = st.sampled_from([*SYMBOLS, *WORDS])
COLUMNS = st.sampled_from(["x", "z", "g", "h", "n", "C(n)"])
PRODUCTS = st.lists(COLUMNS, min_size=1, max_size=3, unique=True).map(":".join)
GROUPS = st.lists(st.sampled_from(["g", "h", "n"]), min_size=1, max_size=2, unique=True).map(":".join)
EXPRESSIONS = st.sampled_from(["1", "x", "0 + x", "x + z", "0 + h", "1 + x:z"])
TERMS = st.one_of(PRODUCTS, st.tuples(EXPRESSIONS, GROUPS).map(lambda t: f"({t[0]} | {t[1]})"))
FORMULAS = st.tuples(st.sampled_from(["1", "0"]), st.lists(TERMS, max_size=4, unique=True)).map(
    lambda t: " + ".join(["y ~ " + t[0], *t[1]])
)


def frame(n=60):
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "z": rng.integers(0, 4, n),
            "g": np.resize(["p", "q", "r"], n),
            "h": rng.choice(["u", "v"], n),
            "n": rng.integers(1, 4, n),
            "y": rng.integers(0, 2, n),
        }
    )


@RELAXED
@given(st.one_of(st.text(max_size=30), st.lists(PIECES, max_size=14).map("".join)))
def test_any_text_is_a_formula_of_the_class_or_a_specification_error(text):
    for formula in (text, f"y ~ {text}"):
        with contextlib.suppress(SpecificationError):
            assert ModelSpecification(formula).terms


@settings(RELAXED, max_examples=60, deadline=None)
@given(FORMULAS, st.booleans())
def test_every_formula_of_the_class_reaches_a_finite_mode(formula, standardize):
    try:
        specification = ModelSpecification(formula, standardize=standardize)
    except SpecificationError:
        return
    data = validated(frame(), specification, None)
    try:
        learned = design.learn(specification, data.frame)
    except SpecificationError:  # a formula that formulae cannot code is refused too
        return
    compressed = compress_enough(learned, design.encode(learned, data.frame))

    assert np.isfinite(compressed.mode.x).all()
    assert np.isfinite(compressed.joint.value(compressed.mode.x, compressed.mode.theta))


def test_an_interaction_that_formulae_cannot_code_is_refused_with_what_to_write_instead():
    with pytest.raises(SpecificationError, match="write the margins of its interactions out"):
        design.learn(ModelSpecification("y ~ g:C(n)"), frame())

    assert design.learn(ModelSpecification("y ~ g * C(n)"), frame()).encoding.n_coefficients == 9


@RELAXED
@given(
    st.one_of(st.sampled_from([*COMMON, *GROUP_SD]), st.text(max_size=8)),
    st.dictionaries(
        st.sampled_from(["mu", "sigma", "nu", "alpha", "beta", "lam", "s", "other"]),
        st.one_of(
            st.floats(), st.integers(), st.text(max_size=3), st.none(), st.booleans(), st.lists(st.none())
        ),
        max_size=3,
    ),
)
def test_any_prior_is_proper_or_a_specification_error(name, arguments):
    with contextlib.suppress(SpecificationError):
        prior = Prior(name, **arguments)
        assert all(np.isfinite(value) for value in prior.arguments.values())
        assert Prior(**prior.to_json()) == prior


@pytest.mark.parametrize(
    "formula", ["y ~ " + "(" * 2_000 + "x", "y ~ " + " + ".join(["x"] * 2_000), "y ~ x" * 500]
)
def test_a_very_long_formula_is_read_or_refused_in_time(formula):
    with contextlib.suppress(SpecificationError):
        ModelSpecification(formula)


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(),
    st.floats(),
    st.text(max_size=2),
    st.binary(max_size=2),
)


@settings(RELAXED, deadline=None)
@given(
    st.lists(st.sampled_from(["label", "scd_a", "scd_b", "attr_a", "attr_b", "idx", "other"]), max_size=8),
    st.integers(0, 5),
    st.data(),
)
def test_any_frame_is_a_dataset_or_a_schema_error(names, n_rows, data):
    columns = [data.draw(st.lists(CELLS, min_size=n_rows, max_size=n_rows)) for _ in names]
    whole = pd.DataFrame(dict(enumerate(columns)), index=range(n_rows), dtype=object)
    whole.columns = pd.Index(names, dtype=object)
    if data.draw(st.booleans()):
        whole = whole.infer_objects()

    with contextlib.suppress(SchemaError):
        assert validated(whole, ModelSpecification(), None).n_rows == n_rows
