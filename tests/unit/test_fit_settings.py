"""Settings of a fit mean what they say, and arguments beside them may not contradict them."""

import json

import numpy as np
import pandas as pd
import pytest

from data_science import (
    BayesianLogitModel,
    Costs,
    DataScienceError,
    FitSettings,
    ModelSpecification,
    SettingsError,
    SpecificationError,
    pipeline,
)
from data_science.engines import nested_laplace
from data_science.fitting import posterior_on
from data_science.likelihood.fidelity import compress_enough

SPECIFICATION = ModelSpecification("label ~ 1 + x")
QUICK = FitSettings(engine="nested-laplace", seed=7, draws=200)


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(1)
    return pd.DataFrame({"x": rng.integers(0, 5, 200), "label": rng.integers(0, 2, 200)})


def test_the_engine_and_the_seed_of_the_settings_are_those_of_the_fit(frame):
    fitted = pipeline.fit(frame, SPECIFICATION, settings=QUICK)

    assert fitted.report.measured.engine == "nested-laplace"
    assert fitted.provenance["settings"]["seed"] == 7
    again = pipeline.fit(frame, SPECIFICATION, settings=QUICK)
    pd.testing.assert_frame_equal(fitted.summary, again.summary)


def test_the_seed_reaches_everything_that_draws(frame, monkeypatch):
    seeds = []

    def compress(*arguments, seed, **options):
        seeds.append(seed)
        return compress_enough(*arguments, seed=seed, **options)

    monkeypatch.setattr(posterior_on, "compress_enough", compress)
    pipeline.fit(frame, SPECIFICATION, settings=QUICK)

    assert seeds == [7, 7]  # the model, and the baseline beside it


def test_shorthand_says_the_same_as_settings(frame):
    short = pipeline.fit(frame, SPECIFICATION, seed=7, engine="nested-laplace")

    assert (
        short.provenance["settings"]
        == pipeline.fit(
            frame, SPECIFICATION, settings=FitSettings(engine="nested-laplace", seed=7)
        ).provenance["settings"]
    )


@pytest.mark.parametrize(
    ("given", "named"),
    [({"seed": 8}, "seed=8"), ({"engine": "nuts"}, "engine='nuts'"), ({"seed": 0}, "seed=0")],
)
def test_an_argument_that_contradicts_the_settings_is_an_error(frame, given, named):
    with pytest.raises(SettingsError, match=named):
        pipeline.fit(frame, SPECIFICATION, settings=QUICK, **given)
    with pytest.raises(SettingsError, match=named):
        BayesianLogitModel(SPECIFICATION, settings=QUICK, **given)


def test_an_argument_that_agrees_with_the_settings_is_fine(frame):
    model = BayesianLogitModel(SPECIFICATION, settings=QUICK, seed=7, engine="nested-laplace")

    assert model.fit(frame).measured.n_draws * model.fit(frame).measured.n_chains == 800


def test_the_costs_of_the_model_set_its_threshold(frame):
    model = BayesianLogitModel(SPECIFICATION, settings=QUICK, costs=Costs(1, 9))

    model.fit(frame)

    assert model.model.threshold == pytest.approx(0.1)


def test_the_settings_on_record_are_those_of_the_retry(frame, monkeypatch):
    tried = []

    def declines_first(design, compressed, settings, progress):
        tried.append(settings)
        posterior = draw(design, compressed, settings, progress)
        if len(tried) == 1:
            posterior.coefficients[:] = posterior.coefficients[:, :1]
        return posterior

    draw = nested_laplace.draw
    monkeypatch.setattr(nested_laplace, "draw", declines_first)
    fitted = pipeline.fit(frame, SPECIFICATION, settings=QUICK)

    assert "stricter retry" in " ".join(fitted.report.notes)
    assert fitted.provenance["settings"]["draws"] == tried[1].draws == 2 * QUICK.draws
    assert fitted.provenance["settings"]["seed"] == tried[1].seed != QUICK.seed
    json.dumps(fitted.provenance)


def test_an_unknown_engine_is_refused_with_the_names_of_those_there_are(frame):
    with pytest.raises(SpecificationError, match=r"'toy'.*'nuts', 'nested-laplace'"):
        pipeline.fit(frame, SPECIFICATION, settings=FitSettings(engine="toy"))


WHOLE = "a whole number of at least 1"
SEED = "a whole number from 0 to 4294967295"
FLAG = "True or False"
SHARE = "a number between 0 and 1"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        *((name, value, WHOLE) for name in ("draws", "tune", "chains") for value in (0, -1, 2.0, "9", True, None)),
        *(("seed", value, SEED) for value in (-1, 2**32, 1.0, "1", True, None)),
        *((name, value, FLAG) for name in ("second_opinion", "exact") for value in (0, 1, "no", None)),
        *(("target_accept", value, SHARE) for value in (0, 1, -0.5, float("nan"), "0.9", True, None)),
    ],
)  # fmt: skip
def test_a_value_that_a_field_cannot_have_is_refused_when_the_settings_are_made(name, value, expected):
    with pytest.raises(SettingsError) as refused:
        FitSettings(**{name: value})

    assert str(refused.value) == f"{name} is {value!r}; expected {expected}"


def test_the_ends_of_each_range_are_allowed_and_numbers_of_numpy_become_pythons():
    low = FitSettings(seed=0, draws=1, tune=1, chains=1, target_accept=0.01)
    high = FitSettings(seed=np.uint32(2**32 - 1), draws=np.int64(9), target_accept=np.float32(0.5))

    assert (low.seed, low.draws, low.tune, low.chains) == (0, 1, 1, 1)
    assert json.loads(json.dumps([high.seed, high.draws, high.target_accept])) == [2**32 - 1, 9, 0.5]
    assert high.stricter().seed == 1_000_002


@pytest.mark.parametrize("given", [{"settings": {"seed": 1}}, {"costs": {"false_positive": 1}}, {"costs": 0}])
def test_an_argument_of_another_type_is_refused_before_anything_is_fitted(frame, given, monkeypatch):
    monkeypatch.setattr(pipeline, "fit_judged", lambda *_: pytest.fail("fitted"))
    ((name, value),) = given.items()
    expected = {"settings": "FitSettings", "costs": "Costs"}[name]

    for make in (BayesianLogitModel, lambda spec, **options: pipeline.fit(frame, spec, **options)):
        with pytest.raises(
            SettingsError, match=rf"^{name} is of type {type(value).__name__}; expected {expected}:"
        ):
            make(SPECIFICATION, **given)


def test_what_was_not_given_to_the_model_is_none():
    model = BayesianLogitModel()

    assert (model.seed, model.engine, model.settings, model.costs) == (None,) * 4


def test_a_seed_below_0_is_refused_by_the_model_at_once():
    with pytest.raises(SettingsError, match="seed is -1; expected a whole number from 0"):
        BayesianLogitModel(seed=-1)


@pytest.mark.parametrize(
    "value", [["nuts"], {"nuts": 1}, np.array([1, 2]), pd.Series([1, 2]), object(), (1,), b"1"]
)
@pytest.mark.parametrize("name", ["engine", "seed"])
def test_a_value_of_any_type_is_refused_by_its_name_however_it_is_given(name, value):
    for make in (
        lambda: FitSettings(**{name: value}),
        lambda: BayesianLogitModel(**{name: value}),
        lambda: BayesianLogitModel(**{name: value}, settings=FitSettings()),
    ):
        with pytest.raises(DataScienceError, match=f"{name} is "):
            make()
