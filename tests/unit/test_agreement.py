import arviz as az
import numpy as np
import pytest

from data_science.engines.posterior import Posterior
from data_science.evaluation.agreement import FALSE_ALARM, NEGLIGIBLE_SDS, Agreement, compare

SHAPE = (4, 1000)
NAMES = ["Intercept", "scd_a", "1|attr_a_sigma"]


def posterior(seed: int, shift=(0.0, 0.0, 0.0), spread: float = 1.0, efficiency: float = 1.0) -> Posterior:
    rng = np.random.default_rng(seed)
    draws = np.asarray(shift) + spread * rng.normal(size=(*SHAPE, 3))
    return Posterior(draws[..., :2], np.exp(draws[..., 2:]), {}, {"engine": "x", "efficiency": efficiency})


def test_draws_from_one_posterior_agree():
    outcomes = [compare(posterior(2 * k), posterior(2 * k + 1), NAMES) for k in range(50)]

    assert all(outcome.holds for outcome in outcomes)
    assert max(outcome.distance_in_mcse for outcome in outcomes) > 1  # in units of Monte Carlo error


@pytest.mark.parametrize("worst", [0, 1, 2], ids=NAMES)
def test_a_shift_of_a_fifth_of_an_sd_is_found_and_named(worst):
    shift = np.zeros(3)
    shift[worst] = 0.2

    outcome = compare(posterior(1), posterior(2, shift), NAMES)

    assert not outcome.holds
    assert outcome.worst == NAMES[worst]
    assert outcome.distance_in_sds == pytest.approx(0.2, abs=0.06)
    assert outcome.distance_in_mcse == pytest.approx(0.2 / np.sqrt(2 / 4000), rel=0.35)


def test_a_shift_that_nobody_could_act_on_is_let_pass():
    rng = np.random.default_rng(3)
    many = rng.normal(size=(4, 100_000, 1))
    first = Posterior(many, np.ones((4, 100_000, 0)), {}, {})
    second = Posterior(many[..., ::-1, :] + 0.03, np.ones((4, 100_000, 0)), {}, {})

    outcome = compare(first, second, ["Intercept"])

    assert outcome.distance_in_mcse > outcome.limit_in_mcse
    assert outcome.holds


def test_the_limit_grows_with_the_number_of_parameters():
    draws = np.random.default_rng(4).normal(size=(2, 4, 200, 500))
    few, many = (
        compare(*(Posterior(d[..., :n], d[..., :0], {}, {}) for d in draws), [f"b{i}" for i in range(n)])
        for n in (2, 500)
    )

    assert few.limit_in_mcse == pytest.approx(4.0556, abs=1e-3)  # normal quantile at 1 - FALSE_ALARM / 4
    assert few.limit_in_mcse < many.limit_in_mcse
    assert FALSE_ALARM == 1e-4


def test_an_inefficient_second_opinion_has_wider_error():
    shift = (0.1, 0.1, 0.1)

    plain = compare(posterior(5), posterior(6, shift), NAMES)
    weighted = compare(posterior(5), posterior(6, shift, efficiency=0.1), NAMES)

    assert weighted.distance_in_mcse < 0.6 * plain.distance_in_mcse


def test_a_nan_never_agrees():
    broken = posterior(7)
    broken.coefficients[0, 0, 1] = np.nan

    outcome = compare(posterior(8), broken, NAMES)

    assert not outcome.holds
    assert outcome.worst == "scd_a"


def test_an_sd_of_zero_never_agrees():
    broken = posterior(9)
    broken.sds[0, 0, 0] = 0.0

    with np.errstate(invalid="ignore"):
        outcome = compare(posterior(10), broken, NAMES)

    assert not outcome.holds
    assert outcome.worst == "1|attr_a_sigma"


def test_an_outcome_is_stored_with_its_verdict():
    assert compare(posterior(11), posterior(12), NAMES).to_json()["holds"] is True


@pytest.mark.parametrize(
    ("in_sds", "in_mcse", "holds"),
    [
        (0.05, 9.0, True),
        (0.0501, 9.0, False),
        (0.0501, 4.0, True),
        (0.0501, 4.0001, False),
        (9.0, 3.9, True),
        (np.nan, 3.9, True),
        (0.01, np.nan, True),
        (np.nan, np.nan, False),
    ],
)
def test_engines_agree_up_to_either_bound(in_sds, in_mcse, holds):
    assert Agreement("scd_a", in_sds, in_mcse, 4.0).holds is holds
    assert NEGLIGIBLE_SDS == 0.05


def test_every_figure_of_an_outcome_is_stored():
    assert Agreement("scd_a", 0.06, 5.0, 4.0, "nuts").to_json() == {
        "worst": "scd_a",
        "distance_in_sds": 0.06,
        "distance_in_mcse": 5.0,
        "limit_in_mcse": 4.0,
        "holds": False,
        "by": "nuts",
    }


@pytest.mark.parametrize("efficiency", [1.0, 0.2])
@pytest.mark.parametrize("worst", [0, 1, 2], ids=NAMES)
def test_distances_are_counted_in_arvizs_errors_and_in_the_mean_variance(worst, efficiency):
    shift = np.zeros(3)
    shift[worst] = 1.0
    first, second = posterior(21, spread=0.5), posterior(22, shift, spread=2.0, efficiency=efficiency)

    outcome = compare(first, second, NAMES)

    a, b = (np.concatenate([p.coefficients, np.log(p.sds)], axis=2)[..., worst] for p in (first, second))
    gap = abs(a.mean() - b.mean())
    errors = float(az.mcse(a)), float(az.mcse(b)) / np.sqrt(efficiency)
    assert outcome.worst == NAMES[worst]
    assert outcome.distance_in_mcse == pytest.approx(gap / np.hypot(*errors), rel=1e-3)
    assert outcome.distance_in_sds == pytest.approx(
        gap / np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2), rel=1e-9
    )


def test_a_parameter_that_is_far_by_one_measure_only_is_not_the_worst():
    rng = np.random.default_rng(23)
    first, second = rng.normal(size=(2, 4, 500, 3))
    second[..., 1] += 0.3
    few = np.repeat(rng.normal(size=(4, 5)), 100, axis=1)  # noisy: far in sds, not in Monte Carlo errors
    second[..., 2] = few + 0.8

    outcome = compare(*(Posterior(d, d[..., :0], {}, {}) for d in (first, second)), ["a", "b", "c"])

    assert outcome.worst == "b"
    assert not outcome.holds
