"""Functions, contrasts and offsets of random formulas, learned, stored and served: against formulae's own predict."""

import json
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from formulae import design_matrices
from formulae.transforms import TRANSFORMS

from data_science.errors import FeatureError, SchemaError, SpecificationError
from data_science.formula.bases import b_splines
from data_science.formula.design import encode, learn
from data_science.formula.encoding import Encoding
from data_science.formula.functions import FUNCTIONS, NUMPY
from data_science.formula.specification import ModelSpecification
from data_science.formula.training_data import validated
from data_science.prediction.predictor import Predictor

N_FORMULAS, TOLERANCE = 40, 1e-12
NAMESPACE = {"np": np} | {name: getattr(np, name) for name in NUMPY}
NUMBERS = [
    "x", "z", "k", "scale(x)", "center(z)", "standardize(k)", "log(x)", "np.log1p(x)", "sqrt(x)", "np.exp(z)",
    "abs(z)", "np.log2(x)", "I(x**2)", "{x*z}", "I((x - 1) * (k + 2)**-1.0)", "I(-z)", "scale(np.log(x))",
    "center(abs(z))", "square(z)", "expm1(z)", "np.log10(k)", "exp2(z)",
]  # fmt: skip
BASES = [
    "bs(x, df=5)", "bs(z, 4, degree=2)", "bs(x, df=4, intercept=True)", "bs(x, df=3, lower_bound=0, upper_bound=9)",
    "bs(z, df=3, degree=1)", "poly(x, 3)", "poly(z, 2, raw=True)", "poly(np.log(x), degree=2)", "bs(scale(x), df=4)",
]  # fmt: skip
LEVELS = [
    "g",
    "h",
    "C(k)",
    "S(g)",
    "C(g, Sum('b'))",
    "T(g, 'c')",
    "C(g, Treatment('b'))",
    "S(k)",
    "T(k, 3)",
    "S(o)",
    "o",
]
OFFSETS = ["offset(z)", "offset(log(x))", "offset(np.sqrt(k) / 2)"]


def frame(seed, n_rows=90, stretch=1.0):
    """Rows; stretched beyond the range of the others where asked for."""
    rng = np.random.default_rng(seed)
    found = pd.DataFrame(
        {
            "y": np.arange(n_rows) % 2,
            "x": 2 + stretch * rng.uniform(-1, 1.5, n_rows),
            "z": stretch * rng.normal(size=n_rows),
            "k": rng.integers(1, 5, n_rows),
            "g": rng.choice(["a", "b", "c"], n_rows),
            "h": rng.choice(["u", "v"], n_rows),
        }
    )
    order = pd.CategoricalDtype(["lo", "mid", "hi"], ordered=True)
    return found.assign(o=pd.Categorical(rng.choice(order.categories, n_rows), dtype=order))


def formulas(rng):
    """Formulas of one to four terms of every kind, with the margins of interactions."""
    for _ in range(N_FORMULAS):
        terms = []
        for _ in range(rng.integers(1, 4)):
            number, basis, level = (rng.choice(kind) for kind in (NUMBERS, BASES, LEVELS))
            group = rng.choice(["g", "h", "g:h"])
            kinds = [
                number, basis, level, f"{level} + {number}:{level}", f"{level} + {basis}:{level}",
                f"{basis}:{number}", f"({number} | {group})", f"({basis} | {group})", f"(0 + {basis} | {group})",
            ]  # fmt: skip
            terms.append(str(rng.choice(kinds)))
        yield " + ".join(["y ~ 1", *terms, *rng.choice(OFFSETS, rng.integers(0, 2))])


def theirs(formula, trained, frames):
    """Columns of formulae's design on each of the frames, by term."""
    matrices = design_matrices(formula, trained, extra_namespace=NAMESPACE)
    parts = [part for part in (matrices.common, matrices.group) if part is not None]
    for rows in frames:
        found = {}
        for on_rows in (part.evaluate_new_data(rows) for part in parts):
            matrix = on_rows.design_matrix
            matrix = matrix.toarray() if hasattr(matrix, "toarray") else np.asarray(matrix)
            found |= {name: matrix[:, own].reshape(len(rows), -1) for name, own in on_rows.slices.items()}
        yield found


def predictor_of(encoding, rng):
    """Made-up coefficients for what was read back from JSON."""
    stored = Encoding.from_json(json.loads(json.dumps(encoding.to_json())))
    coefficients = rng.normal(0, 0.3, stored.n_coefficients)
    return Predictor(stored, coefficients, coefficients[None], np.ones((1, stored.n_sds)))


def parts_of(encoding, columns, coefficients):
    """What each term adds to the linear predictor by formulae's columns; offsets as they are."""
    parts = {name: own[:, 0] for name, own in columns.items() if name.startswith("offset(")}
    for term in encoding.terms:
        own = coefficients[encoding.slices[term.name]].reshape(term.n_expressions, term.n_groups)
        parts[term.name] = columns[term.name] @ (own.T.ravel() if term.groups else own.ravel())
    return parts


def test_random_formulas_give_formulaes_predictor_on_training_rows_new_rows_and_beyond_their_range():
    rng, trained = np.random.default_rng(20261129), frame(1)
    on_rows = [trained, frame(2), frame(3, 40, stretch=1.3)]
    worst, seen = 0.0, set()
    for formula in formulas(rng):
        try:
            expected = [*theirs(formula, trained, on_rows)]
        except (AttributeError, TypeError):  # formulae cannot compare a call of a call with others
            with pytest.raises(SpecificationError):
                learn(ModelSpecification(formula), trained)
            continue
        predictor = predictor_of(learn(ModelSpecification(formula), trained).encoding, rng)
        for rows, columns in zip(on_rows, expected, strict=True):
            parts = parts_of(predictor.encoding, columns, predictor.coefficients)
            eta = predictor.tables.logits(predictor.reader.all_rows(rows), predictor.coefficients)
            one = {name: float(values[7]) for name, values in parts.items()}
            mine = predictor.explain(rows.iloc[7].to_dict())
            size = 1 + np.sum([np.abs(values) for values in parts.values()], axis=0)  # of what is summed

            worst = max(worst, float(np.max(np.abs(eta - sum(parts.values())) / size)))
            assert mine == pytest.approx(one, rel=TOLERANCE, abs=TOLERANCE * size[7]), formula
            assert predictor.scorer.logit(rows.iloc[7].to_dict()) == pytest.approx(
                eta[7], abs=TOLERANCE * size[7]
            )
        seen |= {type(c).__name__ for t in predictor.encoding.terms for c in t.codings}
    assert worst < TOLERANCE
    assert seen == {"Basis", "Coding"}


def test_splines_are_scipys_to_the_last_digits_whatever_the_degree_the_knots_and_the_range():
    rng = np.random.default_rng(0)
    columns = [rng.normal(size=80), rng.integers(0, 6, 80).astype(float), np.abs(rng.standard_t(2, 80))]
    for degree in range(7):
        for more in (1, 3, 6):
            for x in columns:
                transform = TRANSFORMS["bs"]()
                transform(pd.Series(x), df=degree + more, degree=degree, intercept=True)
                rows = np.r_[x, np.linspace(x.min() - 1, x.max() + 1, 41)]

                found = np.stack(b_splines(rows, transform._knots, degree), axis=1)

                np.testing.assert_allclose(found, transform(pd.Series(rows)), rtol=TOLERANCE, atol=TOLERANCE)


def test_polynomials_are_orthonormal_in_exact_arithmetic():
    x = [Fraction(n * n, 7) for n in range(9)]
    rows = pd.DataFrame({"y": np.arange(9) % 2, "x": [float(value) for value in x]})

    read = encode(design := learn(ModelSpecification("y ~ poly(x, 3)"), rows), rows).numeric

    basis = np.stack([read[column] for column in design.encoding.terms[1].codings[0].columns])
    np.testing.assert_allclose(basis @ basis.T, np.eye(3), atol=TOLERANCE)
    np.testing.assert_allclose(basis.sum(axis=1), 0, atol=TOLERANCE)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_a_state_of_json_types(name):
    arguments = {"bs": ", df=4", "poly": ", 2"}.get(name, "")

    encoding = learn(ModelSpecification(f"y ~ {name}(x{arguments})"), frame(1)).encoding

    assert json.loads(json.dumps(encoding.to_json())) == encoding.to_json()
    assert Encoding.from_json(encoding.to_json()).to_json() == encoding.to_json()


@pytest.mark.parametrize(
    ("formula", "row", "message"),
    [
        (
            "y ~ log(x)",
            {"x": -1.0},
            r"log\(x\) has no finite value where x = -1.0; expected a number above 0",
        ),
        ("y ~ log(x)", {"x": 0}, r"log\(x\) has no finite value where x = 0.0"),
        ("y ~ h + z + offset(log(x))", {"x": 0}, r"offset\(log\(x\)\) has no finite value where x = 0.0"),
        (
            "y ~ z + offset(z / x)",
            {"x": 0.0},
            r"offset\(z / x\) has no finite value where z = 1.0, x = 0.0; expected numbers",
        ),
        ("y ~ bs(sqrt(x), df=4)", {"x": -2}, r"bs\(sqrt\(x\), df=4\) has no finite value .* a number from 0"),
        (
            "y ~ exp(x)",
            {"x": 1e3},
            r"exp\(x\) has no finite value where x = 1000.0; expected a number up to 700",
        ),
        ("y ~ scale(x)", {"x": "2"}, r"x is '2' \(str\); expected a finite number"),
        ("y ~ scale(x)", {"x": float("nan")}, r"x is nan \(float\); expected a finite number"),
        (
            "y ~ z + offset(x)",
            {"x": ...},
            r"x is missing \(offset\(x\) needs it\); expected the columns z, x",
        ),
        (
            "y ~ S(g)",
            {"g": "q"},
            r"g is 'q' \(str\), a level not seen in training; expected one of 'a', 'b', 'c'",
        ),
        ("y ~ T(g, 'b')", {"g": 2}, r"g is 2 \(int\); expected text"),
    ],
)
def test_a_row_that_cannot_be_scored_is_refused_by_the_terms_own_name_alone_and_in_a_batch(
    formula, row, message
):
    predictor = predictor_of(learn(ModelSpecification(formula), frame(1)).encoding, np.random.default_rng(1))
    good = {"x": 2.0, "z": 1.0, "g": "a", "h": "u"}
    bad = {name: value for name, value in (good | row).items() if value is not ...}

    with pytest.raises(FeatureError, match=f"^{message}"):
        predictor.predict_one(bad)
    batch = pd.DataFrame([{name: good[name] for name in bad}, bad])
    where = "" if "missing" in message else "row 1: "
    with pytest.raises(FeatureError, match=f"^{where}{message}"):
        predictor.predict_batch(batch.astype(object) if "'2'" in message else batch)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (
            "y ~ log(z)",
            r"row \d+: log\(z\) has no finite value where z = -.*; expected a number above 0. Correct",
        ),
        ("y ~ x + offset(log(z))", r"offset\(log\(z\)\) has no finite value"),
        ("y ~ scale(g)", "g"),
        ("y ~ I(x - x)", r"I\(x - x\) is 0.0 in every row; expected at least two values"),
        ("y ~ x + offset(missing)", "missing"),
    ],
)
def test_training_rows_on_which_a_function_is_not_defined_are_refused_by_its_name(formula, message):
    specification, rows = ModelSpecification(formula), frame(1)

    with pytest.raises(SchemaError, match=message):
        learn(specification, validated(rows, specification, None).frame)


def test_a_contrast_that_names_no_level_is_refused_with_the_levels_there_are():
    with pytest.raises(
        SpecificationError, match=r"names 'q', which is no level of 'g'; expected one of 'a', 'b', 'c'"
    ):
        learn(ModelSpecification("y ~ T(g, 'q')"), frame(1))


def test_a_prior_per_sd_of_a_basis_has_the_sd_of_each_of_its_columns_as_unit():
    design = learn(ModelSpecification("y ~ bs(x, df=4):z + S(g):bs(z, df=3)"), frame(1))

    read = encode(design, frame(1)).numeric

    for term in design.encoding.terms[1:]:
        for column in range(term.n_expressions):
            basis = term.bases[-1]
            name = basis.columns[column % len(basis.columns)]
            unit = read[name].std() * np.prod([read[numeric].std() for numeric in term.numeric])
            assert design.prior(term, column).arguments["sigma"] == pytest.approx(1 / unit)
