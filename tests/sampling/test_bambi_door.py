"""`model.bambi(frame)`: Bambi's and ArviZ's own functions on our posterior, against plain Bambi sampled on the same rows."""

from itertools import product

import arviz as az
import bambi as bmb
import numpy as np
import pytest
import xarray as xr
from arviz_stats.base import array_stats
from frames import clients
from monte_carlo import estimates, scalars, worst
from peers import bambi_on
from scipy import stats

from data_science import (
    ArtifactError,
    BayesianLogitModel,
    FitSettings,
    ModelSpecification,
    SchemaError,
    SettingsError,
)
from data_science.formula.design import learn
from data_science.storage import artifact

FORMULA = "label ~ scd_a + (1 | attr_b)"
N_ROWS, N_DRAWS = 400, 1_000
N_BATCHES = 16
ERRORS = 5.0  # Monte Carlo standard errors of a difference
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("without_windows")]  # theirs


@pytest.fixture(scope="module")
def frame():
    return clients(N_ROWS)


@pytest.fixture(scope="module")
def fitted(frame):
    """Ours, by the engine that needs no sampling."""
    model = BayesianLogitModel(ModelSpecification(FORMULA), settings=FitSettings(engine="nested-laplace"))
    model.fit(frame)
    return model


@pytest.fixture(scope="module")
def door(fitted, frame):
    return fitted.bambi(
        frame, groups=("log_likelihood", "posterior_predictive", "log_prior", "prior_predictive")
    )


@pytest.fixture(scope="module")
def plain(fitted, frame):
    """The user's own model of the same rows and priors, sampled, with the groups that four calls of theirs add."""
    theirs = bambi_on(frame, learn(fitted.specification, frame), noncentered=True)
    data = theirs.fit(
        draws=N_DRAWS, tune=500, chains=2, cores=1, random_seed=3, progressbar=False, target_accept=0.95
    )
    theirs.compute_log_likelihood(data)
    theirs.predict(data, kind="response", random_seed=3)
    theirs.compute_log_prior(data)
    return theirs, data


@pytest.fixture(scope="module")
def agrees(fitted):
    """Check that draws of the same quantities have the same means, sds and quantiles, in units of their MCSE."""
    efficiency = float(fitted.posterior.attrs.get("efficiency", 1.0))

    def check(ours, theirs):
        deviation = worst(estimates(ours, {}, efficiency), estimates(theirs, {}))
        assert deviation.is_noise, deviation

    return check


def probabilities_of(result):
    """Draws behind a table of `interpret`."""
    return scalars(result.draws["posterior"].to_dataset()[["p"]])


def contrasts_of(result):
    """Draws of the differences between the two halves of the rows, and how far these are apart."""
    p = result.draws["posterior"]["p"].transpose("chain", "draw", "__obs__").to_numpy()
    x, half = result.draws["data"]["scd_a"].to_numpy(), p.shape[-1] // 2
    return p[..., half:] - p[..., :half], x[half:] - x[:half]


def by_number(draws):
    return {str(number): draws[..., number] for number in range(draws.shape[-1])}


GRID = {"scd_a": [0.1, 0.5, 0.9], "attr_b": ["a", "b", "c", "d"]}


def test_bmb_interpret_predictions(door, plain, agrees):
    ours, theirs = (bmb.interpret.predictions(*one, conditional=GRID) for one in (door, plain))

    rows = [one.summary[["scd_a", "attr_b"]].astype(str) for one in (ours, theirs)]
    assert rows[0].equals(rows[1])
    agrees(probabilities_of(ours), probabilities_of(theirs))


def test_bmb_interpret_comparisons(door, plain, agrees):
    asked = {"contrast": {"scd_a": [0.2, 0.8]}, "conditional": {"attr_b": GRID["attr_b"]}}
    results = [bmb.interpret.comparisons(*one, **asked) for one in (door, plain)]

    differences = [contrasts_of(one)[0] for one in results]

    np.testing.assert_allclose(results[0].summary["estimate"], differences[0].mean((0, 1)), rtol=1e-12)
    agrees(*map(by_number, differences))


def test_bmb_interpret_slopes(door, plain, agrees):
    asked = {"wrt": {"scd_a": 0.5}, "conditional": {"attr_b": GRID["attr_b"]}}
    results = [bmb.interpret.slopes(*one, **asked) for one in (door, plain)]

    slopes = [difference / step for difference, step in map(contrasts_of, results)]

    np.testing.assert_allclose(results[0].summary["estimate"], slopes[0].mean((0, 1)), rtol=1e-12)
    agrees(*map(by_number, slopes))


def test_bmb_interpret_fills_in_the_other_columns_from_the_rows(door, plain, agrees):
    ours, theirs = (bmb.interpret.predictions(*one, conditional="scd_a") for one in (door, plain))

    assert ours.summary["attr_b"].astype(str).tolist() == theirs.summary["attr_b"].astype(str).tolist()
    agrees(probabilities_of(ours), probabilities_of(theirs))


@pytest.mark.parametrize(
    ("plot", "asked"),
    [
        ("plot_predictions", {"conditional": "scd_a"}),
        ("plot_comparisons", {"contrast": "scd_a", "conditional": "attr_b"}),
        ("plot_slopes", {"wrt": "scd_a", "conditional": "attr_b"}),
    ],
)
def test_bmb_interpret_plots(door, plot, asked):
    getattr(bmb.interpret, plot)(*door, **asked)


def loo_errors(data):
    """Monte Carlo standard errors of elpd_loo and p_loo, from how each draw moves them (the delta method)."""
    likelihood = np.exp(data["log_likelihood"]["label"].transpose("chain", "draw", ...).to_numpy())
    weights = 1 / likelihood
    out = (weights / weights.mean((0, 1))).sum(-1)
    within = (likelihood / likelihood.mean((0, 1))).sum(-1)
    return [float(array_stats.mcse(draws, chain_axis=0, draw_axis=1)) for draws in (out, out + within)]


def test_az_loo(door, plain):
    ours, theirs = az.loo(door.data), az.loo(plain[1])

    elpd_error, p_error = np.hypot(loo_errors(door.data), loo_errors(plain[1]))
    assert ours.n_data_points == N_ROWS
    assert not ours.warning
    assert abs(ours.elpd - theirs.elpd) < ERRORS * elpd_error
    assert abs(ours.p - theirs.p) < ERRORS * p_error


def test_az_compare_as_loo_compare_is_called_now(door, plain):
    table = az.compare({"ours": door.data, "plain Bambi": plain[1]})

    error = np.hypot(loo_errors(door.data)[0], loo_errors(plain[1])[0])
    assert set(table.index) == {"ours", "plain Bambi"}
    assert abs(table["elpd_diff"]).max() < ERRORS * error


def test_az_plot_ppc_dist(door):
    az.plot_ppc_dist(door.data)


def test_az_plot_ppc_pava(door):
    az.plot_ppc_pava(door.data)


def test_az_plot_loo_pit(door):
    az.plot_loo_pit(door.data)


def test_az_plot_khat(door):
    az.plot_khat(az.loo(door.data, pointwise=True))


def sensitivities(data):
    table = az.psense_summary(data, var_names=["Intercept", "scd_a", "1|attr_b_sigma"])
    return table[["prior", "likelihood"]].astype(float)


def in_batches(data, n=N_BATCHES):
    """Sensitivities by each of n parts of the draws, of which the spread is the error of one part."""
    sizes = data["posterior"].sizes
    length = sizes["draw"] * sizes["chain"] // n
    starts = product(range(sizes["chain"]), range(0, sizes["draw"], length))
    groups = ("posterior", "log_likelihood", "log_prior")
    parts = [{"chain": [chain], "draw": slice(start, start + length)} for chain, start in starts]
    return np.stack(
        [
            sensitivities(
                xr.DataTree.from_dict({name: data[name].to_dataset().isel(part) for name in groups})
            )
            for part in parts
        ]
    )


def test_az_psense_summary(door, plain):
    data = door.data, plain[1]
    ours, theirs = map(sensitivities, data)

    errors = [batches.std(axis=0, ddof=1) / len(batches) ** 0.5 for batches in map(in_batches, data)]

    assert list(ours.index) == list(theirs.index)
    limit = stats.t.isf(0.001 / (2 * ours.size), N_BATCHES - 1)
    in_errors = (ours - theirs).abs().to_numpy() / np.hypot(*errors)
    assert in_errors.max() < limit, in_errors


def test_the_log_likelihood_is_the_closed_form_of_the_design(door, fitted, frame):
    from by_hand import probabilities

    design = learn(fitted.specification, frame)
    few = door.data["posterior"].to_dataset().isel(draw=slice(20))
    from data_science.engines.posterior import names

    draws = scalars(few)
    coefficients = np.stack([draws[n] for n in names(design)[: design.encoding.n_coefficients]], axis=-1)
    p = probabilities(design, coefficients, frame)
    y = frame["label"].to_numpy()

    theirs = door.data["log_likelihood"]["label"].transpose("chain", "draw", ...).to_numpy()[:, :20]
    np.testing.assert_allclose(theirs, np.log(np.where(y == 1, p, 1 - p)), atol=1e-10)


def test_rows_that_lack_levels_are_read_by_trainings_levels_and_never_by_position(tmp_path):
    frame = clients(400)
    model = BayesianLogitModel(
        ModelSpecification("label ~ scd_a + (1 | attr_a)"), settings=FitSettings(engine="nested-laplace")
    )
    model.fit(frame)
    part = frame[frame["attr_a"] == 4].head(20)  # one level, which is no variety

    scored = model.bambi(part, rows="new", draws=200)

    assert {"log_likelihood_new", "predictions"} < set(scored.data.children)
    assert not {"log_likelihood", "posterior_predictive"} & set(scored.data.children)
    p = scored.model.predict(scored.data, inplace=False)["posterior"]["p"].mean(("chain", "draw"))
    np.testing.assert_allclose(p, model.predict_proba(part, method="posterior"), atol=0.02)
    with pytest.raises(SchemaError, match="expected at least two values"):
        model.bambi(part)
    with pytest.raises(SchemaError, match="60 rows are not the 400 that trained this model"):
        model.bambi(frame.head(60))
    with pytest.raises(ArtifactError, match="this model is kept without rows"):
        model.bambi()
    with pytest.raises(SchemaError, match="a level that training has not seen"):
        model.bambi(part.assign(attr_a=[99, *part["attr_a"][1:]]), rows="new")


def test_a_loaded_version_gives_the_same_for_its_rows_in_any_order_and_refuses_others(
    fitted, frame, tmp_path, door
):
    loaded = BayesianLogitModel()
    version = fitted.save(tmp_path)
    loaded.load(tmp_path)

    again = loaded.bambi(frame.sample(frac=1, random_state=1), groups=["log_likelihood"])

    assert az.loo(again.data).elpd == pytest.approx(az.loo(door.data).elpd, abs=1e-8)
    with pytest.raises(SchemaError, match=rf"that trained version {version.name}; give those"):
        loaded.bambi(frame.head(300))
    with pytest.raises(ArtifactError, match=f"version {version.name} was stored without rows"):
        loaded.bambi()
    with pytest.raises(SettingsError, match="expected some of log_likelihood"):
        loaded.bambi(frame, groups=["waic"])


def test_the_stored_model_without_rows_refuses_what_needs_rows_and_predicts_rows_it_is_given(
    fitted, frame, tmp_path
):
    version = fitted.save(tmp_path)
    stored, posterior = artifact.load_bambi_model(version, trust=True), fitted.posterior
    asked = {
        "predictions": lambda: bmb.interpret.predictions(stored, posterior, conditional="scd_a"),
        "comparisons": lambda: bmb.interpret.comparisons(stored, posterior, contrast="scd_a"),
        "slopes": lambda: bmb.interpret.slopes(stored, posterior, wrt="scd_a"),
        "compute_log_likelihood": lambda: stored.compute_log_likelihood(posterior),
        "predict": lambda: stored.predict(posterior),
        "prior_predictive": lambda: stored.prior_predictive(),
        "fit": lambda: stored.fit(),
    }

    for ask in asked.values():
        with pytest.raises(
            ArtifactError,
            match=rf"version {version.name} was stored without rows; call model\.bambi\(frame\)",
        ):
            ask()

    assert (
        stored.predict(posterior, data=frame.head(3), inplace=False)["posterior"]["p"].sizes["__obs__"] == 3
    )


def test_too_many_draws_for_memory_are_refused_with_how_many_fit(fitted, frame, monkeypatch):
    from data_science.formula import bambi_fit

    monkeypatch.setattr(bambi_fit, "LARGEST", 400 * 8 * 100)

    with pytest.raises(SettingsError, match="draws=100, or fewer groups"):
        fitted.bambi(frame)
    with pytest.raises(SettingsError, match=r"101 draws of 400 rows.* draws=100, or fewer groups"):
        fitted.bambi(frame, groups=["prior"], draws=101)
    assert "prior" in fitted.bambi(frame, groups=["prior"], draws=100).data
    sizes = fitted.bambi(frame, groups=[], draws=201).data["posterior"].sizes
    assert 150 < sizes["chain"] * sizes["draw"] <= 201
