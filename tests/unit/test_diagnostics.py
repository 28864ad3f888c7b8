"""What is measured of a fit: one quantity of a good fit is spoilt at a time, and must show."""

import json
from types import SimpleNamespace

import arviz as az
import numpy as np
import pytest
from hand_made import independent, learned
from scipy import stats

from data_science.engines.posterior import names, to_tree
from data_science.evaluation.diagnostics import RATE_PROBABILITY, measure, rate_interval, summary

DESIGN = learned("label ~ 1 + scd_a + (scd_a | attr_a) + (1 | attr_b)")
NAMES = names(DESIGN)
N_COEFFICIENTS = DESIGN.encoding.n_coefficients
CHAINS = range(4)


def spoilt(change, **options):
    """Return the tree of good draws, the draws of one parameter changed: ``change(values, chain, ...)``."""
    posterior = independent(DESIGN, **options)
    change(posterior)
    return to_tree(DESIGN, posterior)


def of(posterior, name):
    """Return the draws of one parameter, shape (chain, draw), to be changed in place."""
    place = NAMES.index(name)
    if place < N_COEFFICIENTS:
        return posterior.coefficients[..., place]
    return posterior.sds[..., place - N_COEFFICIENTS]


def measured(tree):
    return measure(tree, summary(tree), (0.1, 0.3), 0.2)


def over_scalars(found):
    """Return every scalar of a DataTree that ArviZ made."""
    values = found.to_dataset() if hasattr(found, "to_dataset") else found
    return np.concatenate([np.ravel(variable) for variable in values.data_vars.values()])


def test_a_good_fit_measures_well():
    found = measured(spoilt(lambda _: None))

    assert found.rhat_max < 1.01
    assert min(found.ess_bulk_min, found.ess_tail_min) > 1000
    assert found.all_finite
    assert (found.n_divergences, found.khat) == (0, None)
    assert (found.observed_rate, found.predicted_rate) == (0.2, (0.1, 0.3))


def test_the_summary_is_that_of_the_draws_by_their_names():
    posterior = independent(DESIGN)

    table = summary(to_tree(DESIGN, posterior))

    assert sorted(table.index) == sorted(NAMES)
    assert table.columns.tolist() == [
        *("mean", "sd", "q5", "q50", "q95", "ess_bulk", "ess_tail", "r_hat", "mcse_mean"),
    ]
    for name in NAMES:
        draws, row = of(posterior, name), table.loc[name]
        pooled = draws.ravel()
        assert row["mean"] == pytest.approx(pooled.mean(), rel=1e-12)
        assert row["sd"] == pytest.approx(np.sqrt(((pooled - pooled.mean()) ** 2).sum() / (len(pooled) - 1)))
        assert row[["q5", "q50", "q95"]].tolist() == pytest.approx(
            np.percentile(pooled, [5, 50, 95]), rel=1e-12
        )
        assert row["ess_bulk"] == pytest.approx(float(az.ess(draws, method="bulk")), rel=1e-9)
        assert row["ess_tail"] == pytest.approx(
            float(az.ess(draws, method="tail", prob=(0.05, 0.95))), rel=1e-9
        )
        assert row["r_hat"] == pytest.approx(float(az.rhat(draws)), rel=1e-12)
        assert row["mcse_mean"] == pytest.approx(float(az.mcse(draws, method="mean")), rel=1e-6)


def test_weighted_draws_count_for_as_many_as_their_efficiency_says():
    plain = summary(to_tree(DESIGN, independent(DESIGN)))

    weighted = summary(to_tree(DESIGN, independent(DESIGN, attributes={"efficiency": 0.25})))

    for column in ("ess_bulk", "ess_tail"):
        np.testing.assert_allclose(weighted[column], plain[column] / 4, rtol=1e-12)
    np.testing.assert_allclose(weighted["mcse_mean"], 2 * plain["mcse_mean"], rtol=1e-12)
    for column in ("mean", "sd", "q5", "q50", "q95", "r_hat"):
        np.testing.assert_array_equal(weighted[column], plain[column])


@pytest.mark.parametrize("name", NAMES)
def test_a_chain_that_is_elsewhere_in_any_parameter_is_the_worst_r_hat(name):
    chain = NAMES.index(name) % 4

    def shift(posterior):
        values = of(posterior, name)
        values[chain] += values.std()

    tree = spoilt(shift)

    found = measured(tree)

    assert found.rhat_worst == name
    assert found.rhat_max > 1.05
    assert found.rhat_max == pytest.approx(over_scalars(az.rhat(tree)).max(), rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_draws_repeated_in_any_parameter_are_the_worst_ess(name):
    def repeat(posterior):
        values = of(posterior, name)
        values[:] = values[:, ::20].repeat(20, axis=1)

    tree = spoilt(repeat)

    found = measured(tree)

    assert found.ess_worst == name
    assert found.ess_bulk_min < 300
    assert found.ess_bulk_min == pytest.approx(over_scalars(az.ess(tree, method="bulk")).min(), rel=1e-9)
    tails = over_scalars(az.ess(tree, method="tail", prob=(0.05, 0.95)))
    assert found.ess_tail_min == pytest.approx(tails.min(), rel=1e-9)


@pytest.mark.parametrize("way", [-1, 1], ids=["lower", "upper"])
@pytest.mark.parametrize("name", NAMES[::4])
def test_a_tail_that_is_visited_in_few_spells_is_the_worst_ess_however_good_the_bulk(name, way):
    def cluster(posterior):
        values = of(posterior, name)
        spell = np.arange(values.shape[1]) % 250 < 50
        for draws in values:
            side = np.flatnonzero(way * (draws - np.median(draws)) > 0)
            by_size = side[np.argsort(-way * draws[side])]  # the farthest first
            draws[np.concatenate([side[spell[side]], side[~spell[side]]])] = draws[by_size]

    tree = spoilt(cluster)

    found = measured(tree)

    assert found.ess_worst == name
    assert found.ess_tail_min < found.ess_bulk_min / 2
    tails = over_scalars(az.ess(tree, method="tail", prob=(0.05, 0.95)))
    assert found.ess_tail_min == pytest.approx(tails.min(), rel=1e-9)


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", [NAMES[0], NAMES[1], NAMES[5], NAMES[-1]])
def test_one_draw_that_is_no_number_shows(name, value):
    def lose(posterior):
        of(posterior, name)[2, 7] = value

    found = measured(spoilt(lose))

    assert not found.all_finite
    if np.isnan(value):
        assert found.rhat_worst == found.ess_worst == name
        assert np.isnan([found.rhat_max, found.ess_bulk_min, found.ess_tail_min]).all()


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("name", [NAMES[0], NAMES[-1]])
def test_a_parameter_that_never_moves_has_no_r_hat_and_is_the_worst(name):
    def freeze(posterior):
        of(posterior, name)[:] = 1.0

    found = measured(spoilt(freeze))

    assert found.rhat_worst == name
    assert not found.rhat_max < 1.01


@pytest.mark.parametrize("chain", CHAINS)
def test_a_divergence_of_any_chain_is_counted(chain):
    def diverge(posterior):
        posterior.statistics["diverging"][chain, 3] = True

    assert measured(spoilt(diverge)).n_divergences == 1


def test_divergences_of_all_chains_add_up():
    def diverge(posterior):
        posterior.statistics["diverging"][:, 3:5] = True

    assert measured(spoilt(diverge)).n_divergences == 8


@pytest.mark.parametrize("chain", CHAINS)
def test_the_chain_that_is_stuck_in_its_energy_is_the_one_measured(chain):
    def stick(posterior):
        energy = posterior.statistics["energy"]
        energy[chain] = np.cumsum(energy[chain])

    tree = spoilt(stick)

    found = measured(tree)

    energy = tree["sample_stats"]["energy"].to_numpy()[chain]
    by_hand = np.mean((energy[1:] - energy[:-1]) ** 2) / energy.var(ddof=1)
    assert found.bfmi_min == pytest.approx(by_hand, rel=1e-12)
    assert found.bfmi_min < 0.1
    assert found.bfmi_min == pytest.approx(over_scalars(az.bfmi(tree)).min(), rel=1e-12)


def test_what_the_engine_has_not_is_none_and_what_it_has_is_read():
    posterior = independent(
        DESIGN, n_chains=3, n_draws=50, attributes={"engine": "nested-laplace", "khat": 0.9}
    )
    posterior.statistics.clear()

    found = measured(to_tree(DESIGN, posterior))

    assert (found.engine, found.n_chains, found.n_draws) == ("nested-laplace", 3, 50)
    assert (found.n_divergences, found.bfmi_min) == (None, None)
    assert (found.khat, type(found.khat)) == (0.9, float)


def test_statistics_without_energy_or_divergences_are_not_measured():
    posterior = independent(DESIGN, n_draws=50)
    posterior.statistics.clear()
    posterior.statistics["lp"] = np.zeros((4, 50))

    found = measured(to_tree(DESIGN, posterior))

    assert (found.engine, found.n_divergences, found.bfmi_min, found.khat) == ("nuts", None, None, None)


def test_measurements_are_stored_with_json_types():
    found = measured(spoilt(lambda _: None))

    stored = json.loads(json.dumps(found.to_json()))

    assert stored["predicted_rate"] == [0.1, 0.3]
    assert {name: stored[name] for name in stored if name != "predicted_rate"} == {
        name: getattr(found, name) for name in found.__dataclass_fields__ if name != "predicted_rate"
    }


def joint(chances, weights):
    """Density of one cell for each chance: cell k has the k-th coefficient as its logit."""
    density = SimpleNamespace(eta=lambda x: x, weights=np.array(weights, dtype=float))
    return density, np.array([np.log(chance / (1 - chance)) for chance in chances])


@pytest.mark.parametrize("n_trials", [100, 400])
def test_the_rates_interval_of_one_draw_is_that_of_its_binomial_noise(n_trials):
    density, x = joint([0.9, 0.2], [n_trials / 100, 99 * n_trials / 100])

    low, high = rate_interval(density, np.tile(x, (20_000, 1)), n_trials, seed=1)

    rng = np.random.default_rng(2)
    successes = rng.binomial(n_trials // 100, 0.9, 400_000) + rng.binomial(99 * n_trials // 100, 0.2, 400_000)
    expected = np.quantile(successes, [0.005, 0.995]) / n_trials
    step = 1 / n_trials
    # The normal limit is off by about half a success, the quantiles of 20,000 draws by a tenth of an sd.
    assert [low, high] == pytest.approx(expected, abs=1.3 * step)
    assert high - low == pytest.approx(
        2 * stats.norm.ppf(0.995) * np.sqrt((0.9 * 0.1 + 99 * 0.2 * 0.8) / 100 / n_trials) + step, rel=0.04
    )
    assert RATE_PROBABILITY == 0.99


def test_the_rates_interval_of_many_trials_is_that_of_the_draws():
    chances = np.linspace(0.1, 0.3, 1001)
    density, _ = joint([0.5, 0.5], [1, 3])
    x = np.log(chances / (1 - chances))

    low, high = rate_interval(density, np.column_stack([x, x]), 1e12, seed=1)

    assert (low, high) == pytest.approx((0.1 + 0.2 * 0.005, 0.3 - 0.2 * 0.005), abs=1e-5)


def test_the_rates_interval_reaches_half_a_success_beyond_what_is_certain():
    density, x = joint([1 - 1e-12, 1e-12], [1, 99])

    low, high = rate_interval(density, np.tile(x, (50, 1)), 100, seed=1)

    assert (low, high) == pytest.approx((0.005, 0.015), abs=1e-6)


def test_a_cell_counts_for_the_rate_as_its_weight():
    density, x = joint([0.8, 0.1, 0.4], [1, 99, 900])

    low, high = rate_interval(density, np.tile(x, (10, 1)), 1e14, seed=1)

    assert (low + high) / 2 == pytest.approx((0.8 + 99 * 0.1 + 900 * 0.4) / 1000, abs=1e-6)


def test_replicated_rates_depend_on_the_seed_alone():
    density, x = joint([0.3], [1])
    x = np.tile(x, (500, 1))

    assert rate_interval(density, x, 50, seed=1) == rate_interval(density, x, 50, seed=1)
    assert rate_interval(density, x, 50, seed=1) != rate_interval(density, x, 50, seed=2)
