"""Nested Laplace with the largest factor integrated out: against plain Bambi, NUTS, brute force, and itself broken."""

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from by_hand import of_rows, probabilities
from frames import patients, sparse
from monte_carlo import estimates, scalars, tail_points, worst
from plain_bambi import QUICK, stored
from scipy.special import logsumexp
from test_collapse import binary, by_brute_force, problem, trials, with_zeros

from data_science.engines import collapsed
from data_science.engines.importance import CertificateError
from data_science.engines.nested_laplace import pays
from data_science.engines.posterior import to_tree
from data_science.engines.registry import FitSettings, engine
from data_science.evaluation.loo import loo
from data_science.evaluation.pointwise import pool
from data_science.formula.design import encode, learn
from data_science.formula.priors import Prior
from data_science.formula.specification import ModelSpecification
from data_science.likelihood.collapse.density import Collapsed
from data_science.likelihood.fidelity import compress_enough

PRIORS = {
    "by default": {},
    "heavy tails": {
        "Intercept": Prior("StudentT", nu=3, mu=0, sigma=2.5),
        "common": Prior("Cauchy", alpha=0, beta=2.5),
        "group_sd": Prior("HalfStudentT", nu=3, sigma=2.5),
    },
    "gamma": {"common": Prior("Logistic", mu=0, s=1), "group_sd": Prior("Gamma", alpha=2, beta=2)},
    "inverse gamma": {"group_sd": Prior("InverseGamma", alpha=3, beta=2)},
    "exponential": {"group_sd": Prior("Exponential", lam=1)},
}
BY_PLAIN_BAMBI = [name for name, (spec, _) in QUICK.items() if "(1 |" in spec.formula or "|" in spec.formula]


def prepared(formula, frame, **options):
    design = learn(ModelSpecification(formula, **options), frame)
    rows = encode(design, frame)
    return design, rows, compress_enough(design, rows)


def drawn(design, compressed, **settings):
    return collapsed.draw(design, compressed, FitSettings(**{"seed": 3, **settings}))


def deviation_from_nuts(design, compressed, **settings):
    ours = drawn(design, compressed)
    with patch.object(engine("nuts"), "FROM_LEVELS", 10**9):  # over the levels, too
        nuts = engine("nuts").draw(design, compressed, FitSettings(seed=4, **settings), lambda _: None)
    mine, others = (scalars(to_tree(design, p)["posterior"].to_dataset()) for p in (ours, nuts))
    tails = tail_points(others)
    return worst(estimates(mine, tails, float(ours.attributes["efficiency"])), estimates(others, tails))


@pytest.mark.parametrize("setting", BY_PLAIN_BAMBI)
def test_it_gives_plain_bambis_posterior(setting):
    specification, frame = QUICK[setting]
    design = learn(specification, frame)
    tails, theirs = stored(setting)

    posterior = drawn(design, compress_enough(design, encode(design, frame)))

    draws = scalars(to_tree(design, posterior)["posterior"].to_dataset())
    draws |= of_rows(design, probabilities(design, posterior.coefficients, frame), frame)
    deviation = worst(estimates(draws, tails, float(posterior.attributes["efficiency"])), theirs)
    assert deviation.is_noise, deviation


@pytest.mark.parametrize(
    "prior", [p if p == "heavy tails" else pytest.param(p, marks=pytest.mark.slow) for p in PRIORS]
)
def test_it_gives_the_posterior_of_nuts_whatever_the_prior(prior):
    design, _, compressed = prepared("y ~ x + (1 | g)", sparse(60), priors=PRIORS[prior])

    deviation = deviation_from_nuts(design, compressed, draws=2_000)

    assert deviation.is_noise, deviation


@pytest.mark.slow
@pytest.mark.parametrize(
    ("formula", "frame"),
    [
        ("y ~ treatment + month + (1 | patient)", patients(294)),
        ("y ~ x0 + (1 | g) + (1 | h)", binary([4] * 150, second=12)),
        ("y ~ x + (1 | g)", sparse(200)),
        ("y ~ x0 + (1 | g)", binary([6] * 320)),
    ],
    ids=["large group sd", "two factors", "sparse groups", "by a polynomial"],
)
def test_it_gives_the_posterior_of_nuts_on_hundreds_of_levels(formula, frame):
    design, _, compressed = prepared(formula, frame)

    deviation = deviation_from_nuts(design, compressed, draws=2_000)

    assert deviation.is_noise, deviation


TINY = {
    "three levels": (binary([5, 7, 3]), "y ~ 1 + (1 | g)"),
    "all zero in a level": (with_zeros(binary([6, 9, 4]), 1), "y ~ 1 + (1 | g)"),
    "counts": (trials([3, 12, 40]), "p(y, n) ~ 1 + (1 | g)"),
}


@pytest.mark.parametrize("name", TINY)
def test_it_gives_the_posterior_of_brute_force(name):
    """Two dimensions are left: their posterior on a grid, each level integrated on a grid of its own."""
    frame, formula = TINY[name]
    design, _, compressed = prepared(formula, frame)
    found = problem(frame, formula)
    found.theta = 0.0
    at = np.stack(np.meshgrid(np.arange(-7, 6, 0.25), np.arange(-5.5, 2.6, 0.2), indexing="ij"), -1).reshape(
        -1, 2
    )
    log_density = by_brute_force(found, at[:, :1], at[:, 1:])
    weights = np.exp(log_density - logsumexp(log_density))

    posterior = drawn(design, compressed)

    n_effective = posterior.sds.size * float(posterior.attributes["efficiency"])
    values = {"Intercept": posterior.coefficients[..., 0], "log sd": np.log(posterior.sds[..., 0])}
    for (quantity, draws), exact in zip(values.items(), at.T, strict=True):
        mean = weights @ exact
        sd = np.sqrt(weights @ (exact - mean) ** 2)
        assert abs(draws.mean() - mean) < 4.5 * sd / np.sqrt(n_effective) + 0.01 * sd, quantity
        assert abs(draws.std() / sd - 1) < 0.1, quantity


@pytest.mark.slow
def test_leaving_one_trial_out_equals_exact_refits():
    frame, formula = binary([6, 9, 4]), "y ~ 1 + (1 | g)"
    design, rows, compressed = prepared(formula, frame)
    at = np.stack(np.meshgrid(np.arange(-7, 6, 0.25), np.arange(-5.5, 2.6, 0.2), indexing="ij"), -1).reshape(
        -1, 2
    )

    def evidence(some) -> float:
        found = problem(some, formula)
        found.theta = 0.0
        return float(logsumexp(by_brute_force(found, at[:, :1], at[:, 1:])))

    posterior = drawn(design, compressed)
    found = loo(design, rows, posterior)

    whole = evidence(frame)
    for row in (0, 7, 16):
        node = next(
            k
            for k in range(len(found.pointwise))
            if _node_keys(rows)[k] == (frame["g"][row], frame["y"][row])
        )
        expected = whole - evidence(frame.drop(index=row))
        assert found.pointwise[node] == pytest.approx(expected, abs=0.06)
    assert (found.khat == 0).all()


def _node_keys(rows):
    nodes = pool(rows).rows
    return list(zip(nodes.codes["g"].tolist(), nodes.successes.tolist(), strict=True))


def test_the_same_seed_gives_the_same_draws_and_another_others():
    design, _, compressed = prepared("y ~ x + (1 | g)", sparse(60))

    first, again, other = (drawn(design, compressed, seed=s, draws=100) for s in (1, 1, 2))

    np.testing.assert_array_equal(first.coefficients, again.coefficients)
    np.testing.assert_array_equal(first.sds, again.sds)
    assert not np.array_equal(first.coefficients, other.coefficients)


def test_a_proposal_that_misses_the_tails_is_refused(monkeypatch):
    design, _, compressed = prepared("y ~ x + (1 | g)", sparse(60))
    sound = collapsed.Proposal.of

    def narrow(density):
        found = sound(density)
        steep = [
            replace(knot, slope=replace(knot.slope, precision=30 * knot.slope.precision))
            for knot in found.knots
        ]
        return replace(found, knots=steep)

    monkeypatch.setattr(collapsed.Proposal, "of", narrow)

    with pytest.raises(CertificateError, match=r"k-hat .* expected below 0\.7|effective draws of"):
        drawn(design, compressed)


def test_integrals_that_a_finer_grid_changes_are_refused(monkeypatch):
    design, _, compressed = prepared("y ~ x + (1 | g)", sparse(60))
    sound = Collapsed.at

    def coarse(self, v, theta, modes, rng, **options):
        found = sound(self, v, theta, modes, rng, **options)
        if "step" not in options:
            found.log_density[:] += np.sin(1e3 * v[:, 0])
        return found

    monkeypatch.setattr(Collapsed, "at", coarse)

    with pytest.raises(CertificateError, match=r"integrals over 1\|g changed by .* nats on a finer grid"):
        drawn(design, compressed)


def test_levels_that_cannot_be_integrated_are_no_certificate(monkeypatch):
    design, _, compressed = prepared("y ~ x + (1 | g)", sparse(60))
    sound = Collapsed.at

    def lossy(self, *arguments, **options):
        found = sound(self, *arguments, **options)
        return type(found)(found.log_density, int(bool(options)), found.drawn, found.moments)

    monkeypatch.setattr(Collapsed, "at", lossy)

    with pytest.raises(CertificateError):
        drawn(design, compressed)


def test_hundreds_of_levels_take_this_way_and_say_so():
    design, _, compressed = prepared("y ~ x + (1 | g)", sparse(200))

    posterior = engine("nested-laplace").draw(design, compressed, FitSettings(draws=200), lambda _: None)

    assert posterior.attributes["integrated"] == "1|g"
    assert str(posterior.attributes["way"]).startswith("the 200 levels of g are integrated out exactly")
    assert posterior.coefficients.shape == (4, 200, 202)


@pytest.mark.parametrize(
    ("formula", "levels", "expected"),
    [("y ~ x + (1 | g)", 39, False), ("y ~ x + (1 | g)", 40, True), ("y ~ x * C(g)", 90, True)],
)
def test_it_pays_from_so_many_levels_or_coefficients_on(formula, levels, expected):
    design = learn(ModelSpecification(formula), sparse(levels))

    assert pays(design.encoding) is expected


def test_a_formula_without_a_factor_to_integrate_out_takes_the_ordinary_way(caplog):
    design, _, compressed = prepared("y ~ x + (0 + x | g)", sparse(60))

    with caplog.at_level("INFO"):
        posterior = engine("nested-laplace").draw(design, compressed, FitSettings(draws=50), lambda _: None)

    assert "integrated" not in posterior.attributes
    assert "no factor is integrated out: no factor has an intercept of its own by level" in caplog.text


def test_slopes_of_thousands_of_groups_are_declined_before_anything_is_computed():
    frame = binary([3] * 250, slopes=(0.5,) * 4)
    design = learn(ModelSpecification("y ~ x0 + x1 + x2 + x3 + (x0 + x1 + x2 + x3 | g)"), frame)
    _, _, compressed = prepared("y ~ x0", frame)
    nothing = replace(compressed, assembled=None)  # no density is asked for

    with pytest.raises(
        CertificateError, match=r"5 group sds and 1,255 coefficients.*beside 1\|g 1,005 coefficients are left"
    ):
        engine("nested-laplace").draw(design, nothing, FitSettings(), lambda _: None)


def test_leaving_a_row_of_either_label_out_agrees_with_importance_sampling():
    design, rows, compressed = prepared("y ~ x + (1 | g)", sparse(60))
    posterior = drawn(design, compressed)

    exact, sampled = loo(design, rows, posterior), loo(design, rows, replace(posterior, left_out=None))

    usual = (sampled.khat > 0) & (sampled.khat < 0.5)  # where importance sampling is precise
    label = pool(rows).rows.successes[usual]
    assert min((label == 0).sum(), (label == 1).sum()) > 10
    gap = exact.pointwise[usual] - sampled.pointwise[usual]
    for one in (0, 1):
        assert abs(gap[label == one].mean()) < 0.06  # Monte Carlo error of some seeds: up to 0.03
    assert np.abs(gap).max() < 0.2
