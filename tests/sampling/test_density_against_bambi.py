"""The compressed log-density, priors and names, against Bambi's own compiled model on raw rows."""

import bambi as bmb
import numpy as np
import pymc as pm
import pytest
from frames import clients, herds
from peers import bambi_on, log_densities, named_coordinates

from data_science.engines.posterior import Posterior, to_tree
from data_science.formula import bambi_model
from data_science.formula.design import encode, learn
from data_science.formula.priors import GROUP_SD, IndependentPriors, Prior
from data_science.formula.specification import ModelSpecification
from data_science.likelihood.fidelity import compress_enough

N_POINTS = 14
TOLERANCE_NATS = 1e-3

T, CAUCHY = Prior("StudentT", nu=3, mu=0.5, sigma=2), Prior("Cauchy", alpha=0, beta=2.5)
LOGISTIC, GAMMA = Prior("Logistic", mu=0, s=1), Prior("Gamma", alpha=2, beta=3)
SPECIFICATIONS = {
    "default": ModelSpecification(),
    "numbers": ModelSpecification("label ~ scd_a * scd_b"),
    "categories": ModelSpecification("label ~ attr_b + h"),
    "numbers as categories": ModelSpecification("label ~ C(k) * scd_b + (C(k) | h)"),
    "number by category": ModelSpecification("label ~ scd_a * attr_b + (scd_a | attr_a)"),
    "category by category": ModelSpecification("label ~ attr_b * h + C(k) + (h | attr_a)"),
    "interaction without margins": ModelSpecification("label ~ attr_b:h + scd_a:h"),
    "no intercept": ModelSpecification("label ~ 0 + attr_b + scd_a:attr_b + (1 | attr_a:h)"),
    "no intercept but a group's": ModelSpecification("label ~ 0 + scd_a + (1 | h)"),
    "slopes without intercepts": ModelSpecification("label ~ scd_a:h + (0 + scd_b | attr_b)"),
    "slopes of interactions": ModelSpecification("label ~ scd_a + (scd_a:h | attr_a)"),
    "nested groups": ModelSpecification("label ~ scd_a + (1 | attr_b / h)"),
    "intercept only": ModelSpecification("label ~ 1"),
    "other priors": ModelSpecification(
        "label ~ scd_a + attr_b + (scd_a | attr_a) + (1 | h)",
        priors={
            "Intercept": T,
            "scd_a": CAUCHY,
            "common": LOGISTIC,
            "group_sd": GAMMA,
            "scd_a|attr_a": Prior("HalfStudentT", nu=4, sigma=2),
            "1|h": Prior("Exponential", lam=1),
        },
    ),
    "priors per unit": ModelSpecification("label ~ scd_a * scd_b + (scd_b | h)", standardize=False),
    "functions, contrasts and an offset": ModelSpecification(
        "label ~ bs(scd_a, df=4) + h:poly(scd_b, 2) + S(attr_b) + T(k, 1):center(scd_a)"
        " + (scale(log1p(scd_b)) | attr_a) + (bs(scd_b, df=3) | h) + offset(log(scd_b))"
    ),
    "trials": ModelSpecification("p(incidence, size) ~ period + (1 | herd)"),
}


@pytest.fixture(params=SPECIFICATIONS)
def fitted(request):
    """Frame, design and compressed cells."""
    frame = herds() if request.param == "trials" else clients(2_000)
    design = learn(SPECIFICATIONS[request.param], frame)
    return frame, design, compress_enough(design, encode(design, frame))


def test_the_compressed_log_density_is_bambis_on_raw_rows_up_to_a_constant(fitted):
    frame, design, compressed = fitted
    joint, mode, at = compressed.joint, compressed.mode, compressed.at
    rng = np.random.default_rng(1)
    z = 1.5 * rng.normal(size=(N_POINTS, joint.n_coefficients))
    x = mode.x + np.array([mode.factor.solve_upper(row) for row in z])
    theta = mode.theta + 0.7 * rng.normal(size=(N_POINTS, joint.n_sds))
    draws = to_tree(design, Posterior(at.to_raw(x)[None], at.sds_to_raw(theta)[None], {}, {"engine": "none"}))
    centred = x[:, at.intercept] if at.intercept is not None else np.full(N_POINTS, np.nan)

    theirs = log_densities(bambi_on(frame, design), draws["posterior"].to_dataset(), centred)

    # Ours is a density of scaled coefficients: the constant holds the logs of the scales.
    assert np.ptp(joint.value(x, theta) - theirs) < TOLERANCE_NATS
    assert np.ptp(theirs) > 1  # the points are spread


def test_names_dims_and_coordinates_are_bambis(fitted):
    frame, design, compressed = fitted
    coefficients, sds = (
        np.zeros((2, 3, n)) for n in (compressed.joint.n_coefficients, compressed.joint.n_sds)
    )
    ours = to_tree(design, Posterior(coefficients, sds, {}, {"engine": "none"}))["posterior"].to_dataset()

    pymc_model = bambi_on(frame, design).backend.model

    stated = {v.name: pymc_model.named_vars_to_dims.get(v.name) or () for v in pymc_model.free_RVs}
    # Bambi's fit puts the dimension of the expression before that of the groups
    theirs = {name: tuple(sorted(d, key=lambda dim: "__factor_dim" in dim)) for name, d in stated.items()}
    assert {name: values.dims[2:] for name, values in ours.data_vars.items()} == theirs
    coordinates = named_coordinates(bambi_on(frame, design))
    for name in {dim for dims in theirs.values() for dim in dims}:
        assert tuple(map(str, ours[name].to_numpy())) == coordinates[name]


def test_priors_are_those_that_bambi_holds(fitted):
    _, design, _ = fitted

    held = bambi_model.priors_of(bambi_model.build(design), design)

    assert held == design.priors


def test_the_model_on_the_sample_frame_has_the_names_of_the_model_on_the_data(fitted):
    frame, design, _ = fitted
    model = bambi_model.build(design)
    model.build()

    assert named_coordinates(model) == named_coordinates(bambi_on(frame, design))


def test_a_unit_normal_prior_per_sd_is_bambis_own_default_for_slopes():
    frame = clients(500)[["label", "scd_a", "scd_b"]]
    theirs = bmb.Model("label ~ scd_a + scd_b", frame, family="bernoulli")
    theirs.build()

    ours = learn(ModelSpecification("label ~ scd_a + scd_b"), frame).priors

    for name in ("scd_a", "scd_b"):
        default = theirs.parameters["p"].terms[name].prior
        assert ours[name].arguments == pytest.approx({k: float(v) for k, v in default.args.items()})


@pytest.mark.parametrize(
    "prior",
    [
        Prior("Normal", mu=-1, sigma=2.5),
        T,
        CAUCHY,
        LOGISTIC,
        Prior("HalfNormal", sigma=1.2),
        Prior("Exponential", lam=2),
        Prior("HalfStudentT", nu=4, sigma=0.7),
        Prior("HalfCauchy", beta=0.8),
        GAMMA,
        Prior("InverseGamma", alpha=3, beta=2),
    ],
    ids=lambda prior: prior.name,
)
def test_a_prior_by_pymcs_name_has_pymcs_log_density(prior):
    x = np.array([0.01, 0.4, 1.0, 3.0, 20.0])
    x = x if prior.name in GROUP_SD else np.r_[-x, x]

    theirs = pm.logp(getattr(pm, prior.name).dist(**prior.arguments), x).eval(mode="FAST_COMPILE")

    ours = IndependentPriors.of([prior] * len(x)).log_density(x).value
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)  # PyTensor folds float32 constants
