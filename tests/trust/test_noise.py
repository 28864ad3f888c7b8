"""Where nothing can be found, the report claims nothing: its stated rate of false claims holds."""

import logging
from dataclasses import replace

import numpy as np
import pytest
from judged import clients
from scipy.stats import binom

from data_science import pipeline
from data_science.engines.registry import FitSettings

log = logging.getLogger(__name__)
#: Share of data sets without any effect about which the report may claim one. The rule, more than two standard
#: errors and four nats, or a gain and an effect that is clear among all, has no exact rate; this one is stated.
CLAIMS_AT_MOST = 0.02
SETTINGS = FitSettings(engine="nested-laplace", draws=1000)
QUICK = FitSettings(engine="nested-laplace", draws=250)  # differences in elpd move by hundredths


def claims(n_datasets, n_rows, settings=SETTINGS):
    """Return the sentences that claim an effect."""
    found, gains = [], []
    for seed in range(n_datasets):
        frame = clients(n_rows, 1_000 + seed, slope=0.0)
        report = pipeline.fit(frame, settings=replace(settings, seed=seed)).report
        gains.append(report.to_json()["comparison"]["elpd_diff"])
        if report.verdict.features == "add":
            found.append(report.what_features_add)
    log.info(
        "%d rows: %d of %d data sets claimed an effect; elpd difference %.2f on average, at most %.2f: %s",
        *(n_rows, len(found), n_datasets, np.mean(gains), np.max(gains), found),
    )
    return found


def allowed(n_datasets):
    """Claims beyond which the stated rate is refuted, at a chance of one in a thousand."""
    return binom.isf(1e-3, n_datasets, CLAIMS_AT_MOST)


def test_noise_is_called_noise():
    """Of these data sets no difference comes near a claim, so none is allowed: 20 % would pass in 1 %."""
    assert claims(20, 1_000, QUICK) == []


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("n_rows", [500, 5_000])
def test_over_two_hundred_data_sets_noise_is_called_noise(n_rows):
    assert len(claims(200, n_rows)) <= allowed(200)


def test_an_effect_is_called_an_effect():
    report = pipeline.fit(clients(5_000, 7, slope=1.5), settings=QUICK).report

    assert (report.verdict.features, report.verdict.form) == ("add", "holds")
