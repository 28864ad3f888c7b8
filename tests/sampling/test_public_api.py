"""`BayesianLogitModel` as outside code calls it: determinism, refusals that change nothing, save and load."""

import logging
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from frames import clients, crossed, patients
from scipy import stats
from scipy.special import log_expit, logsumexp

from data_science import (
    BayesianLogitModel,
    GateError,
    ModelSpecification,
    Prior,
    SchemaError,
    SpecificationError,
    compare,
    pipeline,
)
from data_science.engines.registry import FitSettings

SHORT = FitSettings(draws=500, second_opinion=False)  # two fits are equal at any length
QUICK = "nested-laplace"
ROW = pd.DataFrame([{"attr_a": 1, "attr_b": "c", "scd_a": 0.55, "scd_b": 3}])


@pytest.fixture(scope="module")
def frame():
    return clients(3_000)


@pytest.fixture(scope="module")
def model(frame):
    fitted = BayesianLogitModel(engine=QUICK)
    fitted.fit(frame)
    return fitted


@pytest.mark.parametrize("engine", ["nuts", QUICK])
def test_the_same_seed_gives_identical_draws_and_another_seed_others(engine, frame):
    first, again, other = (
        pipeline.fit(frame.head(500), settings=replace(SHORT, seed=seed, engine=engine))
        .posterior["posterior"]
        .to_dataset()
        for seed in (7, 7, 8)
    )

    assert first.equals(again)
    assert not np.isin(other["scd_a"], first["scd_a"]).any()


def test_row_order_changes_nothing_but_rounding(frame, model):
    other = BayesianLogitModel(engine=QUICK)
    other.fit(frame.sample(frac=1, random_state=1))

    for name, values in model.posterior["posterior"].to_dataset().data_vars.items():
        np.testing.assert_allclose(other.posterior["posterior"][name], values, rtol=1e-6, atol=1e-6)


def test_the_summary_has_bambis_names_and_the_documented_columns(model):
    summary = model.summary()

    assert list(summary.index[:3]) == ["Intercept", "scd_a", "scd_b"]
    assert {"1|attr_a_sigma", "1|attr_a[1]", "1|attr_b[d]"} < set(summary.index)
    assert {"mean", "sd", "q5", "q50", "q95", "ess_bulk", "ess_tail", "r_hat"} <= set(summary.columns)


def test_a_frame_that_somebody_gives_has_no_stated_origin(model, tmp_path):
    version = model.save(tmp_path)

    card = (version / "model_card.md").read_text(encoding="utf-8")
    unknown = "Where the rows come from was not stated when they were handed over."
    assert f"## Data\n\n{unknown}\n\n3,000 rows" in card
    for name in ("model_card.md", "model_card.json", "manifest.json", "diagnostics.json"):
        text = (version / name).read_text(encoding="utf-8")
        assert not re.search('generated|company|"Source"', text), name


def test_the_summary_is_that_of_the_posterior(model):
    draws = model.posterior["posterior"]["1|attr_b"].sel({"attr_b__factor_dim": "c"}).to_numpy()
    row = model.summary().loc["1|attr_b[c]"]

    expected = [draws.mean(), draws.std(ddof=1), *np.quantile(draws, [0.05, 0.5, 0.95])]
    np.testing.assert_allclose(row[["mean", "sd", "q5", "q50", "q95"]].astype(float), expected)


def test_predictions_after_loading_are_those_before_saving(model, frame, tmp_path):
    model.save(tmp_path)
    loaded = BayesianLogitModel()

    loaded.load(tmp_path)

    for method in ("plug-in", "posterior"):
        np.testing.assert_array_equal(
            loaded.predict_proba(frame, method=method), model.predict_proba(frame, method=method)
        )
    np.testing.assert_array_equal(loaded.predict_interval(frame), model.predict_interval(frame))
    np.testing.assert_array_equal(loaded.predict_batch(frame), model.predict_batch(frame))
    assert loaded.predict(ROW) == model.predict(ROW)
    assert loaded.explain(ROW) == model.explain(ROW)


def test_summary_and_posterior_after_loading_are_those_before_saving(model, tmp_path):
    model.save(tmp_path)
    loaded = BayesianLogitModel()

    loaded.load(tmp_path)

    pd.testing.assert_frame_equal(loaded.summary(), model.summary())
    ours = model.posterior["posterior"].to_dataset()
    theirs = loaded.posterior["posterior"].to_dataset()
    assert theirs.equals(ours)


def test_the_plug_in_probability_is_that_of_posterior_means(model):
    mean = model.summary()["mean"]
    eta = mean["Intercept"] + 0.55 * mean["scd_a"] + 3 * mean["scd_b"] + mean["1|attr_a[1]"]
    eta += mean["1|attr_b[c]"]

    assert model.predict_proba(ROW, method="plug-in")[0] == pytest.approx(1 / (1 + np.exp(-eta)), abs=1e-12)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: f.drop(columns="scd_a"), "scd_a"),
        (lambda f: f.assign(label=2), "label"),
        (lambda f: f.assign(label=0), "label"),
        (lambda f: f.assign(scd_a=np.nan), "scd_a"),
        (lambda f: f.assign(scd_a=np.inf), "scd_a"),
        (lambda f: f.assign(scd_a="high"), "scd_a"),
        (lambda f: f.iloc[:0], "rows"),
    ],
    ids=["column missing", "label 2", "one class", "NaN", "infinite", "text for a number", "no rows"],
)
def test_a_frame_that_cannot_be_fitted_is_refused_and_the_model_stays(change, reason, frame, model):
    before = model.predict_proba(frame)

    with pytest.raises(SchemaError, match=reason):
        model.fit(change(frame))

    np.testing.assert_array_equal(model.predict_proba(frame), before)


def test_a_refused_posterior_leaves_the_model_as_it_was(frame):
    """A prior that contradicts the data: the posterior cannot give the observed rate."""
    model = BayesianLogitModel(ModelSpecification("label ~ scd_a"), engine=QUICK)
    model.fit(frame)
    before = model.predict_proba(frame)
    priors = {"Intercept": Prior("Normal", mu=3, sigma=0.01)}
    model.specification = ModelSpecification("label ~ scd_a", priors=priors)

    with pytest.raises(
        GateError, match=r"the rate in the data, .*, is outside the posterior predictive interval"
    ):
        model.fit(frame)

    np.testing.assert_array_equal(model.predict_proba(frame), before)


def test_where_nested_laplace_declines_nuts_runs_and_says_so(caplog):
    vague = {"common": Prior("Cauchy", alpha=0, beta=25), "group_sd": Prior("HalfCauchy", beta=25)}
    specification = ModelSpecification("y ~ treatment + (1 | patient)", priors=vague)
    model = BayesianLogitModel(specification, seed=1, engine=QUICK)

    with caplog.at_level(logging.WARNING, logger="data_science"):
        report = model.fit(patients(20, group_sd=8))

    assert model.posterior["posterior"].attrs["engine"] == "nuts"
    assert "nested Laplace is not reliable for this model (k-hat" in caplog.text
    assert any("nested Laplace is not reliable" in note for note in report.notes)


def test_an_unknown_engine_is_refused(frame):
    with pytest.raises(SpecificationError, match="engine is 'vi'; expected one of"):
        BayesianLogitModel(engine="vi").fit(frame)


def test_products_of_balanced_columns_can_be_fitted():
    """Two 0/1 columns of equal shares: Bambi refuses a frame in which their product is constant."""
    frame = clients(800)
    frame["a"], frame["b"] = np.arange(800) % 2, np.arange(800) // 2 % 2
    model = BayesianLogitModel(
        ModelSpecification("label ~ a * b"), settings=FitSettings(second_opinion=False)
    )

    model.fit(frame)

    assert "a:b" in model.summary().index


@pytest.mark.parametrize("formula", ["label ~ scd_a + only", "label ~ scd_a + (1 | only)"])
@pytest.mark.parametrize("value", [3, "all"])
def test_a_column_that_never_varies_is_refused(formula, value, frame):
    model = BayesianLogitModel(ModelSpecification(formula), engine=QUICK)

    with pytest.raises(SchemaError, match=r"only: the constant .* has no effect to estimate"):
        model.fit(frame.assign(only=value))


def test_every_row_of_a_table_in_the_model_card_has_as_many_cells_as_its_header(model, tmp_path):
    card = (model.save(tmp_path) / "model_card.md").read_text(encoding="utf-8")

    tables = re.findall(r"(?:^\|.*\n)+", card, flags=re.MULTILINE)
    assert "1\\|attr_a[1]" in tables[0]
    for table in tables:
        cells = [len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()]
        assert len(set(cells)) == 1


def exact_elpd(frame, prior_sds):
    """Log score of every row given the others, by integration over a grid: intercept, and slope if any."""
    x, y = stats.zscore(frame["x"].to_numpy()), frame["y"].to_numpy()
    axes = [np.linspace(-2 * sd, 2 * sd, 161) for sd in prior_sds]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    prior = stats.norm.logpdf(grid, scale=prior_sds).sum(axis=1)
    eta = grid @ np.vstack([np.ones(len(x)), x])[: len(axes)]
    scores = log_expit(np.where(y == 1, eta, -eta))
    whole = prior + scores.sum(axis=1)
    left_out = whole[:, None] - scores
    return logsumexp(whole) - logsumexp(left_out, axis=0)


def test_candidates_are_compared_by_exact_leave_one_out():
    frame = crossed(300)
    formulas = ["y ~ x", "y ~ 1"]

    table = compare([ModelSpecification(formula) for formula in reversed(formulas)], frame).table

    slope, intercept = exact_elpd(frame, (1.5, 1.0)), exact_elpd(frame, (1.5,))
    assert list(table.index) == formulas
    # 2,000 draws leave an error of 0.04 nats; an optimistic score (nothing left out) is 1 to 2 nats off
    assert table["elpd_loo"].tolist() == pytest.approx([slope.sum(), intercept.sum()], abs=0.2)
    assert table["elpd_diff"].tolist() == pytest.approx([0, (intercept - slope).sum()], abs=0.2)
    se = np.sqrt(len(frame)) * (intercept - slope).std(ddof=1)
    assert table["se_diff"].tolist() == pytest.approx([0, se], abs=0.1)
