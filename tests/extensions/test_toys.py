"""An engine, a family of priors and a source of rows are one file each: added here, and used to the end."""

import json
import signal

import numpy as np
import pytest
from scipy import stats

import main as job
from data_science import (
    BayesianLogitModel,
    FitSettings,
    ModelSpecification,
    Prior,
    SpecificationError,
)
from data_science.cli import console
from data_science.evaluation import prior_checks
from data_science.examples import clients
from data_science.extension import ENGINES, PRIORS, SOURCES
from data_science.formula import design
from data_science.formula.priors import IndependentPriors
from data_science.likelihood.compiled.density import log_density_with
from data_science.likelihood.compiled.stamp import stamp
from data_science.settings import VARIABLES

FRAME = clients(400, seed=2)
ENGINE = """
    from data_science.engines.registry import engine

    TITLE = "the toy"
    SECOND_OPINION = "nested-laplace"

    def draw(design, compressed, settings, progress):
        return engine("nested-laplace").draw(design, compressed, settings, progress)
"""
PRIOR = """
    import numpy as np

    from data_science.formula.priors import LOCATION, SCALE, Canonical, Family, LogDensity

    def laplace(x, norm, mu, b, _):
        u = (x - mu) / b
        return LogDensity(norm - np.abs(u), -np.sign(u) / b, 0.0 * x)

    def canonical(mu, b):
        return Canonical(-np.log(2 * b), (mu, b, 0.0))

    def draw(n, rng, mu, b):
        return rng.laplace(mu, b, n)

    LAPLACE = Family("common", {"mu": LOCATION, "b": SCALE}, laplace, canonical, draw)
"""
SOURCE = """
    import json
    import pandas as pd

    ROWS = json.loads('''{rows}''')

    def read(settings):
        return pd.DataFrame(ROWS), None
"""


@pytest.fixture
def toy_engine(added):
    added(ENGINES, "toy", "toy_engine", ENGINE)


@pytest.fixture
def toy_prior(added):
    added(PRIORS, "Laplace", "toy_prior", PRIOR, "LAPLACE")


@pytest.fixture
def toy_source(added):
    added(SOURCES, "list", "toy_source", SOURCE.format(rows=json.dumps(FRAME.to_dict(orient="list"))))


@pytest.fixture
def quiet(monkeypatch):
    """Leave logging and the handler of SIGTERM as they are."""

    class Console:
        def __init__(self, *, verbose, quiet):
            self.progress, self.findings = lambda _: None, {}

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def done(self, findings):
            told.update(findings)

    told = {}
    monkeypatch.setattr(console, "Console", Console)
    before = signal.getsignal(signal.SIGTERM)
    yield told
    signal.signal(signal.SIGTERM, before)


def test_an_engine_is_fitted_judged_checked_by_the_engine_it_names_saved_and_loaded(toy_engine, tmp_path):
    model = BayesianLogitModel(engine="toy")

    report = model.fit(FRAME)
    path = model.save(tmp_path / "models")

    assert report.sentences["Engine"] == "toy, 4 chains of 2,000 draws"
    assert " agrees: " in report.sentences["Second opinion"]
    assert report.agreement.by == "nested Laplace"  # whose draws the toy's are, but more of them
    assert report.agreement.distance_in_sds < 0.1
    loaded = BayesianLogitModel()
    loaded.load(tmp_path / "models")
    assert loaded.model_version == path.name
    assert loaded.summary().equals(model.summary()[loaded.summary().columns])
    assert (loaded.predict_proba(FRAME) == model.predict_proba(FRAME)).all()


def test_an_engine_that_declines_is_followed_by_its_fallback(added):
    declining = 'from data_science.errors import GateError\nFALLBACK = "toy"\ndef draw(*_):\n    raise GateError("not I")\n'
    added(ENGINES, "shy", "shy_engine", declining)
    added(ENGINES, "toy", "toy_engine", ENGINE)

    report = BayesianLogitModel(settings=FitSettings(engine="shy", draws=500)).fit(FRAME)

    assert report.measured.engine == "toy"
    assert report.notes == ("not I.",)


def test_a_prior_has_the_density_of_its_distribution_and_can_be_drawn_from(toy_prior):
    prior, x = Prior("Laplace", mu=0.5, b=2), np.linspace(-5, 5, 12)

    found = IndependentPriors.of([prior] * 12).log_density(x)

    np.testing.assert_allclose(found.value, stats.laplace(0.5, 2).logpdf(x), rtol=1e-12)
    drawn = prior.draw(2_000, np.random.default_rng(1))
    assert stats.kstest(drawn, stats.laplace(0.5, 2).cdf).pvalue > 1e-3
    assert prior.scaled(3) == Prior("Laplace", mu=1.5, b=6)
    with pytest.raises(SpecificationError, match=r"b=0.0; expected a positive number"):
        Prior("Laplace", mu=0, b=0)


def test_a_prior_is_fitted_by_both_engines_saved_loaded_and_drawn_from_by_the_book(toy_prior, tmp_path):
    specification = ModelSpecification(priors={"scd_a": Prior("Laplace", mu=0, b=1)})
    settings = FitSettings(draws=500, tune=300)  # NUTS, and nested Laplace as its second opinion
    model = BayesianLogitModel(specification, settings=settings)

    report = model.fit(FRAME)
    model.save(tmp_path / "models")

    assert report.agreement is not None
    assert report.agreement.holds
    assert "`scd_a`: Laplace(mu=0, b=1)" in next((tmp_path / "models").glob("*/model_card.md")).read_text()
    loaded = BayesianLogitModel()
    loaded.load(tmp_path / "models")
    assert loaded.summary().equals(model.summary()[loaded.summary().columns])
    learned = design.learn(specification, FRAME)
    assert prior_checks.stated(learned).loc["scd_a", "per standard deviation"] == "Laplace(mu=0, b=1)"
    coefficients, _ = prior_checks.draw_coefficients(learned, FRAME, 2_000)
    slope = coefficients[:, learned.encoding.slices["scd_a"]].ravel() * FRAME["scd_a"].std(ddof=0)
    assert stats.kstest(slope, stats.laplace(0, 1).cdf).pvalue > 1e-3


def test_compiled_code_goes_stale_with_the_file_of_a_prior(toy_prior, tmp_path):
    density = log_density_with(IndependentPriors.of([Prior("Laplace", mu=0, b=1)]).densities)
    before = stamp(density)

    (tmp_path / "extensions" / "toy_prior.py").write_text("# another edition")

    assert stamp(density) != before


def test_a_source_of_rows_is_what_the_job_trains_on_without_any_database(
    toy_source, quiet, monkeypatch, tmp_path
):
    given = {
        "SOURCE": "list",
        "ENGINE": "nested-laplace",
        "DRAWS": "500",
        "MODEL_FOLDER": str(tmp_path / "models"),
    }
    for variable in VARIABLES:
        monkeypatch.delenv(variable.name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    assert job.main([]) == 0

    assert quiet["Data"].startswith("400 rows")
    loaded = BayesianLogitModel()
    loaded.load(tmp_path / "models")
    assert loaded.predict(FRAME.drop(columns="label").head(1)) in (0, 1)
