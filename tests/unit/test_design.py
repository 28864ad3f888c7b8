import numpy as np
import pandas as pd
import pytest
from formulae import design_matrices

from data_science.errors import SpecificationError
from data_science.formula.design import (
    abridged,
    blocks,
    codes_of,
    encode,
    learn,
    levels_of,
    sample_frame,
)
from data_science.formula.encoding import Factor
from data_science.formula.priors import Prior
from data_science.formula.specification import ModelSpecification
from data_science.likelihood.log_joint import Coordinates, Statistics, design_matrix

FORMULAS = [
    "y ~ 1",
    "y ~ 0 + x",
    "y ~ x * z",
    "y ~ g",
    "y ~ 0 + g",
    "y ~ g * h",
    "y ~ g:h",
    "y ~ 0 + g:h",
    "y ~ x:g",
    "y ~ 0 + x:g + g",
    "y ~ x + g:x:h",
    "y ~ C(k) * x",
    "y ~ x + k + C(k):g",
    "y ~ g:h + x:g",
    "y ~ (1 | g)",
    "y ~ (x | g) + (1 | h)",
    "y ~ (0 + x | g)",
    "y ~ (h | g)",
    "y ~ (0 + h | g)",
    "y ~ (1 | g:h)",
    "y ~ (x | g:h) + (1 | g)",
    "y ~ (x:h | g)",
    "y ~ (C(k) | h)",
    "y ~ (1 | g / h)",
    "y ~ (1 | k:g) + k",
]


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(1)
    n_rows = 120
    frame = pd.DataFrame(
        {
            "x": rng.normal(3, 2, n_rows),
            "z": rng.random(n_rows),
            "k": rng.choice([1, 2, 5], n_rows),
            "g": rng.choice(["b", "a", "c d"], n_rows),
            "h": rng.choice(["v", "u"], n_rows),
            "y": rng.integers(0, 2, n_rows),
            "s": rng.integers(0, 4, n_rows),
            "n": rng.integers(4, 9, n_rows),
        }
    )
    return frame[~((frame["g"] == "a") & (frame["h"] == "u"))].reset_index(drop=True)  # one empty cell


def raw_matrix(design, rows) -> np.ndarray:
    n = design.encoding.n_coefficients
    as_it_is = Coordinates(np.zeros(n), np.ones(n), np.ones(len(list(blocks(design.encoding)))), None)
    return np.asarray(design_matrix(design.encoding, rows, as_it_is))


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_design_is_that_of_formulae_on_the_raw_rows(formula, frame):
    design = learn(ModelSpecification(formula), frame)
    theirs = design_matrices(formula, frame)

    ours = raw_matrix(design, encode(design, frame))

    parts = [part for part in (theirs.common, theirs.group) if part is not None]
    columns = {name: dense(term.data) for part in parts for name, term in part.terms.items()}
    assert [term.name for term in design.encoding.terms] == list(columns)
    for term in design.encoding.terms:
        mine, expected = ours[:, design.encoding.slices[term.name]], columns[term.name]
        # formulae runs through the groups slowest, Bambi's coordinates and ours through the expression
        by_group = mine.reshape(len(mine), term.n_expressions, term.n_groups).swapaxes(1, 2)
        np.testing.assert_array_equal(by_group.reshape(mine.shape), expected, err_msg=term.name)


def dense(columns) -> np.ndarray:
    columns = columns.toarray() if hasattr(columns, "toarray") else np.asarray(columns)
    return columns.reshape(len(columns), -1)


@pytest.mark.parametrize(
    ("formula", "names"),
    [
        ("y ~ g:h", ["Intercept", "h", "g:h"]),
        ("y ~ g + g:h", ["Intercept", "g", "g:h"]),
        ("y ~ x:g", ["Intercept", "x:g"]),
        ("y ~ 0 + g:h", ["g:h"]),
    ],
)
def test_margins_that_formulae_adds_are_terms_with_the_common_prior(formula, names, frame):
    narrow = Prior("Normal", mu=0, sigma=0.3)
    design = learn(ModelSpecification(formula, priors={"common": narrow}, standardize=False), frame)

    assert [term.name for term in design.encoding.terms] == names
    assert {design.priors[name] for name in names if name != "Intercept"} == {narrow}


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        (["b", "a", "b"], ("a", "b")),
        ([3, 1, 2], (1, 2, 3)),
        ([True, False], (False, True)),
        (pd.Categorical(["lo", "hi"], ["lo", "hi"], ordered=True), ("lo", "hi")),
        (pd.Categorical(["lo", "hi"], ["lo", "hi"]), ("hi", "lo")),
        (["ß", "z", "ä"], ("z", "ß", "ä")),
    ],
    ids=["text", "integers", "truths", "ordered categories", "unordered categories", "code points"],
)
def test_levels_stand_in_bambis_order(values, levels):
    assert levels_of(pd.Series(values)) == levels


def test_codes_point_at_levels_and_an_unseen_one_is_one_past_the_last():
    codes = codes_of(pd.Series(["b", "a", "x"]), Factor("g", ("a", "b")))

    assert codes.tolist() == [1, 0, 2]


def test_priors_of_slopes_are_per_sd_of_their_columns(frame):
    own = {"common": Prior("Normal", mu=0, sigma=1), "group_sd": Prior("HalfNormal", sigma=1)}
    specification = ModelSpecification("y ~ x * z + x:g + (x | g) + (h | g)", priors=own)

    priors = learn(specification, frame).priors

    x, z = frame["x"].std(ddof=0), frame["z"].std(ddof=0)
    expected = {"x": 1 / x, "z": 1 / z, "x:z": 1 / (x * z), "x:g": 1 / x, "x|g": 1 / x, "1|g": 1, "h|g": 1}
    assert {name: priors[name].arguments["sigma"] for name in expected} == pytest.approx(expected)


def test_without_standardising_priors_are_per_unit(frame):
    own = Prior("Normal", mu=1, sigma=2)
    specification = ModelSpecification("y ~ x * z + (x | g)", priors={"common": own}, standardize=False)

    assert {learn(specification, frame).priors[name] for name in ("x", "z", "x:z")} == {own}


def test_the_intercepts_prior_has_no_unit(frame):
    own = Prior("Normal", mu=-1, sigma=2)

    assert learn(ModelSpecification("y ~ x", priors={"Intercept": own}), frame).priors["Intercept"] == own


def test_rows_hold_successes_and_trials(frame):
    single = encode(learn(ModelSpecification("y ~ x"), frame), frame)
    pooled = encode(learn(ModelSpecification("p(s, n) ~ x"), frame), frame)

    assert single.trials.tolist() == [1.0] * len(frame)
    assert single.successes.tolist() == frame["y"].tolist()
    assert (pooled.successes.tolist(), pooled.trials.tolist()) == (frame["s"].tolist(), frame["n"].tolist())


def test_a_column_may_be_a_number_in_one_term_and_levels_in_another(frame):
    design = learn(ModelSpecification("y ~ k + (1 | k)"), frame)

    rows = encode(design, frame)

    assert rows.numeric["k"].tolist() == frame["k"].tolist()
    assert rows.codes["k"].tolist() == [(1, 2, 5).index(k) for k in frame["k"]]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_design_learned_from_the_sample_frame_has_the_same_encoding(formula, frame):
    design = learn(ModelSpecification(formula), frame)

    again = learn(ModelSpecification(formula), sample_frame(design))

    assert again.encoding == design.encoding


def test_the_sample_frame_keeps_mean_and_sd_and_no_value_of_the_data(frame):
    design = learn(ModelSpecification("y ~ x + z + (1 | g)"), frame)

    sample = sample_frame(design)

    for column in ("x", "z"):
        assert sample[column].mean() == pytest.approx(frame[column].mean())
        assert sample[column].std(ddof=0) == pytest.approx(frame[column].std(ddof=0))
        assert not set(sample[column]) & set(frame[column])


def test_standard_coordinates_have_centred_predictors_of_unit_size(frame):
    design = learn(ModelSpecification("y ~ x * g + (x | h)"), frame)
    rows = encode(design, frame)
    at = Coordinates.of(design, Statistics.of(design.encoding, rows))

    matrix = np.asarray(design_matrix(design.encoding, rows, at))

    n_common = sum(term.n_coefficients for term in design.encoding.common)
    np.testing.assert_allclose(matrix[:, 1:n_common].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose((matrix[:, 1:n_common] ** 2).mean(axis=0), 1, rtol=1e-12)
    np.testing.assert_array_equal(matrix[:, 0], 1)


def test_standard_and_raw_coordinates_give_the_same_linear_predictor_and_invert_each_other(frame):
    design = learn(ModelSpecification("y ~ x * g + (x | h) + (1 | k)"), frame)
    rows = encode(design, frame)
    at = Coordinates.of(design, Statistics.of(design.encoding, rows))
    x = np.random.default_rng(2).normal(size=(5, design.encoding.n_coefficients))

    raw = at.to_raw(x)

    standard = np.asarray(design_matrix(design.encoding, rows, at)) @ x.T
    np.testing.assert_allclose(raw_matrix(design, rows) @ raw.T, standard, atol=1e-12)
    np.testing.assert_allclose(at.from_raw(raw), x, atol=1e-12)


def test_without_an_intercept_nothing_is_centred(frame):
    design = learn(ModelSpecification("y ~ 0 + x + g"), frame)

    at = Coordinates.of(design, Statistics.of(design.encoding, encode(design, frame)))

    assert at.intercept is None
    assert not at.centre.any()


def test_products_of_balanced_columns_are_not_constant_in_the_sample_frame():
    """Formulae, and so Bambi, refuses a constant term."""
    columns = {name: np.resize(np.repeat([0, 1], 2**k), 16) for k, name in enumerate("abcd")}
    frame = pd.DataFrame({**columns, "y": np.resize([0, 1], 16)})
    formula = "y ~ a * b * c * d"
    design = learn(ModelSpecification(formula), frame)

    matrices = design_matrices(formula, sample_frame(design))

    assert len(matrices.common.terms) == 16


@pytest.mark.parametrize("n_levels", [None, 2])
def test_an_abridged_design_has_the_same_terms_and_priors_with_the_first_few_levels(n_levels):
    frame = pd.DataFrame({"g": range(40), "h": ["u", "v"] * 20, "x": np.arange(40.0), "y": [0, 1] * 20})
    design = learn(ModelSpecification("y ~ x * h + (h | g) + (1 | g:h)"), frame)

    short = abridged(design) if n_levels is None else abridged(design, n_levels)

    expected = tuple(range(n_levels or 3))
    assert [(f.column, f.levels) for f in short.encoding.factors] == [("h", ("u", "v")), ("g", expected)]
    assert [term.name for term in short.encoding.terms] == [term.name for term in design.encoding.terms]
    assert (short.priors, short.means, short.sds) == (design.priors, design.means, design.sds)
    for one, other in zip(short.encoding.terms, design.encoding.terms, strict=True):
        assert one.numeric == other.numeric
        assert [c.reduced for c in one.codings] == [c.reduced for c in other.codings]
        assert [g.column for g in one.groups] == [g.column for g in other.groups]


@pytest.mark.parametrize(
    ("formula", "has"), [("y ~ x", True), ("y ~ 0 + x", False), ("y ~ 0 + (1 | g)", False)]
)
def test_a_design_knows_whether_it_has_an_intercept(formula, has, frame):
    assert learn(ModelSpecification(formula), frame).has_intercept is has


def test_each_sd_belongs_to_a_term_and_a_column_of_its_expression(frame):
    design = learn(ModelSpecification("y ~ x + (h | g) + (0 + x | k)"), frame)

    assert [(term.name, column) for term, column in blocks(design.encoding)] == [
        *(("1|g", 0), ("h|g", 0), ("x|k", 0))
    ]


@pytest.mark.parametrize(("formula", "trials"), [("y ~ x + (1 | g)", None), ("p(s, n) ~ x", [1] * 4)])
def test_the_sample_frame_has_a_response_of_both_classes(formula, trials, frame):
    design = learn(ModelSpecification(formula), frame)

    sample = sample_frame(design)

    assert sample[design.specification.response.successes].tolist()[:4] == [0, 1, 0, 1]
    assert len(sample) == 4
    if trials:
        assert sample["n"].tolist() == trials


def test_the_sample_frame_has_a_row_for_every_level():
    frame = pd.DataFrame({"g": range(40), "y": [0, 1] * 20})

    sample = sample_frame(learn(ModelSpecification("y ~ (1 | g)"), frame))

    assert sample["g"].tolist() == list(range(40))


def test_what_formulae_cannot_code_is_refused_with_the_way_out(frame):
    with pytest.raises(SpecificationError, match=r"cannot code 'y ~ g:C\(k\)' .*: write the margins"):
        learn(ModelSpecification("y ~ g:C(k)"), frame)
