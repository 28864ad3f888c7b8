"""Effects that the data push to infinity are refused before anything is drawn, unless a prior holds them."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

import data_science
from data_science import BayesianLogitModel, FitSettings, ModelSpecification, Prior
from data_science.fitting.posterior_on import posed
from data_science.formula.design import encode, learn
from data_science.likelihood import separation
from data_science.likelihood.separation import SeparationError, require_held

FLAT = Prior("Normal", mu=0, sigma=1e6)
WIDE = {"Intercept": FLAT, "common": FLAT}
RNG = np.random.default_rng(3)
X = np.linspace(-1, 1, 40)
NOISE = RNG.normal(size=40)
STEP = pd.DataFrame({"y": (X > 0.3).astype(int), "x": X, "w": NOISE})
QUASI = pd.DataFrame({"y": [0, 1] * 15 + [1] * 10, "f": ["a"] * 30 + ["b"] * 10, "x": X})
COUNTS = pd.DataFrame({"y": [5, 0, 0, 5], "n": 5, "x": [4.0, 1, 2, 3]})
LEVELS = pd.DataFrame({"y": np.repeat([0, 1], 30), "g": np.repeat(list("abcdef"), 10)})


def checked(formula, frame, priors, **options):
    specification = ModelSpecification(formula, priors=priors, **options)
    design = learn(specification, frame)
    require_held(design, encode(design, frame))


@pytest.mark.parametrize(
    ("formula", "frame", "priors", "named"),
    [
        ("y ~ x", STEP, WIDE, "x separates the response"),
        ("y ~ w + x", STEP, WIDE, "x separates"),
        ("y ~ x", STEP.assign(x=X + 2_000), WIDE, "x separates"),
        ("y ~ x", STEP.assign(x=1e-6 * X), WIDE, "x separates"),
        ("y ~ x", STEP.assign(y=(X > 0).astype(int)), {"x": FLAT}, "x separates"),
        ("y ~ x", STEP.assign(x=np.sign(X - 0.3) * X**2 + (X > 0.3)), WIDE, "x separates"),
        ("y ~ x + w", STEP.assign(y=(X + NOISE > 0).astype(int)), WIDE, "x and w separate the response"),
        ("y ~ x + f", QUASI, WIDE, "f separates"),
        ("y ~ x * f", QUASI, {"Intercept": FLAT, "f": FLAT}, "f separates"),
        ("p(y, n) ~ x", COUNTS, WIDE, "x separates"),
        ("y ~ x + (1 | g)", STEP.assign(g=["a", "b"] * 20), WIDE, "x separates"),
        ("y ~ bs(x, df=4)", STEP, WIDE, "bs(x, df=4) separates"),
        ("y ~ 1 + (1 | g)", LEVELS, {"group_sd": Prior("HalfNormal", sigma=1e6)}, "1|g separates"),
        ("y ~ 1 + (1 | g)", LEVELS, {"1|g": Prior("Exponential", lam=1e-4)}, "1|g separates"),
    ],
)  # fmt: skip
def test_what_separates_the_response_is_refused_by_name(formula, frame, priors, named):
    with pytest.raises(SeparationError, match=re.escape(named)):
        checked(formula, frame, priors)


@pytest.mark.parametrize(
    ("formula", "frame", "priors"),
    [
        ("y ~ x", STEP, {"common": Prior("Normal", mu=0, sigma=10)}),
        ("y ~ x", STEP, {"common": Prior("Cauchy", alpha=0, beta=2.5)}),
        ("y ~ x", STEP, {}),
        ("y ~ x", STEP, {"x": FLAT}),  # the intercept's prior holds the line that separates
        ("y ~ w", STEP, WIDE),
        ("y ~ x", STEP.assign(y=np.where(NOISE.max() == NOISE, 1 - STEP["y"], STEP["y"])), WIDE),
        ("y ~ x + f", QUASI.assign(y=[0, 1] * 20), WIDE),
        ("y ~ x + f", QUASI, {"x": FLAT}),
        ("y ~ x + f", QUASI, {"f": FLAT}),
        ("p(y, n) ~ x", COUNTS.assign(y=[5, 1, 0, 5]).iloc[::-1].assign(x=[4.0, 1, 3, 2]), WIDE),
        ("y ~ 1 + (1 | g)", LEVELS, {"group_sd": Prior("HalfNormal", sigma=10)}),
        ("y ~ 1 + (1 | g)", LEVELS.assign(y=[0, 1] * 30), {"group_sd": Prior("HalfNormal", sigma=1e6)}),
    ],
)
def test_what_a_prior_or_a_row_holds_is_not_refused(formula, frame, priors):
    checked(formula, frame, priors)


@pytest.mark.parametrize("seed", range(40))
def test_it_is_found_in_random_designs_exactly_where_a_programme_on_all_rows_finds_it(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(8, 40)), int(rng.integers(1, 4))
    columns = np.where(rng.random(k) < 0.5, rng.normal(size=(n, k)), rng.integers(0, 3, (n, k)))
    logits = columns @ rng.normal(0, 3, k)
    frame = pd.DataFrame(columns, columns=list("abcd")[:k]).assign(y=(rng.logistic(size=n) < logits) * 1)
    frame.loc[[0, 1], "y"] = [0, 1]
    monkeypatch.setattr(separation, "_ROWS_AT_ONCE", 5)  # so that rows have to be added
    signed = np.column_stack([np.ones(n), columns]) * np.where(frame["y"] == 1, 1, -1)[:, None]
    found = linprog(-signed.sum(0), A_ub=-signed, b_ub=np.zeros(n), bounds=[(-1, 1)] * (k + 1))

    separated = -found.fun > 1e-6
    try:
        checked("y ~ " + " + ".join(frame.columns[:k]), frame, WIDE, standardize=False)
        ours = False
    except SeparationError:
        ours = True

    assert ours is separated


def test_it_is_refused_before_the_rows_are_compressed_and_the_remedy_is_the_model_that_fits():
    with pytest.raises(SeparationError) as refused:
        posed(STEP, ModelSpecification("y ~ x", priors=WIDE), FitSettings())

    argument = re.search(r"specification=(ModelSpecification\(.*\))$", str(refused.value))[1]
    specification = eval(argument, {n: getattr(data_science, n) for n in ("ModelSpecification", "Prior")})
    assert BayesianLogitModel(specification, engine="nested-laplace", seed=1).fit(STEP)


def test_default_priors_cost_nothing(monkeypatch):
    monkeypatch.setattr(separation, "standard_priors", lambda *_: pytest.fail("looked at"))

    checked("y ~ x", STEP, {})
