"""Figures of leave-one-out: sums over nodes, standard errors, k-hats, and the table that shows them."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import bernoulli, binom

from data_science.engines.posterior import Posterior
from data_science.evaluation import loo as loo_module
from data_science.evaluation import pointwise
from data_science.evaluation.comparison import Comparison, Difference, compare_fits, difference
from data_science.evaluation.loo import DRAWS, Elpd, Loo, loo, standard_error
from data_science.evaluation.pointwise import FEW_ROWS, NODES, distinct, log_likelihood, pool
from data_science.formula.design import encode, learn
from data_science.formula.places import Places
from data_science.formula.specification import ModelSpecification
from data_science.limits import KHAT_MAX

WEIGHTS = np.array([1.0, 2.0, 4.0])


def fit(elpd, khat=(0.1, 0.2, 0.3), p=(0.01, 0.02, 0.03)):
    return Loo(np.array(elpd), np.array(p), WEIGHTS, 7, np.array(khat))


BEST, OTHER = fit([-0.1, -0.3, -0.2]), fit([-0.5, -0.2, -0.9], khat=[0.1, 0.9, 0.75])


def repeated(values):
    """Return one value per observation."""
    return np.repeat(values, WEIGHTS.astype(int))


def comparison(**fits):
    waics = {name: Elpd(own.pointwise - 0.01, own.p_pointwise, own.weights, 7) for name, own in fits.items()}
    weights = dict(zip(fits, np.linspace(0.75, 0.25, len(fits)).tolist(), strict=True))
    return Comparison(fits, waics, weights)


def test_sums_and_their_errors_are_those_over_single_observations():
    every = repeated(BEST.pointwise)

    assert BEST.elpd == pytest.approx(every.sum())
    assert BEST.se == pytest.approx(np.sqrt(7 * every.var(ddof=1)))
    assert BEST.p == pytest.approx(repeated(BEST.p_pointwise).sum())


def test_the_standard_error_of_one_observation_is_zero():
    assert standard_error(np.array([-0.3]), np.array([1.0]), 1) == 0.0


@pytest.mark.parametrize(
    ("khat", "largest"), [([0.1, 0.9, 0.3], 0.9), ([-0.5, -0.1, -0.3], -0.1), ([0, 0, 0], 0)]
)
def test_the_largest_k_hat_is_the_largest(khat, largest):
    assert fit([-1, -1, -1], khat).khat_max == largest


def test_a_k_hat_that_is_no_number_is_the_largest_and_is_counted():
    unknown = fit([-1, -1, -1], [0.1, np.nan, 0.3])

    assert np.isnan(unknown.khat_max)
    assert unknown.n_khat_high == 2


@pytest.mark.parametrize(
    ("khat", "n"),
    [([0.7, 0.7, 0.7], 0), ([0.7001, 0.7, 0.6], 1), ([0.1, 0.8, 0.1], 2), ([0.8, 0.1, 0.9], 5)],
)
def test_unreliable_observations_are_counted_above_the_limit_by_the_weight_of_their_nodes(khat, n):
    assert fit([-1, -1, -1], khat).n_khat_high == n
    assert KHAT_MAX == 0.7


def test_a_difference_is_paired_over_single_observations():
    gap = difference(OTHER, BEST)

    every = repeated(OTHER.pointwise) - repeated(BEST.pointwise)
    assert gap.elpd == pytest.approx(every.sum())
    assert gap.se == pytest.approx(np.sqrt(7 * every.var(ddof=1)))
    assert gap.n_rows == 7
    assert difference(BEST, OTHER).elpd == pytest.approx(-gap.elpd)


def test_the_table_shows_each_candidates_own_figures():
    table = comparison(best=BEST, other=OTHER).table

    gap = difference(OTHER, BEST)
    assert table.index.tolist() == ["best", "other"]
    expected = {
        "rank": [0, 1],
        "elpd_loo": [BEST.elpd, OTHER.elpd],
        "se": [BEST.se, OTHER.se],
        "elpd_diff": [0.0, gap.elpd],
        "se_diff": [0.0, gap.se],
        "p_loo": [BEST.p, OTHER.p],
        "weight": [0.75, 0.25],
        "khat_max": [0.3, 0.9],
        "n_khat_high": [0, 6],
        "waic": [BEST.elpd - 0.07, OTHER.elpd - 0.07],
    }
    assert table.columns.tolist() == list(expected)
    for column, values in expected.items():
        assert table[column].tolist() == pytest.approx(values), column
    assert table["rank"].dtype == table["n_khat_high"].dtype == np.int64


def test_the_sentences_give_each_candidates_own_figures():
    found = comparison(best=BEST, other=OTHER)

    first, second, third = found.sentences
    gap = difference(BEST, OTHER)
    assert first == f"'best' has the highest elpd_loo: {BEST.elpd:.1f} (SE {BEST.se:.1f}), 7 rows."
    assert second.startswith(f"'other' is {gap.elpd:.1f} (SE {gap.se:.1f}) below: ")
    assert third == (
        "k-hat of 'other' is not below 0.7 for 6 of 7 rows (largest 0.90): their elpd is unreliable."
    )


@pytest.mark.parametrize(
    ("elpd", "se", "noise", "small"),
    [
        (2.0, 1.0, False, True),
        (-2.0, 1.0, False, True),
        (1.999, 1.0, True, True),
        (-1.999, 1.0, True, True),
        (4.0, 0.1, False, False),
        (-4.0, 0.1, False, False),
        (3.999, 0.1, False, True),
        (-3.999, 0.1, False, True),
        (8.0, 4.01, True, False),
    ],
)
def test_a_difference_is_noise_below_two_standard_errors_and_small_below_four_nats(elpd, se, noise, small):
    gap = Difference(elpd, se, 100)

    assert (gap.is_noise, gap.is_small) == (noise, small)


def test_a_difference_reads_as_nats_with_its_error():
    assert str(Difference(-1234.56, 7.25, 10)) == "-1,234.6 (SE 7.2)"


def frame(n_rows=60, seed=2):
    rng = np.random.default_rng(seed)
    size = rng.integers(1, 6, n_rows)
    return pd.DataFrame(
        {
            "g": rng.choice(["a", "b", "c"], n_rows),
            "v": rng.normal(3, 1, n_rows),
            "size": size,
            "sick": rng.binomial(size, 0.4),
            "label": rng.integers(0, 2, n_rows),
        }
    )


def posterior(design, n_draws=200, seed=3):
    shape = (2, n_draws // 2, design.encoding.n_coefficients)
    return Posterior(np.random.default_rng(seed).normal(0, 0.3, shape), np.ones((2, n_draws // 2, 1)), {}, {})


@pytest.mark.parametrize("formula", ["label ~ v + (1 | g)", "p(sick, size) ~ v * g", "label ~ 0 + g"])
def test_log_likelihoods_are_scipys_row_by_row(formula):
    data = frame()
    design = learn(ModelSpecification(formula), data)
    draws = posterior(design)
    coefficients, _ = draws.thinned(200)

    found = log_likelihood(design.encoding, encode(design, data), coefficients)

    eta = np.zeros((len(data), len(coefficients)))
    rows = encode(design, data)
    for term in design.encoding.terms:
        own = np.c_[coefficients[:, design.encoding.slices[term.name]], np.zeros(len(coefficients))]
        eta += (
            own[:, Places.of(term).rows(rows.codes, len(data))] * term.multipliers(rows.numeric, len(data))
        ).T
    if formula.startswith("p("):
        expected = binom.logpmf(data[["sick"]], data[["size"]], expit(eta))
    else:
        expected = bernoulli.logpmf(data[["label"]], expit(eta))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("few", "pooled"), [(60, False), (59, True)], ids=["few rows", "one more"])
def test_rows_stand_for_themselves_up_to_a_number(few, pooled, monkeypatch):
    monkeypatch.setattr(pointwise, "FEW_ROWS", few)
    monkeypatch.setattr(pointwise, "NODES", 4)
    data = frame(60).assign(g="a", label=np.arange(60) % 2)
    data.loc[0, "g"] = "b"
    design = learn(ModelSpecification("label ~ v + (1 | g)"), data)

    observations = pool(encode(design, data))

    assert len(observations) == (1 + 2 * 4 if pooled else 60)
    assert observations.weights.sum() == pytest.approx(60)
    assert observations.n_rows == 60
    assert (FEW_ROWS, NODES) == (5_000, 12)


def test_a_number_of_nodes_that_is_asked_for_is_used_however_few_rows_there_are():
    data = frame(60).assign(label=np.arange(60) % 2)
    design = learn(ModelSpecification("label ~ v"), data)

    assert len(pool(encode(design, data), n_nodes=3)) == 6


def test_an_encoding_tells_apart_only_what_it_reads_and_the_response():
    data = frame().assign(v=lambda f: f["v"].round())
    wide, narrow = (learn(ModelSpecification(f), data) for f in ("label ~ v + (1 | g)", "label ~ 1"))
    observations = pool(encode(wide, data))

    own, index = distinct(narrow.encoding, observations.rows)

    assert len(own) == 2
    assert own.successes[index].tolist() == observations.rows.successes.tolist()
    assert own.trials[index].tolist() == observations.rows.trials.tolist()


def test_results_do_not_depend_on_how_many_nodes_are_held_at_a_time(monkeypatch):
    data = frame()
    design = learn(ModelSpecification("label ~ v + (1 | g)"), data)
    whole = loo(design, encode(design, data), posterior(design))

    for chunk in (1, 450):
        monkeypatch.setattr(loo_module, "_ROWS", chunk)
        parts = loo(design, encode(design, data), posterior(design))
        np.testing.assert_allclose(parts.pointwise, whole.pointwise, rtol=1e-12)
        np.testing.assert_allclose(parts.khat, whole.khat, rtol=1e-12)


def test_two_thousand_draws_are_used_unless_another_number_is_asked_for(monkeypatch):
    data = frame()
    design = learn(ModelSpecification("label ~ v"), data)
    draws, asked = posterior(design), []
    monkeypatch.setattr(Posterior, "thinned", lambda self, n: asked.append(n) or (self.coefficients[0], None))

    loo(design, encode(design, data), draws)
    loo(design, encode(design, data), draws, n_draws=50)
    compare_fits({"one": (design, draws), "two": (design, draws)}, data)
    compare_fits({"one": (design, draws), "two": (design, draws)}, data, n_draws=60)

    assert asked == [2_000, 50, 2_000, 2_000, 60, 60]
    assert DRAWS == 2_000


def test_an_observation_that_no_draw_is_in_doubt_of_has_no_tail():
    data = frame().assign(label=lambda f: (f["g"] == "a").astype(int))
    design = learn(ModelSpecification("label ~ 0 + g"), data)
    shape = (1, 400, 3)
    draws = np.random.default_rng(5).normal(0, 0.5, shape)
    draws[..., 0] = 800.0  # the label of every row of group a is certain

    measured = loo(design, encode(design, data), Posterior(draws, np.ones((1, 400, 0)), {}, {}))

    certain = measured.pointwise == 0
    assert certain.sum() == 1  # one node for the whole group
    assert measured.khat[certain].tolist() == [0.0]
    assert (measured.khat[~certain] != 0).all()
    assert (measured.p_pointwise[~certain] > 0).all()


def test_a_candidate_that_is_better_stands_first_whatever_the_order_it_came_in():
    rng = np.random.default_rng(6)
    data = pd.DataFrame({"g": np.repeat(["a", "b"], 200)})
    data["label"] = (rng.random(400) < np.repeat([0.2, 0.7], 200)).astype(int)
    fits = {}
    for name, formula, centre in (("flat", "label ~ 1", [-0.2]), ("groups", "label ~ 0 + g", [-1.4, 0.8])):
        design = learn(ModelSpecification(formula), data)
        draws = np.array(centre) + 0.1 * rng.normal(size=(2, 500, len(centre)))
        fits[name] = design, Posterior(draws, np.ones((2, 500, 0)), {}, {})

    for order in (["flat", "groups"], ["groups", "flat"]):
        found = compare_fits({name: fits[name] for name in order}, data)
        assert found.names == tuple(found.loos) == tuple(found.waics) == ("groups", "flat")
        assert list(found.weights) == ["groups", "flat"]
        assert found.weights["groups"] > 0.9
        assert found.waics["groups"].elpd == pytest.approx(found.loos["groups"].elpd, abs=0.5)
        assert re.match("'flat' is .* below: it predicts worse, by more than the noise", found.sentences[1])
