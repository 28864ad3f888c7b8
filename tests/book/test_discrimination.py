"""Pairs ranked rightly, against SciPy's rank test, scikit-learn and the bootstrap."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from data_science.evaluation.discrimination import concordance

RNG = np.random.default_rng(6)
PROBABILITY = RNG.beta(2, 8, 1_500).round(2)  # with ties
LABEL = (RNG.random(1_500) < PROBABILITY).astype(int)


def test_the_share_is_the_area_under_the_roc_curve():
    found = concordance(LABEL, PROBABILITY)

    assert found.middle == pytest.approx(roc_auc_score(LABEL, PROBABILITY), abs=1e-12)
    ones, zeros = PROBABILITY[LABEL == 1], PROBABILITY[LABEL == 0]
    u = stats.mannwhitneyu(ones, zeros).statistic
    assert found.middle == pytest.approx(u / (len(ones) * len(zeros)), abs=1e-12)


def test_the_interval_is_that_of_the_bootstrap():
    found = concordance(LABEL, PROBABILITY)

    rng, drawn = np.random.default_rng(7), []
    for _ in range(2_000):
        rows = rng.integers(0, len(LABEL), len(LABEL))
        drawn.append(roc_auc_score(LABEL[rows], PROBABILITY[rows]))
    # The bootstrap's sd has a relative MCSE of 1 / sqrt(2 * 2,000) = 1.6 %.
    assert found.high - found.low == pytest.approx(2 * 1.96 * np.std(drawn), rel=5 * 0.016)


def test_a_prediction_without_signal_is_a_coin_and_a_perfect_one_is_not():
    coin = concordance(LABEL, np.full(len(LABEL), 0.1))
    perfect = concordance(LABEL, LABEL)

    assert (coin.low, coin.middle, coin.high) == (0.5, 0.5, 0.5)
    assert (perfect.low, perfect.middle, perfect.high) == (1.0, 1.0, 1.0)
    assert concordance([1, 0, 0], [0.1, 0.2, 0.3]).low >= 0
