"""Measure a fit: everything that its verdict is made from, once."""

from __future__ import annotations

from data_science.evaluation.candidates import BASELINE, MODEL
from data_science.evaluation.comparison import Comparison
from data_science.evaluation.evidence import Evidence, Gain
from data_science.evaluation.family import effects_evidence
from data_science.evaluation.form import form_evidence, rarer
from data_science.evaluation.leak import leaks
from data_science.evaluation.power import power_evidence
from data_science.fitting.posterior_on import Fitted


def evidence_of(fitted: Fitted, compared: Comparison, seed: int) -> Evidence:
    """Measure.

    Parameters
    ----------
    fitted : Fitted
    compared : Comparison
        Of this fit with the intercept-only model.
    seed : int
        Of the folds of the reference learner.
    """
    rows, encoding = fitted.problem.rows, fitted.design.encoding
    difference = compared.difference(MODEL, BASELINE)
    effects = effects_evidence(fitted)
    return Evidence(
        gain=Gain(difference.elpd, difference.se),
        n_rows=len(rows),
        rate=float(rows.successes.sum() / rows.trials.sum()),
        n_rarer=rarer(rows),
        effects=effects,
        power=power_evidence(rows, effects.n, encoding.offset(rows.numeric, len(rows))),
        form=form_evidence(fitted, compared, seed),
        leaks=leaks(rows),
        n_khat_high=compared.loos[MODEL].n_khat_high,
        offsets=tuple(name for name, _ in encoding.offsets),
    )
