"""Decide by effects whether to train again; changes with the policy, not with statistics or storage."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from machine_learning_engineering.drift import InputReference
from machine_learning_engineering.effects import (
    Estimate,
    Verdict,
    implied_score,
    jensen_shannon_distance,
    rate_gap,
    score_shortfall,
)
from machine_learning_engineering.errors import RetrainingInputError
from machine_learning_engineering.labels import KnownLabel, Labels, known_labels
from machine_learning_engineering.reading import SkippedLine, scan
from machine_learning_engineering.records import Prediction

_WIDEST_RATE, _WIDEST_SCORE = 0.5, 0.1  # parts of the rarer label's rate, and of the expected log score

type Outcome = Literal["retrain", "keep", "not enough data"]


@dataclass(frozen=True, slots=True)
class RetrainingPolicy:
    """Margins beyond which an effect matters, and how much data a judgement needs."""

    # Nats per prediction below the model's own expectation; at most a tenth of that.
    score_margin: float = 0.01
    # Observed minus predicted rate of label 1, either way; at most half of the rarer label's predicted rate.
    rate_margin: float = 0.02
    drift_margin: float = 0.2  # Jensen-Shannon distance per feature; near a stability index (PSI) of 0.25
    coverage: float = 0.95  # of each interval that is compared with its margin
    expected_variance_min: float = 10.0  # sum of p(1 - p) below which a normal interval is not used
    live_clients_min: int = 200  # clients needed to judge drift
    reference_clients: int = 1_000  # first clients that become the reference where training stored none

    def __post_init__(self) -> None:
        for name in ("score_margin", "rate_margin", "drift_margin", "expected_variance_min"):
            if not 0 < getattr(self, name) < math.inf:
                raise RetrainingInputError(f"{name} is {getattr(self, name)!r}; expected a positive number")
        if not 0 < self.coverage < 1:
            raise RetrainingInputError(f"coverage is {self.coverage!r}; expected between 0 and 1")


@dataclass(frozen=True, slots=True)
class Finding:
    """One question asked of the data, its answer in figures and in a sentence."""

    about: str  # "log score", "rate of label 1" or "input <name>"
    verdict: Verdict
    estimate: Estimate | None  # None where there was too little to estimate
    margin: float
    sentence: str


@dataclass(frozen=True, slots=True)
class RetrainingDecision:
    """Whether to train again, and why."""

    outcome: Outcome
    findings: tuple[Finding, ...]
    model_version: str | None
    n_predictions: int  # of this version, in the log
    n_labelled: int  # of those, with a probability and a label that came later
    n_skipped: int  # lines of the log, of any version, that could not be read

    @property
    def should_retrain(self) -> bool:
        """True only if an effect is beyond its margin."""
        return self.outcome == "retrain"

    @property
    def reasons(self) -> tuple[str, ...]:
        """What decided: the findings that made the outcome what it is."""
        decisive = {"retrain": "beyond", "not enough data": "unclear", "keep": "within"}[self.outcome]
        moved = [
            f"{finding.sentence}: moved without effect"
            for finding in self.findings
            if self.outcome == "keep" and finding.verdict == "beyond"
        ]
        return (*(finding.sentence for finding in self.findings if finding.verdict == decisive), *moved)

    def __str__(self) -> str:
        return "\n".join((f"{self.outcome} (model {self.model_version or 'without version'})", *self.reasons))


def decide_from_log(
    folder: str | Path,
    labels: Labels,
    *,
    policy: RetrainingPolicy | None = None,
    model_version: str | None = None,
    stored: Mapping[str, Any] | None = None,
) -> RetrainingDecision:
    """Judge one version's predictions in a log folder against labels and stored inputs.

    Without ``model_version`` the version of the latest prediction is judged. If training stored no
    `InputReference`, with the model (``stored``) or in the folder, the first ``policy.reference_clients``
    clients become it and are stored.
    """
    policy = policy or RetrainingPolicy()
    # What is stored with a model is of its own version: with none, nothing says whose the latest one is.
    own = None if stored is None or model_version is None else InputReference.of(stored)
    found = list(scan(folder))
    predictions = sorted((one for one in found if isinstance(one, Prediction)), key=lambda made: made.at)
    if model_version is None and predictions:
        model_version = predictions[-1].model_version
    predictions = [made for made in predictions if made.model_version == model_version]
    reference = own or InputReference.load(folder, model_version)
    if reference is None and (first := _first_clients(predictions, policy.reference_clients)):
        reference = InputReference.learn_from_log(first)
        reference.save(folder, model_version)
    return decide(
        predictions,
        known_labels(labels),
        reference,
        policy,
        model_version=model_version,
        n_skipped=sum(isinstance(one, SkippedLine) for one in found),
    )


def decide(
    predictions: Sequence[Prediction],
    labels: dict[int, KnownLabel],
    reference: InputReference | None,
    policy: RetrainingPolicy,
    *,
    model_version: str | None = None,
    n_skipped: int = 0,
) -> RetrainingDecision:
    """Judge predictions of one version: retrain if an effect is surely beyond its margin.

    Inputs that moved are no reason while the labels say that the probabilities are still right.
    """
    labelled = [
        made
        for made in predictions
        if made.probability is not None and made.idx in labels and labels[made.idx].tests(made.at)
    ]
    calibration, drift = _calibration(labelled, labels, policy), _drift(predictions, reference, policy)
    findings = (*calibration, *drift)
    outcome = _outcome({one.verdict for one in calibration}, {one.verdict for one in drift})
    return RetrainingDecision(outcome, findings, model_version, len(predictions), len(labelled), n_skipped)


def _outcome(calibration: set[Verdict], drift: set[Verdict]) -> Outcome:
    if "beyond" in calibration or ("beyond" in drift and calibration != {"within"}):
        return "retrain"
    return "not enough data" if "unclear" in calibration | drift else "keep"


def _calibration(
    labelled: Sequence[Prediction], labels: dict[int, KnownLabel], policy: RetrainingPolicy
) -> list[Finding]:
    p = np.array([made.probability for made in labelled], dtype=np.float64)
    y = np.array([labels[made.idx].label for made in labelled], dtype=np.float64)
    client = np.array([made.idx for made in labelled], dtype=np.int64)
    variance = float((p * (1 - p)).sum())
    if variance < policy.expected_variance_min:
        sentence = (
            f"log score: {len(labelled)} predictions have a probability and a later label, which carry a "
            f"variance of {variance:.1f} expected events; at least {policy.expected_variance_min:g} needed"
        )
        return [Finding("log score", "unclear", None, policy.score_margin, sentence)]
    shortfall = score_shortfall(p, y, client, policy.coverage)
    gap = rate_gap(p, y, client, policy.coverage).magnitude()
    side = "above" if y.mean() > p.mean() else "below"
    # A rate of 0.001 that doubles changes by less than 0.02, and the log score by less than 0.01.
    score_margin = min(policy.score_margin, _WIDEST_SCORE * implied_score(p))
    rate_margin = min(policy.rate_margin, _WIDEST_RATE * float(min(p.mean(), 1 - p.mean())))
    return [
        _finding(
            "log score",
            shortfall,
            score_margin,
            f"over {len(labelled)} labelled predictions the mean log score is {-shortfall.value:+.4f} nats "
            "from the score implied by the model's own probabilities; shortfall",
            policy,
        ),
        _finding(
            "rate of label 1",
            gap,
            rate_margin,
            f"{y.mean():.4f} observed, {side} the {p.mean():.4f} predicted; difference",
            policy,
        ),
    ]


def _drift(
    predictions: Sequence[Prediction], reference: InputReference | None, policy: RetrainingPolicy
) -> list[Finding]:
    after = reference.until if reference else None
    # One row per client, the latest: a client asked about a hundred times is not a hundred clients.
    live = {made.idx: made for made in predictions if made.features and (after is None or made.at > after)}
    if reference is None or len(live) < policy.live_clients_min:
        needed = policy.live_clients_min if reference else policy.reference_clients
        held = "after the reference" if reference else "and no stored reference"
        sentence = f"inputs: {len(live)} clients with logged features {held}; at least {needed} needed"
        return [Finding("inputs", "unclear", None, policy.drift_margin, sentence)]
    findings = []
    for name, histogram in reference.features.items():
        counts = histogram.count(made.features.get(name) for made in live.values())
        distance = jensen_shannon_distance(np.array(histogram.counts, float), counts, policy.coverage)
        what = f"over {len(live)} clients the Jensen-Shannon distance from the reference"
        findings.append(_finding(f"input {name}", distance, policy.drift_margin, what, policy))
    return findings


def _finding(about: str, effect: Estimate, margin: float, what: str, policy: RetrainingPolicy) -> Finding:
    verdict = effect.judged_by(margin)
    closing = {
        "beyond": f"beyond the margin {margin:.4g}",
        "within": f"within the margin {margin:.4g}",
        "unclear": f"on both sides of the margin {margin:.4g}: {_more_data(effect.data_needed(margin))}",
    }[verdict]
    sentence = (
        f"{about}: {what} {effect.value:.4f} "
        f"({policy.coverage:.0%} interval {effect.lower:.4f} to {effect.upper:.4f}), {closing}"
    )
    return Finding(about, verdict, effect, margin, sentence)


def _more_data(times: float) -> str:
    if times > 100:
        return "the effect is as large as the margin, and more data are unlikely to decide"
    return f"about {max(times, 1.1):.1f} times the data would decide"


def _first_clients(predictions: Sequence[Prediction], n_clients: int) -> list[Prediction]:
    """Return one prediction for each of the first ``n_clients`` clients; empty while there are fewer."""
    first: dict[int, Prediction] = {}
    for made in predictions:
        if made.features:
            first.setdefault(made.idx, made)
        if len(first) == n_clients:
            return list(first.values())
    return []
