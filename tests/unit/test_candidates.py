"""Which candidates are fitted, by what, under which names; the fits themselves are made by hand."""

from dataclasses import replace

import pytest
from hand_made import clients, learned

from data_science.engines.registry import FitSettings
from data_science.errors import SpecificationError
from data_science.formula.priors import Prior
from data_science.formula.specification import ModelSpecification
from data_science.judgement import candidates
from data_science.judgement.candidates import against_baseline, baseline_of, compare

PRIORS = {
    "Intercept": Prior("StudentT", nu=4, mu=-2, sigma=0.3),
    "common": Prior("Normal", mu=0, sigma=0.1),
    "group_sd": Prior("HalfNormal", sigma=0.2),
    "scd_a": Prior("Normal", mu=1, sigma=5),
    "1|attr_a": Prior("Exponential", lam=3),
}
FRAME = clients(200)


@pytest.fixture
def recorded(monkeypatch):
    """Record every fit asked for, and give back what is compared."""
    fits = []

    def fit(specification, frame, settings):
        fits.append((specification, settings))
        return learned(specification.formula), f"posterior {len(fits)}"

    monkeypatch.setattr(candidates, "_fit", fit)
    monkeypatch.setattr(candidates, "compare_fits", lambda found, frame: (found, frame))
    return fits


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("response", ["label", "p(sick, size)"])
def test_the_baseline_keeps_response_unit_and_the_intercepts_prior_and_no_other(response, standardize):
    formula = f"{response} ~ 1 + scd_a + (1 | attr_a)"

    baseline = baseline_of(ModelSpecification(formula, priors=PRIORS, standardize=standardize))

    assert baseline == ModelSpecification(
        f"{response} ~ 1", priors={"Intercept": PRIORS["Intercept"]}, standardize=standardize
    )


def test_a_baseline_without_a_stated_prior_has_the_default_one():
    assert baseline_of(ModelSpecification("label ~ scd_a")) == ModelSpecification("label ~ 1")


def test_candidates_are_named_by_their_formulas_and_numbered_where_two_are_alike(recorded):
    one, two = ModelSpecification("label ~ 1"), ModelSpecification("label ~ scd_a")
    again = ModelSpecification("label ~ scd_a", priors={"scd_a": PRIORS["scd_a"]})

    found, frame = compare([two, one, again], FRAME)

    assert list(found) == ["label ~ scd_a [1]", "label ~ 1", "label ~ scd_a [3]"]
    assert [specification for specification, _ in recorded] == [two, one, again]
    assert [posterior for _, posterior in found.values()] == ["posterior 1", "posterior 2", "posterior 3"]
    assert frame is FRAME


def test_candidates_are_fitted_by_nested_laplace_alone_unless_told_otherwise(recorded):
    pair = [ModelSpecification("label ~ 1"), ModelSpecification("label ~ scd_a")]
    own = FitSettings(engine="nuts", draws=7)

    compare(pair, FRAME)
    compare(pair, FRAME, settings=own)

    default = FitSettings(engine="nested-laplace", second_opinion=False)
    assert [settings for _, settings in recorded] == [default, default, own, own]


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_candidates_are_refused(n, recorded):
    with pytest.raises(SpecificationError, match=f"{n} candidates came; expected at least two"):
        compare([ModelSpecification("label ~ 1")] * n, FRAME)


def test_candidates_of_two_responses_are_refused_before_any_is_fitted(recorded):
    with pytest.raises(SpecificationError, match="model different responses; expected one and the same"):
        compare([ModelSpecification("label ~ 1"), ModelSpecification("other ~ 1")], FRAME)
    assert recorded == []


def test_a_model_is_compared_with_its_intercept_only_baseline_under_the_fits_seed(recorded):
    specification = ModelSpecification("label ~ scd_a", priors={"Intercept": PRIORS["Intercept"]})
    design = replace(learned("label ~ scd_a"), specification=specification)

    found, frame = against_baseline(design, "own posterior", FRAME, FitSettings(seed=77, draws=9))

    assert list(found) == ["model", "intercept only"]
    assert found["model"] == (design, "own posterior")
    assert found["intercept only"][1] == "posterior 1"
    ((baseline, settings),) = recorded
    assert baseline == ModelSpecification("label ~ 1", priors=specification.priors)
    assert settings == FitSettings(engine="nested-laplace", second_opinion=False, seed=77)
    assert frame is FRAME


@pytest.mark.parametrize("exact", [True, False])
def test_a_candidate_is_fitted_on_the_validated_frame_exactly_or_compressed(exact, monkeypatch):
    given = []

    def posterior_of(design, found, settings, progress, watch):
        progress(None)
        given.append((design, found, settings))
        return "posterior", ("a note",)

    monkeypatch.setattr(candidates, "posterior_of", posterior_of)
    settings, frame = FitSettings(exact=exact), clients(1_000).drop(columns=["scd_b", "attr_a"])

    design, posterior = candidates._fit(ModelSpecification("label ~ scd_a + (1 | attr_b)"), frame, settings)

    ((asked, found, used),) = given
    assert posterior == "posterior"
    assert asked is design
    assert used is settings
    assert found.cells.n_rows == 1_000
    assert (found.cells.continuous is None) is exact
