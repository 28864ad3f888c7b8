"""A formula of functions, contrasts and an offset: fitted, stored, loaded, served, and Bambi's own predict."""

import json

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from data_science import BayesianLogitModel, FeatureError, FitSettings, ModelSpecification

FORMULA = "y ~ bs(x, df=4) + scale(np.log1p(z)):h + S(h) + poly(x, 2):z + (center(x) | g) + offset(log(n))"
TOLERANCE = 1e-12


def frame(n_rows, seed, stretch=1.0):
    rng = np.random.default_rng(seed)
    found = pd.DataFrame(
        {
            "x": 2 + stretch * rng.uniform(-1, 1, n_rows),
            "z": rng.exponential(size=n_rows),
            "g": rng.choice(["a", "b", "c"], n_rows),
            "h": rng.choice(["u", "v"], n_rows),
            "n": rng.integers(1, 9, n_rows),
        }
    )
    eta = -2 + np.sin(3 * found["x"]) + np.log(found["n"]) + 0.5 * found["z"]
    return found.assign(y=(rng.random(n_rows) < expit(eta)).astype(int))


@pytest.fixture(scope="module")
def fitted():
    settings = FitSettings(engine="nested-laplace", second_opinion=False, draws=300)
    model = BayesianLogitModel(ModelSpecification(FORMULA), settings=settings)
    model.fit(frame(400, 1))
    return model


@pytest.fixture(scope="module")
def version(fitted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    fitted.save(folder)
    return folder / (folder / "LATEST").read_text(encoding="utf-8").strip()


@pytest.fixture(scope="module")
def loaded(version):
    model = BayesianLogitModel()
    model.load(version)
    return model


def test_what_was_fitted_is_stored_and_served_to_the_last_bit(fitted, loaded):
    rows = frame(60, 2, stretch=1.2)  # beyond the boundary knots, too

    then, now = (model.predict_proba(rows) for model in (fitted, loaded))

    np.testing.assert_array_equal(now, then)
    one = [loaded.model.predict_proba_one(row) for row in rows.to_dict("records")]
    np.testing.assert_allclose(one, now, rtol=0, atol=TOLERANCE)
    assert loaded.predict_batch(rows).tolist() == [loaded.predict_one(row) for row in rows.to_dict("records")]


def test_bambis_stored_model_predicts_the_same_on_new_rows_from_the_same_draws(fitted, loaded, version):
    model = cloudpickle.loads((version / "bambi_model.cloudpickle").read_bytes())
    rows = frame(40, 3, stretch=1.2)

    theirs = model.predict(fitted.posterior, data=rows, inplace=False)["posterior"]["p"]

    found = np.sort(theirs.stack(draw_=("chain", "draw")).to_numpy(), axis=1)
    ours = loaded.predict_interval(rows, 0.9)
    mean = loaded.predict_proba(rows, method="posterior")
    assert loaded.model.draws.shape[0] == 1_000  # of 1,200: what is compared is thinned
    draws = found.shape[1]
    np.testing.assert_allclose(mean, found.mean(axis=1), atol=5 * found.std(axis=1).max() / np.sqrt(draws))
    assert ((found[:, 0] <= ours[:, 0]) & (ours[:, 1] <= found[:, -1])).all()


def test_terms_have_their_own_names_in_summary_explanation_and_card(fitted, loaded, version):
    row = frame(1, 4).iloc[0].to_dict()

    parts = loaded.explain(row)

    assert list(parts) == [
        "Intercept", "bs(x, df=4)", "scale(np.log1p(z)):h", "S(h)", "poly(x, 2):z", "1|g", "center(x)|g",
        "offset(log(n))",
    ]  # fmt: skip
    assert parts["offset(log(n))"] == pytest.approx(np.log(row["n"]), abs=TOLERANCE)
    assert expit(sum(parts.values())) == pytest.approx(loaded.model.predict_proba_one(row), abs=TOLERANCE)
    assert {"bs(x, df=4)[3]", "poly(x, 2):z[1]", "S(h)[u]", "center(x)|g_sigma"} <= set(
        fitted.summary().index
    )
    card = (version / "model_card.md").read_text(encoding="utf-8")
    assert "`offset(log(n))` is added to the logit as it is, and every prediction needs it." in card
    assert "`bs(x, df=4)[0]`" in card


def test_what_was_learned_is_json_and_an_offset_is_required(loaded, version):
    encoding = json.loads((version / "predictor.json").read_text(encoding="utf-8"))["encoding"]

    assert [one["name"] for one in encoding["derived"]] == [
        "bs(x, df=4)", "scale(np.log1p(z))", "poly(x, 2)", "center(x)", "offset(log(n))",
    ]  # fmt: skip
    with pytest.raises(
        FeatureError,
        match=r"n is missing \(offset\(log\(n\)\) needs it\); expected the columns h, g, z, x, n",
    ):
        loaded.predict_one({"x": 2.0, "z": 0.5, "g": "a", "h": "u"})
    with pytest.raises(FeatureError, match=r"offset\(log\(n\)\) has no finite value where n = 0.0"):
        loaded.predict_one({"x": 2.0, "z": 0.5, "g": "a", "h": "u", "n": 0})


def test_the_elpd_is_compared_with_the_intercept_and_the_same_offset(fitted):
    from data_science.evaluation.candidates import baseline_of

    baseline = baseline_of(ModelSpecification(FORMULA))

    assert baseline.formula == "y ~ 1 + offset(log(n))"
