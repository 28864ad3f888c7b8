"""The compiled density is the NumPy density, step for step."""

import numpy as np
import pytest

from benchmarks.settings import company
from data_science.engines import nuts as sampling
from data_science.engines.registry import FitSettings
from data_science.formula import design
from data_science.formula.priors import Prior
from data_science.formula.specification import DEFAULT_FORMULA, ModelSpecification
from data_science.likelihood import binomial
from data_science.likelihood.compiled import kernel
from data_science.likelihood.compiled.likelihood import decays
from data_science.likelihood.compiled.pointer import pointer
from data_science.likelihood.fidelity import compress_enough
from data_science.likelihood.laplace import transport_at

OTHER_PRIORS = {
    "Intercept": Prior("Logistic", mu=0, s=1),
    "common": Prior("StudentT", nu=4, mu=0.5, sigma=2),
    "group_sd": Prior("Gamma", alpha=2, beta=1),
    "1|attr_b": Prior("InverseGamma", alpha=2, beta=1),
}


def rows():
    frame = company(2_000, signal=True)
    branch = np.random.default_rng(1).integers(0, 60, len(frame))
    return frame.assign(branch=branch, region=branch // 4)


@pytest.mark.parametrize(
    ("formula", "priors"),
    [
        (DEFAULT_FORMULA, {}),
        ("label ~ scd_a", {}),
        ("label ~ scd_a * attr_b + (scd_b | attr_a) + (1 | attr_b)", OTHER_PRIORS),
        ("label ~ scd_a + (1 | branch)", {}),
        ("label ~ scd_a + (scd_a | branch) + (1 | attr_b)", OTHER_PRIORS),
        ("label ~ scd_b + (1 | branch) + (scd_a | region)", {}),
        ("label ~ bs(scd_a, df=4) + (log(scd_b) | branch) + offset(scd_a) + offset(log(scd_b))", {}),
    ],
    ids=[
        "default",
        "no groups",
        "every prior",
        "one effect per level of a large factor",
        "two effects per level",
        "nested factors: a sparse border",
        "functions and offsets",
    ],
)
def test_value_and_gradients_are_equal(formula, priors):
    frame = rows()
    learned = design.learn(ModelSpecification(formula, priors=priors), frame)
    compressed = compress_enough(learned, design.encode(learned, frame))
    transport = transport_at(compressed.joint, compressed.mode)
    compiled = kernel.compiled(transport)
    in_c = pointer(compiled, compressed.joint.prior_densities)
    arrays = [
        *compiled.arrow,
        *compiled.whitening[:3],
        *compiled.nodes,
        *compiled.priors[0],
        *compiled.priors[1],
    ]
    assert all(array.flags.c_contiguous for array in arrays)  # each layout would be compiled anew
    rng = np.random.default_rng(2)

    for _ in range(5):
        theta = compressed.mode.theta + rng.normal(size=compressed.joint.n_sds)
        z = rng.normal(size=compressed.joint.n_coefficients)
        for found, expected in zip(
            (*compiled.log_density(theta, z), compiled.coefficients(theta, z)),
            (*transport.log_density(theta, z), transport.coefficients(theta, z)),
            strict=True,
        ):
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
        value, gradient = in_c(np.concatenate([theta, z]))
        found = compiled.log_density(theta, z)
        np.testing.assert_allclose(
            [value, *gradient], [found[0], *found[1], *found[2]], rtol=1e-12, atol=1e-12
        )


def test_numpy_is_kept_where_the_factorisation_dominates(monkeypatch):
    frame = rows()
    learned = design.learn(ModelSpecification("label ~ scd_a + (1 | branch)"), frame)
    compressed = compress_enough(learned, design.encode(learned, frame))
    monkeypatch.setattr(kernel, "LARGEST_WORK", 1)
    transport = transport_at(compressed.joint, compressed.mode)

    assert kernel.compiled(transport) is transport


def test_the_draws_do_not_depend_on_how_many_threads_sample(monkeypatch):
    learned = design.learn(ModelSpecification(), rows())
    compressed = compress_enough(learned, design.encode(learned, rows()))
    sampled, drawn = sampling._sampled, []
    for cores in (1, 2):
        monkeypatch.setattr(sampling, "_sampled", lambda *given, cores=cores: (sampled(*given)[0], cores))
        drawn.append(sampling.draw(learned, compressed, FitSettings(draws=50, tune=50), lambda _: None))

    np.testing.assert_array_equal(drawn[0].coefficients, drawn[1].coefficients)
    np.testing.assert_array_equal(drawn[0].sds, drawn[1].sds)


@pytest.mark.parametrize("eta", [np.linspace(-40, 40, 256), np.linspace(-800, 800, 256), np.zeros(256)])
def test_the_vector_instructions_are_as_exact_as_the_library(eta):
    decay, log_partition = np.empty(256), np.empty(256)

    decays(eta, decay, log_partition, np.empty(256, np.int64), 256)

    np.testing.assert_allclose(decay, np.exp(-np.abs(eta)), rtol=2e-15, atol=1e-300)
    np.testing.assert_allclose(log_partition, binomial.log_partition(eta), rtol=2e-15, atol=1e-300)
