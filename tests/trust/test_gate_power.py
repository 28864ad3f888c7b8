"""The gates let fine fits through and stop broken ones, each for its reason."""

import logging

import bambi as bmb
import numpy as np
import pytest
from judged import Case, changed, clients

from data_science import ModelSpecification, pipeline
from data_science.engines.registry import FitSettings
from data_science.errors import GateError
from data_science.evaluation import diagnostics
from data_science.judgement.gates import judge

log = logging.getLogger(__name__)
#: Share of fine fits that may be refused, the one retry included.
REFUSED_AT_MOST = 0.01
QUICK = FitSettings(engine="nuts", draws=500, tune=300)


@pytest.fixture(scope="module")
def case():
    return Case(clients(600, seed=1), ModelSpecification())


@pytest.fixture(scope="module")
def fine(case):
    return case.draw(QUICK)


def freeze_a_chain(coefficients, sds):
    coefficients[2], sds[2] = coefficients[2, 0], sds[2, 0]


def move_a_chain(coefficients, sds):
    coefficients[1] += 3 * coefficients.std(axis=(0, 1))


def lose_a_draw(coefficients, sds):
    coefficients[0, 7, 1] = np.nan


def overflow_an_sd(coefficients, sds):
    sds[3, 3, 0] = np.inf


def repeat_every_draw(coefficients, sds):
    for values in (coefficients, sds):
        values[:] = values[:, :: values.shape[1] // 10].repeat(values.shape[1] // 10, axis=1)


def forget_the_intercept(coefficients, sds):
    coefficients[..., 0] += 1.0


@pytest.mark.parametrize(
    ("harm", "reasons"),
    [
        (freeze_a_chain, ["r_hat is .* the chains disagree"]),
        (move_a_chain, ["r_hat is .* the chains disagree"]),
        (lose_a_draw, ["some draws are NaN or infinite", "r_hat is nan", "bulk ESS is nan"]),
        (overflow_an_sd, ["some draws are NaN or infinite"]),
        (repeat_every_draw, ["bulk ESS is", "tail ESS is"]),
        (forget_the_intercept, ["the data's rate .* is outside the posterior predictive interval"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_a_broken_fit_is_refused_with_its_reason(case, fine, harm, reasons):
    assert case.verdict(fine).passed

    verdict = case.verdict(changed(fine, harm))

    for reason in reasons:
        with pytest.raises(GateError, match=reason):
            verdict.require()


def test_too_few_draws_are_refused(case):
    with pytest.raises(GateError, match=r"ESS is .*: draw more"):
        case.verdict(case.draw(FitSettings(engine="nuts", draws=40, tune=200))).require()


def test_a_sampler_that_was_not_tuned_is_refused(case):
    with pytest.raises(GateError, match=r"r_hat is|ESS is|divergent"):
        case.verdict(case.draw(FitSettings(engine="nuts", draws=150, tune=3))).require()


def test_an_engine_that_fits_something_else_is_found_by_the_second_opinion(case, fine):
    opinion = case.draw(FitSettings(engine="nested-laplace", draws=1000))
    assert case.verdict(fine, opinion).passed

    def shift(coefficients, sds):
        coefficients[..., 1] += 0.3 * coefficients[..., 1].std()

    with pytest.raises(GateError, match=r"the two engines disagree on scd_a: 0.3"):
        case.verdict(changed(fine, shift), opinion).require()


def plain(frame, formula, priors, *, noncentered):
    """Sample with Bambi as its documentation shows, and judge what came."""
    model = bmb.Model(formula, frame, family="bernoulli", priors=priors, noncentered=noncentered)
    tree = model.fit(
        draws=400, tune=300, chains=4, cores=1, random_seed=1, inference_method="nutpie", progressbar=False
    )
    tree["posterior"].attrs["engine"] = "bambi"
    rate = float(frame["label"].mean())
    return judge(diagnostics.measure(tree, diagnostics.summary(tree), (0.0, 1.0), rate))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_centred_parametrisation_of_few_groups_is_refused_for_its_divergences():
    verdict = plain(clients(200, seed=3, slope=0), "label ~ 1 + (1 | attr_a)", None, noncentered=False)

    log.info("centred: %s", verdict.failures)
    with pytest.raises(GateError, match="divergent transitions"):
        verdict.require()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_model_that_is_not_identified_is_refused():
    frame = clients(200, seed=4)
    frame["twin"] = frame["scd_a"] * 1.0
    flat = bmb.Prior("Normal", mu=0, sigma=1e5)

    verdict = plain(frame, "label ~ 0 + scd_a + twin", {"common": flat}, noncentered=True)

    log.info("not identified: %s", verdict.failures)
    with pytest.raises(GateError, match=r"r_hat is|ESS is"):
        verdict.require()


def refusals(n, settings):
    """Count fine fits that were refused, and fine fits that needed their retry."""
    refused, retried = [], 0
    for seed in range(n):
        frame = clients((300, 1000, 3000)[seed % 3], seed, slope=seed % 2)
        try:
            fitted = pipeline.fit(frame, seed=seed, engine=settings.engine, settings=settings)
        except GateError as error:
            refused.append((seed, str(error)))
        else:
            retried += any("stricter retry" in note for note in fitted.report.notes)
    log.info("%s: %d of %d refused, %d retried: %s", settings.engine, len(refused), n, retried, refused)
    return refused, retried


@pytest.mark.parametrize(("engine", "n"), [("nested-laplace", 12), ("nuts", 3)])
def test_fine_fits_are_not_refused(engine, n, caplog):
    caplog.set_level(logging.ERROR, "data_science")

    refused, _ = refusals(n, FitSettings(engine=engine))

    assert refused == []


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("engine", ["nested-laplace", "nuts"])
def test_of_two_hundred_fine_fits_no_more_than_stated_are_refused(engine, caplog):
    caplog.set_level(logging.ERROR, "data_science")

    refused, retried = refusals(200, FitSettings(engine=engine))

    assert len(refused) <= 200 * REFUSED_AT_MOST
    assert retried <= 200 * 5 * REFUSED_AT_MOST
