import numpy as np
import pytest
from scipy import stats

from data_science.errors import SpecificationError
from data_science.formula.priors import COMMON, GROUP_SD, IndependentPriors, Prior

PEERS = [
    (Prior("Normal", mu=-1, sigma=2.5), stats.norm(-1, 2.5)),
    (Prior("StudentT", nu=3, mu=0.5, sigma=2), stats.t(3, 0.5, 2)),
    (Prior("Cauchy", alpha=0.2, beta=1.5), stats.cauchy(0.2, 1.5)),
    (Prior("Logistic", mu=-0.3, s=0.7), stats.logistic(-0.3, 0.7)),
    (Prior("HalfNormal", sigma=1.2), stats.halfnorm(scale=1.2)),
    (Prior("Exponential", lam=2), stats.expon(scale=0.5)),
    (Prior("HalfCauchy", beta=0.8), stats.halfcauchy(scale=0.8)),
    (Prior("Gamma", alpha=2.5, beta=3), stats.gamma(2.5, scale=1 / 3)),
    (Prior("InverseGamma", alpha=3, beta=2), stats.invgamma(3, scale=2)),
]
PRIORS = [prior for prior, _ in PEERS] + [Prior("HalfStudentT", nu=4, sigma=0.7)]


def points(prior: Prior) -> np.ndarray:
    positive = np.array([0.01, 0.3, 1.0, 2.7, 9.0])
    return positive if prior.name in GROUP_SD else np.r_[-positive, 0.0, positive]


def density(prior: Prior, x: np.ndarray):
    return IndependentPriors.of([prior] * len(x)).log_density(x)


def test_every_family_that_may_be_stated_is_covered_here():
    assert {prior.name for prior in PRIORS} == {*COMMON, *GROUP_SD}


@pytest.mark.parametrize(("prior", "peer"), PEERS, ids=lambda value: getattr(value, "name", ""))
def test_a_log_density_is_that_of_scipy(prior, peer):
    x = points(prior)

    np.testing.assert_allclose(density(prior, x).value, peer.logpdf(x), rtol=1e-12, atol=1e-12)


def test_a_half_student_t_has_twice_the_density_of_a_student_t():
    x = np.array([0.1, 1.0, 5.0])

    half = density(Prior("HalfStudentT", nu=4, sigma=0.7), x).value

    np.testing.assert_allclose(half, stats.t(4, 0, 0.7).logpdf(x) + np.log(2), rtol=1e-12)


@pytest.mark.parametrize("prior", PRIORS, ids=lambda prior: prior.name)
def test_derivatives_are_those_of_finite_differences(prior):
    x = points(prior)
    step = 1e-5 * np.maximum(np.abs(x), 0.1)
    above, below = density(prior, x + step), density(prior, x - step)

    at = density(prior, x)

    np.testing.assert_allclose(at.first, (above.value - below.value) / (2 * step), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(at.second, (above.first - below.first) / (2 * step), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("factor", [0.01, 0.5, 3.0, 1000.0])
@pytest.mark.parametrize("prior", PRIORS, ids=lambda prior: prior.name)
def test_a_scaled_prior_is_the_change_of_variables(prior, factor):
    x = points(prior)

    scaled = density(prior.scaled(factor), factor * x).value

    np.testing.assert_allclose(scaled, density(prior, x).value - np.log(factor), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("prior", PRIORS, ids=lambda prior: prior.name)
def test_scaling_there_and_back_changes_nothing(prior):
    back = prior.scaled(8.0).scaled(1 / 8)

    assert back == prior
    assert hash(back) == hash(prior)


def test_priors_of_several_families_are_evaluated_each_in_its_place():
    priors = [
        Prior("Normal", mu=0, sigma=2),
        Prior("Cauchy", alpha=1, beta=1),
        Prior("Normal", mu=1, sigma=1),
    ]
    x = np.random.default_rng(1).normal(size=(2, 4, 3))

    together = IndependentPriors.of(priors).log_density(x)

    for j, prior in enumerate(priors):
        alone = IndependentPriors.of([prior]).log_density(x[..., j : j + 1])
        for whole, part in zip(together, alone, strict=True):
            np.testing.assert_array_equal(whole[..., j : j + 1], part)


def test_no_prior_at_all_has_no_density():
    value, first, second = IndependentPriors.of([]).log_density(np.zeros((3, 0)))

    assert value.shape == first.shape == second.shape == (3, 0)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("Uniform", {"lower": 0, "upper": 1}, "prior 'Uniform' is not supported; expected one of Normal"),
        ("Normal", {"mu": 0}, r"has the arguments \['mu'\]; expected \['mu', 'sigma'\]"),
        ("Normal", {"mu": 0, "sd": 1}, r"expected \['mu', 'sigma'\]"),
        ("Normal", {"mu": 0, "sigma": 0}, "sigma=0.0; expected a positive number"),
        ("Normal", {"mu": 0, "sigma": -1}, "sigma=-1.0; expected a positive number"),
        ("Normal", {"mu": float("nan"), "sigma": 1}, "mu=nan; expected a finite number"),
        ("Normal", {"mu": 0, "sigma": float("inf")}, "sigma=inf; expected a positive number"),
        ("Normal", {"mu": 0, "sigma": "wide"}, "sigma='wide' is not a number"),
        (
            "Normal",
            {"mu": 0, "sigma": Prior("HalfNormal", sigma=1)},
            "hyperpriors on sigma are not supported",
        ),
        ("Gamma", {"alpha": -1, "beta": 1}, "alpha=-1.0; expected a positive number"),
        ("Exponential", {"lam": 0}, "lam=0.0; expected a positive number"),
    ],
)
def test_a_prior_that_cannot_be_fitted_is_refused_and_says_why(name, arguments, message):
    with pytest.raises(SpecificationError, match=message):
        Prior(name, **arguments)


@pytest.mark.parametrize(
    ("family", "argument"),
    [(f, a) for f, kinds in {**COMMON, **GROUP_SD}.items() for a in kinds],
)
@pytest.mark.parametrize("value", [-2.0, 0.0, float("nan"), float("inf"), float("-inf"), 1e-300])
def test_only_a_centre_may_be_zero_or_negative_and_nothing_infinite(family, argument, value):
    arguments = {**dict.fromkeys({**COMMON, **GROUP_SD}[family], 1.0), argument: value}
    is_centre = argument == "mu" or (family, argument) == ("Cauchy", "alpha")

    if np.isfinite(value) and (is_centre or value > 0):
        assert Prior(family, **arguments).arguments == arguments
    else:
        with pytest.raises(SpecificationError, match=f"{argument}={value}; expected a"):
            Prior(family, **arguments)


def test_the_number_of_variables_is_known():
    assert IndependentPriors.of([Prior("Normal", mu=0, sigma=1)] * 3).size == 3


@pytest.mark.parametrize("x", [-1e4, -800.0, 0.0, 800.0, 1e4])
def test_a_logistic_density_is_finite_however_far_out(x):
    value, first, second = density(Prior("Logistic", mu=0, s=1), np.array([x]))

    assert value[0] == pytest.approx(stats.logistic.logpdf(x))
    assert np.isfinite([first[0], second[0]]).all()


def test_a_prior_reads_as_pymc_would_write_it():
    prior = Prior("Normal", sigma=2.5, mu=0)

    assert str(prior) == "Normal(mu=0, sigma=2.5)"
    assert prior.to_json() == {"name": "Normal", "mu": 0.0, "sigma": 2.5}
    assert prior == Prior("Normal", mu=0.0, sigma=2.5)
