"""Compare candidates; where the best has the wrong form, add the one that it lacks, and check again.

Changes when the loop of fit, check and expansion does.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from data_science.engines.registry import FitSettings
from data_science.errors import GateError, SchemaError, SpecificationError
from data_science.evaluation.candidates import QUICK, against_baseline, fit_candidates
from data_science.evaluation.comparison import Comparison, compare_fitted
from data_science.evaluation.evidence_of import evidence_of
from data_science.fitting.posterior_on import Fitted, posterior_on
from data_science.formula.specification import ModelSpecification
from data_science.formula.training_data import validated
from data_science.judgement.expansion import expanded
from data_science.judgement.verdict import Verdict, decide
from data_science.one_thread import one_thread
from data_science.report.verdict import FORM, by_heading, phrased
from data_science.report.wording import capitalized
from data_science.warehouse import training_door

log = logging.getLogger(__name__)
#: Candidates that are added at most, each for what the one before it has missed.
ROUNDS = 3


@dataclass(frozen=True)
class Selection(Comparison):
    """Candidates by elpd_loo, those among them that were added, and what is held of those examined."""

    verdicts: Mapping[str, Verdict] = field(
        default_factory=dict
    )  # on the best with features, and on what was added
    proposed: Mapping[str, str] = field(
        default_factory=dict
    )  # what was added → the candidate whose form was wrong

    @property
    def judged(self) -> str:
        """The best candidate that has features: without any there is nothing to hold of a formula."""
        return next((name for name in self.names if self._has_features(name)), self.names[0])

    @property
    def verdict(self) -> Verdict:
        """What is held of the best candidate with features, all that were tried being allowed for."""
        return self.verdicts[self.judged]

    @property
    def added(self) -> str:
        """Why candidates were added, or that none was."""
        said = [
            f"{name!r} was added since this is held of {missed!r}: {_on_form(self.verdicts[missed])}"
            for name, missed in self.proposed.items()
        ]
        return " ".join(said) or "No candidate was added to those that were asked for."

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the table says in words, why candidates were added, and the verdict on the best."""
        held = f"This is held of {self.judged!r}: {self.verdict.sentences[0]}"
        return (*self.of_the_table, self.added, held, *self.verdict.sentences[1:])

    def _has_features(self, name: str) -> bool:
        return name in self.verdicts and self.verdicts[name].n_effects > 0


def compare(
    specifications: Sequence[ModelSpecification],
    frame: pd.DataFrame,
    *,
    settings: FitSettings = QUICK,
    expand: bool = True,
) -> Selection:
    """Fit every specification to the frame and compare them by elpd_loo, one row left out at a time.

    Then the best is judged as every fit is. If its form is wrong, the candidate that has what it misses, a
    spline or a product, is added to the comparison and judged in turn.

    Parameters
    ----------
    specifications : sequence of ModelSpecification
        Candidates of one response; named in the result by their formulas.
    frame : DataFrame or Ibis table
        One row per observation; of a table, at most a million, which are fetched.
    settings : FitSettings, optional
        By default nested Laplace, with NUTS if it declines.
    expand : bool
        False compares the candidates that are given and no others.

    Raises
    ------
    SchemaError, SpecificationError, GateError

    Examples
    --------
    >>> from data_science import ModelSpecification, compare
    >>> from data_science.examples import clients
    >>> candidates = [ModelSpecification("label ~ 1"), ModelSpecification("label ~ scd_a + scd_b")]
    >>> found = compare(candidates, clients(1_000))
    >>> found.names  # best first
    ('label ~ scd_a + scd_b', 'label ~ 1')
    >>> difference = found.difference(*found.names)
    >>> difference.elpd > 2 * difference.se
    True
    >>> found.verdict.features, found.verdict.form, found.proposed
    ('add', 'holds', {})
    """
    if training_door.is_table(frame):
        frame = training_door.rows_of(frame, _columns(specifications))
    with one_thread():  # matrices of order ten: BLAS threads only wait for each other
        return _closed(fit_candidates(specifications, frame, settings), frame, settings, expand=expand)


def _columns(specifications: Sequence[ModelSpecification]) -> set[str]:
    """Name what any candidate reads, the company's key among it."""
    given = specifications if isinstance(specifications, list | tuple) else ()  # the others are refused
    known = (one for one in given if isinstance(one, ModelSpecification))
    return {"idx"}.union(*((*one.columns, *one.response.wanted) for one in known))


def _closed(
    fits: dict[str, Fitted], frame: pd.DataFrame, settings: FitSettings, *, expand: bool
) -> Selection:
    compared = compare_fitted(fits, settings.seed)
    verdicts: dict[str, Verdict] = {}
    proposed: dict[str, str] = {}
    while True:
        examined = next((name for name in compared.names if _has_features(fits[name])), compared.names[0])
        verdicts[examined] = _verdict_on(fits[examined], frame, settings, len(fits))
        longer = expanded(fits[examined].design.specification, verdicts[examined])
        if not expand or len(proposed) == ROUNDS or longer is None or longer.formula in fits:
            break
        log.info("%s: %s", examined, _on_form(verdicts[examined]))
        try:
            fits[longer.formula] = posterior_on(validated(frame, longer, None).frame, longer, settings)
        except (GateError, SchemaError, SpecificationError) as refused:
            log.warning("%s was not added: %s", longer.formula, refused)
            break
        proposed[longer.formula] = examined
        compared = compare_fitted(fits, settings.seed)
    for name in (*proposed, examined):  # those judged before all were tried allow for fewer
        if name not in verdicts or verdicts[name].n_candidates < len(fits):
            verdicts[name] = _verdict_on(fits[name], frame, settings, len(fits))
    return Selection(
        compared.loos,
        compared.waics,
        compared.weights,
        compared.nodes,
        compared.continuous,
        verdicts,
        proposed,
    )


def _on_form(verdict: Verdict) -> str:
    return f"{capitalized(by_heading(verdict)[FORM])}."


def _has_features(fitted: Fitted) -> bool:
    return any(term.columns for term in fitted.design.encoding.terms)


def _verdict_on(fitted: Fitted, frame: pd.DataFrame, settings: FitSettings, n_candidates: int) -> Verdict:
    rows = validated(frame, fitted.design.specification, None).frame
    compared = against_baseline(fitted, rows, settings)
    return phrased(decide(evidence_of(fitted, compared, settings.seed, n_candidates), None, n_candidates))
