"""Any formula and any prior gives a specification that can be fitted, or one SpecificationError."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from verdicts import Verdicts

from data_science import ModelSpecification, Prior, SchemaError, SpecificationError
from data_science.formula import design
from data_science.formula.priors import COMMON, GROUP_SD
from data_science.formula.training_data import validated
from data_science.likelihood.fidelity import compress_enough

MANY = settings(max_examples=150)
SYMBOLS = "yxzghn~+-*/:|()[]{}^,.;'\"`= 0123\n\N{SNOWMAN}"
WORDS = [
    "C(",
    "p(",
    "scale(",
    "poly(x,2)",
    "np.log(",
    "offset(",
    "offset(x)",
    "bs(x,df=4)",
    "I(",
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
COLUMNS = st.sampled_from(["x", "z", "g", "h", "n", "C(n)", "scale(x)", "exp(z)", "poly(x, 2)", "S(h)"])
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


@st.composite
def near_formulas(draw):
    """A formula of the class, into which at most one foreign piece was put."""
    formula = draw(FORMULAS)
    place = draw(st.integers(0, len(formula)))
    return formula[:place] + draw(st.one_of(st.just(""), PIECES)) + formula[place:]


def test_any_text_is_a_formula_of_the_class_or_a_specification_error():
    verdicts = Verdicts(SpecificationError)

    @MANY
    @given(st.one_of(st.text(max_size=30), st.lists(PIECES, max_size=14).map("".join), near_formulas()))
    def read(text):
        for formula in (text, f"y ~ {text}"):
            with verdicts:
                assert ModelSpecification(formula).terms

    read()
    verdicts.require(3)


def test_every_formula_of_the_class_reaches_a_finite_mode():
    verdicts = Verdicts(SpecificationError)  # what formulae cannot code is refused too

    @settings(max_examples=60)
    @given(FORMULAS, st.booleans())
    def fit(formula, standardize):
        with verdicts:
            specification = ModelSpecification(formula, standardize=standardize)
            data = validated(frame(), specification, None)
            learned = design.learn(specification, data.frame)
            compressed = compress_enough(learned, design.encode(learned, data.frame))

            assert np.isfinite(compressed.mode.x).all()
            assert np.isfinite(compressed.joint.value(compressed.mode.x, compressed.mode.theta))

    fit()
    assert verdicts.accepted >= 5


def test_an_interaction_that_formulae_cannot_code_is_refused_with_what_to_write_instead():
    with pytest.raises(SpecificationError, match="write the margins of its interactions out"):
        design.learn(ModelSpecification("y ~ g:C(n)"), frame())

    assert design.learn(ModelSpecification("y ~ g * C(n)"), frame()).encoding.n_coefficients == 9


ARGUMENTS = st.one_of(
    st.floats(), st.integers(), st.text(max_size=3), st.none(), st.booleans(), st.lists(st.none())
)


@st.composite
def near_priors(draw):
    """A family with its own arguments, most of them positive numbers."""
    families = {**COMMON, **GROUP_SD}
    name = draw(st.sampled_from(list(families)))
    values = st.one_of(st.floats(1e-300, 1e300), st.integers(1, 100), ARGUMENTS)
    return name, {argument: draw(values) for argument in families[name]}


ANY_PRIORS = st.tuples(
    st.one_of(st.sampled_from([*COMMON, *GROUP_SD]), st.text(max_size=8)),
    st.dictionaries(
        st.sampled_from(["mu", "sigma", "nu", "alpha", "beta", "lam", "s", "other"]), ARGUMENTS, max_size=3
    ),
)


def test_any_prior_is_proper_or_a_specification_error():
    verdicts = Verdicts(SpecificationError)

    @MANY
    @given(st.one_of(ANY_PRIORS, near_priors()))
    def make(prior):
        name, arguments = prior
        with verdicts:
            made = Prior(name, **arguments)
            assert all(np.isfinite(value) for value in made.arguments.values())
            assert all(made.arguments[key] > 0 for key in {*made.arguments} - {"mu", "alpha"})
            assert Prior(**made.to_json()) == made

    make()
    verdicts.require(3)


@pytest.mark.parametrize(
    "formula", ["y ~ " + "(" * 2_000 + "x", "y ~ " + " + ".join(["x"] * 2_000), "y ~ x" * 500]
)
def test_a_very_long_formula_is_read_or_refused_with_the_reason(formula):
    with Verdicts(SpecificationError, match="cannot be read"):
        assert [term.name for term in ModelSpecification(formula).terms] == ["Intercept", "x"]


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(),
    st.floats(),
    st.text(max_size=2),
    st.binary(max_size=2),
)


@st.composite
def any_frames(draw):
    """Any columns of any cells."""
    names = draw(
        st.lists(st.sampled_from(["label", "scd_a", "scd_b", "attr_a", "attr_b", "idx", "other"]), max_size=8)
    )
    n_rows = draw(st.integers(0, 5))
    columns = [draw(st.lists(CELLS, min_size=n_rows, max_size=n_rows)) for _ in names]
    whole = pd.DataFrame(dict(enumerate(columns)), index=range(n_rows), dtype=object)
    whole.columns = pd.Index(names, dtype=object)
    return whole.infer_objects() if draw(st.booleans()) else whole


@st.composite
def near_frames(draw):
    """A good frame of six rows, in which some cells were replaced, or the types changed."""
    good = {
        "idx": [*range(6)],
        "attr_a": [1, 2, 1, 2, 3, 3],
        "attr_b": [*"abcabc"],
        "scd_a": [0.5, 0.25, 0.125, 0.75, 0.1, 0.9],
        "scd_b": [1, 2, 3, 4, 5, 1],
        "label": [0, 1, 0, 0, 1, 0],
    }
    values = st.one_of(st.integers(0, 3), st.floats(-1e9, 1e9), CELLS)
    changes = st.tuples(st.sampled_from([*good]), st.integers(0, 5), values)
    for name, row, value in draw(st.lists(changes, max_size=2)):
        good[name][row] = value
    whole = pd.DataFrame(good)
    return whole.astype(object) if draw(st.integers(0, 3)) == 3 else whole


def test_any_frame_is_a_dataset_or_a_schema_error():
    verdicts = Verdicts(SchemaError)

    @MANY
    @given(st.one_of(any_frames(), near_frames(), near_frames()))
    def check(whole):
        with verdicts:
            found = validated(whole, ModelSpecification(), None)
            assert found.n_rows == len(whole)
            assert set(found.frame["label"]) == {0, 1}
            assert np.isfinite(found.frame[["scd_a", "scd_b"]].to_numpy(float)).all()

    check()
    verdicts.require(3)
