"""What Bambi and ArviZ do with our DataTree, unchanged: predict, interpret, summaries and plots."""

import arviz as az
import bambi as bmb
import numpy as np
import pytest
from by_hand import probabilities
from frames import clients
from monte_carlo import scalars

from data_science import BayesianLogitModel, FitSettings, ModelSpecification
from data_science.engines.posterior import names
from data_science.formula.design import learn
from data_science.pipeline import N_STORED_DRAWS
from data_science.storage import artifact

FORMULAS = [
    "label ~ 1 + scd_a + scd_b + (1 | attr_a) + (1 | attr_b)",
    "label ~ scd_a * attr_b + (scd_a | attr_a)",
    "label ~ 0 + attr_b:h + C(k) + (h | attr_a)",
    "label ~ scd_a + (1 | attr_a:attr_b)",
]
ALONE = FitSettings(second_opinion=False)  # no tool looks at it
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("without_windows")]  # theirs


@pytest.fixture(scope="module")
def frame():
    return clients(1_500).astype({"attr_b": object, "h": object})


@pytest.fixture(scope="module", params=FORMULAS)
def fitted(request, frame):
    model = BayesianLogitModel(ModelSpecification(request.param), settings=ALONE)
    model.fit(frame)
    theirs = bmb.Model(request.param, frame, family="bernoulli")
    theirs.build()
    return model, theirs


def predicted_by(theirs, posterior, rows):
    """Bambi's probability of every row in every draw, shape (chain, draw, row)."""
    predicted = theirs.predict(posterior, data=rows, inplace=False)
    return predicted["posterior"]["p"].transpose("chain", "draw", ...).to_numpy()


def computed_by_hand(model, frame, posterior, rows):
    """The same from the draws by their names."""
    design = learn(model.specification, frame)
    draws = scalars(posterior["posterior"].to_dataset())
    coefficients = np.stack([draws[n] for n in names(design)[: design.encoding.n_coefficients]], axis=-1)
    return probabilities(design, coefficients, rows.assign(label=0))


def test_bambis_predict_gives_our_probabilities(fitted, frame):
    model, theirs = fitted
    rows = frame.head(50)

    draws = predicted_by(theirs, model.posterior, rows)

    np.testing.assert_allclose(draws, computed_by_hand(model, frame, model.posterior, rows), atol=1e-10)
    pooled = draws.reshape(-1, len(rows))
    kept = pooled[np.linspace(0, len(pooled) - 1, N_STORED_DRAWS).round().astype(int)]
    np.testing.assert_allclose(model.predict_proba(rows, method="posterior"), kept.mean(axis=0), atol=1e-10)
    bounds = np.quantile(kept, [0.05, 0.95], axis=0).T
    np.testing.assert_allclose(model.predict_interval(rows, prob=0.9), bounds, atol=1e-10)


def test_bambis_predict_replicates_labels_as_often_as_our_probabilities_say(fitted, frame):
    model, theirs = fitted
    rows = frame.head(20)

    predicted = theirs.predict(model.posterior, data=rows, kind="response", inplace=False, random_seed=1)

    labels = predicted["posterior_predictive"]["label"].transpose("chain", "draw", ...).to_numpy()
    chance = computed_by_hand(model, frame, model.posterior, rows)
    error = np.sqrt((chance * (1 - chance)).mean(axis=(0, 1)) / chance[..., 0].size)
    assert set(np.unique(labels)) == {0, 1}
    assert (np.abs(labels.mean(axis=(0, 1)) - chance.mean(axis=(0, 1))) < 5 * error).all()


def test_bambi_interprets_our_draws(fitted, frame):
    model, theirs = fitted
    few = model.posterior.isel(draw=slice(50))
    numeric = "scd_a" in model.specification.columns
    covariate, low, high = ("scd_a", 0.2, 0.7) if numeric else ("h", "u", "w")

    table = bmb.interpret.predictions(theirs, few, conditional=covariate, use_hdi=False, prob=0.9).summary
    contrast = bmb.interpret.comparisons(
        theirs, few, contrast={covariate: [low, high]}, conditional="attr_a"
    ).summary

    at_table = computed_by_hand(model, frame, few, table)
    bounds = np.quantile(at_table, [0.05, 0.95], axis=(0, 1)).T
    np.testing.assert_allclose(table["estimate"], at_table.mean(axis=(0, 1)), atol=1e-10)
    np.testing.assert_allclose(table.filter(regex="lower|upper"), bounds, atol=1e-10)
    at_low, at_high = (
        computed_by_hand(model, frame, few, contrast.assign(**{covariate: value})).mean(axis=(0, 1))
        for value in (low, high)
    )
    np.testing.assert_allclose(contrast["estimate"], at_high - at_low, atol=1e-10)


def test_bambi_plots_our_draws(fitted):
    model, theirs = fitted
    few = model.posterior.isel(draw=slice(50))
    covariate = "scd_a" if "scd_a" in model.specification.columns else "h"

    bmb.interpret.plot_predictions(theirs, few, conditional=covariate)
    bmb.interpret.plot_comparisons(theirs, few, contrast=covariate, conditional="attr_a")


def test_the_observed_labels_are_kept_as_bambi_names_them(fitted, frame):
    observed = fitted[0].posterior["observed_data"]["label"]

    assert observed.dims == ("__obs__",)
    assert observed.to_numpy().tolist() == frame["label"].tolist()


def test_arviz_summarises_and_plots_our_draws(fitted):
    model, _ = fitted

    summary = az.summary(model.posterior, round_to="none")
    az.plot_forest(model.posterior)
    az.plot_trace(model.posterior, var_names=[next(iter(model.posterior["posterior"].data_vars))])

    ours = model.summary()
    assert list(summary.index) == list(ours.index)
    np.testing.assert_allclose(summary["mean"].astype(float), ours["mean"])
    np.testing.assert_allclose(summary["r_hat"].astype(float), ours["r_hat"], rtol=1e-6)
    np.testing.assert_allclose(summary["ess_bulk"].astype(float), ours["ess_bulk"], rtol=1e-6)


def test_arviz_sees_the_samplers_statistics(fitted):
    statistics = fitted[0].posterior["sample_stats"]

    assert {"diverging", "energy", "lp", "tree_depth"} <= set(statistics.data_vars)
    az.plot_energy(fitted[0].posterior)


def test_the_stored_bambi_model_predicts_with_the_stored_posterior(fitted, frame, tmp_path):
    model, theirs = fitted
    version, rows = model.save(tmp_path), frame.head(20)

    stored = artifact.load_bambi_model(version, trust=True)
    predicted = predicted_by(stored, artifact.open_posterior(version), rows)

    np.testing.assert_allclose(predicted, predicted_by(theirs, model.posterior, rows), atol=1e-10)
