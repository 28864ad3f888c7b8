"""`BayesianLogitClassifier` is the package's model, and does what scikit-learn's tools ask of a classifier."""

import pickle
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibrationDisplay
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from data_science import BayesianLogitModel, Costs, FitSettings, ModelSpecification, Prior
from data_science.examples import clients
from data_science.prediction.unseen import UnseenLevel
from data_science.sklearn import BayesianLogitClassifier, GLMMEncoder
from data_science.sklearn.formulas import formula_of

FRAME = clients(500)
X, Y = FRAME[["scd_a", "scd_b", "attr_b"]], FRAME["label"]
QUICK = {"draws": 500}
#: With few draws NUTS takes over on this check's 15 rows of 30 columns: the same posterior, other draws.
ORDER_OF_ROWS = {
    "check_sample_weight_equivalence_on_dense_data": "the draws of NUTS depend on the rows' order"
}


@pytest.fixture(scope="module")
def fitted():
    return BayesianLogitClassifier(groups="attr_b").fit(X, Y.map({0: "stays", 1: "leaves"}))


def outcomes(estimator, expected=None):
    """Statuses of scikit-learn's checks, by how many; anything that failed, by name."""
    found = check_estimator(estimator, on_fail=None, on_skip=None, expected_failed_checks=expected)
    failed = {check["check_name"]: check["exception"] for check in found if check["status"] == "failed"}
    return len(found), failed, [check["check_name"] for check in found if check["status"] == "skipped"]


def test_every_check_of_scikit_learn_passes_with_few_draws():
    n_checks, failed, skipped = outcomes(BayesianLogitClassifier(**QUICK), ORDER_OF_ROWS)

    assert not failed
    assert skipped in ([], ["check_array_api_input"])  # asks for an environment variable of SciPy's
    assert n_checks >= 63  # a battery can be green because it ran nothing


@pytest.mark.slow
def test_every_check_of_scikit_learn_passes_by_default_without_an_exception():
    _, failed, _ = outcomes(BayesianLogitClassifier())

    assert not failed


def test_probabilities_and_intervals_are_the_models(fitted):
    specification = ModelSpecification("label ~ scd_a + scd_b + (1 | attr_b)")
    model = BayesianLogitModel(specification, engine="nested-laplace", seed=1)
    model.fit(FRAME[["scd_a", "scd_b", "attr_b"]].assign(label=1 - Y))  # "stays" is the second class

    np.testing.assert_allclose(fitted.predict_proba(X)[:, 1], model.predict_proba(X), rtol=1e-12)
    np.testing.assert_allclose(fitted.predict_interval(X), model.predict_interval(X), rtol=1e-12)
    np.testing.assert_array_equal(fitted.predict(X) == "stays", model.predict_batch(X))
    assert list(fitted.classes_) == ["leaves", "stays"]
    assert fitted.formula_ == "y ~ 1 + `scd_a` + `scd_b` + (1 | `attr_b`)"
    assert "1|attr_b_sigma" in fitted.summary_.index


def test_the_decision_function_is_positive_where_the_second_class_costs_less(fitted):
    costly = clone(fitted).set_params(costs=Costs(1, 4), **QUICK).fit(X, Y)

    probability, decision = costly.predict_proba(X)[:, 1], costly.decision_function(X)
    assert ((decision > 0) == (costly.predict(X) == 1)).all()
    np.testing.assert_allclose(probability[np.abs(decision) < 0.05], 0.2, atol=0.02)


def test_a_fitted_classifier_survives_pickling_and_its_model_is_saved_like_any_other(fitted, tmp_path):
    again = pickle.loads(pickle.dumps(fitted))
    fitted.model_.save(tmp_path)
    served = BayesianLogitModel()
    served.load(tmp_path)

    assert (again.predict_proba(X) == fitted.predict_proba(X)).all()
    assert (served.predict_proba(X) == fitted.predict_proba(X)[:, 1]).all()
    assert again.summary_.equals(fitted.summary_)


def test_a_search_in_two_processes_finds_the_formula_that_predicts():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"signal": rng.normal(size=200), "noise": rng.normal(size=200)})
    bought = np.where(frame["signal"] + 0.3 * rng.normal(size=200) > 0, "yes", "no")
    grid = {
        "formula": ["noise", "noise + signal"],
        "priors": [None, {"common": Prior("Normal", mu=0, sigma=0.01)}],
    }
    search = GridSearchCV(BayesianLogitClassifier(**QUICK), grid, scoring="neg_log_loss", cv=2, n_jobs=2)

    search.fit(frame, bought)

    assert search.best_params_ == {"formula": "noise + signal", "priors": None}
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_pipeline_of_frames_ends_in_importances_and_a_calibration_curve():
    columns = make_column_transformer(
        (StandardScaler(), ["scd_a", "scd_b"]), (GLMMEncoder(), ["attr_b"]), verbose_feature_names_out=False
    )
    pipeline = make_pipeline(columns, BayesianLogitClassifier(**QUICK)).set_output(transform="pandas")

    pipeline.fit(X, Y)

    assert list(pipeline[-1].feature_names_in_) == ["scd_a", "scd_b", "attr_b"]
    importance = permutation_importance(pipeline, X, Y, n_repeats=3, random_state=1, scoring="neg_log_loss")
    assert importance.importances_mean.argmax() == 0
    with mpl.rc_context({"backend": "agg"}):
        curve = CalibrationDisplay.from_estimator(pipeline, X, Y, n_bins=4)
    assert np.abs(curve.prob_true - curve.prob_pred).max() < 0.25  # four sds of a share of 60 rows


def test_weights_are_routed_to_the_fit_and_count_rows():
    weights = np.tile([0, 2], len(X) // 2)
    with config_context(enable_metadata_routing=True):
        routed = BayesianLogitClassifier("scd_a", **QUICK).set_fit_request(sample_weight=True)
        routed = routed.set_score_request(sample_weight=False)
        found = cross_validate(
            routed, X, Y, params={"sample_weight": weights}, cv=2, return_estimator=True, error_score="raise"
        )

    assert [each.report_.dataset.n_rows for each in found["estimator"]] == [250, 250]


@pytest.mark.parametrize(
    ("labels", "seen"),
    [([True, False], [False, True]), ([3.0, -1.0], [-1.0, 3.0]), (["no", "yes"], ["no", "yes"])],
    ids=["truth values", "numbers", "text"],
)
def test_labels_are_of_any_two_values(labels, seen):
    x = np.arange(20.0)[:, None]

    classifier = BayesianLogitClassifier(**QUICK).fit(x, np.repeat(labels, 10))

    assert classifier.classes_.tolist() == seen
    assert classifier.predict([[0.0], [19.0]]).tolist() == labels


def test_an_array_with_text_has_columns_of_numbers_and_of_levels():
    values = np.array([[0.5, "a"], [0.25, "b"], [1.5, "a"], [0.75, "b"]] * 10, dtype=object)

    classifier = BayesianLogitClassifier(**QUICK).fit(values, [0, 0, 1, 1] * 10)

    assert {"x0", "x1[b]"} <= set(classifier.summary_.index)
    with pytest.raises(ValueError, match=r"x1 is 'c'.* not seen in training; expected one of 'a', 'b'"):
        classifier.predict(np.array([[0.5, "c"]], dtype=object))


def test_a_level_of_a_group_that_is_new_gets_the_population_effect_or_is_refused(fitted):
    new = X.head(1).assign(attr_b="z")

    assert 0 < fitted.predict_proba(new)[0, 1] < 1
    refusing = pickle.loads(pickle.dumps(fitted)).set_params(unseen="refuse")
    with pytest.raises(ValueError, match="attr_b is 'z'"):
        refusing.predict_proba(new)


@pytest.mark.parametrize("bound", [0.0, 1.0], ids=["corrected", "not corrected"])
@pytest.mark.parametrize("threshold", [0.2, 0.5])
def test_what_is_given_for_a_new_level_is_what_the_model_itself_gives(fitted, monkeypatch, bound, threshold):
    predictor = fitted.model_.model
    far = replace(
        predictor,
        threshold=threshold,
        unseen_levels={"attr_b": UnseenLevel(0.02, 0.05)},
        correction=replace(predictor.correction, bound=bound),
    )
    monkeypatch.setattr(BayesianLogitClassifier, "_predictor", far)
    rows = pd.concat([X.head(40), X.head(20).assign(attr_b="z")])

    given = fitted.predict_proba(rows)[:, 1]

    assert given.tolist() == far.predict_proba(rows).tolist()
    assert given[40:].tolist() == far.predict_proba(rows, "posterior")[40:].tolist()
    assert (fitted.predict(rows) == fitted.classes_[far.predict_batch(rows)]).all()


@pytest.mark.parametrize("method", ["plug-in", "posterior", "corrected"])
def test_labels_follow_the_method_that_is_named(fitted, monkeypatch, method):
    named, predictor = pickle.loads(pickle.dumps(fitted)).set_params(method=method), fitted.model_.model
    threshold = float(np.median(predictor.predict_proba(X, method)))
    monkeypatch.setattr(BayesianLogitClassifier, "_predictor", replace(predictor, threshold=threshold))

    above = named.predict_proba(X)[:, 1] > threshold

    assert (named.predict(X) == named.classes_[above.astype(int)]).all()


def test_before_it_is_fitted_it_says_so():
    for method in ("predict", "predict_proba", "decision_function", "predict_interval"):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            getattr(BayesianLogitClassifier(), method)(X)


HALF_A_ROW = [0.5, *[1] * (len(X) - 1)]


@pytest.mark.parametrize(
    ("changed", "fit_with", "reason"),
    [
        ({}, {"y": ["a", "b", *["c"] * (len(X) - 2)]}, "Only binary classification is supported"),
        ({}, {"y": np.zeros(len(X))}, "1 class only"),
        ({}, {"sample_weight": HALF_A_ROW}, "0.5; expected counts.*p\\(successes, trials\\)"),
        ({}, {"X": X.assign(scd_a=np.nan)}, "NULL or NaN"),
        ({"groups": "town"}, {}, "groups names \\['town'\\], which is no column"),
        ({"formula": "scd_c"}, {}, "scd_c: the column is missing"),
        ({"formula": "p(scd_b, scd_a) ~ attr_b"}, {}, "expected the right-hand side"),
        ({"formula": "lag(scd_a)"}, {}, "lag"),
        ({}, {"X": X.rename(columns={"scd_a": "a|b"})}, "'a\\|b', which has a meaning in formulas"),
        ({"priors": {"scd_z": Prior("Normal", mu=0, sigma=1)}}, {}, "which is not a term"),
    ],
    ids=[
        "three classes", "one class", "half a row", "missing value", "no such group", "no such column",
        "trials", "a function", "a bar in a name", "no such prior",
    ],
)  # fmt: skip
def test_what_cannot_be_fitted_is_a_value_error_that_says_why(changed, fit_with, reason):
    with pytest.raises(ValueError, match=reason):
        BayesianLogitClassifier(**changed).fit(**{"X": X, "y": Y, **fit_with})


@pytest.mark.parametrize(
    ("changed", "settings"),
    [
        ({}, FitSettings(engine="nested-laplace", second_opinion=False)),
        ({"random_state": 7}, FitSettings(engine="nested-laplace", second_opinion=False, seed=7)),
        (
            {"seed": 7, "draws": 10},
            FitSettings(engine="nested-laplace", second_opinion=False, seed=7, draws=10),
        ),
        ({"settings": FitSettings(tune=9)}, FitSettings(tune=9)),
        ({"settings": FitSettings(draws=9, seed=3), "seed": 3}, FitSettings(draws=9, seed=3)),
    ],
    ids=["defaults", "a state", "the package's word", "settings", "settings that agree"],
)
def test_settings_are_those_that_were_given(changed, settings):
    assert BayesianLogitClassifier(**changed)._settings() == settings


@pytest.mark.parametrize(
    "changed",
    [{"settings": FitSettings(draws=9), "draws": 10}, {"seed": 2, "random_state": 3}],
    ids=["draws twice", "the seed twice"],
)
def test_settings_that_contradict_each_other_are_refused(changed):
    with pytest.raises(Exception, match="contradicts"):
        BayesianLogitClassifier(**changed).fit(X, Y)


def test_a_random_state_gives_another_seed_each_time_and_the_same_from_its_start():
    state, same = np.random.RandomState(0), np.random.RandomState(0)
    classifier = BayesianLogitClassifier(random_state=state)

    seeds = [classifier._settings().seed for _ in range(2)]

    assert seeds[0] != seeds[1]
    assert seeds == [BayesianLogitClassifier(random_state=same)._settings().seed for _ in range(2)]


def test_a_table_that_speaks_arrow_is_a_frame(fitted):
    assert (fitted.predict_proba(pa.Table.from_pandas(X)) == fitted.predict_proba(X)).all()


def test_columns_that_are_constant_or_the_key_are_left_out_of_the_default_formula():
    frame = pd.DataFrame(
        {"idx": [1, 2], "same": [1, 1], "y": [0.5, 1], "two words": ["a", "b"], "town": ["u", "v"]}
    )

    assert formula_of(None, ["town"], frame) == "yy ~ 1 + `y` + `two words` + (1 | `town`)"
    assert formula_of("y", ["town"], frame) == "yy ~ y + (1 | `town`)"
    assert formula_of("bought ~ y", [], frame) == "bought ~ y"
    assert formula_of("`a~b` + y", [], frame) == "yy ~ `a~b` + y"
