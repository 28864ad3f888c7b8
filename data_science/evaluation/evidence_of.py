"""Measure a fit: everything that its verdict is made from, once."""

from __future__ import annotations

from dataclasses import replace

from data_science.evaluation.candidates import BASELINE, MODEL
from data_science.evaluation.comparison import Comparison
from data_science.evaluation.copies import n_copies
from data_science.evaluation.evidence import Evidence, Gain
from data_science.evaluation.family import effects_evidence
from data_science.evaluation.form import fitted_line, form_evidence, rarer
from data_science.evaluation.leak import leaks
from data_science.evaluation.power import power_evidence
from data_science.evaluation.written_names import as_written, of_table, of_whole_columns, sources
from data_science.fitting.posterior_on import Fitted
from data_science.formula.encoding import Encoding
from data_science.formula.rows import Observations


def evidence_of(fitted: Fitted, compared: Comparison, seed: int, n_candidates: int = 1) -> Evidence:
    """Measure.

    Parameters
    ----------
    fitted : Fitted
    compared : Comparison
        Of this fit with the intercept-only model.
    seed : int
        Of the folds of the reference learner.
    n_candidates : int
        Specifications among which this one was chosen: what is clear must be so among the effects of all.
    """
    rows, sample, encoding = fitted.problem.rows, fitted.problem.sample, fitted.design.encoding
    difference = compared.difference(MODEL, BASELINE)
    effects = effects_evidence(fitted, n_candidates)
    form = form_evidence(fitted, compared, seed)
    spread = form.dispersion[0] if form is not None and form.dispersion and form.is_dispersed else 1.0
    offset = encoding.offset(rows.numeric, len(rows))
    power = power_evidence(
        rows, effects.n * n_candidates, offset, sources(encoding), spread, _without_offsets(sample, encoding)
    )
    leaking = leaks(sample)
    return Evidence(
        gain=Gain(difference.elpd, difference.se),
        n_rows=rows.n_observations,
        rate=float(rows.successes.sum() / rows.trials.sum()),
        n_rarer=rarer(rows),
        effects=as_written(effects, fitted.design),
        power=replace(
            power,
            top_tenth=of_whole_columns(power.top_tenth, encoding),
            by_column=of_whole_columns(power.by_column, encoding),
            told=tuple(of_whole_columns(dict.fromkeys(power.told), encoding)),
        ),
        form=form,
        leaks=of_table(encoding, leaking),
        n_khat_high=compared.loos[MODEL].n_khat_high,
        n_refitted=compared.loos[MODEL].n_refitted,
        offsets=tuple(name for name, _ in encoding.offsets),
        n_copies=0 if leaking else n_copies(rows, fitted_line(fitted, rows)),
    )


def _without_offsets(rows: Observations, encoding: Encoding) -> Observations:
    """Leave out columns that are known: having no effect to estimate, they tell nothing of another's."""
    of_terms = {column for term in encoding.terms for column in term.columns}
    known = {column for _, column in encoding.offsets} - of_terms
    return replace(rows, numeric={name: x for name, x in rows.numeric.items() if name not in known})
