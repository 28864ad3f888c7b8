"""Both engines on matched nodes against the posterior on all rows; leaving one out, too."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from monte_carlo import estimates, scalars, tail_points, worst
from scipy.special import expit

from data_science.engines.posterior import to_tree
from data_science.engines.registry import FitSettings, engine
from data_science.evaluation import pointwise
from data_science.evaluation.comparison import compare_fitted
from data_science.evaluation.loo import loo
from data_science.fitting.posterior_on import posterior_on
from data_science.formula.design import encode, learn
from data_science.formula.specification import ModelSpecification
from data_science.likelihood import certified
from data_science.likelihood.fidelity import compress_enough
from data_science.likelihood.matched import Matching
from data_science.likelihood.node_certificate import NodeCertificate

FORMULA = "y ~ x + z + w + (1 | g)"
SETTINGS = FitSettings(engine="nested-laplace", draws=1_000, seed=4)


def clients(n_rows: int = 3_000) -> pd.DataFrame:
    """Three covariates, of which two are correlated .95 and one is skewed, and four groups."""
    rng = np.random.default_rng(1)
    x, g = rng.normal(size=n_rows), rng.integers(0, 4, n_rows)
    z, w = 0.95 * x + 0.312 * rng.normal(size=n_rows), rng.exponential(size=n_rows)
    eta = -1.5 + 0.5 * x - 0.3 * z + 0.4 * w + np.array([0.5, -0.4, 0.0, 0.2])[g]
    return pd.DataFrame({"x": x, "z": z, "w": w, "g": g, "y": (rng.random(n_rows) < expit(eta)).astype(int)})


@pytest.fixture(scope="module")
def problem():
    design = learn(ModelSpecification(FORMULA), clients())
    return design, encode(design, clients())


@pytest.fixture(scope="module")
def on_rows(problem):
    design, rows = problem
    return drawn(design, compress_enough(design, rows, exact=True), replace(SETTINGS, seed=9, draws=2_000))


def drawn(design, found, settings=SETTINGS):
    return engine(settings.engine).draw(design, found, settings, lambda _: None)


def estimated(design, posterior, tails=None):
    draws = scalars(to_tree(design, posterior)["posterior"].to_dataset())
    tails = tail_points(draws) if tails is None else tails
    return estimates(draws, tails, float(posterior.attributes.get("efficiency", 1.0))), tails


@pytest.mark.parametrize("name", ["nested-laplace", "nuts"])
def test_an_engine_on_nodes_draws_from_the_posterior_on_all_rows(name, problem, on_rows):
    design, rows = problem
    found = compress_enough(design, rows)

    posterior = drawn(design, found, replace(SETTINGS, engine=name))

    theirs, tails = estimated(design, on_rows)
    deviation = worst(estimated(design, posterior, tails)[0], theirs)
    assert found.nodes is not None
    assert len(found.cells) < 600
    assert deviation.is_noise, str(deviation)


def test_exact_weights_mend_nodes_that_are_not_good_by_themselves(problem, on_rows, monkeypatch):
    design, rows = problem
    poor = NodeCertificate(spread=0.2, narrow=1.0, wide=9.0, shift=0.0)
    monkeypatch.setattr(certified.Evidence, "on", lambda self, joint: poor)
    monkeypatch.setattr(certified._Climb, "_rungs", lambda self: iter([Matching(1, 1e-3, np.inf)]))

    found = compress_enough(design, rows)
    posterior = drawn(design, found)

    theirs, tails = estimated(design, on_rows)
    mended = worst(estimated(design, posterior, tails)[0], theirs)
    alone = drawn(design, replace(found, nodes=None))
    unmended = worst(estimated(design, alone, tails)[0], theirs)
    assert not found.stands_alone
    assert mended.is_noise, str(mended)
    assert not unmended.is_noise, "the nodes were too good for this test"


def test_one_row_left_out_is_weighed_on_rows_whatever_the_fit_was_on(problem, on_rows):
    design, rows = problem

    fitted = posterior_on(clients(), design.specification, SETTINGS)

    measured = loo(design, fitted.problem.rows, fitted.posterior, n_draws=2_000)
    exact = loo(design, rows, on_rows, n_draws=2_000)
    assert fitted.problem.compressed.nodes is not None
    assert fitted.notes == ()
    assert len(measured.weights) == len(rows)
    # Monte Carlo: row by row, elpd has a sd over draws of about the root of what a row's influence adds
    assert measured.elpd == pytest.approx(exact.elpd, abs=0.35)
    assert measured.se == pytest.approx(exact.se, rel=0.01)


def test_where_quadrature_is_not_enough_for_the_fit_it_is_not_for_leaving_one_out(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.standard_cauchy(5_200)
    happened = rng.random(len(x)) < 1 / (1 + np.exp(-0.5 * np.clip(x, -5, 5)))
    frame = pd.DataFrame({"x": x, "label": happened.astype(int)})
    fitted = posterior_on(frame, ModelSpecification("label ~ x"), FitSettings(engine="nested-laplace"))

    elpd = compare_fitted({"model": fitted}).loos["model"].elpd

    monkeypatch.setattr(pointwise, "FEW_ROWS", len(frame))
    assert fitted.problem.compressed.unfit_for_quadrature
    assert elpd == compare_fitted({"model": fitted}).loos["model"].elpd
