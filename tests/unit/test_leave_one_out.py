"""Leave-one-out and WAIC of an exact posterior against their closed forms."""

import numpy as np
import pandas as pd
import pytest
from beta_groups import CHAINS, DRAWS, A, B, by_group, clients, herds
from scipy.special import gammaln

from data_science.engines.posterior import Posterior
from data_science.evaluation.loo import loo, measure
from data_science.evaluation.pointwise import pool
from data_science.formula.design import encode, learn
from data_science.formula.specification import ModelSpecification


def chain_of(posterior: Posterior, chain: int) -> Posterior:
    part = slice(chain, chain + 1)
    return Posterior(posterior.coefficients[part], posterior.sds[part], {}, {})


def beta_binomial(successes, trials, a, b):
    """Log probability of counts whose chance has a Beta(a, b) distribution."""

    def log_beta(x, y):
        return gammaln(x) + gammaln(y) - gammaln(x + y)

    ways = -np.log(trials + 1) - log_beta(successes + 1, trials - successes + 1)
    return ways + log_beta(a + successes, b + trials - successes) - log_beta(a, b)


@pytest.mark.parametrize(
    ("frame", "formula", "successes", "trials"),
    [
        (clients(), "label ~ 0 + g", "label", None),
        (clients(), "label ~ 1", "label", None),
        (herds(), "p(sick, size) ~ 0 + g", "sick", "size"),
        (herds(), "p(sick, size) ~ 1", "sick", "size"),
    ],
    ids=["0/1 by group", "0/1 intercept only", "counts by group", "counts intercept only"],
)
def test_each_observation_is_predicted_by_the_posterior_of_all_others(frame, formula, successes, trials):
    design, posterior = by_group(frame, formula)
    rows = encode(design, frame)

    measured = loo(design, rows, posterior, n_draws=DRAWS)
    by_chain = [loo(design, rows, chain_of(posterior, k)).elpd for k in range(CHAINS)]

    frame = frame.assign(trials=1 if trials is None else frame[trials], successes=frame[successes])
    keys = frame["g"] if design.encoding.factors else pd.Series("all", frame.index)
    others = frame.groupby(keys)[["successes", "trials"]].transform("sum") - frame[["successes", "trials"]]
    exact = beta_binomial(
        frame["successes"],
        frame["trials"],
        A + others["successes"],
        B + others["trials"] - others["successes"],
    )
    mcse = np.std(by_chain, ddof=1) / np.sqrt(CHAINS)
    assert measured.elpd == pytest.approx(exact.sum(), abs=4 * mcse)
    assert measured.se == pytest.approx(np.sqrt(len(exact) * exact.var(ddof=1)), rel=0.01)
    assert measured.weights.sum() == measured.n_rows == len(frame)


def test_what_is_left_out_is_a_client_and_never_its_cell():
    frame = clients()
    design, posterior = by_group(frame, "label ~ 0 + g")

    measured = loo(design, encode(design, frame), posterior, n_draws=DRAWS)

    without_cell = np.where(frame["label"] == 1, np.log(A / (A + B)), np.log(B / (A + B))).sum()
    assert len(measured.weights) == 6  # three cells, two responses each
    assert measured.elpd - without_cell > 50


def test_the_column_whose_values_became_nodes_is_known():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.normal(size=600), "label": rng.integers(0, 2, 600)})
    rows = encode(learn(ModelSpecification("label ~ x"), frame), frame)

    assert (pool(rows, 12).continuous, pool(rows).continuous) == ("x", None)


def test_a_count_without_its_herd_is_one_observation():
    frame = herds()
    design, posterior = by_group(frame, "p(sick, size) ~ 0 + g")

    assert loo(design, encode(design, frame), posterior).n_rows == len(frame) < frame["size"].sum()


def test_waic_is_lppd_less_the_variance_over_draws():
    frame = clients()
    design, posterior = by_group(frame, "label ~ 0 + g")

    _, measured = measure(design, pool(encode(design, frame)), posterior, n_draws=DRAWS)

    eta = posterior.coefficients.reshape(DRAWS, 3)[:, frame["g"].map({"a": 0, "b": 1, "c": 2})]
    values = -np.log1p(np.exp(np.where(frame["label"] == 1, -eta, eta)))
    lppd, penalty = np.log(np.exp(values).mean(axis=0)), values.var(axis=0, ddof=1)
    assert measured.elpd == pytest.approx((lppd - penalty).sum(), rel=1e-10)
    assert measured.p == pytest.approx(penalty.sum(), rel=1e-10)
    assert measured.se == pytest.approx(np.sqrt(len(frame) * (lppd - penalty).var(ddof=1)), rel=1e-10)


def test_the_order_of_rows_changes_nothing():
    frame = clients()
    design, posterior = by_group(frame, "label ~ 0 + g")

    one = loo(design, encode(design, frame), posterior)
    other = loo(design, encode(design, frame.sample(frac=1, random_state=1)), posterior)

    assert one.elpd == pytest.approx(other.elpd, rel=1e-12)
    assert one.se == pytest.approx(other.se, rel=1e-12)


def test_a_response_that_every_draw_is_certain_of_has_no_tail_and_no_warning():
    frame = pd.DataFrame({"label": [1] * 50})
    design = learn(ModelSpecification("label ~ 1"), frame)
    certain = Posterior(np.full((1, 1000, 1), 800.0), np.zeros((1, 1000, 0)), {}, {})

    measured = loo(design, encode(design, frame), certain)

    assert (measured.elpd, measured.p, measured.khat_max) == (0, 0, 0)
