"""Hundreds of levels from a frame to a loaded model: fitted, judged, compared, stored and served."""

import numpy as np
import pytest
from test_collapse import binary

from data_science import BayesianLogitModel, FitSettings, ModelSpecification

FRAME = binary([4] * 400, second=7).assign(g=lambda frame: "town " + frame["g"].astype(str))
FORMULA = "y ~ x0 + (1 | g) + (1 | h)"


@pytest.fixture(scope="module")
def fitted():
    model = BayesianLogitModel(ModelSpecification(FORMULA), settings=FitSettings(engine="nested-laplace"))
    return model, model.fit(FRAME)


def test_the_report_says_which_way_was_taken(fitted):
    _, report = fitted

    assert any("the 400 levels of g are integrated out exactly" in note for note in report.notes)
    assert report.measured.khat < 0.7


def test_levels_that_were_integrated_out_have_the_weights_effective_size_and_no_r_hat(fitted):
    model, report = fitted
    table = model.summary()
    levels = table.index.str.startswith("1|g[")

    assert table.loc[levels, "r_hat"].isna().all()
    assert table.loc[~levels, "r_hat"].notna().all()
    assert levels.sum() == 400
    assert table.loc[levels, "ess_bulk"].nunique() == 1
    assert np.isfinite(table.drop(columns="r_hat").to_numpy()).all()
    assert report.measured.rhat_max < 1.02


def test_what_is_loaded_predicts_what_was_fitted(fitted, tmp_path):
    model, _ = fitted
    model.save(tmp_path)
    loaded = BayesianLogitModel()

    loaded.load(tmp_path)

    rows = FRAME.head(50)
    np.testing.assert_array_equal(loaded.predict_proba(rows), model.predict_proba(rows))
    np.testing.assert_allclose(loaded.predict_interval(rows), model.predict_interval(rows))
    assert loaded.predict_one({"x0": 0.1, "g": "a town never seen", "h": 3}) in (0, 1)
