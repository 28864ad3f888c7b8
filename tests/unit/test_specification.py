import pytest

from data_science.data.responses import Response
from data_science.errors import SpecificationError
from data_science.formula.priors import Prior
from data_science.formula.specification import DEFAULT_FORMULA, DEFAULT_PRIORS, ModelSpecification

NARROW, WIDE = Prior("Normal", mu=0, sigma=0.1), Prior("Normal", mu=0, sigma=10)
HALF, EXPONENTIAL = Prior("HalfNormal", sigma=2), Prior("Exponential", lam=1)

FORMULA_TO_TERMS = {
    DEFAULT_FORMULA: ["Intercept", "scd_a", "scd_b", "1|attr_a", "1|attr_b"],
    "y ~ 1": ["Intercept"],
    "y ~ x": ["Intercept", "x"],
    "y ~ 0 + g": ["g"],
    "y ~ x - 1": ["x"],
    "y ~ a * b": ["Intercept", "a", "b", "a:b"],
    "y ~ a * b * c - a:b:c": ["Intercept", "a", "b", "a:b", "c", "a:c", "b:c"],
    "y ~ C(k) + C(k):x": ["Intercept", "C(k)", "C(k):x"],
    "y ~ x + (x | g)": ["Intercept", "x", "1|g", "x|g"],
    "y ~ x + (0 + x | g)": ["Intercept", "x", "x|g"],
    "y ~ (1 | g:h)": ["Intercept", "1|g:h"],
    "y ~ (1 | g / h)": ["Intercept", "1|g", "1|g:h"],
    "y ~ (c | g) + (1 | h)": ["Intercept", "1|g", "c|g", "1|h"],
    "y ~ (a:b | g)": ["Intercept", "1|g", "a:b|g"],
    "y ~ 0 + (1 | g)": ["1|g"],
    "p(hits, at_bats) ~ 1 + (1 | player)": ["Intercept", "1|player"],
    "proportion(hits, at_bats) ~ x": ["Intercept", "x"],
    "y ~ log(x) + np.sqrt(z) + {x*z}": ["Intercept", "log(x)", "np.sqrt(z)", "I(x * z)"],
    "y ~ bs(x, df=5):g + (scale(z) | h)": ["Intercept", "bs(x, df=5):g", "1|h", "scale(z)|h"],
    "y ~ S(g) + T(h, 'b') + C(k, Sum) + offset(log(n))": ["Intercept", "S(g)", "T(h, 'b')", "C(k, Sum)"],
    "y ~ `applicant.gender` + dept": ["Intercept", "applicant.gender", "dept"],
}


@pytest.mark.parametrize(("formula", "names"), FORMULA_TO_TERMS.items(), ids=FORMULA_TO_TERMS)
def test_a_formula_of_the_class_is_read_into_bambis_terms(formula, names):
    assert [term.name for term in ModelSpecification(formula).terms] == names


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        (
            "y ~ mine(x)",
            r"'mine' in 'mine\(x\)' .* is not a function that can be served; expected one of scale",
        ),
        ("y ~ np.sin(x)", r"'np.sin' .* Add the computed column to the table instead"),
        ("y ~ numpy.log(x)", r"'numpy.log' .* is not known; write np.log"),
        ("y ~ x + offset(x):g", r"'offset\(x\)' .* is no term of its own"),
        ("y ~ x + offset(2)", "reads no column"),
        ("y ~ 0 + offset(x)", "has nothing to estimate"),
        (
            "y ~ bs(x)",
            r"cannot be computed \(Must specify either 'df' or 'knots'\); expected bs\(column, df=",
        ),
        ("y ~ bs(x, df=2)", "df=2 is too small for degree=3"),
        ("y ~ poly(x, 99, raw=True)", r"the degree is 99; expected at most 64"),
        ("y ~ bs(x, df=n)", r"'n' in 'bs\(x, df=n\)' .* is not a constant"),
        ("y ~ bs(x, knots=[1, 2])", "Lists cannot be written: give df instead of knots"),
        (
            "y ~ poly(x, 2, raws=True)",
            r"gives poly\(\) \['raws'\]; expected poly\(column, degree=..., raw=...\)",
        ),
        ("y ~ I(poly(x, 2) * z)", r"computes with the columns of poly\(\): make it a term of its own"),
        ("y ~ hsgp(x, m=5, c=1.5)", r"write bs\(x, df=...\) with enough df"),
        (
            "y ~ C(k, Helmert)",
            r"has a contrast that is not known; expected Treatment, Treatment\('level'\), Sum",
        ),
        ("y ~ C(k, levels=l)", "give the column an ordered category dtype"),
        ("y ~ C(k, levels=[1, 2])", "levels by an ordered category dtype"),
        ("y ~ (1 | T(g, 'b'))", "groups by a function"),
        ("y ~ (x || g)", r"write 'y ~ \(x \| g\)'"),
        ("y ~ I((x + 1) * z) + I(x + 1 * z)", "has two meanings"),
        ("y ~ log(x) + `log(x)`", "has two meanings"),
        ("y ~ I(x > 2)", r"'x > 2' in 'I\(x > 2\)' .* is no arithmetic"),
        ("y ~ I(2)", "reads no column"),
        ("y ~ scale(log(x)) + scale(z)", "in one order only: swap them"),
        ("y ~ 2 + x", "2 in .* is a constant or selects a level"),
        ("y ~ g['b']", "'g' in .* is a constant or selects a level"),
        ("y ~ x | g", r"'\| g' follows its end"),
        ("y ~ x + 1 | g + z", r"'\| g \+ z' follows its end"),
        ("y ~ x z", "'z' follows its end"),
        ("y ~ C(x > 1)", "takes a column; Add the computed column to the table instead"),
        ("y ~ (1 | log(g))", "groups by a function"),
        ("x + z", "has no response"),
        ("y ~ 0", "has nothing to estimate"),
        ("y ~ x + y", r"predicts the response from itself: \['y'\]"),
        ("p(s, n) ~ n", r"predicts the response from itself: \['n'\]"),
        ("p(s, 10) ~ x", "is neither a 0/1 column nor p"),
        ("log(y) ~ x", "is neither a 0/1 column nor p"),
        ("c(y, z) ~ x", "is neither a 0/1 column nor p"),
        ("y ~ x +", "cannot be read"),
        ("y ~ (1 | g", "cannot be read"),
        ("", "cannot be read"),
        (None, "the formula is None; expected a string"),
    ],
    ids=str,
)
def test_a_formula_outside_the_class_is_refused_with_the_reason(formula, reason):
    with pytest.raises(SpecificationError, match=reason):
        ModelSpecification(formula)


@pytest.mark.parametrize(
    ("formula", "response"),
    [
        ("y ~ 1", Response("y")),
        ("p(s, n) ~ 1", Response("s", "n")),
        ("prop(s, n) ~ 1", Response("s", "n")),
        ("proportion(s, n) ~ 1", Response("s", "n")),
    ],
)
def test_the_response_is_a_column_or_successes_out_of_trials(formula, response):
    assert ModelSpecification(formula).response == response


def test_columns_are_listed_once_in_order_of_first_use():
    specification = ModelSpecification("y ~ b * a + C(k) + (b | g:h)")

    assert specification.columns == ("b", "a", "k", "g", "h")


def test_the_default_specification_is_the_documented_one():
    specification = ModelSpecification()

    assert specification == ModelSpecification(DEFAULT_FORMULA, priors={}, standardize=True)
    assert [str(specification.prior(term)) for term in specification.terms] == [
        "Normal(mu=0, sigma=1.5)",
        "Normal(mu=0, sigma=1)",
        "Normal(mu=0, sigma=1)",
        "HalfNormal(sigma=1)",
        "HalfNormal(sigma=1)",
    ]


@pytest.mark.parametrize(
    ("priors", "expected"),
    [
        ({}, {"Intercept": DEFAULT_PRIORS["Intercept"], "1|h": DEFAULT_PRIORS["group_sd"]}),
        ({"common": NARROW}, {"Intercept": DEFAULT_PRIORS["Intercept"], "x": NARROW, "z": NARROW}),
        ({"common": NARROW, "z": WIDE}, {"x": NARROW, "z": WIDE}),
        ({"group_sd": HALF, "x|g": EXPONENTIAL}, {"1|g": HALF, "x|g": EXPONENTIAL, "1|h": HALF}),
        ({"Intercept": WIDE}, {"Intercept": WIDE, "x": DEFAULT_PRIORS["common"]}),
    ],
    ids=["defaults", "common", "a term's own name wins", "group sds", "intercept"],
)
def test_a_prior_is_the_terms_own_else_its_kinds_else_the_default(priors, expected):
    specification = ModelSpecification("y ~ x + z + (x | g) + (1 | h)", priors=priors)

    found = {term.name: specification.prior(term) for term in specification.terms}

    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("name", ["common", "group_sd"])
def test_a_prior_for_a_term_that_shares_its_key_with_many_is_refused(name):
    assert ModelSpecification(f"y ~ {name} + x").columns == (name, "x")

    with pytest.raises(SpecificationError, match=f"'{name}', which is both a term of .*: rename the column"):
        ModelSpecification(f"y ~ {name} + x", priors={name: NARROW})


@pytest.mark.parametrize(
    ("priors", "reason"),
    [
        ({"w": NARROW}, r"a prior is given for 'w', which is not a term of 'y ~ x \+ \(1 \| g\)'"),
        ({"1 | g": HALF}, r"expected one of \['1\|g', 'Intercept', 'common', 'group_sd', 'x'\]"),
        ({"x": 2.5}, "the prior of 'x' is 2.5; expected data_science.Prior"),
        ({"x": HALF}, "HalfNormal is the prior of 'x', a coefficient; expected one of Normal"),
        ({"group_sd": NARROW}, r"Normal is the prior of '1\|g', a standard deviation; expected one of HalfN"),
        ({"Intercept": EXPONENTIAL}, "Exponential is the prior of 'Intercept', a coefficient"),
    ],
)
def test_a_prior_for_nothing_or_of_the_wrong_kind_is_refused(priors, reason):
    with pytest.raises(SpecificationError, match=reason):
        ModelSpecification("y ~ x + (1 | g)", priors=priors)


def test_a_specification_is_a_value():
    first = ModelSpecification("y ~ x", priors={"x": NARROW})
    second = ModelSpecification("y ~ x", priors={"x": Prior("Normal", mu=0, sigma=0.1)})

    assert first == second
    assert hash(first) == hash(second)
    assert first != ModelSpecification("y ~ x")


def test_a_specification_keeps_its_own_copy_of_the_priors():
    priors = {"x": NARROW}
    specification = ModelSpecification("y ~ x", priors=priors)

    priors["x"] = WIDE

    assert specification.priors == {"x": NARROW}


def test_a_specification_is_stored_with_every_prior_written_out():
    assert ModelSpecification("y ~ x", priors={"x": NARROW}, standardize=False).to_json() == {
        "formula": "y ~ x",
        "priors": {
            "Intercept": {"name": "Normal", "mu": 0.0, "sigma": 1.5},
            "x": {"name": "Normal", "mu": 0.0, "sigma": 0.1},
        },
        "standardize": False,
    }
