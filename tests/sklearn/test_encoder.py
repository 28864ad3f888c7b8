"""`GLMMEncoder` gives each level its exact posterior effect, by the conventions of scikit-learn's TargetEncoder."""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ShuffleSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from data_science import Prior
from data_science.sklearn import GLMMEncoder
from data_science.sklearn.level_effects import Kinds, level_effects

INTERCEPT, GROUP_SD = Prior("Normal", mu=0, sigma=1.5), Prior("HalfNormal", sigma=1)
#: Both compare `fit_transform`, which fits without the row's own fold, with `transform`, which does not.
CROSS_FITTED = dict.fromkeys(
    ("check_transformer_general", "check_transformer_data_not_an_array"), "cross-fitted"
)

TOWNS = pd.DataFrame(
    {
        "town": pd.Categorical(["Ulm", "Bonn", None, "Ulm", "Trier"] * 12),
        "floor": [1, 2, 3, 1, 2, 3] * 10,
        "shop": ["a", np.nan, "b"] * 20,
    }
)
SOLD = np.array(["no", "yes"])[(np.arange(60) * 7 % 11 < 4).astype(int)]


def test_every_check_of_scikit_learn_passes_but_those_that_forbid_cross_fitting():
    for sd in (False, True):
        found = check_estimator(
            GLMMEncoder(sd=sd), on_fail=None, on_skip=None, expected_failed_checks=CROSS_FITTED
        )

        assert not [check for check in found if check["status"] == "failed"]
        assert len(found) >= 47


def by_hand(successes, trials):
    """Posterior mean and sd of every level's effect and of the intercept, by rules of millions of nodes."""
    b, log_sd, z = np.linspace(-9, 9, 73), np.linspace(-9, 2.3, 95), np.linspace(-8, 8, 401)
    log_joint = stats.norm.logpdf(b, 0, 1.5)[:, None] + stats.halfnorm.logpdf(np.exp(log_sd)) + log_sd
    moments = []
    for s, n in zip(successes, trials, strict=True):
        u = np.exp(log_sd)[:, None] * z
        eta = b[:, None, None] + u
        density = np.exp(s * eta - n * np.logaddexp(0, eta)) * stats.norm.pdf(z)
        integral = integrate.trapezoid(density, z)
        moments.append([integrate.trapezoid(density * u**k, z) / integral for k in (1, 2)])
        log_joint = log_joint + np.log(integral)
    weights = np.exp(log_joint - log_joint.max())
    weights /= weights.sum()
    first, second = np.einsum("jkbs,bs->kj", np.array(moments), weights)
    return first, np.sqrt(second - first**2), float(weights.sum(1) @ b)


@pytest.mark.parametrize(
    ("successes", "trials"),
    [([3, 0, 5, 9], [10, 1, 5, 10]), ([1, 0], [1, 1]), ([0, 0, 1], [40, 40, 1])],
    ids=["few rows", "one row each", "separated"],
)
def test_effects_are_the_exact_posteriors(successes, trials):
    mean, sd, intercept = by_hand(successes, trials)

    kinds, which = Kinds.of(np.array(successes), np.array(trials))
    found = level_effects(kinds, INTERCEPT, GROUP_SD).of_levels(which)

    np.testing.assert_allclose(found.mean, mean, atol=1e-4)
    np.testing.assert_allclose(found.sd, sd, atol=1e-4)
    assert found.intercept == pytest.approx(intercept, abs=1e-4)


def test_levels_of_every_size_are_recovered_within_their_sds():
    rng = np.random.default_rng(3)
    truth = 0.8 * rng.normal(size=2_000)
    trials = rng.choice([1, 2, 15, 400], size=2_000)
    successes = rng.binomial(trials, 1 / (1 + np.exp(1 - truth)))

    kinds, which = Kinds.of(successes, trials)
    found = level_effects(kinds, INTERCEPT, GROUP_SD).of_levels(which)

    z = (found.mean - truth) / found.sd
    for size in (1, 2, 15, 400):
        assert np.mean(z[trials == size] ** 2) == pytest.approx(1, abs=4 * np.sqrt(2 / 500))
    assert found.group_sd == pytest.approx(0.8, abs=0.08)
    assert found.intercept == pytest.approx(-1, abs=0.1)


@pytest.mark.parametrize(
    "prior",
    [Prior("HalfCauchy", beta=5), Prior("Exponential", lam=1), Prior("InverseGamma", alpha=2, beta=1)],
    ids=str,
)
def test_extreme_counts_give_finite_effects_under_any_prior(prior):
    kinds, _ = Kinds.of(np.array([0, 10**6, 1, 0, 500_000]), np.array([10**6, 10**6, 1, 0, 10**6]))

    found = level_effects(kinds, Prior("Cauchy", alpha=0, beta=2.5), prior)

    nobody, never = kinds.trials == 0, (kinds.trials > 1) & (kinds.successes == 0)
    assert np.isfinite([*found.mean, *found.sd, found.unseen_sd]).all()
    assert found.mean[never] < -5
    assert found.mean[kinds.successes == 10**6] > 5
    assert found.mean[nobody] == pytest.approx(0, abs=1e-9)
    assert found.sd[nobody] == pytest.approx(found.unseen_sd, rel=1e-4)


def test_missing_values_are_a_level_and_unseen_ones_the_typical_level():
    encoder = GLMMEncoder(sd=True).fit(TOWNS, SOLD)
    new = pd.DataFrame({"town": ["Ulm", None, "Worms"], "floor": [1, 9, 2], "shop": [np.nan, "a", None]})

    found = pd.DataFrame(encoder.transform(new), columns=encoder.get_feature_names_out())

    assert list(found) == ["town", "town_sd", "floor", "floor_sd", "shop", "shop_sd"]
    towns = encoder.effects_[0]
    assert [list(levels)[:3] for levels in encoder.categories_[:1]] == [["Bonn", "Trier", "Ulm"]]
    assert found["town"].tolist() == [towns.mean[2], towns.mean[3], 0.0]
    assert found["town_sd"].tolist() == [towns.sd[2], towns.sd[3], towns.unseen_sd]
    assert found["floor"].tolist()[1] == 0.0
    assert found["shop"].tolist()[0] == found["shop"].tolist()[2] == encoder.effects_[2].mean[-1]


def test_each_row_is_encoded_by_a_fit_to_the_other_folds():
    folds = [(np.arange(30, 60), np.arange(30)), (np.arange(30), np.arange(30, 60))]
    encoder = GLMMEncoder(cv=folds).set_output(transform="pandas")

    found = encoder.fit_transform(TOWNS, SOLD)

    for training, held_out in folds:
        alone = clone(encoder).fit(TOWNS.iloc[training], SOLD[training])
        expected = alone.transform(TOWNS.iloc[held_out])
        np.testing.assert_allclose(found.iloc[held_out], expected, atol=1e-12)
    assert encoder.transform(TOWNS).equals(clone(encoder).fit(TOWNS, SOLD).transform(TOWNS))


def test_identities_of_rows_do_not_leak_their_labels_to_the_next_learner():
    rng = np.random.default_rng(5)
    identity, labels = rng.integers(0, 300, size=(600, 1)), rng.integers(0, 2, size=600)

    scores = cross_val_score(
        make_pipeline(GLMMEncoder(), LogisticRegression()), identity, labels, scoring="roc_auc"
    )
    own = GLMMEncoder().fit(identity, labels).transform(identity)[:, 0]

    assert abs(scores.mean() - 0.5) < 4 * 0.5 / np.sqrt(600)
    assert np.corrcoef(own, labels)[0, 1] > 0.4  # what would leak


@pytest.mark.parametrize(
    ("changed", "labels", "reason"),
    [
        ({}, np.arange(60) % 3, "Only binary classification is supported"),
        ({}, np.zeros(60), "1 class only"),
        ({"cv": ShuffleSplit(3, random_state=1)}, SOLD, "leaves out row .* times; expected .* exactly once"),
        ({"priors": {"group_sd": Prior("Normal", mu=0, sigma=1)}}, SOLD, "Normal is the prior of 'group_sd'"),
        ({"priors": {"town": GROUP_SD}}, SOLD, "'town'.*expected some of \\['Intercept', 'group_sd'\\]"),
    ],
    ids=[
        "three classes",
        "one class",
        "folds that overlap",
        "a prior of a coefficient",
        "a prior of nothing",
    ],
)
def test_what_cannot_be_encoded_is_a_value_error_that_says_why(changed, labels, reason):
    with pytest.raises(ValueError, match=reason):
        GLMMEncoder(**changed).fit_transform(TOWNS, labels)
