"""Which candidates are fitted, by what, under which names; the fits themselves are made by hand."""

import inspect
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hand_made import clients, learned

from data_science import compare
from data_science.engines.posterior import Posterior
from data_science.engines.registry import FitSettings
from data_science.errors import SpecificationError
from data_science.evaluation import candidates
from data_science.evaluation.candidates import QUICK, against_baseline, baseline_of, fit_candidates
from data_science.fitting import posterior_on
from data_science.fitting.posterior_on import Fitted, Problem
from data_science.formula.priors import Prior
from data_science.formula.specification import ModelSpecification

PRIORS = {
    "Intercept": Prior("StudentT", nu=4, mu=-2, sigma=0.3),
    "common": Prior("Normal", mu=0, sigma=0.1),
    "group_sd": Prior("HalfNormal", sigma=0.2),
    "scd_a": Prior("Normal", mu=1, sigma=5),
    "1|attr_a": Prior("Exponential", lam=3),
}
FRAME = clients(200)
POSTERIOR = Posterior(np.zeros((1, 1, 1)), np.zeros((1, 1, 0)), {}, {"engine": "nuts"})


@pytest.fixture
def recorded(monkeypatch):
    """Record every fit asked for, and give back what is compared."""
    fits = []

    def fit(frame, specification, settings):
        fits.append((specification, settings, frame))
        return Fitted(Problem(learned(specification.formula), None, None), f"posterior {len(fits)}")

    monkeypatch.setattr(candidates, "posterior_on", fit)
    monkeypatch.setattr(candidates, "compare_fitted", lambda found, _: found)
    return fits


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("response", ["label", "p(sick, size)"])
def test_the_baseline_keeps_response_unit_and_the_intercepts_prior_and_no_other(response, standardize):
    formula = f"{response} ~ 1 + scd_a + (1 | attr_a)"

    baseline = baseline_of(ModelSpecification(formula, priors=PRIORS, standardize=standardize))

    assert baseline == ModelSpecification(
        f"{response} ~ 1", priors={"Intercept": PRIORS["Intercept"]}, standardize=standardize
    )


@pytest.mark.parametrize(
    ("formula", "baseline"),
    [
        ("y ~ x + offset(`a-b`) + offset(log(`my col`))", "y ~ 1 + offset(`a-b`) + offset(log(`my col`))"),
        ("y ~ (x + offset((a + 1) * (b - 2))) + g", "y ~ 1 + offset((a+1)*(b-2))"),
        ("y ~ offset(z) + x - offset(z) + offset(a)", "y ~ 1 + offset(a)"),
        ("`a~b` ~ offset(`c~d`) + (1 | g)", "`a~b` ~ 1 + offset(`c~d`)"),
    ],
)
def test_the_baseline_reads_the_same_offsets_however_they_are_written(formula, baseline):
    specification = ModelSpecification(formula)

    found = baseline_of(specification)

    assert found.formula == baseline
    assert found.offsets == specification.offsets


def test_a_baseline_without_a_stated_prior_has_the_default_one():
    assert baseline_of(ModelSpecification("label ~ scd_a")) == ModelSpecification("label ~ 1")


def test_candidates_are_named_by_their_formulas_and_numbered_where_two_are_alike(recorded):
    one, two = ModelSpecification("label ~ 1"), ModelSpecification("label ~ scd_a")
    again = ModelSpecification("label ~ scd_a", priors={"scd_a": PRIORS["scd_a"]})

    found = fit_candidates([two, one, again], FRAME, QUICK)

    assert list(found) == ["label ~ scd_a [1]", "label ~ 1", "label ~ scd_a [3]"]
    assert [specification for specification, _, _ in recorded] == [two, one, again]
    assert [fit.posterior for fit in found.values()] == ["posterior 1", "posterior 2", "posterior 3"]
    for _, _, frame in recorded:
        pd.testing.assert_frame_equal(frame, FRAME)


def test_candidates_are_fitted_by_nested_laplace_alone_unless_told_otherwise(recorded):
    pair = [ModelSpecification("label ~ 1"), ModelSpecification("label ~ scd_a")]
    own = FitSettings(engine="nuts", draws=7)

    fit_candidates(pair, FRAME, own)

    assert [settings for _, settings, _ in recorded] == [own, own]
    assert inspect.signature(compare).parameters["settings"].default == FitSettings(
        engine="nested-laplace", second_opinion=False
    )


@pytest.mark.parametrize("given", ["label ~ 1", ModelSpecification("label ~ 1"), 2, None], ids=repr)
def test_what_is_no_list_of_candidates_is_refused_as_what_it_is(given, recorded):
    with pytest.raises(SpecificationError, match=r"the candidates are .*; expected a list of at least two"):
        compare(given, FRAME)


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_candidates_are_refused(n, recorded):
    with pytest.raises(SpecificationError, match=f"{n} candidates were given; expected at least two"):
        fit_candidates([ModelSpecification("label ~ 1")] * n, FRAME, QUICK)


def test_candidates_of_two_responses_are_refused_before_any_is_fitted(recorded):
    with pytest.raises(SpecificationError, match="model different responses; expected the same one"):
        fit_candidates([ModelSpecification("label ~ 1"), ModelSpecification("other ~ 1")], FRAME, QUICK)
    assert recorded == []


def test_a_model_is_compared_with_its_intercept_only_baseline_under_the_fits_seed(recorded):
    specification = ModelSpecification("label ~ scd_a", priors={"Intercept": PRIORS["Intercept"]})
    design = replace(learned("label ~ scd_a"), specification=specification)
    own = Fitted(Problem(design, None, None), "own posterior")

    found = against_baseline(own, FRAME, FitSettings(seed=77, draws=9))

    assert list(found) == ["model", "intercept only"]
    assert found["model"] is own
    assert found["intercept only"].posterior == "posterior 1"
    ((baseline, settings, frame),) = recorded
    assert baseline == ModelSpecification("label ~ 1", priors=specification.priors)
    assert settings == FitSettings(engine="nested-laplace", second_opinion=False, seed=77)
    assert frame is FRAME


@pytest.mark.parametrize("exact", [True, False])
def test_a_posterior_is_drawn_on_all_rows_exactly_or_compressed(exact, monkeypatch):
    given = []

    def drawn_by_engine(engine, design, found, settings, progress):
        progress(None)
        given.append((design, found, settings))
        return POSTERIOR, found, ("a note",)

    monkeypatch.setattr(posterior_on, "drawn_by_engine", drawn_by_engine)
    settings, frame = FitSettings(exact=exact), clients(1_000).drop(columns=["scd_b", "attr_a"])

    fitted = posterior_on.posterior_on(frame, ModelSpecification("label ~ scd_a + (1 | attr_b)"), settings)

    ((asked, found, used),) = given
    assert fitted.posterior is POSTERIOR
    assert fitted.notes == ("a note",)
    assert asked is fitted.design
    assert found is fitted.problem.compressed
    assert used is settings
    assert found.cells.n_rows == len(fitted.problem.rows) == 1_000
    assert (found.cells.continuous is None) is exact
