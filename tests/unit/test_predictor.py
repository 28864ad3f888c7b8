import json
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hand_sums import logit_of, logits_of
from scipy import integrate, optimize, special, stats
from serving_cases import COMMON_FACTOR, ROW, predictor

from data_science.errors import FeatureError
from data_science.formula.encoding import Encoding, Term

MODEL = predictor()
UNSEEN = {**ROW, "attr_a": 9}


def frame(n_rows, seed=1):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "attr_a": rng.integers(1, 6, n_rows),
            "attr_b": rng.choice(list("abcd"), n_rows),
            "scd_a": rng.random(n_rows),
            "scd_b": rng.integers(1, 6, n_rows),
        }
    )


@pytest.mark.parametrize(
    "row",
    [
        ROW,
        dict(reversed(ROW.items())),
        {**ROW, "idx": 150_000, "label": None},
        {name: float(value) if name != "attr_b" else value for name, value in ROW.items()},
        {**ROW, "attr_a": True},
        {**ROW, "attr_b": "c "},
        {**ROW, "attr_b": np.str_("c"), "attr_a": np.int8(1), "scd_a": np.float64(0.55)},
    ],
    ids=[
        "as documented",
        "another order",
        "more columns",
        "floats",
        "a truth value",
        "padded",
        "NumPy scalars",
    ],
)
def test_one_row_in_any_dress_gets_the_same_built_in_int(row):
    features = pd.DataFrame([row])

    assert type(MODEL.predict(features)) is int
    assert MODEL.predict(features) == MODEL.predict(pd.DataFrame([ROW])) == MODEL.predict_one(row)
    assert json.dumps({"label": MODEL.predict(features)})
    assert MODEL.predict_proba_one(row) == MODEL.predict_proba_one(ROW)


@pytest.mark.parametrize("encoding", [None, COMMON_FACTOR], ids=["additive", "with products"])
def test_many_rows_are_scored_as_one_by_one(encoding):
    model = predictor(encoding) if encoding else MODEL
    rows = frame(300)

    found = model.predict_proba(rows)

    records = rows.to_dict("records")
    expected = special.expit([logit_of(model, row) for row in records])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)
    np.testing.assert_allclose(
        [model.predict_proba_one(row) for row in records], expected, rtol=0, atol=1e-14
    )
    assert model.predict_batch(rows).tolist() == (expected > 0.5).astype(int).tolist()
    assert model.predict_batch(rows).tolist() == [model.predict_one(row) for row in records]
    intervals = [model.predict_interval_one(row) for row in records]
    np.testing.assert_allclose(model.predict_interval(rows), intervals, rtol=0, atol=1e-14)


@pytest.mark.parametrize("encoding", [None, COMMON_FACTOR], ids=["additive", "with products"])
def test_the_parts_of_an_explanation_sum_to_the_linear_predictor(encoding):
    model = predictor(encoding) if encoding else MODEL

    for features in (ROW, pd.DataFrame([ROW])):
        parts = model.explain(features)
        assert list(parts) == [term.name for term in model.encoding.terms]
        assert special.expit(sum(parts.values())) == pytest.approx(model.predict_proba_one(ROW), abs=1e-15)


def test_the_label_is_one_above_the_threshold_and_zero_at_it():
    flat = replace(MODEL, coefficients=np.zeros(12), threshold=0.5)

    assert flat.predict_one(ROW) == 0
    assert replace(flat, threshold=0.4999).predict_one(ROW) == 1
    assert replace(flat, threshold=0.5001).predict_batch(frame(3)).tolist() == [0, 0, 0]


def test_negating_the_coefficients_mirrors_every_probability():
    mirrored = replace(MODEL, coefficients=-MODEL.coefficients, draws=-MODEL.draws)
    rows = frame(50)

    for method in ("plug-in", "posterior", "corrected"):
        total = MODEL.predict_proba(rows, method) + mirrored.predict_proba(rows, method)
        np.testing.assert_allclose(total, 1.0, rtol=0, atol=1e-14)


def test_an_unseen_group_gets_the_population_effect():
    parts = MODEL.explain(UNSEEN)

    assert parts["1|attr_a"] == 0.0
    assert {**parts, "1|attr_a": 0} == {**MODEL.explain(ROW), "1|attr_a": 0}


def eta_and_sd(model, columns):
    """Return the draws of an unseen row's logit without, and the sd of, its unseen effects."""
    known = {"scd_a": 0.55, "scd_b": 3}
    eta = model.draws[:, 0] + model.draws[:, 1] * known["scd_a"] + model.draws[:, 2] * known["scd_b"]
    if "attr_a" not in columns:
        eta = eta + model.draws[:, 3 + 0]
    if "attr_b" not in columns:
        eta = eta + model.draws[:, 3 + 5 + 2]
    sds = {"attr_a": model.group_sd_draws[:, 0], "attr_b": model.group_sd_draws[:, 1]}
    return eta, np.sqrt(sum(sds[column] ** 2 for column in columns))


@pytest.mark.parametrize("columns", [("attr_a",), ("attr_a", "attr_b")], ids=["one", "two at once"])
def test_an_unseen_groups_probability_integrates_its_distribution(columns):
    row = {**ROW, **{column: {"attr_a": 9, "attr_b": "z"}[column] for column in columns}}
    eta, sd = eta_and_sd(MODEL, columns)

    found = MODEL.predict_proba_one(row, "posterior")

    def integrand(z):
        return special.expit(eta + sd * z) * stats.norm.pdf(z)

    expected = integrate.quad_vec(integrand, -12, 12, epsabs=1e-13)[0].mean()
    assert found == pytest.approx(expected, abs=1e-11)
    assert MODEL.predict_proba(pd.DataFrame([ROW, row, row]), "posterior")[1:].tolist() == [found, found]


@pytest.mark.parametrize("columns", [("attr_a",), ("attr_b",), ("attr_a", "attr_b")], ids=" and ".join)
@pytest.mark.parametrize("prob", [0.5, 0.9, 0.95])
def test_an_unseen_groups_interval_is_that_of_the_mixture_and_the_same_every_time(prob, columns):
    model = predictor(n_draws=1000)
    row = {**ROW, **{column: {"attr_a": 9, "attr_b": "z"}[column] for column in columns}}
    eta, sd = eta_and_sd(model, columns)

    found = model.predict_interval_one(row, prob)

    def excess(logit, level):
        return stats.norm.cdf((logit - eta) / sd).mean() - level

    for bound, level in zip(found, ((1 - prob) / 2, (1 + prob) / 2), strict=True):
        exact = optimize.brentq(excess, -20, 20, args=(level,))
        # Three standard errors that 1000 independent draws would have; even points do better.
        density = (stats.norm.pdf((exact - eta) / sd) / sd).mean()
        assert abs(special.logit(bound) - exact) < 3 * math.sqrt(level * (1 - level) / 1000) / density
    assert found == predictor(n_draws=1000).predict_interval_one(row, prob)
    known = model.predict_interval_one(ROW, prob)
    assert np.diff(special.logit(found)) > np.diff(special.logit(known))


def test_an_interaction_group_is_unseen_if_any_part_of_it_is():
    model = predictor(COMMON_FACTOR)

    parts = model.explain(UNSEEN)

    assert parts["1|attr_a:attr_b"] == parts["scd_a|attr_a"] == 0.0
    assert parts["attr_b"] == model.explain(ROW)["attr_b"]


def test_batches_are_scored_in_chunks_with_the_same_numbers(monkeypatch):
    monkeypatch.setattr("data_science.prediction.predictor.INTERVAL_CHUNK", 64)
    rows = frame(500)

    scores = list(MODEL.score_batches([rows.iloc[:300], rows.iloc[300:]], prob=0.9))

    assert max(len(part.label) for part in scores) == 64
    np.testing.assert_array_equal(np.concatenate([part.label for part in scores]), MODEL.predict_batch(rows))
    joined = np.concatenate([part.probability for part in scores])
    np.testing.assert_allclose(joined, MODEL.predict_proba(rows), rtol=0, atol=1e-15)
    intervals = np.concatenate([part.interval for part in scores])
    np.testing.assert_allclose(intervals, MODEL.predict_interval(rows, prob=0.9), rtol=0, atol=1e-14)


def test_a_model_without_columns_scores_rows_too():
    model = predictor(Encoding((Term("Intercept"),)))

    assert model.predict_batch(frame(3)).tolist() == [model.predict_one({})] * 3
    assert model.predict_interval(frame(3)).shape == (3, 2)


@pytest.mark.parametrize(
    "ask",
    [MODEL.predict_one, lambda row: MODEL.predict_proba(pd.DataFrame([row])), MODEL.predict_interval_one],
    ids=["label", "batch", "interval"],
)
def test_numbers_that_overflow_the_linear_predictor_are_refused(ask):
    with pytest.raises(FeatureError, match=r"the numbers .* are too large to score"):
        ask({**ROW, "scd_a": 1.7e308, "scd_b": 1.7e308})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"coefficients": np.zeros(3)}, r"coefficients has the shape \(3,\); expected \(12,\)"),
        ({"draws": np.zeros((5, 3))}, r"draws has the shape \(5, 3\)"),
        ({"group_sd_draws": np.zeros((200, 1))}, "group_sd_draws has the shape"),
        ({"coefficients": np.full(12, np.nan)}, "coefficients contains NaN or infinity"),
        ({"draws": np.full((200, 12), np.inf)}, "draws contains NaN or infinity; expected finite numbers"),
        ({"group_sd_draws": np.full((200, 2), np.nan)}, "group_sd_draws contains NaN or infinity"),
        (
            {"group_sd_draws": np.zeros((199, 2))},
            r"group_sd_draws has the shape \(199, 2\); expected \(200, 2\)",
        ),
        ({"threshold": 1.0}, "threshold is 1.0; expected a probability between"),
        ({"threshold": 0.0}, "threshold is 0.0; expected a probability between"),
        ({"threshold": math.nan}, "threshold is nan; expected a probability between"),
        ({"unseen": "guess"}, "unseen is 'guess'; expected 'population' or 'refuse'"),
    ],
)
def test_a_predictor_that_cannot_be_right_is_refused(changes, reason):
    with pytest.raises(ValueError, match=reason):
        replace(MODEL, **changes)


def test_unknown_methods_and_impossible_intervals_are_refused():
    with pytest.raises(ValueError, match="method is 'map'; expected 'plug-in', 'posterior' or 'corrected'"):
        MODEL.predict_proba(frame(2), "map")
    for prob in (95, 1, 0, -0.5, math.nan):
        with pytest.raises(
            ValueError, match=rf"prob is {prob}; expected a probability between 0 and 1, such as 0\.95"
        ):
            MODEL.predict_interval(frame(2), prob=prob)


def test_intervals_hold_95_percent_probabilities_are_plug_in_and_labels_follow_one_half_unless_stated():
    rows = frame(20)

    np.testing.assert_array_equal(MODEL.predict_interval(rows), MODEL.predict_interval(rows, 0.95))
    assert MODEL.predict_interval_one(ROW) == MODEL.predict_interval_one(ROW, 0.95)
    (scores,) = MODEL.score_batches([rows])
    np.testing.assert_array_equal(scores.interval, MODEL.predict_interval(rows, 0.95))
    np.testing.assert_array_equal(MODEL.predict_proba(rows), MODEL.predict_proba(rows, "plug-in"))
    assert (MODEL.threshold, MODEL.unseen, MODEL.correction, MODEL.response) == (
        0.5,
        "population",
        None,
        "label",
    )


@pytest.mark.parametrize("threshold", [0.02, 0.1, 0.3])
def test_labels_follow_any_threshold_everywhere(threshold):
    model, rows = replace(MODEL, threshold=threshold), frame(300)

    expected = [int(special.expit(logit_of(model, row)) > threshold) for row in rows.to_dict("records")]

    assert 0 < sum(expected) < 300
    assert model.predict_batch(rows).tolist() == expected
    assert [model.predict_one(row) for row in rows.to_dict("records")] == expected
    assert [model.predict(rows.iloc[[k]]) for k in range(20)] == expected[:20]
    assert np.concatenate([part.label for part in model.score_batches([rows])]).tolist() == expected


@pytest.mark.parametrize("prob", [0.2, 0.95])
def test_an_interval_is_two_quantiles_over_the_draws(prob):
    rows = frame(30)

    found = MODEL.predict_interval(rows, prob)

    probabilities = special.expit(logits_of(MODEL, rows))
    expected = np.quantile(probabilities, [0.5 - prob / 2, 0.5 + prob / 2], axis=1).T
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)
    one = [MODEL.predict_interval_one(row, prob) for row in rows.to_dict("records")]
    np.testing.assert_allclose(one, expected, rtol=0, atol=1e-13)


def test_serving_a_mapping_imports_neither_pandas_nor_anything_of_training():
    heavy = ["pandas", "pymc", "bambi", "arviz", "sqlalchemy", "scipy", "xarray"]
    code = (
        f"import sys, data_science.storage.artifact; print([name for name in {heavy} if name in sys.modules])"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout == "[]\n"


@pytest.mark.parametrize("name", ["coefficients", "draws", "group_sd_draws"])
def test_what_a_predictor_holds_cannot_be_edited_so_that_one_row_and_many_would_disagree(name):
    with pytest.raises(ValueError, match="read-only"):
        getattr(MODEL, name)[0] = 9
