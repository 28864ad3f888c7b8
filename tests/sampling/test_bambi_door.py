"""`model.bambi(frame)`: Bambi's and ArviZ's own functions on our posterior, against plain Bambi sampled on the same rows."""

import arviz as az
import bambi as bmb
import numpy as np
import pytest
from frames import clients
from peers import bambi_on

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
N_ROWS, N_DRAWS = 400, 500
ERRORS = 5.0  # Monte Carlo errors of the difference; some hundred numbers are compared
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


def close(ours, theirs, sd, n_ours=2_000, n_theirs=300):
    """Whether means agree within Monte Carlo error, from posterior sds and effective draws."""
    error = np.asarray(sd) * np.sqrt(1 / n_ours + 1 / n_theirs)
    difference = np.abs(np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float))
    assert (difference < ERRORS * error).all(), (difference / error).max()


def sd_of(table):
    """Posterior sd of each row of a table of `interpret`, from its 89 % interval."""
    lower, upper = (table.filter(regex=f"^{end}").to_numpy()[:, 0] for end in ("lower", "upper"))
    return (upper - lower) / 3.2


GRID = {"scd_a": [0.1, 0.5, 0.9], "attr_b": ["a", "b", "c", "d"]}


def test_bmb_interpret_predictions(door, plain):
    ours, theirs = (bmb.interpret.predictions(*one, conditional=GRID).summary for one in (door, plain))

    assert ours[["scd_a", "attr_b"]].astype(str).equals(theirs[["scd_a", "attr_b"]].astype(str))
    close(ours["estimate"], theirs["estimate"], sd_of(theirs))


def test_bmb_interpret_comparisons(door, plain):
    ours, theirs = (
        bmb.interpret.comparisons(
            *one, contrast={"scd_a": [0.2, 0.8]}, conditional={"attr_b": GRID["attr_b"]}
        ).summary
        for one in (door, plain)
    )

    close(ours["estimate"], theirs["estimate"], sd_of(theirs))


def test_bmb_interpret_slopes(door, plain):
    ours, theirs = (
        bmb.interpret.slopes(*one, wrt={"scd_a": 0.5}, conditional={"attr_b": GRID["attr_b"]}).summary
        for one in (door, plain)
    )

    close(ours["estimate"], theirs["estimate"], sd_of(theirs))


def test_bmb_interpret_fills_in_the_other_columns_from_the_rows(door, plain):
    ours, theirs = (bmb.interpret.predictions(*one, conditional="scd_a").summary for one in (door, plain))

    assert ours["attr_b"].astype(str).tolist() == theirs["attr_b"].astype(str).tolist()
    close(ours["estimate"], theirs["estimate"], sd_of(theirs))


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


def test_az_loo(door, plain):
    ours, theirs = az.loo(door.data), az.loo(plain[1])

    assert ours.n_data_points == N_ROWS
    assert not ours.warning
    # The sd over draws of the summed log likelihood is about sqrt(p), and the estimate's error that over sqrt(draws).
    assert abs(ours.elpd - theirs.elpd) < ERRORS * np.sqrt(theirs.p / 300)
    assert abs(ours.p - theirs.p) < ERRORS * theirs.p * np.sqrt(2 / 300)


def test_az_compare_as_loo_compare_is_called_now(door, plain):
    table = az.compare({"ours": door.data, "plain Bambi": plain[1]})

    assert set(table.index) == {"ours", "plain Bambi"}
    assert abs(table["elpd_diff"]).max() < ERRORS * np.sqrt(table["p"].max() / 300)


def test_az_plot_ppc_dist(door):
    az.plot_ppc_dist(door.data)


def test_az_plot_ppc_pava(door):
    az.plot_ppc_pava(door.data)


def test_az_plot_loo_pit(door):
    az.plot_loo_pit(door.data)


def test_az_plot_khat(door):
    az.plot_khat(az.loo(door.data, pointwise=True))


def test_az_psense_summary(door, plain):
    ours, theirs = (
        az.psense_summary(one[1], var_names=["Intercept", "scd_a", "1|attr_b_sigma"]) for one in (door, plain)
    )

    assert list(ours.index) == list(theirs.index)
    columns = ["prior", "likelihood"]
    # Distances of weighted distributions: their error at a few hundred draws is some hundredths.
    np.testing.assert_allclose(ours[columns].astype(float), theirs[columns].astype(float), atol=0.06)


def test_the_log_likelihood_is_the_closed_form_of_the_design(door, fitted, frame):
    from by_hand import probabilities

    design = learn(fitted.specification, frame)
    few = door.data["posterior"].to_dataset().isel(draw=slice(20))
    from monte_carlo import scalars

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
