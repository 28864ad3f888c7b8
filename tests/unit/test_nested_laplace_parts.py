"""The parts of nested Laplace that can be checked without a posterior: certificate, weights, resampling."""

from types import SimpleNamespace

import numpy as np
import pytest
from arviz_stats.base import array_stats
from hand_made import clients, compressed, learned
from threadpoolctl import threadpool_info, threadpool_limits

from data_science.engines import nested_laplace
from data_science.engines.importance import (
    CertificateError,
    ImportanceCertificate,
    certify,
    least_effective,
    systematic,
)
from data_science.engines.nested_laplace import Proposal, draw
from data_science.engines.registry import FitSettings, Progress
from data_science.errors import GateError
from data_science.limits import KHAT_MAX

FRAME = clients()
DESIGN = learned(frame=FRAME)
COMPRESSED = compressed(DESIGN, FRAME)


@pytest.fixture(scope="module")
def posterior():
    return draw(DESIGN, COMPRESSED, FitSettings(draws=500), lambda _: None)


@pytest.mark.parametrize(
    ("khat", "efficiency", "reason"),
    [
        (0.7, 1.0, r"k-hat 0\.7 of 1000 proposals, expected below 0\.7"),
        (np.nan, 1.0, "k-hat nan of 1000 proposals"),
        (np.inf, 1.0, "k-hat inf"),
        (0.2, 0.3999, r"399\.9 effective draws of 1000 proposals, expected at least 400"),
        (0.2, np.nan, "nan effective draws"),
    ],
)
def test_a_certificate_refuses_with_its_figures(khat, efficiency, reason):
    certificate = ImportanceCertificate(khat, efficiency, 1000)

    with pytest.raises(
        CertificateError,
        match=rf"nested Laplace is not reliable for this model \({reason}.*\)\. Use engine='nuts'",
    ) as refusal:
        certificate.require(0.7, 400)
    assert refusal.value.certificate is certificate
    assert isinstance(refusal.value, GateError)


@pytest.mark.parametrize(("khat", "efficiency"), [(0.6999, 0.4), (-1.0, 1.0)])
def test_a_certificate_at_its_limits_is_good(khat, efficiency):
    ImportanceCertificate(khat, efficiency, 1000).require(0.7, 400)


def test_weights_are_pareto_smoothed_and_certified():
    log_weights = np.random.default_rng(1).standard_t(3, 2_000) + 1234.5

    weights, certificate = certify(log_weights)

    smoothed, khat = array_stats.psislw(-log_weights, r_eff=1.0, axis=-1)
    expected = np.exp(smoothed - smoothed.max())
    expected /= expected.sum()
    np.testing.assert_allclose(weights, expected, rtol=1e-10)
    assert certificate.khat == pytest.approx(float(khat))
    assert certificate.efficiency == pytest.approx(1 / (2_000 * (expected**2).sum()))
    assert certificate.n_proposals == 2_000
    assert type(certificate.khat) is type(certificate.efficiency) is float


ROUNDED = -3.0 + np.spacing(3.0) * np.random.default_rng(4).integers(-2, 3, 500)


@pytest.mark.parametrize(
    "log_weights", [np.full(500, -3.0), ROUNDED], ids=["equal", "equal but for rounding"]
)
def test_the_weights_of_a_perfect_proposal_are_accepted(log_weights):
    weights, certificate = certify(log_weights)

    certificate.require(KHAT_MAX, 400)
    np.testing.assert_allclose(weights, 1 / 500)
    assert (certificate.khat, certificate.efficiency) == (0.0, pytest.approx(1.0))


def test_weights_of_which_the_largest_are_equal_are_judged_by_how_many_are_effective():
    weights, certificate = certify(np.repeat([0.0, -50.0], [300, 200]))

    certificate.require(KHAT_MAX, 299)
    with pytest.raises(CertificateError, match=r"300\.0 effective draws of 500 proposals"):
        certificate.require(KHAT_MAX, 301)
    np.testing.assert_allclose(weights[:300], 1 / 300)


def test_a_tail_that_varies_at_all_is_fitted():
    log_weights = 1e-9 * np.random.default_rng(5).standard_t(3, 500)

    assert certify(log_weights)[1].khat == array_stats.psislw(-log_weights, r_eff=1.0, axis=-1)[1] != 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_weight_that_is_no_number_weighs_nothing_and_refuses(bad):
    log_weights = np.random.default_rng(2).normal(size=500)
    log_weights[7] = bad

    weights, certificate = certify(log_weights)

    assert certificate.khat == np.inf
    assert weights[7] < 1e-6
    assert weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("n", [10, 997])
@pytest.mark.parametrize("seed", range(5))
def test_resampling_takes_each_index_within_one_of_its_expected_count(n, seed):
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.full(40, 0.3))

    counts = np.bincount(systematic(weights, n, rng), minlength=40)

    assert counts.sum() == n
    assert (np.abs(counts - n * weights) < 1 + 1e-9).all()


def test_resampling_is_fair():
    rng, weights = np.random.default_rng(3), np.array([0.05, 0.15, 0.8])

    counts = sum(np.bincount(systematic(weights, 7, rng), minlength=3) for _ in range(4_000))

    np.testing.assert_allclose(counts / 28_000, weights, atol=4 / np.sqrt(28_000))


def test_weights_whose_sum_rounds_below_one_never_point_past_the_last():
    weights = np.array([0.25, 0.25, 0.5]) * (1 - 1e-9)
    latest = SimpleNamespace(random=lambda: 1 - 1e-16)

    assert systematic(weights, 4, latest).tolist() == [1, 2, 2, 2]


def test_proposed_sds_come_once_from_every_stratum_and_each_density_is_divided_out():
    uniform = SimpleNamespace(quantile=lambda p: (p, np.full(len(p), 2.0)))
    joint = SimpleNamespace(n_coefficients=4, value=lambda x, theta: np.full(len(x), 11.0))
    conditional = SimpleNamespace(draw=lambda theta, z: (z, np.full(len(z), 3.0)))

    theta, x, log_weights = Proposal(joint, [uniform, uniform], conditional).draw(
        100, np.random.default_rng(1)
    )

    for probabilities in theta.T:
        assert sorted(np.floor(100 * probabilities)) == list(range(100))
    assert abs(np.corrcoef(theta.T)[0, 1]) < 0.5
    assert x.shape == (100, 4)
    assert log_weights.tolist() == [11.0 - 2.0 - 2.0 - 3.0] * 100


def test_draws_come_in_the_chains_asked_for_with_their_certificate():
    said = []

    posterior = draw(DESIGN, COMPRESSED, FitSettings(draws=150, chains=3), said.append)

    assert posterior.coefficients.shape == (3, 150, DESIGN.encoding.n_coefficients)
    assert posterior.sds.shape == (3, 150, 2)
    assert posterior.statistics["lp"].shape == (3, 150)
    assert posterior.attributes["engine"] == "nested-laplace"
    assert set(posterior.attributes) == {"engine", "khat", "efficiency", "n_proposals"}
    assert posterior.attributes["n_proposals"] == 563  # a quarter more than are kept, rounded up
    assert 0.3 < posterior.attributes["efficiency"] <= 1
    assert said == [Progress("nested-laplace", 450, 450)]
    x = COMPRESSED.at.from_raw(posterior.coefficients.reshape(450, -1))
    theta = np.log(posterior.sds.reshape(450, -1) * COMPRESSED.at.block_scale)
    np.testing.assert_allclose(
        posterior.statistics["lp"].ravel(), COMPRESSED.joint.value(x, theta), rtol=1e-10
    )


def test_draws_are_near_the_mode_and_as_wide_as_its_curvature_says(posterior):
    x = COMPRESSED.at.from_raw(posterior.coefficients).reshape(-1, DESIGN.encoding.n_coefficients)
    sds = np.sqrt(COMPRESSED.mode.factor.inverse_diagonal())[:3]
    np.testing.assert_allclose(x[:, 1:3].mean(axis=0), COMPRESSED.mode.x[1:3], atol=0.15 * sds[1:3].max())
    np.testing.assert_allclose(x[:, 1:3].std(axis=0), sds[1:3], rtol=0.1)


def test_draws_depend_on_the_seed_alone():
    one, same, other = (
        draw(DESIGN, COMPRESSED, FitSettings(draws=40, seed=seed), lambda _: None) for seed in (1, 1, 2)
    )

    np.testing.assert_array_equal(one.coefficients, same.coefficients)
    assert not np.array_equal(one.coefficients, other.coefficients)


def test_chains_are_independent_of_each_other_and_of_the_order_of_proposals(posterior):
    table = array_stats.rhat(posterior.coefficients, chain_axis=0, draw_axis=1)
    ess = array_stats.ess(posterior.coefficients, chain_axis=0, draw_axis=1)
    assert table.max() < 1.02
    assert ess.min() > 1_200


@pytest.mark.parametrize("draws", [4_000, 1_000, 150, 5])
def test_the_worst_parameter_needs_four_hundred_effective_draws_or_half_of_those_asked_for(
    draws, monkeypatch
):
    required = []
    monkeypatch.setattr(
        ImportanceCertificate, "require", lambda self, *limits: required.append((self.n_proposals, limits))
    )

    draw(DESIGN, COMPRESSED, FitSettings(draws=draws), lambda _: None)

    n = max(250, -(-5 * draws * 4 // 4))
    least = least_effective(DESIGN.encoding.n_coefficients + DESIGN.encoding.n_sds, 4 * draws, 4 * draws)
    least *= n / (4 * draws)
    assert required == [(250, (1.0, pytest.approx(0.5 * least * 250 / n))), (n, (0.7, least))]


def test_where_each_draw_is_dear_there_are_fewer_and_none_where_too_few_are_affordable(monkeypatch):
    work = DESIGN.encoding.n_coefficients**3 + COMPRESSED.joint.matrix.size
    monkeypatch.setattr(nested_laplace, "_PROBE", 30)
    settings = FitSettings(draws=600, chains=2)

    monkeypatch.setattr(nested_laplace, "_MOST_WORK", 1_000 * work)
    posterior = draw(DESIGN, COMPRESSED, settings, lambda _: None)
    assert posterior.coefficients.shape[:2] == (2, 400)
    assert posterior.attributes["n_proposals"] == 1_000

    monkeypatch.setattr(nested_laplace, "_MOST_WORK", 800 * work)  # nearly as few as may be
    assert draw(DESIGN, COMPRESSED, settings, lambda _: None).coefficients.shape[:2] == (2, 320)

    monkeypatch.setattr(nested_laplace, "_MOST_WORK", 749 * work)
    with pytest.raises(CertificateError, match="749 proposals are a minute's work, expected at least 600"):
        draw(DESIGN, COMPRESSED, settings, lambda _: None)


def test_small_matrices_are_worked_on_by_one_thread_however_many_are_allowed(monkeypatch):
    seen = []

    def watched(log_weights):
        seen.extend(pool["num_threads"] for pool in threadpool_info())
        return certify(log_weights)

    monkeypatch.setattr(nested_laplace, "certify", watched)
    with threadpool_limits(2):
        draw(DESIGN, COMPRESSED, FitSettings(draws=60, chains=2), lambda _: None)

    assert set(seen) == {1}
