"""Whether new rows, and their labels if known, still are what a model was trained for: questions, an outcome.

Drift that changes no answer, or whose answers are still right, is no reason to train again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from data_science.arrays import Floats, Ints
from data_science.likelihood import binomial
from data_science.watch.effects import (
    Estimate,
    Judged,
    difference,
    distance,
    implied_score,
    mean_of,
    rate_gap,
    score_shortfall,
)
from data_science.watch.reference import Answers, Reference, share_se

if TYPE_CHECKING:
    import pandas as pd

Outcome = Literal["steady", "moved without effect", "moved with effect", "not enough"]
About = Literal["inputs", "decisions", "calibration", "record"]
FEWEST_CLIENTS = 200  # to compare distributions
FEWEST_LABELLED = 30  # clients below which nobody can see how far clients differ
FEWEST_EVENTS = 10.0  # sum of p(1 - p) below which a normal interval is not used
COVERAGE = 0.95  # of all intervals of a check at once
# No margin is wider than this part of the rarer label's rate, and of the log score that the model expects: a
# rate of 0.001 that doubles changes by less than 0.02, and the log score by less than 0.01.
WIDEST_RATE, WIDEST_SCORE = 0.5, 0.1


@dataclass(frozen=True, slots=True)
class Margins:
    """What matters, and what does not."""

    distance: float = 0.2  # Jensen-Shannon, of a column; near a stability index (PSI) of 0.25
    score: float = 0.01  # nats per row below the model's own expectation, or less where labels are rare
    rate: float = 0.02  # observed minus predicted rate of the positive label, or less where it is rare
    effect: float = 0.01  # on the share of label 1 and on the expected cost of a label


@dataclass(frozen=True, slots=True)
class Finding:
    """One question, and what the data say."""

    about: About
    what: str
    verdict: Judged
    estimate: Estimate | None  # None where there was too little to estimate
    margin: float
    sentence: str

    def to_json(self) -> dict[str, Any]:
        """Return it with JSON types."""
        numbers = {} if self.estimate is None else asdict(self.estimate)
        stated = {name: getattr(self, name) for name in ("about", "what", "verdict", "margin", "sentence")}
        return {**stated, **{name: numbers.get(name) for name in ("value", "lower", "upper")}}


@dataclass(frozen=True, slots=True)
class Seen:
    """New rows as the model answers them.

    Attributes
    ----------
    features : DataFrame
    answers : Answers
        To the same rows.
    client : array of int
        Whose each row is: 0, 1, ...
    """

    features: pd.DataFrame
    answers: Answers
    client: Ints


@dataclass(frozen=True, slots=True)
class Labelled:
    """Probabilities that were given before their labels were known.

    Attributes
    ----------
    p, y : array, shape (row,)
        Probability, and label or successes.
    client : array of int, shape (row,)
    n : array, shape (row,), optional
        Trials, where a row is several labels of one client.
    """

    p: Floats
    y: Floats
    client: Ints
    n: Floats | None = None

    @property
    def trials(self) -> Floats:
        """Labels of each row."""
        return np.ones_like(self.p) if self.n is None else self.n


def findings(
    reference: Reference | None,
    seen: Seen,
    labelled: Labelled | None,
    threshold: float,
    margins: Margins = Margins(),
) -> tuple[Finding, ...]:
    """Answer every question that can be asked; `labelled` is None if there are no labels."""
    n_asked = 0 if reference is None else len(reference.columns) + 3
    coverage = 1.0 - (1.0 - COVERAGE) / (n_asked + (0 if labelled is None else 2))
    found = []
    if reference is not None:
        found += _distributions(reference, seen, threshold, margins, coverage)
    if labelled is not None:
        found += _calibration(labelled, margins, coverage)
    return tuple(found)


def outcome(found: Sequence[Finding], *, has_reference: bool) -> Outcome:
    """Put the findings together: labels decide where there are any, else whether the answers moved.

    Answers that moved may be right, for the clients may have changed: only labels can tell.
    """
    verdicts = {
        about: {one.verdict for one in found if one.about == about}
        for about in ("inputs", "decisions", "calibration")
    }
    calibration, decisions = verdicts["calibration"], verdicts["decisions"]
    if "beyond" in calibration:
        return "moved with effect"
    if "unclear" in calibration or not has_reference:
        return "not enough"
    if not calibration and "beyond" in decisions:
        return "moved with effect"
    if not calibration and "unclear" in decisions:
        return "not enough"
    return "moved without effect" if "beyond" in decisions | verdicts["inputs"] else "steady"


def _distributions(
    reference: Reference, seen: Seen, threshold: float, margins: Margins, coverage: float
) -> list[Finding]:
    # One row of each client, the last: a client asked about a hundred times is not a hundred clients.
    latest = np.full(int(seen.client.max(initial=-1)) + 1, -1, dtype=np.intp)
    latest[seen.client] = np.arange(len(seen.client))  # of several the last assignment stays
    last = np.sort(latest[latest >= 0])
    if len(last) < FEWEST_CLIENTS:
        sentence = f"{len(last)} clients; at least {FEWEST_CLIENTS} are needed to compare them with training"
        inputs: tuple[tuple[About, str], ...] = (("inputs", "columns"), ("decisions", "answers"))
        return [Finding(about, what, "unclear", None, margins.distance, sentence) for about, what in inputs]
    features, answers = seen.features.iloc[last], seen.answers.take(last)
    found = [
        _judged(
            "inputs", name, f"{name}: distance of its distribution from that of training",
            distance(np.array(one.counts, dtype=float), one.count(features[name]), coverage),
            margins.distance,
        )
        for name, one in reference.columns.items()
    ]  # fmt: skip
    logit = reference.logit
    cells = np.searchsorted(logit.edges, answers.logits, side="right")
    live = np.bincount(cells, minlength=len(logit.counts)).astype(float)
    found.append(
        _judged(
            "decisions", "probabilities", "distance of the probabilities from those of training",
            distance(np.array(logit.counts, dtype=float), live, coverage), margins.distance,
        )
    )  # fmt: skip
    client, n = np.arange(len(last)), float(len(last))
    share = mean_of(
        answers.label, np.full(len(last), share_se(answers.label.mean(), n) ** 2 * n), client, coverage
    )
    then_se = share_se(reference.label_share, reference.n_rows)
    found.append(
        _judged(
            "decisions", "label 1", "change of the share of clients that get label 1",
            difference(share, reference.label_share, then_se, coverage), margins.effect,
        )
    )  # fmt: skip
    cost = mean_of(answers.costs(threshold), np.zeros(len(last)), client, coverage)
    cost_se = reference.cost_sd / reference.n_rows**0.5
    found.append(
        _judged(
            "decisions", "expected cost", "change of the expected cost of a label",
            difference(cost, reference.cost, cost_se, coverage), margins.effect,
        )
    )  # fmt: skip
    return found


def _calibration(labelled: Labelled, margins: Margins, coverage: float) -> list[Finding]:
    p, y, client, n = labelled.p, labelled.y, labelled.client, labelled.trials
    n_labels, events = int(n.sum()), float(binomial.variance(n * p, p).sum())
    n_clients = np.unique(client).size
    if n_clients < FEWEST_LABELLED or events < FEWEST_EVENTS:
        sentence = (
            f"{n_labels} labelled rows of {n_clients} clients carry a variance of {events:.1f} expected "
            f"events; at least {FEWEST_LABELLED} clients and {FEWEST_EVENTS:g} events are needed to judge "
            "the probabilities"
        )
        return [Finding("calibration", "log score", "unclear", None, margins.score, sentence)]
    came, predicted = float(y.sum() / n.sum()), float(np.average(p, weights=n))
    side = "above" if came > predicted else "below"
    score_margin = min(margins.score, WIDEST_SCORE * implied_score(p, n))
    rate_margin = min(margins.rate, WIDEST_RATE * min(predicted, 1.0 - predicted))
    return [
        _judged(
            "calibration", "log score",
            f"over {n_labels} labelled rows, the log score's shortfall from what the probabilities imply",
            score_shortfall(p, y, client, coverage, n), score_margin,
        ),
        _judged(
            "calibration", "rate",
            f"positive labels, {came:.4f} came, {side} the {predicted:.4f} predicted: difference",
            rate_gap(p, y, client, coverage, n).magnitude(), rate_margin,
        ),
    ]  # fmt: skip


def _judged(about: About, what: str, words: str, effect: Estimate, margin: float) -> Finding:
    verdict = effect.judged_by(margin)
    closing = {"beyond": "beyond", "within": "within", "unclear": "on both sides of"}[verdict]
    sentence = (
        f"{words} {effect.value:.4f} (interval {effect.lower:.4f} to {effect.upper:.4f}), "
        f"{closing} the margin {margin:.4g}"
    )
    return Finding(about, what, verdict, effect, margin, sentence)
