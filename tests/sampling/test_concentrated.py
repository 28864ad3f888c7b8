"""Many levels from a few exact points: against exact weights, importance sampling, and where it must decline."""

from dataclasses import replace

import numpy as np
import pytest
from test_collapse import ONE, TWO, binary, problem, trials
from test_collapsed import drawn, prepared

from data_science.engines import collapsed, concentrated
from data_science.engines.concentrated import Concentrated
from data_science.engines.importance import CertificateError
from data_science.evaluation.loo import loo
from data_science.likelihood.collapse.drawing import QUANTILES

FRAME = binary([6, 3, 9] * 150)


def exact(found: Concentrated, n: int, *, moments=False, seed=9):
    """Whitened points, their exact weights, and the levels' conditional moments there."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, found.z.shape[1]))
    at = found.density.at(*found.placed(z), found.modes, rng, moments=moments)
    log_weights = at.log_density + 0.5 * (z**2).sum(1)
    weights = np.exp(log_weights - log_weights.max())
    return z, weights / weights.sum(), at


def by_polynomial(found: Concentrated, z):
    values = found.log_weights - found.log_weights.mean()
    weights = np.exp(concentrated.Regression.at(found.z, found.degree).value(values, z))
    return weights / weights.sum()


def shift(found: Concentrated, n: int) -> float:
    """Largest difference of a mean from that with exact weights, in posterior sds."""
    z, weights, _ = exact(found, n)
    sds = np.sqrt(weights @ z**2 - (weights @ z) ** 2)
    return float(np.abs((by_polynomial(found, z) - weights) @ z / sds).max())


@pytest.fixture(scope="module")
def found():
    return Concentrated.of(problem(FRAME, ONE).density, np.random.default_rng(1))


def test_what_is_left_has_the_means_and_sds_of_exact_weights(found):
    z, weights, _ = exact(found, 1_024)

    ours = by_polynomial(found, z)

    assert found.error < concentrated.ERROR_NATS
    np.testing.assert_allclose(ours @ z, weights @ z, atol=2 * found.error)
    np.testing.assert_allclose(ours @ z**2, weights @ z**2, atol=6 * found.error)


def test_there_are_more_proposals_than_draws_are_kept(found):
    z, weights, _ = found.proposals(np.random.default_rng(2), 8_000)

    assert len(z) == len(weights) == 8_800


def test_levels_have_the_moments_and_quantiles_of_exact_weights(found):
    _, weights, at = exact(found, 2_048, moments=True)
    rng = np.random.default_rng(3)
    proposals, by_proposal, _ = found.proposals(rng)
    kept = rng.choice(len(proposals), 400, p=by_proposal)
    draws = np.empty((400, len(found.modes)))

    _, mean, sd = found.levels(proposals, by_proposal)
    levels = found.draw_levels(proposals[kept], mean, sd, draws, rng)

    exact_mean = at.moments[..., 2] @ weights
    exact_sd = np.sqrt((at.moments[..., 3] + (at.moments[..., 2] - exact_mean[:, None]) ** 2) @ weights)
    np.testing.assert_allclose((mean - exact_mean) / exact_sd, 0, atol=0.02)  # mostly the weights' noise
    np.testing.assert_allclose(sd / exact_sd, 1, atol=0.02)
    shares = [(draws < quantile).mean() for quantile in levels.quantiles.T]
    np.testing.assert_allclose(shares, QUANTILES, atol=0.006)  # what is left is common to all levels
    assert abs((draws.mean(axis=0) - mean) / sd).max() < 5.5 / np.sqrt(400)


@pytest.mark.parametrize(
    ("frame", "formula", "reason"),
    [
        (binary([5] * 60), ONE, "60 levels"),
        (binary([5] * 400, second=7), TWO, "2 sds"),
        (binary([1] * 400), ONE, "a polynomial is off by"),
    ],
    ids=["few levels", "two factors", "a weak sd"],
)
def test_what_no_polynomial_describes_is_declined(frame, formula, reason):
    with pytest.raises(CertificateError, match=reason):
        Concentrated.of(problem(frame, formula).density, np.random.default_rng(1)).require()


def test_levels_that_are_lost_are_declined(monkeypatch):
    density = problem(FRAME, ONE).density
    sound = type(density).at

    def lossy(self, *arguments, **options):
        return replace(sound(self, *arguments, **options), lost=1)

    monkeypatch.setattr(type(density), "at", lossy)

    with pytest.raises(CertificateError, match=r"integrals over 1\|g"):
        Concentrated.of(density, np.random.default_rng(1))


@pytest.mark.parametrize(
    ("frame", "formula"),
    [(FRAME, ONE), (trials([3, 12, 40, 7] * 90), "p(y, n) ~ x0 + (1 | g)")],
    ids=["binary", "counts"],
)
def test_it_gives_the_posterior_of_importance_sampling(frame, formula, monkeypatch):
    design, rows, compressed = prepared(formula, frame)
    ours = drawn(design, compressed)
    monkeypatch.setattr(concentrated, "FROM_LEVELS", 10**9)
    theirs = drawn(design, compressed)

    assert "a polynomial through" in str(ours.attributes["way"])
    assert "importance sampling" in str(theirs.attributes["way"])
    sds = theirs.coefficients.std(axis=(0, 1))
    n = theirs.coefficients[..., 0].size * float(theirs.attributes["efficiency"])
    z = (ours.mean - theirs.coefficients.mean(axis=(0, 1))) / sds * np.sqrt(n)
    assert np.abs(z[ours.levels.positions]).max() < 5.5
    assert 0.8 < np.sqrt((z[ours.levels.positions] ** 2).mean()) < 1.2
    assert np.abs(ours.sds.mean() - theirs.sds.mean()) < 4.5 * theirs.sds.std() * np.sqrt(2 / n)
    np.testing.assert_allclose(ours.levels.sd / sds[ours.levels.positions], 1, atol=0.15)
    if formula == ONE:
        mine, other = loo(design, rows, ours), loo(design, rows, theirs)
        assert mine.elpd == pytest.approx(other.elpd, abs=0.5)
        np.testing.assert_allclose(mine.pointwise, other.pointwise, atol=0.06)
        assert mine.p == pytest.approx(other.p, rel=0.03)


def test_very_many_levels_are_kept_in_single_precision(monkeypatch):
    design, _, compressed = prepared(ONE, FRAME)
    usual = drawn(design, compressed, draws=100)
    monkeypatch.setattr(collapsed, "_DOUBLES", 1)

    small = drawn(design, compressed, draws=100)

    assert small.coefficients.dtype == np.float32
    np.testing.assert_allclose(small.coefficients, usual.coefficients, atol=1e-5)
    np.testing.assert_array_equal(small.levels.mean, usual.levels.mean)


@pytest.mark.slow
def test_stated_errors_cover_on_random_designs():
    """Three hundred random designs: what is accepted is off by no more than it says, twice over."""
    rng = np.random.default_rng(5)
    accepted, covered = 0, 0
    for seed in range(300):
        levels, rate = int(rng.integers(300, 900)), rng.integers(2, 12)
        sizes = 1 + rng.poisson(rate, levels)
        frame = binary(
            sizes, sd=float(np.exp(rng.uniform(-1.5, 1.0))), slopes=(0.5,) * rng.integers(1, 4), seed=seed
        )
        terms = " + ".join(column for column in frame if column.startswith("x"))
        try:
            found = Concentrated.of(problem(frame, f"y ~ {terms} + (1 | g)").density, rng)
            found.require()
        except CertificateError:
            continue
        accepted += 1
        covered += shift(found, 256) <= 2 * found.error
    assert accepted > 100
    assert covered >= 0.99 * accepted
