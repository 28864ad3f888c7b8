"""The settings in which plain models fail, with the defaults: no divergence, r_hat < 1.01, ESS >= 400.

`pytest -s` prints one line for each: time, effective draws per second, k-hat of the second opinion.
"""

from time import perf_counter

import numpy as np
import pytest
from frames import clients, crossed, long_tailed, nearly_separated, patients, slopes, sparse

from data_science.attempts import fit_judged
from data_science.engines.registry import FitSettings
from data_science.formula.design import encode, learn
from data_science.formula.specification import ModelSpecification
from data_science.likelihood.fidelity import compress_enough
from data_science.progress import Stopwatch

SEPARATED = clients(2_000)
SEPARATED.loc[SEPARATED["attr_b"] == "b", "label"] = 0
QUICK = {
    "200 rows, signal": (ModelSpecification(), clients(200)),
    "200 rows, no signal": (ModelSpecification(), clients(200, signal=False)),
    "20,000 rows, signal": (ModelSpecification(), clients(20_000)),
    "20,000 rows, no signal": (ModelSpecification(), clients(20_000, signal=False)),
    "separation in a level": (ModelSpecification(), SEPARATED),
    "random slope": (ModelSpecification("label ~ scd_a + (scd_a | attr_a)"), clients(20_000)),
    "interaction groups": (ModelSpecification("label ~ 1 + (1 | attr_a:attr_b)"), clients(20_000)),
    "near separation": (ModelSpecification("y ~ x + (1 | g)"), nearly_separated()),
    "100 sparse groups": (ModelSpecification("y ~ x + (1 | g)"), sparse(100)),
}
SLOW = {
    "1,000 long-tailed levels, signal": (
        ModelSpecification("label ~ scd_a + scd_b + (1 | attr_a) + (1 | store)"),
        long_tailed(),
    ),
    "1,000 long-tailed levels, no signal": (
        ModelSpecification("label ~ scd_a + scd_b + (1 | attr_a) + (1 | store)"),
        long_tailed(signal=False),
    ),
    "1,000 levels with slopes": (ModelSpecification("label ~ scd_b + (scd_b | store)"), long_tailed()),
    "294 patients, group sd 4": (ModelSpecification("y ~ treatment * month + (1 | patient)"), patients()),
    "crossed factors": (ModelSpecification("y ~ x + (1 | a) + (1 | b) + (1 | c)"), crossed()),
    "slopes of 45 groups": (ModelSpecification("y ~ x + (x | g)"), slopes(900, 45)),
}


def check(setting: str, specification: ModelSpecification, frame) -> None:
    start = perf_counter()
    design = learn(specification, frame)
    compressed = compress_enough(design, encode(design, frame))

    fitted = fit_judged(design, compressed, FitSettings(), lambda _: None, Stopwatch())

    seconds, measured = perf_counter() - start, fitted.measured
    opinion = "declined" if fitted.agreement is None else f"{fitted.agreement.distance_in_mcse:.1f} MCSE off"
    print(
        f"\n{setting}: {len(fitted.summary)} parameters, {seconds:.1f} s, "
        f"{measured.ess_bulk_min / seconds:.0f} ESS/s, r_hat {measured.rhat_max:.4f}, second opinion {opinion}"
    )
    assert fitted.verdict.passed, fitted.verdict.failures
    assert not any("stricter retry" in note for note in fitted.notes)
    assert measured.n_divergences == 0
    assert measured.rhat_max < 1.01
    assert min(measured.ess_bulk_min, measured.ess_tail_min) >= 400
    assert np.isfinite(fitted.summary.to_numpy()).all()
    assert fitted.agreement is None or fitted.agreement.holds
    if fitted.agreement is None:
        assert any("nested Laplace is not reliable" in note for note in fitted.notes)


@pytest.mark.parametrize("setting", QUICK)
def test_the_defaults_fit_it_and_both_engines_agree_or_the_second_declines(setting):
    check(setting, *QUICK[setting])


@pytest.mark.slow
@pytest.mark.parametrize("setting", SLOW)
def test_the_defaults_fit_many_levels(setting):
    check(setting, *SLOW[setting])
