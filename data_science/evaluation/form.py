"""Does a fit's form hold: a learner without it on the same rows, and whether probabilities come true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from data_science.arrays import Floats
from data_science.errors import SpecificationError
from data_science.evaluation.blind import blind_intercept
from data_science.evaluation.calibration import reliability
from data_science.evaluation.candidates import BASELINE, MODEL
from data_science.evaluation.comparison import Comparison
from data_science.evaluation.dispersion import dispersion
from data_science.evaluation.evidence import FormEvidence, Gain
from data_science.evaluation.loo import Loo
from data_science.evaluation.missing import COARSE, FINE, Missed, most_missed
from data_science.evaluation.written_names import of_table
from data_science.fitting.posterior_on import Fitted
from data_science.formula.encoding import Encoding
from data_science.formula.reading import quoted
from data_science.formula.rows import Observations
from data_science.formula.specification import ModelSpecification
from data_science.likelihood import binomial
from data_science.likelihood.linear_predictor import linear_predictor
from data_science.limits import RARER_MIN, ROWS_MIN, SMALL_ELPD

#: Rows compared. Five folds of two sizes of trees take half a CPU second on them where cells are few, and 2.5
#: where they are not; what a wrong form costs at most grows with the rows, and on these a hundredth of a
#: standard deviation shows.
MOST_ROWS = 50_000
#: Share of what the learner gains that a bend or product must have to be named.
_LEAST_PART = 0.1
#: Rows whose calibration is looked at, and parameters for each of the rarer response with which a fit's own
#: rows can show it: with many parameters predictions are drawn towards these rows' labels.
_CALIBRATED_ROWS, _PARAMETERS_MAX, _REPLICATIONS = 10_000, 0.02, 500


def form_evidence(fitted: Fitted, compared: Comparison, seed: int) -> FormEvidence | None:
    """Measure; None where rows or the rarer response are too few for any learner, or nothing can be learned.

    They may be too few among the rows that are compared, at most :data:`MOST_ROWS`, although all have enough.

    The learner has to beat intercept only, too: a model of many useless features loses to both, which says
    nothing about its form.

    Parameters
    ----------
    fitted : Fitted
    compared : Comparison
        Of the same fit with the intercept-only model. The optimism of each, elpd against the fit's own rows,
        is spread over the rows evenly.
    seed : int
        Of the learner's folds.
    """
    rows = fitted.problem.rows
    n_rarer = rarer(rows)
    if n_rarer < RARER_MIN or rows.n_observations < ROWS_MIN or not (rows.codes or rows.numeric):
        return None
    from data_science.evaluation import reference  # brings scikit-learn

    encoding, sample = fitted.design.encoding, fitted.problem.sample
    intercept = blind_intercept(rows, encoding.offset(rows.numeric, len(rows)))

    def predicted(some: Observations) -> Floats:
        return fitted_line(fitted, some)

    def blind(some: Observations) -> Floats:
        offset = encoding.offset(some.numeric, len(some))
        return np.full(len(some), intercept) + (0.0 if offset is None else offset)

    best = max((MODEL, BASELINE), key=lambda name: compared.loos[name].elpd)
    predictor = predicted if best == MODEL else blind
    places = np.linspace(0, len(sample) - 1, min(MOST_ROWS, len(sample)))
    kept = sample.take(np.unique(places.astype(np.intp)))
    if rarer(kept) < RARER_MIN:  # of many rows, but few of them of the rarer response
        return None
    scores = _scores(kept, predictor(kept)) + _optimism(rows, predictor(rows), compared.loos[best])
    eta = predicted(kept)
    n_levels = {factor.column: len(factor.levels) for factor in encoding.factors}
    gap = reference.log_scores(kept, n_levels, seed) - scores
    gain = Gain(float(gap.sum()), float(gap.std(ddof=1) * np.sqrt(len(gap))))
    missed = Missed()
    if gain.is_clear(SMALL_ELPD):
        missed = most_missed(kept, eta, _fitted_alone(encoding))
        missed = replace(missed, names=of_table(encoding, missed.names))
        if missed.nats < _LEAST_PART * gain.nats:
            missed = Missed()
    many = tuple(name for name in rows.codes if n_levels[name] > reference.MOST_LEVELS)
    chance = None if compared.loos[MODEL].p > _PARAMETERS_MAX * n_rarer else _miscalibrated(kept, eta, seed)
    specification = fitted.design.specification
    terms = (_term(specification, kept, missed.names, df) for df in (missed.df, FINE) if missed.names)
    suggestion = next(filter(None, terms), "")  # the finer one where the formula has the coarse one
    spread = dispersion(kept, eta, seed)
    return FormEvidence(gain, len(kept), chance, missed.names, missed.nats, suggestion, many, spread)


def fitted_line(fitted: Fitted, rows: Observations) -> Floats:
    """Linear predictor of each row at the posterior means, shape (row,)."""
    return linear_predictor(fitted.design.encoding, rows, fitted.posterior.mean[:, None])[:, 0]


def left_out(rows: Observations, eta: Floats, loo: Loo) -> Floats:
    """Score every row at one linear predictor, without coefficient, less its share of the fit's optimism."""
    return _scores(rows, eta) + _optimism(rows, eta, loo)


def _scores(rows: Observations, eta: Floats) -> Floats:
    """Log probability of every row at its linear predictor, without coefficient."""
    return np.asarray(rows.successes * eta - rows.trials * binomial.log_partition(eta))


def _optimism(rows: Observations, eta: Floats, loo: Loo) -> float:
    """Return what is to be added to the score of a row that took part in the fit: a share of the whole."""
    constant = float(binomial.log_coefficient(rows.successes, rows.trials).sum())
    return (loo.elpd - constant - float(_scores(rows, eta).sum())) / rows.n_observations


def _fitted_alone(encoding: Encoding) -> frozenset[str]:
    """Columns of rows that have a term of their own, and so a line or levels that the fit knows."""
    alone = (term for term in encoding.terms if len(term.numeric) + len(term.codings) + len(term.groups) == 1)
    return frozenset(column for term in alone for column in term.columns)


def _term(
    specification: ModelSpecification, rows: Observations, columns: tuple[str, ...], df: int = COARSE
) -> str:
    """Write a bend or a product as a term that the formula class takes; empty if it takes none."""
    if {*columns} & {offset.name for offset in specification.offsets}:
        return ""
    numbers = [quoted(column) for column in columns if column not in rows.codes]
    factors = ":".join(quoted(column) for column in columns if column in rows.codes)
    if factors:
        term = f"({numbers[0] if numbers else 1} | {factors})"
    else:
        term = ":".join(numbers) if len(numbers) > 1 else f"bs({numbers[0]}, df={df})"
        if len(numbers) == 1 and not _has_inner_knots(rows, columns[0], df):
            return ""
    try:
        longer = replace(specification, formula=f"{specification.formula} + {term}")
    except SpecificationError:
        return ""
    return term if len(longer.terms) > len(specification.terms) else ""


def _has_inner_knots(rows: Observations, column: str, df: int) -> bool:
    """Whether the knots of a cubic spline are apart: they are not where one value is frequent."""
    values = rows.numeric.get(column)
    return values is None or bool((np.diff(np.quantile(values, np.linspace(0, 1, df - 1))) > 0).all())


def rarer(rows: Observations) -> float:
    """Count the rarer response."""
    successes = float(rows.successes.sum())
    return min(successes, float(rows.trials.sum()) - successes)


def _miscalibrated(rows: Observations, eta: Floats, seed: int) -> float | None:
    """Chance of a calibration curve as uneven as this one if the probabilities are right."""
    if not (rows.trials == 1).all():
        return None
    every = -(-len(rows) // _CALIBRATED_ROWS)
    p = binomial.probability(eta[::every])
    found = reliability(rows.successes[::every], p, n_replications=_REPLICATIONS, seed=seed)
    return found.chance if found.share_outside > 0 else 1.0
