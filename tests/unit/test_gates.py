import ast
import math
import re
from dataclasses import replace

import pytest

import data_science
from data_science.errors import GateError
from data_science.evaluation.agreement import Agreement
from data_science.evaluation.diagnostics import Diagnostics
from data_science.judgement.gates import GateLimits, judge

GOOD = Diagnostics(
    engine="nuts",
    n_chains=4,
    n_draws=1000,
    rhat_max=1.002,
    rhat_worst="scd_a",
    ess_bulk_min=2500.0,
    ess_tail_min=1500.0,
    ess_worst="1|attr_a_sigma",
    all_finite=True,
    observed_rate=0.091,
    predicted_rate=(0.088, 0.094),
    n_divergences=0,
    bfmi_min=0.9,
)
AGREEING = Agreement("scd_a", distance_in_sds=0.01, distance_in_mcse=1.0, limit_in_mcse=4.4)
nan = math.nan


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rhat_max": 1.01}, r"r_hat is 1.01 for scd_a, expected below 1.01: the chains disagree"),
        ({"rhat_max": 1.010034}, "r_hat is 1.01003 for scd_a, expected below 1.01:"),
        ({"rhat_max": nan}, "r_hat is nan for scd_a"),
        ({"ess_bulk_min": 399.9}, r"bulk ESS is 400 \(worst: 1\|attr_a_sigma\), expected at least 400"),
        ({"ess_bulk_min": nan}, "bulk ESS is nan"),
        ({"ess_tail_min": 12.0}, "tail ESS is 12 .*: draw more"),
        ({"ess_tail_min": nan}, "tail ESS is nan"),
        ({"n_divergences": 1}, "1 divergent transitions, expected at most 0"),
        ({"bfmi_min": 0.29}, "E-BFMI is 0.29, expected at least 0.3"),
        ({"bfmi_min": nan}, "E-BFMI is nan"),
        (
            {"khat": 0.7, "engine": "nested-laplace"},
            "k-hat is 0.70, expected below 0.7: .* use engine='nuts'",
        ),
        ({"khat": math.inf}, "k-hat is inf"),
        ({"khat": nan}, "k-hat is nan"),
        ({"n_divergences": 12}, "12 divergent transitions, expected at most 0: give tighter priors"),
        ({"observed_rate": 0.0879}, "the rate in the data, 0.0879, is outside"),
        ({"observed_rate": 0.0941}, "the rate in the data, 0.0941, is outside"),
        ({"all_finite": False}, "some draws are NaN or infinite: check the data"),
        (
            {"observed_rate": 0.12},
            "the rate in the data, 0.1200, is outside the posterior predictive interval 0.0880 to 0.0940",
        ),
        ({"observed_rate": nan}, "the rate in the data, nan, is outside"),
        ({"predicted_rate": (nan, nan)}, "outside the posterior predictive interval nan to nan"),
    ],
    ids=lambda value: str(value),
)
def test_a_fit_with_one_fault_is_refused_and_the_fault_is_named(change, reason):
    admission = judge(replace(GOOD, **change), AGREEING)

    assert not admission.passed
    assert len(admission.failures) == 1
    with pytest.raises(GateError, match=reason):
        admission.require()


@pytest.mark.parametrize(
    ("opinion", "passes"),
    [
        (None, True),
        (AGREEING, True),
        (replace(AGREEING, distance_in_mcse=20.0), True),
        (replace(AGREEING, distance_in_sds=0.5), True),
        (replace(AGREEING, distance_in_sds=0.06, distance_in_mcse=4.5), False),
        (replace(AGREEING, distance_in_sds=nan, distance_in_mcse=nan), False),
    ],
    ids=["no opinion", "close", "far in error, near in sds", "far in sds, noisy", "far in both", "NaN"],
)
def test_engines_disagree_only_beyond_monte_carlo_error_and_beyond_what_matters(opinion, passes):
    admission = judge(GOOD, opinion)

    assert admission.passed is passes
    if not passes:
        with pytest.raises(GateError, match=r"the two engines disagree on scd_a: .* please report a bug"):
            admission.require()


@pytest.mark.parametrize(
    "change",
    [
        {"rhat_max": 1.00999},
        {"ess_bulk_min": 400.0, "ess_tail_min": 400.0},
        {"bfmi_min": 0.3},
        {"khat": 0.6999},
        {"khat": -0.2},
        {"observed_rate": 0.088},
        {"observed_rate": 0.094},
        {"n_divergences": None, "bfmi_min": None},
    ],
    ids=str,
)
def test_at_the_limit_a_fit_passes(change):
    assert judge(replace(GOOD, **change), AGREEING).failures == ()


def test_the_limits_are_the_documented_ones():
    assert GateLimits() == GateLimits(
        rhat_max=1.01, ess_min=400.0, divergences_max=0, bfmi_min=0.3, khat_max=0.7
    )


@pytest.mark.parametrize(
    ("limits", "measured", "reason"),
    [
        (GateLimits(rhat_max=1.001), GOOD, "r_hat is 1.002 for scd_a, expected below 1.001: "),
        (GateLimits(ess_min=2000), GOOD, "tail ESS is 1500 .*, expected at least 2000: "),
        (GateLimits(divergences_max=3), replace(GOOD, n_divergences=4), "4 divergent .* at most 3: "),
        (GateLimits(bfmi_min=0.95), GOOD, "E-BFMI is 0.90, expected at least 0.95: "),
        (GateLimits(khat_max=0.1), replace(GOOD, khat=0.2), "k-hat is 0.20, expected below 0.1: "),
    ],
    ids=["r_hat", "ESS", "divergences", "E-BFMI", "k-hat"],
)
def test_each_limit_can_be_set_and_is_the_one_in_the_message(limits, measured, reason):
    admission = judge(measured, limits=limits)

    assert len(admission.failures) == 1
    assert re.match(reason, admission.failures[0])
    assert judge(measured, limits=GateLimits(divergences_max=4)).passed


def test_a_disagreement_says_how_far_apart_the_engines_are_and_what_is_allowed():
    (failure,) = judge(GOOD, Agreement("scd_b", 0.123, 7.89, 4.42)).failures

    assert failure == (
        "the two engines disagree on scd_b: 0.12 posterior sds apart, 7.9 Monte Carlo standard errors, "
        "expected at most 4.4: increase the draws of both engines, with settings=FitSettings(draws=2000); if the "
        "difference remains, please report a bug"
    )


def test_a_good_fit_passes_and_requiring_it_does_nothing():
    admission = judge(GOOD, AGREEING)

    assert admission.passed
    admission.require()


def test_what_an_engine_does_not_have_is_not_judged():
    independent = replace(GOOD, engine="nested-laplace", n_divergences=None, bfmi_min=None, khat=0.2)

    assert judge(independent).passed


def test_every_fault_is_reported_not_the_first():
    broken = replace(GOOD, rhat_max=1.5, ess_bulk_min=10.0, n_divergences=7, all_finite=False)

    with pytest.raises(GateError) as refusal:
        judge(broken).require()

    for reason in (
        "the fit failed these checks",
        "r_hat is 1.5",
        "bulk ESS is 10",
        "7 divergent",
        "NaN or infinite",
    ):
        assert reason in str(refusal.value)


def test_limits_can_be_tightened():
    assert not judge(GOOD, limits=GateLimits(ess_min=3000)).passed


FAULTS = [
    {"rhat_max": 1.2},
    {"rhat_max": nan},
    {"ess_bulk_min": 12.0},
    {"ess_bulk_min": nan},
    {"ess_tail_min": 0.0},
    {"ess_tail_min": 12.0, "khat": 0.1, "engine": "nested-laplace"},
    {"n_divergences": 12},
    {"bfmi_min": 0.1},
    {"khat": 0.9, "engine": "nested-laplace"},
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_remedy_of_a_fit_is_arguments_that_a_model_takes_as_they_are_printed(fault):
    (failure,) = judge(replace(GOOD, **fault)).failures

    assert arguments(failure)
    for argument in arguments(failure):
        eval(f"data_science.BayesianLogitModel({argument})", {"data_science": data_science, **PUBLIC})


def test_a_disagreement_is_followed_by_arguments_that_give_both_engines_more_draws():
    (failure,) = judge(GOOD, replace(AGREEING, distance_in_sds=1.0, distance_in_mcse=9.0)).failures

    assert arguments(failure) == ["settings=FitSettings(draws=2000)"]


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        ({"ess_bulk_min": 100.0}, "settings=FitSettings(draws=4000)"),
        ({"ess_bulk_min": 399.0}, "settings=FitSettings(draws=2000)"),
        ({"ess_bulk_min": nan}, "settings=FitSettings(draws=2000)"),
        ({"ess_bulk_min": 100.0, "khat": 0.1}, "settings=FitSettings(chains=16)"),
        ({"ess_bulk_min": 399.0, "n_draws": 400, "asked_for_each": 5}, "settings=FitSettings(draws=4000)"),
        (
            {"rhat_max": 1.3, "n_draws": 400, "asked_for_each": 5},
            "settings=FitSettings(draws=4000, tune=2000)",
        ),
    ],
    ids=["a quarter", "nearly", "no chain that moves", "independent draws", "few kept", "few kept, r_hat"],
)
def test_as_many_more_draws_are_asked_for_as_are_missing(fault, remedy):
    (failure,) = judge(replace(GOOD, **fault)).failures

    assert arguments(failure)[:1] == [remedy]


PUBLIC = {name: getattr(data_science, name) for name in ("FitSettings", "ModelSpecification", "Prior")}


def arguments(failure):
    """Every ``name=value`` in a sentence, each as far as it is Python."""
    found = []
    for start in re.finditer(r"\b(?:settings|specification|engine)=", failure):
        rest = failure[start.end() :]
        ends = [end for end in range(1, len(rest) + 1) if rest[end - 1] in ")'" and is_python(rest[:end])]
        found.append(start.group() + rest[: ends[0]])
    return found


def is_python(text):
    try:
        ast.parse(text, mode="eval")
    except SyntaxError:
        return False
    return True
