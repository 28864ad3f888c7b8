"""The gates let fine fits through and stop broken ones, each for its reason."""

import logging
import re
from dataclasses import replace

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


@pytest.fixture(scope="module")
def case():
    return Case(clients(600, seed=1), ModelSpecification())


@pytest.fixture(scope="module")
def fine(case):
    """Nested Laplace's draws, the same on every machine, as NUTS would hand them over."""
    posterior = case.draw(FitSettings(engine="nested-laplace"))
    shape = posterior.coefficients.shape[:2]
    energy = np.random.default_rng(1).normal(size=shape)
    return replace(
        posterior,
        statistics={"diverging": np.zeros(shape, dtype=bool), "energy": energy},
        attributes={**posterior.attributes, "engine": "nuts"},
    )


def freeze_a_chain_in_its_tail(coefficients, sds, _):
    coefficients[2], sds[2] = coefficients[2].min(axis=0), sds[2].min(axis=0)


def move_a_chain(coefficients, *_):
    coefficients[1] += 3 * coefficients.std(axis=(0, 1))


def move_a_chain_of_one_sd(_, sds, __):
    sds[3, :, -1] *= 3


def lose_a_draw(coefficients, *_):
    coefficients[0, 7, 1] = np.nan


def overflow_an_sd(_, sds, __):
    sds[3, 3, 0] = np.inf


def repeat_every_draw(coefficients, sds, _):
    for values in (coefficients, sds):
        values[:] = values[:, :: values.shape[1] // 10].repeat(values.shape[1] // 10, axis=1)


def repeat_the_last_sd(_, sds, __):
    sds[..., -1] = np.sort(sds[..., -1], axis=1)[:, ::50].repeat(50, axis=1)


def visit_the_tails_in_one_piece(coefficients, *_):
    """In every chain both tails of a slope come one after the other; its middle stays as it was."""
    for chain in coefficients[..., 1]:
        low, high = np.quantile(chain, [0.05, 0.95])
        tail = (chain < low) | (chain > high)
        start = len(chain) // 2 - tail.sum() // 2
        mixed = np.empty_like(chain)
        mixed[start : start + tail.sum()] = chain[tail]
        mixed[:start], mixed[start + tail.sum() :] = np.split(chain[~tail], [start])
        chain[:] = mixed


def diverge_once(_, __, statistics):
    statistics["diverging"][3, 5] = True


def wander_in_energy(_, __, statistics):
    steps = np.random.default_rng(1).normal(size=statistics["energy"].shape[1])
    statistics["energy"][1] = np.cumsum(steps)


def forget_the_intercept(coefficients, *_):
    coefficients[..., 0] += 1.0


RATE = "the rate in the data, .*, is outside the posterior predictive interval"


@pytest.mark.parametrize(
    ("harm", "reasons"),
    [
        (freeze_a_chain_in_its_tail, ["r_hat is .* the chains disagree", "bulk ESS is", "tail ESS is"]),
        (move_a_chain, ["r_hat is .* the chains disagree", "bulk ESS is", "tail ESS is"]),
        (
            move_a_chain_of_one_sd,
            [rf"{gate} is .*1\|attr_b_sigma" for gate in ("r_hat", "bulk ESS", "tail ESS")],
        ),
        (
            lose_a_draw,
            ["some draws are NaN or infinite", "r_hat is nan", "bulk ESS is nan", "tail ESS is nan"],
        ),
        (overflow_an_sd, ["some draws are NaN or infinite"]),
        (repeat_every_draw, ["r_hat is", "bulk ESS is", "tail ESS is"]),
        (repeat_the_last_sd, ["r_hat is", "bulk ESS is", "tail ESS is"]),
        (visit_the_tails_in_one_piece, [r"tail ESS is .*worst: scd_a\)"]),
        (diverge_once, ["^1 divergent transitions"]),
        (wander_in_energy, ["E-BFMI is 0.0"]),
        (forget_the_intercept, [RATE]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_a_broken_fit_is_refused_for_its_reasons_and_no_other(case, fine, harm, reasons):
    assert case.admission(fine).passed

    admission = case.admission(changed(fine, harm))

    assert len(admission.failures) == len(reasons), admission.failures
    for failure, reason in zip(admission.failures, reasons, strict=True):
        assert re.search(reason, failure), failure
    with pytest.raises(GateError, match="the fit failed these checks"):
        admission.require()


def test_importance_weights_that_cover_too_little_are_refused(case, fine):
    vague = replace(fine, attributes={**fine.attributes, "khat": 0.71})

    (failure,) = case.admission(vague).failures

    assert failure.startswith("k-hat is 0.71, expected below 0.7")


@pytest.mark.parametrize(
    ("settings", "reasons"),
    [
        (FitSettings(draws=40, tune=200), {"bulk ESS", "tail ESS"}),
        (FitSettings(draws=150, tune=3), {"r_hat", "bulk ESS", "tail ESS"}),
    ],
    ids=["too few draws", "a sampler that was not tuned"],
)
def test_a_sampler_that_did_too_little_is_refused(case, settings, reasons):
    failures = case.admission(case.draw(settings)).failures

    print(failures)
    assert reasons <= {failure.split(" is ", 1)[0] for failure in failures}


def test_an_engine_that_fits_something_else_is_found_by_the_second_opinion(case, fine):
    opinion = case.draw(FitSettings(engine="nested-laplace", draws=1000, seed=2))
    assert case.admission(fine, opinion).passed

    def shift(coefficients, *_):
        coefficients[..., 1] += 0.3 * coefficients[..., 1].std()

    (failure,) = case.admission(changed(fine, shift), opinion).failures

    found = re.match(r"the two engines disagree on scd_a: (\S+) posterior sds apart", failure)
    assert float(found[1]) == pytest.approx(0.3, abs=0.1)


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
    admission = plain(clients(200, seed=3, slope=0), "label ~ 1 + (1 | attr_a)", None, noncentered=False)

    log.info("centred: %s", admission.failures)
    with pytest.raises(GateError, match="divergent transitions"):
        admission.require()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_model_that_is_not_identified_is_refused():
    frame = clients(200, seed=4)
    frame["twin"] = frame["scd_a"] * 1.0
    flat = bmb.Prior("Normal", mu=0, sigma=1e5)

    admission = plain(frame, "label ~ 0 + scd_a + twin", {"common": flat}, noncentered=True)

    log.info("not identified: %s", admission.failures)
    with pytest.raises(GateError, match=r"r_hat is|ESS is"):
        admission.require()


def refusals(n, settings):
    """Count fine fits that were refused, and fine fits that needed their retry."""
    refused, retried = [], 0
    for seed in range(n):
        frame = clients((300, 1000, 3000)[seed % 3], seed, slope=seed % 2)
        try:
            fitted = pipeline.fit(frame, settings=replace(settings, seed=seed))
        except GateError as error:
            refused.append((seed, str(error)))
        else:
            retried += any("stricter retry" in note for note in fitted.report.notes)
    log.info("%s: %d of %d refused, %d retried: %s", settings.engine, len(refused), n, retried, refused)
    return refused, retried


@pytest.mark.parametrize(("engine", "draws", "n"), [("nested-laplace", 500, 12), ("nuts", 1000, 3)])
def test_fine_fits_are_not_refused(engine, draws, n, caplog):
    caplog.set_level(logging.ERROR, "data_science")

    refused, _ = refusals(n, FitSettings(engine=engine, draws=draws))

    assert refused == []


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("engine", ["nested-laplace", "nuts"])
def test_of_two_hundred_fine_fits_no_more_than_stated_are_refused(engine, caplog):
    caplog.set_level(logging.ERROR, "data_science")

    refused, retried = refusals(200, FitSettings(engine=engine))

    assert len(refused) <= 200 * REFUSED_AT_MOST
    assert retried <= 200 * 5 * REFUSED_AT_MOST
