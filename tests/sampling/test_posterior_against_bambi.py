"""Both engines against plain Bambi, sampled by PyMC's NUTS on raw rows for long enough to converge.

Every mean, sd, 5, 50 and 95 % quantile, and P(sigma > c) of the group sds, of the log-likelihood and of some
rows' logits, in units of the Monte Carlo error of both. Bambi's numbers of the quick settings are stored.
"""

import pytest
from by_hand import of_rows, probabilities
from monte_carlo import estimates, scalars, tail_points, worst
from plain_bambi import HARD, QUICK, SEED, sampled, stored

from data_science.engines.posterior import to_tree
from data_science.engines.registry import FitSettings, engine
from data_science.formula.design import encode, learn
from data_science.likelihood.fidelity import compress_enough

ENGINES = ("nuts", "nested-laplace")
OURS = FitSettings(draws=2000, tune=500, seed=3)


def ours(name, specification, frame, tails):
    """Estimates of one engine's posterior."""
    design = learn(specification, frame)
    compressed = compress_enough(design, encode(design, frame))
    posterior = engine(name).draw(design, compressed, OURS, lambda _: None)
    draws = scalars(to_tree(design, posterior)["posterior"].to_dataset())
    draws |= of_rows(design, probabilities(design, posterior.coefficients, frame), frame)
    return estimates(draws, tails, float(posterior.attributes.get("efficiency", 1.0)))


def pairs():
    """Both engines in every quick setting; of functions and offsets, one setting by both shows the same."""
    for setting in QUICK:
        for name in ENGINES:
            patient = name == "nuts" and setting in ("spline", "quadratic")
            yield pytest.param(setting, name, marks=pytest.mark.slow if patient else ())


@pytest.mark.parametrize(("setting", "name"), [*pairs()])
def test_an_engine_gives_plain_bambis_posterior(setting, name):
    tails, theirs = stored(setting)

    found = ours(name, *QUICK[setting], tails)

    deviation = worst(found, theirs)
    print(f"\n{setting}, {name}: {deviation}")
    assert deviation.is_noise, deviation


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # PyMC reports its own troubles as warnings
@pytest.mark.parametrize("setting", QUICK)
def test_plain_bambi_gives_the_stored_numbers_again(setting):
    specification, frame = QUICK[setting]
    tails, theirs = stored(setting)

    draws, _ = sampled(learn(specification, frame), frame, seed=SEED + 1)

    deviation = worst(estimates(draws, tails), theirs)
    print(f"\n{setting}: {deviation}")
    assert deviation.is_noise, deviation


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("setting", HARD)
def test_the_engines_give_plain_bambis_posterior_in_hard_settings(setting):
    specification, frame = HARD[setting]
    draws, _ = sampled(learn(specification, frame), frame)
    tails = tail_points(draws)
    theirs = estimates(draws, tails)

    found = {name: ours(name, specification, frame, tails) for name in ENGINES}

    for name, numbers in found.items():
        deviation = worst(numbers, theirs)
        print(f"\n{setting}, {name}: {deviation}")
        assert deviation.is_noise, (name, deviation)
