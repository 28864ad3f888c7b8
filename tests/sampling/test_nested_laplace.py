"""Engine `nested-laplace` alone: its certificate, its draws against NUTS, its refusals."""

import pickle

import numpy as np
import pytest
from frames import clients, herds, patients, sparse
from monte_carlo import deviations, worst

from data_science.engines.nested_laplace import Certificate, CertificateError, _certify
from data_science.engines.posterior import to_tree
from data_science.engines.registry import FitSettings, engine
from data_science.errors import SpecificationError
from data_science.evaluation.diagnostics import summary
from data_science.formula.design import encode, learn
from data_science.formula.priors import Prior
from data_science.formula.specification import ModelSpecification
from data_science.likelihood.fidelity import compress_enough
from data_science.limits import ESS_MIN, KHAT_MAX

SEPARATED = clients(2_000)
SEPARATED.loc[SEPARATED["attr_b"] == "a", "label"] = 0
SETTINGS = {
    "signal": (ModelSpecification(), clients(20_000), 0.5),
    "no signal": (ModelSpecification(), clients(20_000, signal=False), 0.5),
    "200 rows": (ModelSpecification(), clients(200), KHAT_MAX),
    "separation in a level": (ModelSpecification(), SEPARATED, KHAT_MAX),
    "random slope": (ModelSpecification("label ~ scd_a + (scd_a | attr_b)"), clients(5_000), 0.5),
    "interaction groups": (ModelSpecification("label ~ 1 + (1 | attr_a:attr_b)"), clients(5_000), 0.5),
    "no groups": (ModelSpecification("label ~ scd_a * attr_b"), clients(5_000), 0.6),
    "intercept only": (ModelSpecification("label ~ 1"), clients(5_000), 0.6),
    "trials": (ModelSpecification("p(incidence, size) ~ period + (1 | herd)"), herds(), 0.5),
}


def prepared(specification, frame):
    design = learn(specification, frame)
    return design, compress_enough(design, encode(design, frame))


def draw(name, design, compressed, **settings):
    return engine(name).draw(design, compressed, FitSettings(engine=name, **settings), lambda _: None)


@pytest.mark.parametrize("setting", SETTINGS)
def test_it_agrees_with_nuts_and_certifies_itself(setting):
    specification, frame, khat_limit = SETTINGS[setting]
    design, compressed = prepared(specification, frame)

    ours = draw("nested-laplace", design, compressed, seed=4)
    nuts = draw("nuts", design, compressed, seed=5, draws=2_000)

    deviation = worst(deviations(to_tree(design, ours), to_tree(design, nuts)))
    print(
        f"\n{setting}: k-hat {ours.attributes['khat']:.2f}, efficiency {ours.attributes['efficiency']:.2f}, "
        f"farthest from NUTS {deviation.parameter} {deviation.quantity} {deviation.in_mcse:.1f} MCSE"
    )
    assert ours.attributes["khat"] < khat_limit
    assert ours.attributes["efficiency"] > 0.5
    assert deviation.in_mcse < 5


@pytest.mark.parametrize(
    ("formula", "frame"),
    [("y ~ treatment + (1 | patient)", patients(294)), ("y ~ x + (1 | g)", sparse(200))],
    ids=["large group sd", "sparse groups"],
)
def test_it_declines_what_it_cannot_cover(formula, frame):
    with pytest.raises(
        CertificateError, match=r"k-hat .* expected below (0\.7|1)\). Use engine='nuts'"
    ) as refusal:
        draw("nested-laplace", *prepared(ModelSpecification(formula), frame))

    assert refusal.value.certificate.khat >= KHAT_MAX


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        (Certificate(0.70, 0.9, 1_000), "k-hat 0.7 of 1000 proposals, expected below 0.7"),
        (Certificate(np.nan, 0.9, 1_000), "k-hat nan"),
        (Certificate(0.4, 0.03, 1_250), "37.5 effective draws of 1250 proposals, expected at least 400"),
        (Certificate(0.4, np.nan, 1_250), "nan effective draws"),
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


@pytest.mark.parametrize("log_weight", [0.0, -np.inf, np.nan])
def test_equal_weights_are_no_certificate(log_weight):
    weights, certificate = _certify(np.full(250, log_weight))

    assert weights == pytest.approx(1 / 250)
    with pytest.raises(CertificateError, match=r"k-hat (nan|inf)"):
        certificate.require(KHAT_MAX, 1)


def test_a_refusal_passes_between_processes():
    refusal = CertificateError(Certificate(1.1, 0.5, 250), "k-hat 1.1")

    again = pickle.loads(pickle.dumps(refusal))

    assert (str(again), again.certificate) == (str(refusal), refusal.certificate)


def test_heavy_tailed_priors_are_covered_or_declined():
    priors = {
        "Intercept": Prior("StudentT", nu=3, mu=0, sigma=2.5),
        "common": Prior("Cauchy", alpha=0, beta=2.5),
        "group_sd": Prior("HalfStudentT", nu=3, sigma=2.5),
    }
    specification = ModelSpecification("p(incidence, size) ~ period + (1 | herd)", priors=priors)
    design, compressed = prepared(specification, herds())

    ours = draw("nested-laplace", design, compressed, seed=4)
    nuts = draw("nuts", design, compressed, seed=5, draws=2_000)

    assert worst(deviations(to_tree(design, ours), to_tree(design, nuts))).in_mcse < 5


def test_effective_sample_sizes_carry_the_weights_efficiency():
    design, compressed = prepared(ModelSpecification(), clients(200))
    posterior = draw("nested-laplace", design, compressed, seed=1)

    ess = summary(to_tree(design, posterior))["ess_bulk"].median()

    n_draws = np.prod(posterior.coefficients.shape[:2])
    assert ess == pytest.approx(n_draws * posterior.attributes["efficiency"], rel=0.1)


def test_an_engine_of_another_name_is_refused():
    with pytest.raises(SpecificationError, match="engine is 'hmc'; expected one of 'nuts', 'nested-laplace'"):
        engine("hmc")
