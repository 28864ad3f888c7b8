"""What Bambi and ArviZ do with our DataTree, unchanged: predict, interpret, summaries and plots."""

import arviz as az
import bambi as bmb
import matplotlib as mpl
import numpy as np
import pytest
from frames import clients

from data_science import BayesianLogitModel, ModelSpecification
from data_science.storage import artifact

FORMULAS = [
    "label ~ 1 + scd_a + scd_b + (1 | attr_a) + (1 | attr_b)",
    "label ~ scd_a * attr_b + (scd_a | attr_a)",
    "label ~ 0 + attr_b:h + C(k) + (h | attr_a)",
    "label ~ scd_a + (1 | attr_a:attr_b)",
]
pytestmark = pytest.mark.filterwarnings("ignore")  # theirs


@pytest.fixture(scope="module", autouse=True)
def _without_windows():
    mpl.use("agg")


@pytest.fixture(scope="module")
def frame():
    return clients(1_500).astype({"attr_b": object, "h": object})


@pytest.fixture(scope="module", params=FORMULAS)
def fitted(request, frame):
    model = BayesianLogitModel(ModelSpecification(request.param), seed=1)
    model.fit(frame)
    theirs = bmb.Model(request.param, frame, family="bernoulli")
    theirs.build()
    return model, theirs


def test_bambis_predict_gives_our_probabilities(fitted, frame):
    model, theirs = fitted
    rows = frame.head(50)

    predicted = theirs.predict(model.posterior, data=rows, inplace=False)

    draws = predicted["posterior"]["p"].transpose("chain", "draw", ...).to_numpy()
    # ours averages over 1,000 stored draws of 4,000
    error = 5 * draws.reshape(-1, 50).std(axis=0) / np.sqrt(1000)
    ours = model.predict_proba(rows, method="posterior")
    assert (np.abs(ours - draws.mean(axis=(0, 1))) <= error).all()


def test_bambis_predict_replicates_labels(fitted, frame):
    model, theirs = fitted

    predicted = theirs.predict(model.posterior, data=frame.head(20), kind="response", inplace=False)

    assert set(np.unique(predicted["posterior_predictive"]["label"])) <= {0, 1}


def test_bambi_interprets_our_draws(fitted):
    model, theirs = fitted
    covariate = "scd_a" if "scd_a" in model.specification.columns else "h"

    table = bmb.interpret.predictions(theirs, model.posterior, conditional=covariate)
    comparison = bmb.interpret.comparisons(theirs, model.posterior, contrast=covariate)
    bmb.interpret.plot_predictions(theirs, model.posterior, conditional=covariate)
    bmb.interpret.plot_comparisons(theirs, model.posterior, contrast=covariate, conditional="attr_a")

    for result in (table, comparison):
        found = getattr(result, "summary", result)
        assert found["estimate"].notna().all()


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
    model, _ = fitted
    version = model.save(tmp_path)

    stored = artifact.load_bambi_model(version, trust=True)
    predicted = stored.predict(artifact.open_posterior(version), data=frame.head(5), inplace=False)

    assert predicted["posterior"]["p"].sizes["__obs__"] == 5
