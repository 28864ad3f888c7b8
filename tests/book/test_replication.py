"""Draws turned into groups' rates, for posterior and prior, against direct computation and closed forms."""

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats
from scipy.special import expit

from book import exploration
from data_science import ModelSpecification, Prior
from data_science.engines.posterior import Posterior, to_tree
from data_science.evaluation import prior_checks, replication
from data_science.formula import design

RNG = np.random.default_rng(5)
N = 1_500
FRAME = pd.DataFrame(
    {
        "attr_a": RNG.choice(5, N, p=[0.5, 0.05, 0.1, 0.15, 0.2]) + 1,
        "attr_b": RNG.choice(list("abcd"), N, p=[0.1, 0.2, 0.3, 0.4]),
        "scd_a": RNG.random(N),
        "scd_b": RNG.integers(1, 6, N),
    }
)
FRAME["label"] = (RNG.random(N) < expit(-2.5 + 1.2 * FRAME["scd_a"])).astype(int)
DESIGN = design.learn(ModelSpecification(), FRAME)
COEFFICIENTS = RNG.normal(0, 0.2, (4, 50, DESIGN.encoding.n_coefficients)) - np.eye(
    1, DESIGN.encoding.n_coefficients
)
SDS = np.abs(RNG.normal(size=(4, 50, 2)))
TREE = to_tree(DESIGN, Posterior(COEFFICIENTS, SDS, {}, {"engine": "nuts"}))
POOLED = COEFFICIENTS.reshape(-1, COEFFICIENTS.shape[-1])


def test_draws_read_from_a_stored_posterior_are_in_the_order_of_the_encoding():
    coefficients, sds = replication.draws_of(DESIGN, TREE)

    assert np.array_equal(coefficients, COEFFICIENTS)
    assert np.array_equal(sds, SDS)


def test_expected_rates_are_means_of_the_clients_probabilities():
    groups = exploration.margins(FRAME, ("attr_b",))

    found = replication.replicate(DESIGN, FRAME, groups, POOLED)["attr_b"]

    draw, level = 7, 2
    eta = POOLED[draw][0] + POOLED[draw][1] * FRAME["scd_a"] + POOLED[draw][2] * FRAME["scd_b"]
    eta += (
        POOLED[draw][3:8][FRAME["attr_a"] - 1]
        + POOLED[draw][8:][FRAME["attr_b"].map({"a": 0, "b": 1, "c": 2, "d": 3})]
    )
    inside = FRAME["attr_b"] == "c"
    assert found.expected[draw, level] == pytest.approx(expit(eta)[inside].sum())
    assert found.observed[level] == FRAME["label"][inside].sum()
    assert found.n.sum() == N


def test_replicated_labels_scatter_around_the_expected_ones_with_their_variance():
    groups = exploration.margins(FRAME, ("attr_a",))
    same = np.repeat(POOLED[:1], 2_000, axis=0)

    found = replication.replicate(DESIGN, FRAME, groups, same)["attr_a"]

    z = (found.replicated.mean(axis=0) - found.expected[0]) / np.sqrt(found.variance[0] / len(same))
    assert np.abs(z).max() < 4.5
    assert found.replicated.var(axis=0) == pytest.approx(found.variance[0], rel=0.2)


def test_a_model_that_made_the_data_is_not_refuted_and_another_is():
    groups = exploration.margins(FRAME, ("scd_a",))
    truth = np.zeros((400, DESIGN.encoding.n_coefficients))
    truth[:, :2] = -2.5, 1.2
    reversed_ = np.zeros_like(truth)
    reversed_[:, :2] = -1.3, -1.2

    shares = [
        (found.discrepancy["replicated"] >= found.discrepancy["observed"]).mean()
        for found in (
            replication.replicate(DESIGN, FRAME, groups, draws)["scd_a"] for draws in (truth, reversed_)
        )
    ]

    assert shares[0] > 0.01
    assert shares[1] < 0.01


def test_intervals_hold_95_percent_of_the_draws_about_their_median():
    steps = np.arange(1_001)[:, None] * np.array([1.0, 2.0])  # of two groups, of 1,000 and 500 clients
    found = replication.Replication(
        pd.Index(["a", "b"]),
        np.array([1_000.0, 500.0]),
        np.array([10.0, 20.0]),
        steps,
        steps,
        steps[::-1] / 2,
    )

    assert found.rates.columns.tolist() == ["low", "middle", "high", "observed"]
    assert found.rates.loc["a"].tolist() == pytest.approx([0.025, 0.5, 0.975, 0.01])
    assert found.rates.loc["b"].tolist() == pytest.approx([0.1, 2.0, 3.9, 0.04])
    assert found.replicated_rates.loc["b"].tolist() == pytest.approx([0.05, 1.0, 1.95, 0.04])
    assert found.residuals.loc["a"].tolist() == pytest.approx([-0.9625, -0.25, 0.4625, 0.01 - 0.5])


def test_the_worst_of_several_margins_is_the_largest_in_each_draw_apart():
    def margin(observed, replicated):
        expected, variance = np.full((2, 2), 4.0), np.full((2, 2), 4.0)
        groups = pd.Index(["a", "b"])
        return replication.Replication(groups, np.full(2, 9.0), observed, expected, variance, replicated)

    found = {
        "one": margin(np.array([4.0, 8.0]), np.array([[4.0, 5.0], [4.0, 12.0]])),
        "other": margin(np.array([1.0, 5.0]), np.array([[-2.0, 4.0], [3.0, 4.0]])),
    }

    assert replication.worst(found)["observed"].tolist() == [2.0, 2.0]
    assert replication.worst(found)["replicated"].tolist() == [3.0, 4.0]


@pytest.mark.parametrize(
    ("prior", "law"),
    [
        (Prior("Normal", mu=1, sigma=2), stats.norm(1, 2)),
        (Prior("StudentT", nu=3, mu=0, sigma=2), stats.t(3, 0, 2)),
        (Prior("Cauchy", alpha=1, beta=2), stats.cauchy(1, 2)),
        (Prior("Logistic", mu=1, s=2), stats.logistic(1, 2)),
        (Prior("HalfNormal", sigma=2), stats.halfnorm(scale=2)),
        (Prior("HalfCauchy", beta=2), stats.halfcauchy(scale=2)),
        (Prior("Exponential", lam=4), stats.expon(scale=0.25)),
        (Prior("Gamma", alpha=3, beta=2), stats.gamma(3, scale=0.5)),
        (Prior("InverseGamma", alpha=3, beta=2), stats.invgamma(3, scale=2)),
    ],
    ids=lambda value: str(value) if isinstance(value, Prior) else "",
)
def test_draws_of_a_prior_follow_it(prior, law):
    draws = prior.draw(2_000, np.random.default_rng(1))

    assert stats.kstest(draws, law.cdf).pvalue > 1e-4


def test_draws_of_the_half_student_are_those_of_a_student_without_sign():
    draws = Prior("HalfStudentT", nu=4, sigma=2).draw(2_000, np.random.default_rng(1))

    assert stats.kstest(draws, lambda x: 2 * stats.t(4, 0, 2).cdf(x) - 1).pvalue > 1e-4


def test_the_prior_of_the_intercept_is_stated_at_the_mean_of_the_predictors():
    coefficients, _ = prior_checks.draw_coefficients(DESIGN, FRAME, 4_000)

    at_mean = coefficients[:, 0] + coefficients[:, 1:3] @ FRAME[["scd_a", "scd_b"]].mean().to_numpy()

    assert stats.kstest(at_mean, stats.norm(0, 1.5).cdf).pvalue > 1e-4


def test_without_an_intercept_every_coefficient_is_drawn_from_its_own_prior_and_weighed_by_it():
    learned = design.learn(ModelSpecification("label ~ 0 + scd_a + log(scd_b)"), FRAME)
    scales = 1 / np.array([FRAME["scd_a"].std(ddof=0), np.log(FRAME["scd_b"]).std(ddof=0)])

    coefficients, sds = prior_checks.draw_coefficients(learned, FRAME, 4_000)

    assert sds.shape == (4_000, 0)
    for drawn, scale in zip(coefficients.T, scales, strict=True):
        assert stats.kstest(drawn, stats.norm(0, scale).cdf).pvalue > 1e-4
    tree = to_tree(learned, Posterior(coefficients[None, :8], sds[None, :8], {}, {"engine": "nuts"}))
    found = prior_checks.with_log_densities(learned, FRAME, tree)["log_prior"]["total"].to_numpy()[0]
    np.testing.assert_allclose(found, stats.norm(0, scales).logpdf(coefficients[:8]).sum(axis=1))


def test_the_density_of_the_prior_is_that_of_its_parts_and_the_likelihood_that_of_every_client():
    tree = prior_checks.with_log_densities(DESIGN, FRAME, TREE)

    chain, draw = 2, 11
    b, sd = COEFFICIENTS[chain, draw], SDS[chain, draw]
    centred = b[0] + b[1:3] @ FRAME[["scd_a", "scd_b"]].mean().to_numpy()
    steps = FRAME[["scd_a", "scd_b"]].std(ddof=0).to_numpy()
    prior = stats.norm(0, 1.5).logpdf(centred) + stats.norm(0, 1 / steps).logpdf(b[1:3]).sum()
    prior += stats.halfnorm(scale=1).logpdf(sd).sum()
    chance = expit(replication.raw_matrix(DESIGN, FRAME) @ b)
    likelihood = stats.bernoulli(chance).logpmf(FRAME["label"]).sum()
    assert tree["log_prior"]["total"].values[chain, draw] == pytest.approx(prior, abs=1e-9)
    assert tree["log_likelihood"]["total"].values[chain, draw] == pytest.approx(likelihood, abs=1e-3)


def test_power_scaling_finds_the_parameter_that_only_the_prior_knows():
    rng = np.random.default_rng(8)
    by_data, by_prior = rng.normal(size=(2, 4, 1_000))
    index = {"chain": np.arange(4), "draw": np.arange(1_000)}

    def dataset(**values):
        return xr.Dataset({name: (("chain", "draw"), value) for name, value in values.items()}, index)

    tree = xr.DataTree.from_dict(
        {
            "posterior": dataset(by_data=by_data, by_prior=by_prior),
            "log_prior": dataset(total=stats.norm.logpdf(by_prior)),
            "log_likelihood": dataset(total=stats.norm.logpdf(by_data)),
        }
    )

    table = prior_checks.power_scaling(tree)

    assert table["diagnosis"].to_dict() == {
        "by_data": "no sign of sensitivity",
        "by_prior": "the prior matters more",
    }
    assert table["prior"].round(3).to_dict() == az.psense_summary(tree)["prior"].to_dict()
