"""Whatever a column is called, a specification takes it or refuses it by name: nothing fails later, or is left out."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_science.engines.posterior import Posterior, names, to_tree
from data_science.errors import SpecificationError
from data_science.formula import bambi_model
from data_science.formula.design import encode, learn
from data_science.formula.specification import ModelSpecification
from data_science.formula.training_data import validated

N = 24
FORMULAS = ["y ~ {} + (1 | g)", "y ~ C({}) + g", "y ~ x + (1 | {})", "y ~ x:{}", "y ~ g + ({} | g)"]
#: Names of Python, pandas, formulae, Bambi, ArviZ and of this package, and text that parts other names.
TAKEN = [
    "Intercept", "True", "False", "None", "chain", "draw", "p", "self", "idx", "common", "group_sd", "__obs__",
    "1|g", "1|g_sigma", "1|g_offset", "g_dim", "g__factor_dim", "x:g", "C(g)", "sigma", "mu", "lambda", "class",
    "", " ", "a b", "a|b", "a:b", "a,b", "a[1]", "(a", "~", "0", "1", "-1", "é", "x²", "a\nb", "a.b", ".x", "_x",
    "name", "index", "columns", "frame", "level", "np", "I", "C", "scale", "offset", "a'b", 'a"b', "a#b", "$",
    "a/b", "/", "//", "a\0b", "\\",
]  # fmt: skip


def table(name, text):
    rng = np.random.default_rng(4)
    columns = {"y": np.arange(N) // 2 % 2, "x": rng.normal(size=N), "g": np.resize(["u", "v", "w"], N)}
    return pd.DataFrame({**columns, name: np.resize(["s", "t"], N) if text else rng.integers(0, 3, N)})


def posterior_of(design):
    """Draws of nothing, which only have the shapes and names of a posterior."""
    n, n_sds = design.encoding.n_coefficients, design.encoding.n_sds
    return to_tree(design, Posterior(np.zeros((2, 3, n)), np.ones((2, 3, n_sds)), {}, {}))


def works_or_is_refused_by_name(formula, name, text):
    frame = table(name, text)
    try:
        specification = ModelSpecification(formula)
        data = validated(frame, specification, None)
    except SpecificationError as error:
        reason = str(error)
        assert "rename" in reason and (name in reason or repr(name) in reason), reason  # noqa: PT018
        return False
    design = learn(specification, data.frame)
    encode(design, data.frame)
    read = {*design.encoding.numeric_columns, *(f.column for f in design.encoding.factors)}
    assert name in read
    found = names(design)
    assert len(set(found)) == len(found)
    assert sum(v[0, 0].size for v in posterior_of(design)["posterior"].data_vars.values()) == len(found)
    bambi_model.priors_of(bambi_model.build(design), design)
    return True


@pytest.mark.parametrize("mark", ["/", "\0"])
@pytest.mark.parametrize(
    "formula",
    ["`{}` ~ x", "p(`{}`, n) ~ x", "p(y, `{}`) ~ x", "y ~ log(`{}`)", "y ~ (0 + `{}` | g)", "y ~ x:`{}`"],
)
def test_a_name_that_no_posterior_can_hold_is_refused_wherever_it_stands(formula, mark):
    with pytest.raises(SpecificationError, match="rename the column"):
        ModelSpecification(formula.format(f"a{mark}b"))


def test_a_division_leads_to_one_that_works_and_an_offset_has_no_variable():
    with pytest.raises(SpecificationError, match=re.escape("for x / y write x * y**-1.0")):
        ModelSpecification("y ~ I(x / z)")

    assert {*ModelSpecification("y ~ I(x * z**-1.0) + offset(x / z)").columns} == {"x", "z"}


@pytest.mark.parametrize("name", TAKEN)
def test_a_name_that_means_something_works_or_is_refused_by_name(name):
    for formula in FORMULAS:
        works_or_is_refused_by_name(formula.format(f"`{name}`"), name, text=False)
    works_or_is_refused_by_name(FORMULAS[0].format(f"`{name}`"), name, text=True)


@settings(max_examples=25, deadline=None)
@given(
    st.text(max_size=6).filter(lambda name: "`" not in name and name not in {"x", "y", "g"}),
    st.sampled_from(FORMULAS),
)
@example("", FORMULAS[2])
def test_any_other_name_works_or_is_refused_by_name(name, formula):
    works_or_is_refused_by_name(formula.format(f"`{name}`"), name, text=False)


@pytest.mark.parametrize(
    "name", ["self", "idx", "name", "index", "a b", "a:b", "class", "True", "sigma", "_x", "frame"]
)
def test_names_of_python_and_pandas_work(name):
    assert works_or_is_refused_by_name(f"y ~ `{name}` + (1 | g)", name, text=False)


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        ("y ~ p", "'p' would name Bambi's name of the probability and the term 'p'"),
        ("y ~ draw + x", "'draw' would name a dimension of every posterior and the term 'draw'"),
        ("y ~ Intercept + x", "Intercept in .* would be read as the intercept, not as a column"),
        ("y ~ `Intercept` + x", "`Intercept` in .* would be read as the intercept"),
        ("y ~ x + True", "True in 'y ~ x . True' is a constant; for the column write `True`"),
        ("y ~ a*b + `a:b`", "'a:b' would name two terms in the posterior of"),
        ("y ~ (1 | g) + `1|g`", "'1.g' would name two terms"),
        ("y ~ (1 | g) + `1|g_sigma`", "the standard deviation of '1.g'"),
        ("y ~ g__factor_dim + (x | g)", "the term 'g__factor_dim' and the groups of 'g'"),
        ("y ~ C(g) + `C(g)_dim`", r"the levels of 'C\(g\)' and the term 'C\(g\)_dim'"),
        ("y ~ (1 | `a|b`)", "'a.b' in .* has a bar, .*: rename the column"),
        ("y ~ `` + x", "a column in .* has no name: rename it"),
        ("y ~ `a", "a backtick that is not closed"),
    ],
)
def test_a_name_of_two_things_is_refused_with_the_specification(formula, reason):
    with pytest.raises(SpecificationError, match=reason):
        ModelSpecification(formula)


def test_a_name_that_only_levels_take_is_refused_when_the_frame_is_seen():
    specification, frame = (
        ModelSpecification("y ~ t + t_dim"),
        table("t", text=True).assign(t_dim=np.arange(N)),
    )

    with pytest.raises(
        SpecificationError, match=r"the levels of 't' and the term 't_dim'.*: rename the column"
    ):
        validated(frame, specification, None)
    assert validated(frame.assign(t=np.arange(N) % 5), specification, None).n_rows == N


@pytest.mark.parametrize("name", ["x0", "`a b`", "C(x0)", "x0:x1", "(1 | x0)"])
@pytest.mark.parametrize("ends", ["", " - 1", " + 0", " - x5 + x5"])
def test_a_long_sum_means_what_a_short_one_does(name, ends):
    terms = [name, *(f"x{place}" for place in range(1, 70))]
    written = " + ".join(terms) + ends

    long = [term.name for term in ModelSpecification(f"y ~ {written} + (1 | g)").terms]
    short = [term.name for term in ModelSpecification(f"y ~ {' + '.join(terms[:9])}{ends} + (1 | g)").terms]

    both = set(short)
    assert [term for term in long if term in both] == short
    assert len(long) == len(short) + 61


def test_hundreds_of_covariates_are_read_learned_and_given_to_bambi():
    columns = [f"x{place}" for place in range(500)]
    values = np.random.default_rng(1).normal(size=(N, 500))
    frame = pd.DataFrame(values, columns=columns).assign(y=np.arange(N) % 2)
    specification = ModelSpecification(f"y ~ {' + '.join(columns)}")

    design = learn(specification, validated(frame, specification, None).frame)

    assert names(design) == ["Intercept", *columns]
    assert len(bambi_model.priors_of(bambi_model.build(design), design)) == 501


def test_all_columns_with_a_slash_are_named_at_once():
    with pytest.raises(SpecificationError, match=r"'a/b', 'c/d' in .* have a slash.* rename the columns$"):
        ModelSpecification("y ~ `a/b`:`c/d`")
    with pytest.raises(SpecificationError, match=r"^'a/b' in .* has a slash.* rename the column$"):
        ModelSpecification("y ~ `a/b`:x")
