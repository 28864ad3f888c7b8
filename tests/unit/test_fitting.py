"""The chain that decides whether a fit ships, run with engines made by hand: retry, second opinion, measures."""

import logging
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from hand_made import around_the_mode, clients, compressed, learned

from data_science import attempts as fitting
from data_science.attempts import fit_judged
from data_science.engines.posterior import names
from data_science.engines.registry import FitSettings
from data_science.errors import GateError
from data_science.fitting import posterior_on
from data_science.fitting.posterior_on import Problem
from data_science.progress import Stopwatch

FRAME = clients()
DESIGN = learned(frame=FRAME)
COMPRESSED = compressed(DESIGN, FRAME)
NAMES = names(DESIGN)
SETTINGS = FitSettings(draws=500)


class Engines:
    """Stands for the registry: gives each engine's answers in turn, and records what it was asked."""

    def __init__(self, **answers):
        self.answers = {name.replace("_", "-"): list(given) for name, given in answers.items()}
        self.asked = []

    def __call__(self, name):
        relations = {"nuts": {"SECOND_OPINION": "nested-laplace"}, "nested-laplace": {"FALLBACK": "nuts"}}
        return SimpleNamespace(draw=partial(self.draw, name), **relations[name])

    def draw(self, name, design, found, settings, progress):
        self.asked.append((name, settings))
        answers = self.answers[name]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def fit(monkeypatch):
    """Fit with given engines; the second value says what they were asked."""

    def run(settings=SETTINGS, watch=None, function=fit_judged, **answers):
        engines = Engines(**answers)
        for module in (fitting, posterior_on):
            monkeypatch.setattr(module, "engine", engines)
        found = function(
            Problem(DESIGN, None, COMPRESSED),
            DESIGN.specification,
            settings,
            lambda _: None,
            watch or Stopwatch(),
        )
        return found, engines.asked

    return run


def good(engine="nuts", seed=1):
    return around_the_mode(COMPRESSED, engine, seed=seed)


def shifted(name, by):
    """Return the second engine's draws with one parameter moved by a share of its sd (of its log's)."""
    posterior, place = good("nested-laplace", seed=2), NAMES.index(name)
    n = DESIGN.encoding.n_coefficients
    if place < n:
        posterior.coefficients[..., place] += by * posterior.coefficients[..., place].std()
    else:
        posterior.sds[..., place - n] *= np.exp(by * np.log(posterior.sds[..., place - n]).std())
    return posterior


def diverging(seed=3):
    posterior = good(seed=seed)
    posterior.statistics["diverging"][2, 5] = True
    return posterior


def test_a_good_fit_that_a_second_engine_confirms_ships_at_once(fit):
    watch = Stopwatch()

    fitted, asked = fit(nuts=[good()], nested_laplace=[good("nested-laplace", seed=2)], watch=watch)

    assert fitted.admission.passed, fitted.admission.failures
    assert asked == [("nuts", SETTINGS), ("nested-laplace", SETTINGS)]
    assert fitted.agreement.holds
    assert fitted.notes == ()
    assert set(watch.seconds) == {"nuts", "second opinion", "diagnostics"}


@pytest.mark.parametrize("name", NAMES)
def test_engines_that_disagree_on_any_parameter_do_not_ship(fit, name):
    fitted, asked = fit(nuts=[good()], nested_laplace=[shifted(name, 0.4)])

    assert not fitted.admission.passed
    assert len(asked) == 4  # both engines, twice
    with pytest.raises(GateError, match="the two engines disagree on") as refusal:
        fitted.admission.require()
    assert f"disagree on {name}: 0." in str(refusal.value)
    assert fitted.agreement.worst == name


def test_a_fit_that_fails_is_repeated_once_with_stricter_settings(fit, caplog):
    with caplog.at_level(logging.WARNING):
        fitted, asked = fit(nuts=[diverging(), good()], nested_laplace=[good("nested-laplace", seed=2)])

    assert fitted.admission.passed
    assert [settings for name, settings in asked if name == "nuts"] == [SETTINGS, SETTINGS.stricter()]
    assert [settings for name, settings in asked if name != "nuts"] == [SETTINGS, SETTINGS.stricter()]
    assert fitted.notes == ("The first fit failed its gates; this is the stricter retry.",)
    assert fitted.measured.n_divergences == 0
    assert "the fit failed a check: 1 divergent transitions" in caplog.text
    assert f"fitting once more with stricter settings: {SETTINGS.stricter()}" in caplog.text


def test_a_retry_asks_for_twice_what_an_engine_kept_of_those_asked_for(fit):
    kept = replace(diverging(), attributes={"engine": "nuts", "asked_for_each": 5})

    _, asked = fit(replace(SETTINGS, second_opinion=False), nuts=[kept, good()])

    assert [settings.draws for _, settings in asked] == [500, 2 * 5 * 500]


def test_a_retry_stays_on_all_rows_where_nodes_were_dropped_and_says_so(fit, monkeypatch):
    whole, drawn_on = replace(COMPRESSED, why_lossless="matched nodes were dropped"), []

    def held(draw, found, **_):
        drawn_on.append(found)
        return draw(whole), whole, ("The nodes were dropped.",) if found is COMPRESSED else ()

    monkeypatch.setattr(posterior_on, "held_to_rows", held)
    fitted, _ = fit(replace(SETTINGS, second_opinion=False), nuts=[diverging(), good()])

    assert [found is whole for found in drawn_on] == [False, True]
    assert fitted.notes[:-1] == ("The nodes were dropped.",)


def test_a_retry_that_fails_too_is_refused_and_not_repeated(fit):
    fitted, asked = fit(nuts=[diverging()], nested_laplace=[good("nested-laplace", seed=2)])

    assert not fitted.admission.passed
    assert [name for name, _ in asked].count("nuts") == 2
    assert fitted.notes[-1] == "The first fit failed its gates; this is the stricter retry."


def test_a_fit_that_no_smaller_steps_would_save_is_refused_at_once(fit):
    hopeless = good()
    hopeless.statistics["diverging"][:] = np.arange(500) % 3 == 0

    fitted, asked = fit(nuts=[hopeless], nested_laplace=[good("nested-laplace", seed=2)])

    assert fitted.admission.is_hopeless
    assert [name for name, _ in asked] == ["nuts", "nested-laplace"]
    with pytest.raises(GateError, match=r"divergent transitions, expected at most 0: give tighter priors"):
        fitted.admission.require()


@pytest.mark.parametrize("second_opinion", [True, False])
def test_an_engine_that_declined_is_not_asked_again_by_the_retry(fit, second_opinion):
    settings = replace(SETTINGS, engine="nested-laplace", second_opinion=second_opinion)

    fitted, asked = fit(settings, nuts=[diverging(), good()], nested_laplace=[GateError("k-hat 0.9")])

    assert fitted.admission.passed
    assert [name for name, _ in asked] == ["nested-laplace", "nuts", "nuts"]
    assert fitted.settings == replace(settings.stricter(), engine="nuts", second_opinion=False)
    assert fitted.notes == ("k-hat 0.9.", "The first fit failed its gates; this is the stricter retry.")


@pytest.mark.parametrize(
    ("engine", "second_opinion", "asked_for"),
    [
        ("nuts", True, ["nuts", "nested-laplace"]),
        ("nuts", False, ["nuts"]),
        ("nested-laplace", True, ["nested-laplace"]),
        ("nested-laplace", False, ["nested-laplace"]),
    ],
)
def test_only_nuts_is_given_a_second_opinion_and_only_if_wanted(fit, engine, second_opinion, asked_for):
    settings = replace(SETTINGS, engine=engine, second_opinion=second_opinion)

    fitted, asked = fit(settings, nuts=[good()], nested_laplace=[good("nested-laplace", seed=2)])

    assert [name for name, _ in asked] == asked_for
    assert fitted.measured.engine == engine
    assert (fitted.agreement is not None) == (len(asked_for) == 2)


@pytest.mark.parametrize(
    "declined",
    [GateError("k-hat 0.9"), np.linalg.LinAlgError("not positive definite")],
    ids=["gate", "algebra"],
)
def test_a_second_engine_that_declines_has_no_opinion_and_the_reader_is_told(fit, declined):
    fitted, _ = fit(nuts=[good()], nested_laplace=[declined])

    assert fitted.admission.passed
    assert fitted.agreement is None
    assert fitted.notes == (f"No second opinion: {declined}.",)


def test_where_nested_laplace_declines_nuts_runs_and_the_reader_is_told(fit, caplog):
    watch, settings = Stopwatch(), replace(SETTINGS, engine="nested-laplace")

    with caplog.at_level(logging.WARNING):
        fitted, asked = fit(settings, nuts=[good()], nested_laplace=[GateError("k-hat 0.9")], watch=watch)

    assert fitted.measured.engine == "nuts"
    assert [name for name, _ in asked] == ["nested-laplace", "nuts"]  # which gives no opinion then
    assert fitted.notes == ("k-hat 0.9.", "No second opinion: k-hat 0.9.")
    assert "k-hat 0.9" in caplog.text
    assert {"nested-laplace", "nuts"} <= set(watch.seconds)


def test_where_nuts_declines_nothing_else_runs(fit):
    with pytest.raises(GateError, match="no proper mode"):
        fit(nuts=[GateError("no proper mode")], nested_laplace=[good("nested-laplace")])


def test_the_posterior_alone_comes_with_the_notes_on_its_engine(fit):
    given = good("nested-laplace")

    alone, asked = fit(
        replace(SETTINGS, engine="nested-laplace"), function=posterior_on.posterior_on, nested_laplace=[given]
    )

    assert alone.posterior is given
    assert alone.notes == ()
    assert [name for name, _ in asked] == ["nested-laplace"]


def test_the_rate_is_measured_per_client(fit):
    fitted, _ = fit(replace(SETTINGS, second_opinion=False), nuts=[good()])

    low, high = fitted.measured.predicted_rate
    rate = FRAME["label"].mean()
    assert fitted.measured.observed_rate == pytest.approx(rate)
    assert low < rate < high
    # 99 % of replications: binomial noise of 300 clients, and as much again from the posterior
    assert high - low == pytest.approx(2 * 2.58 * np.sqrt(2 * rate * (1 - rate) / 300), rel=0.15)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_replicated_rate_follows_the_seed_of_the_settings(fit, seed):
    rates = [
        fit(replace(SETTINGS, second_opinion=False, seed=s), nuts=[good()])[0].measured.predicted_rate
        for s in (seed, seed, 7)
    ]

    assert rates[0] == rates[1] != rates[2]


@pytest.mark.parametrize("by", [-1.0, 1.0])
def test_a_posterior_that_misses_the_rate_does_not_ship(fit, by):
    wrong = good()
    wrong.coefficients[..., 0] += by

    fitted, _ = fit(replace(SETTINGS, second_opinion=False), nuts=[wrong])

    assert [failure for failure in fitted.admission.failures if "the rate in the data" in failure]


def test_draws_summary_and_observations_are_those_of_the_fit(fit):
    given = good()

    fitted, _ = fit(replace(SETTINGS, second_opinion=False), nuts=[given])

    assert fitted.fitted.posterior is given
    assert fitted.summary.loc["scd_a", "mean"] == pytest.approx(given.coefficients[..., 1].mean())
    assert fitted.tree["observed_data"]["label"].to_numpy().tolist() == FRAME["label"].tolist()


def test_counts_are_measured_per_trial(monkeypatch):
    rng = np.random.default_rng(4)
    frame = clients(60).assign(n=rng.integers(1, 9, 60))
    frame["s"] = rng.binomial(frame["n"], 0.3)
    design = learned("p(s, n) ~ 1 + (1 | attr_a)", frame)
    found = compressed(design, frame)
    monkeypatch.setattr(posterior_on, "engine", Engines(nuts=[around_the_mode(found, "nuts")]))

    problem, settings = Problem(design, None, found), replace(SETTINGS, second_opinion=False)
    fitted = fit_judged(problem, design.specification, settings, lambda _: None, Stopwatch())

    rate = frame["s"].sum() / frame["n"].sum()
    low, high = fitted.measured.predicted_rate
    assert fitted.measured.observed_rate == pytest.approx(rate)
    assert high - low == pytest.approx(2 * 2.58 * np.sqrt(2 * rate * (1 - rate) / frame["n"].sum()), rel=0.2)
