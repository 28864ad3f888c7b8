"""PSIS-LOO, WAIC, differences and stacking from nodes, against ArviZ on every row and against refits."""

import tracemalloc

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from by_hand import linear_predictor
from scipy.special import expit, logsumexp
from scipy.stats import bernoulli, binom

from data_science.engines.posterior import Posterior
from data_science.engines.registry import FitSettings, engine
from data_science.evaluation.comparison import compare_fits
from data_science.evaluation.loo import loo, measure
from data_science.evaluation.pointwise import NODES, pool
from data_science.formula.design import encode, learn
from data_science.formula.specification import ModelSpecification
from data_science.likelihood.fidelity import compress_enough
from tests.frames import features

N_DRAWS = 1000
FORMULAS = {
    "default": "label ~ 1 + scd_a + scd_b + (1 | attr_a) + (1 | attr_b)",
    "activity only": "label ~ scd_a + C(scd_b)",
    "profile only": "label ~ 1 + (1 | attr_a:attr_b)",
    "slopes": "label ~ scd_a * attr_b + (scd_a | attr_a)",
}


def clients(n_rows: int, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = features(rng, n_rows)
    group = frame["attr_b"].map({"a": 0.9, "b": -0.6, "c": 0.2, "d": -0.3})
    eta = -2.2 + 1.2 * frame["scd_a"] + 0.1 * frame["scd_b"] + group
    return frame.assign(label=(rng.random(n_rows) < expit(eta)).astype(int))


def herds(n_rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"herd": rng.integers(0, 15, n_rows), "dose": rng.random(n_rows)})
    size = rng.integers(2, 6, n_rows)
    chance = expit(-1 + frame["dose"] + rng.normal(0, 0.8, 15)[frame["herd"]])
    return frame.assign(size=size, sick=rng.binomial(size, chance))


def fitted(frame: pd.DataFrame, formula: str, seed: int = 3):
    design = learn(ModelSpecification(formula), frame)
    settings = FitSettings(engine="nested-laplace", draws=N_DRAWS // 4, seed=seed)
    compressed = compress_enough(design, encode(design, frame))
    return design, engine("nested-laplace").draw(design, compressed, settings, lambda _: None)


def raw_eta(design, posterior, frame: pd.DataFrame, n_draws: int = N_DRAWS) -> np.ndarray:
    """Linear predictor of every row, term by term: shape (draw, row)."""
    return linear_predictor(design, posterior.thinned(n_draws)[0], frame)


def arviz_loo(values: np.ndarray) -> az.ELPDData:
    """ArviZ's PSIS-LOO of log-likelihoods, shape (draw, row)."""
    draws = xr.Dataset({"y": (("chain", "draw", "row"), values[None])})
    tree = xr.DataTree.from_dict({"posterior": draws[[]], "log_likelihood": draws})
    return az.loo(tree, reff=1.0, pointwise=True)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return clients(2_000)


@pytest.fixture(scope="module")
def fits(frame):
    return {name: fitted(frame, formula) for name, formula in FORMULAS.items()}


@pytest.fixture(scope="module")
def log_likelihoods(frame, fits):
    return {
        name: bernoulli.logpmf(frame["label"].to_numpy(), expit(raw_eta(*fit, frame)))
        for name, fit in fits.items()
    }


@pytest.fixture(scope="module")
def peers(log_likelihoods):
    return {name: arviz_loo(values) for name, values in log_likelihoods.items()}


# From nodes, which draws stand in a Pareto tail jumps with the covariate: 1.1e-4 is the largest seen over formulas.
@pytest.mark.parametrize(
    ("n_nodes", "share", "near", "nearer"),
    [(None, 1.0, 1e-8, 1e-8), (NODES, 0.75, 3e-4, 1e-4)],
    ids=["on every row", "from nodes"],
)
@pytest.mark.parametrize("name", FORMULAS)
def test_loo_is_arvizs_on_every_row(name, n_nodes, share, near, nearer, frame, fits, peers):
    design, posterior = fits[name]

    measured = loo(design, encode(design, frame), posterior, n_nodes=n_nodes, n_draws=N_DRAWS)

    assert len(measured.weights) <= share * len(frame)
    assert measured.elpd == pytest.approx(peers[name].elpd, abs=near)
    assert measured.se == pytest.approx(peers[name].se, abs=nearer)
    assert measured.p == pytest.approx(peers[name].p, abs=near)
    assert measured.n_khat_high == (peers[name].pareto_k > 0.7).sum() == 0


@pytest.mark.parametrize("name", FORMULAS)
def test_waic_from_nodes_equals_its_definition_on_every_row(name, frame, fits, log_likelihoods):
    values = log_likelihoods[name]
    penalty = values.var(axis=0, ddof=1)
    pointwise = logsumexp(values, axis=0) - np.log(len(values)) - penalty

    pooled = pool(encode(fits[name][0], frame), NODES)
    _, measured = measure(fits[name][0], pooled, fits[name][1], n_draws=N_DRAWS)

    assert measured.elpd == pytest.approx(pointwise.sum(), abs=1e-5)
    assert measured.p == pytest.approx(penalty.sum(), abs=1e-5)
    assert measured.se == pytest.approx(np.sqrt(len(frame) * pointwise.var(ddof=1)), abs=1e-5)


@pytest.mark.parametrize(
    "names", [tuple(FORMULAS), ("activity only", "profile only")], ids=["all", "unnested"]
)
@pytest.mark.parametrize(
    ("n_nodes", "tolerance"), [(None, 1e-8), (NODES, 6e-4)], ids=["every row", "quadrature"]
)
def test_differences_and_stacking_weights_equal_arviz_compare_on_every_row(
    names, n_nodes, tolerance, frame, fits, peers
):
    peer = az.compare({name: peers[name] for name in names}, method="stacking", round_to="none")
    peer_se = peer["dse"] * np.sqrt(len(frame) / (len(frame) - 1))  # ArviZ divides by n here, by n - 1 in se

    table = compare_fits({name: fits[name] for name in names}, frame, n_nodes=n_nodes, n_draws=N_DRAWS).table

    assert table.index.tolist() == peer.index.tolist()
    assert table["elpd_loo"].tolist() == pytest.approx(peer["elpd"].tolist(), abs=tolerance)
    assert table["elpd_diff"].tolist() == pytest.approx(peer["elpd_diff"].tolist(), abs=tolerance)
    assert table["se_diff"].tolist() == pytest.approx(peer_se.tolist(), abs=1e-4)
    assert table["weight"].tolist() == pytest.approx(peer["weight"].tolist(), abs=1e-3)


def test_loo_of_counts_equals_arviz_with_one_observation_per_row():
    frame = herds(800)
    design, posterior = fitted(frame, "p(sick, size) ~ dose + (1 | herd)")
    eta = raw_eta(design, posterior, frame)
    peer = arviz_loo(binom.logpmf(frame["sick"].to_numpy(), frame["size"].to_numpy(), expit(eta)))

    measured = loo(design, encode(design, frame), posterior, n_draws=N_DRAWS)

    assert measured.n_rows == len(frame)
    assert measured.elpd == pytest.approx(peer.elpd, abs=1e-4)
    assert measured.se == pytest.approx(peer.se, abs=1e-4)


def test_leaving_a_client_out_predicts_it_as_a_fit_without_it_does():
    frame, formula = clients(80, seed=8), "label ~ scd_a + (1 | attr_b)"
    design, posterior = fitted(frame, formula)
    n_draws = posterior.coefficients[..., 0].size
    rows = encode(design, frame)

    measured = loo(design, rows, posterior, n_nodes=len(frame), n_draws=n_draws)  # every row its own node

    assert len(measured.weights) == len(frame)
    lppd = measured.pointwise + measured.p_pointwise
    values = bernoulli.logpmf(frame["label"].to_numpy(), expit(raw_eta(design, posterior, frame, n_draws)))
    node = np.argmin(np.abs(lppd - (logsumexp(values, axis=0) - np.log(n_draws))[:, None]), axis=1)
    for row in np.argsort(measured.p_pointwise[node])[[-1, -2, -3, 0, 20, 40, 60]]:
        left = frame.drop(index=row)
        refit = fitted(left, formula)[1]
        eta = raw_eta(design, refit, frame.loc[[row]], n_draws)[:, 0]
        chance = np.exp(bernoulli.logpmf(frame.loc[row, "label"], expit(eta)))
        inverse = np.exp(-values[:, row])
        mcse = np.hypot(chance.std() / chance.mean(), inverse.std() / inverse.mean()) / np.sqrt(n_draws)
        assert measured.pointwise[node[row]] == pytest.approx(np.log(chance.mean()), abs=4 * mcse)


def many_groups(n_rows: int, n_groups: int) -> tuple[pd.DataFrame, Posterior]:
    """Clients in groups with a long tail of sizes; draws as spread as a posterior of such groups is."""
    rng = np.random.default_rng(7)
    group = np.minimum(rng.pareto(1.0, n_rows) * 15, n_groups - 1).astype(int)
    effects = rng.normal(0, 0.7, n_groups)
    frame = clients(n_rows).assign(g=group)
    frame["label"] = (rng.random(n_rows) < expit(-2 + effects[group])).astype(int)
    seen, sizes = np.unique(group, return_counts=True)
    sds = np.r_[0.05, 0.08, 1 / np.sqrt(2 + 0.1 * sizes)]
    centre = np.r_[-2.0, 0.1, effects[seen]]
    draws = centre + sds * rng.normal(size=(4, N_DRAWS // 4, len(centre)))
    return frame, Posterior(draws, np.ones((*draws.shape[:2], 1)), {}, {})


@pytest.mark.parametrize(
    ("n_nodes", "tolerance"), [(2_000, 1e-8), (6, 1e-3)], ids=["every row", "quadrature"]
)
def test_loo_with_hundreds_of_groups_of_a_few_clients_equals_arviz_on_every_row(n_nodes, tolerance):
    frame, posterior = many_groups(2_000, 200)
    design = learn(ModelSpecification("label ~ scd_a + (1 | g)"), frame)
    peer = arviz_loo(bernoulli.logpmf(frame["label"].to_numpy(), expit(raw_eta(design, posterior, frame))))

    measured = loo(design, encode(design, frame), posterior, n_nodes=n_nodes, n_draws=N_DRAWS)

    assert measured.elpd == pytest.approx(peer.elpd, abs=tolerance)
    assert measured.se == pytest.approx(peer.se, abs=tolerance)
    assert measured.n_khat_high == (peer.pareto_k > 0.7).sum()


def test_memory_does_not_grow_with_nodes_times_draws():
    frame, posterior = many_groups(4_000, 400)
    design = learn(ModelSpecification("label ~ scd_a + (1 | g)"), frame)
    rows = encode(design, frame)
    n_nodes = 2_000  # more than half the rows of any cell: each row is its own node

    tracemalloc.start()
    measured = loo(design, rows, posterior, n_nodes=n_nodes, n_draws=N_DRAWS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    # a chunk holds 500,000 log-likelihoods, in a handful of arrays; the design and the draws come on top
    assert peak < 10 * 500_000 * 8
    assert len(measured.weights) == len(frame)
