"""At full size, the whole path recovers what is true of the stand-in company."""

import numpy as np
import pytest

from data_science import pipeline
from data_science.data.dataset import FEATURE_STORE
from data_science.settings import Settings
from data_science.sources.postgres import feature_store

N_CLIENTS = 150_000


@pytest.fixture(scope="module")
def fitted(shared_server):
    from de.embedded import add_company

    company = add_company(shared_server, "signal_full", scenario="signal", n_clients=N_CLIENTS)
    settings = Settings.from_environment(company.environment())
    frame = feature_store.get_dataset(settings.database)
    return company, pipeline.fit(frame, schema=FEATURE_STORE)


def test_every_true_effect_is_inside_its_99_percent_interval(fitted, query):
    company, fit = fitted
    truth = query(company, "SELECT term, level, value FROM signal_truth")
    posterior = fit.posterior["posterior"]

    outside = {}
    for term, level, value in truth.itertuples(index=False):
        draws = posterior[term]
        if level is not None and level == level:
            draws = draws.sel({f"{term.split('|')[1]}__factor_dim": str(level)})
        low, high = np.quantile(draws, [0.005, 0.995])
        print(f"{term}[{level}]: true {value}, 99 % interval {low:.3f} to {high:.3f}")
        if not low <= value <= high:
            outside[term, level] = (low, value, high)

    assert len(truth) == 12
    assert not outside


def test_the_report_says_that_the_features_improve_predictions(fitted):
    _, fit = fitted

    assert fit.report.what_features_add.startswith("the features improve predictions")


def test_both_engines_agree_at_full_size(fitted):
    _, fit = fitted

    assert fit.report.agreement is not None
    assert fit.report.agreement.holds
