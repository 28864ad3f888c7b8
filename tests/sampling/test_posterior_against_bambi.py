"""Both engines against plain Bambi, sampled by PyMC's NUTS on raw rows for long enough to converge.

Every mean, 5, 50 and 95 % quantile, and P(sigma > c) of the group sds, in units of the Monte Carlo error of
both. With hundreds of numbers in a comparison the largest of correct ones reaches about 4 such errors.
"""

import pytest
from frames import clients, crossed, herds, nearly_separated, patients, slopes, sparse
from monte_carlo import deviations, largest_rhat, worst
from peers import bambi_on

from data_science.engines.nested_laplace import CertificateError
from data_science.engines.posterior import to_tree
from data_science.engines.registry import FitSettings, engine
from data_science.formula.design import encode, learn
from data_science.formula.priors import Prior
from data_science.formula.specification import ModelSpecification
from data_science.likelihood.fidelity import compress_enough

LIMIT_MCSE = 5.0
OURS = FitSettings(draws=2000, tune=500, seed=3)
WIDE = {
    "Intercept": Prior("Normal", mu=0, sigma=2.5),
    "common": Prior("Normal", mu=0, sigma=2.5),
    "group_sd": Prior("Exponential", lam=1),
}


def wide(formula: str) -> ModelSpecification:
    return ModelSpecification(formula, priors=WIDE, standardize=False)


QUICK = {
    "default, signal": (ModelSpecification(), clients(500)),
    "default, no signal": (ModelSpecification(), clients(500, signal=False)),
    "random slope": (ModelSpecification("label ~ scd_a + (scd_a | attr_b)"), clients(400)),
    "interaction groups": (ModelSpecification("label ~ scd_b + (1 | attr_b:h)"), clients(400)),
    "categorical common effects": (ModelSpecification("label ~ attr_b * scd_a + C(k)"), clients(400)),
    "trials": (wide("p(incidence, size) ~ period + (1 | herd)"), herds()),
}
SLOW = {
    "large group sd": (wide("y ~ treatment * month + (1 | patient)"), patients(120)),
    "sparse groups": (wide("y ~ x + (1 | g)"), sparse()),
    "near separation": (wide("y ~ x + (1 | g)"), nearly_separated()),
    "crossed factors": (ModelSpecification("y ~ x + (1 | a) + (1 | b) + (1 | c)"), crossed()),
    "slopes of many groups": (ModelSpecification("y ~ x + (x | g)"), slopes()),
    "categorical slopes": (ModelSpecification("label ~ scd_a + (h | attr_b)"), clients(800)),
}


def plain_bambi(frame, design):
    model = bambi_on(frame, design, noncentered=True)
    tree = model.fit(
        draws=2000, tune=1000, chains=4, cores=2, random_seed=7, target_accept=0.95, progressbar=False
    )
    assert largest_rhat(tree) < 1.02  # else it proves nothing
    return tree


def compare(specification, frame):
    """Largest deviation of each engine from plain Bambi; None where nested Laplace declines."""
    design = learn(specification, frame)
    compressed = compress_enough(design, encode(design, frame))
    theirs = plain_bambi(frame, design)
    found = {}
    for name in ("nuts", "nested-laplace"):
        try:
            posterior = engine(name).draw(design, compressed, OURS, lambda _: None)
        except CertificateError:  # of nested Laplace, where its k-hat refuses
            continue
        found[name] = worst(deviations(to_tree(design, posterior), theirs))
    return found


def check(setting, specification, frame):
    found = compare(specification, frame)

    for name, deviation in found.items():
        print(f"\n{setting}, {name}: {deviation.parameter} {deviation.quantity} {deviation.in_mcse:.1f} MCSE")
        assert deviation.in_mcse < LIMIT_MCSE, (name, deviation)
    assert "nuts" in found


@pytest.mark.filterwarnings("ignore")  # PyMC reports its own troubles as warnings
@pytest.mark.parametrize("setting", QUICK)
def test_both_engines_give_plain_bambis_posterior(setting):
    check(setting, *QUICK[setting])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("setting", SLOW)
def test_both_engines_give_plain_bambis_posterior_in_hard_settings(setting):
    check(setting, *SLOW[setting])
