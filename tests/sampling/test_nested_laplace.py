"""Engine `nested-laplace` alone: its certificate and refusals; its draws are compared in test_many_groups."""

import pickle

import numpy as np
import pytest
from frames import clients, herds, patients, sparse
from monte_carlo import estimates, scalars, tail_points, worst

from data_science.engines import nested_laplace
from data_science.engines.importance import CertificateError, ImportanceCertificate, certify
from data_science.engines.posterior import to_tree
from data_science.engines.registry import FitSettings, engine
from data_science.errors import SpecificationError
from data_science.evaluation.diagnostics import summary
from data_science.formula.design import encode, learn
from data_science.formula.priors import Prior
from data_science.formula.specification import ModelSpecification
from data_science.likelihood.fidelity import compress_enough
from data_science.limits import ESS_MIN, KHAT_MAX


def prepared(specification, frame):
    design = learn(specification, frame)
    return design, compress_enough(design, encode(design, frame))


def draw(name, design, compressed, **settings):
    return engine(name).draw(design, compressed, FitSettings(engine=name, **settings), lambda _: None)


@pytest.mark.parametrize(
    ("formula", "frame"),
    [("y ~ treatment + (1 | patient)", patients(294)), ("y ~ x + (1 | g)", sparse(200))],
    ids=["large group sd", "sparse groups"],
)
def test_it_declines_what_it_cannot_cover(formula, frame, monkeypatch):
    """Over the levels themselves; with these integrated out there is nothing to decline."""
    monkeypatch.setattr(nested_laplace, "pays", lambda _: False)
    with pytest.raises(
        CertificateError, match=r"k-hat .* expected below (0\.7|1)\). Use engine='nuts'"
    ) as refusal:
        draw("nested-laplace", *prepared(ModelSpecification(formula), frame))

    assert refusal.value.certificate.khat >= KHAT_MAX


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        (ImportanceCertificate(0.70, 0.9, 1_000), "k-hat 0.7 of 1000 proposals, expected below 0.7"),
        (ImportanceCertificate(np.nan, 0.9, 1_000), "k-hat nan"),
        (
            ImportanceCertificate(0.4, 0.03, 1_250),
            "37.5 effective draws of 1250 proposals, expected at least 400",
        ),
        (ImportanceCertificate(0.4, np.nan, 1_250), "nan effective draws"),
    ],
    ids=["tail not covered", "no k-hat", "too few effective draws", "no efficiency"],
)
def test_a_certificate_names_what_it_lacks(certificate, reason):
    with pytest.raises(
        CertificateError,
        match=rf"nested Laplace is not reliable for this model \({reason}.*\)\. Use engine='nuts'",
    ):
        certificate.require(KHAT_MAX, ESS_MIN)


def test_the_same_seed_gives_the_same_draws_and_another_others():
    prepared_once = prepared(ModelSpecification(), clients(1_000))

    first, again, other = (draw("nested-laplace", *prepared_once, seed=s, draws=100) for s in (1, 1, 2))

    np.testing.assert_array_equal(first.coefficients, again.coefficients)
    np.testing.assert_array_equal(first.sds, again.sds)
    assert not np.array_equal(first.coefficients, other.coefficients)


@pytest.mark.parametrize("draws", [1, 4, 20])
def test_few_draws_are_drawn(draws):
    posterior = draw("nested-laplace", *prepared(ModelSpecification(), clients(1_000)), draws=draws, chains=1)

    assert posterior.coefficients.shape[:2] == (1, draws)


@pytest.mark.parametrize("log_weight", [-np.inf, np.nan])
def test_weights_that_are_no_numbers_are_no_certificate(log_weight):
    weights, certificate = certify(np.full(250, log_weight))

    assert weights == pytest.approx(1 / 250)
    with pytest.raises(CertificateError, match=r"k-hat (nan|inf)"):
        certificate.require(KHAT_MAX, 1)


def test_a_refusal_passes_between_processes():
    refusal = CertificateError(ImportanceCertificate(1.1, 0.5, 250), "k-hat 1.1")

    again = pickle.loads(pickle.dumps(refusal))

    assert (str(again), again.certificate) == (str(refusal), refusal.certificate)


def test_heavy_tailed_priors_are_covered():
    priors = {
        "Intercept": Prior("StudentT", nu=3, mu=0, sigma=2.5),
        "common": Prior("Cauchy", alpha=0, beta=2.5),
        "group_sd": Prior("HalfStudentT", nu=3, sigma=2.5),
    }
    specification = ModelSpecification("p(incidence, size) ~ period + (1 | herd)", priors=priors)
    design, compressed = prepared(specification, herds())

    ours, nuts = (draw(name, design, compressed, seed=4) for name in ("nested-laplace", "nuts"))

    mine, others = (scalars(to_tree(design, p)["posterior"].to_dataset()) for p in (ours, nuts))
    tails = tail_points(others)
    deviation = worst(estimates(mine, tails, ours.attributes["efficiency"]), estimates(others, tails))
    assert deviation.is_noise, deviation


def test_effective_sample_sizes_carry_the_weights_efficiency():
    design, compressed = prepared(ModelSpecification(), clients(200))
    posterior = draw("nested-laplace", design, compressed, seed=1)

    ess = summary(to_tree(design, posterior))["ess_bulk"].median()

    n_draws = np.prod(posterior.coefficients.shape[:2])
    assert ess == pytest.approx(n_draws * posterior.attributes["efficiency"], rel=0.1)


def test_an_engine_of_another_name_is_refused():
    with pytest.raises(SpecificationError, match="engine is 'hmc'; expected one of 'nuts', 'nested-laplace'"):
        engine("hmc")
