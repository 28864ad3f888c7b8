"""Champion against candidate on labels that neither has seen: what was seen so far, and what it says.

Changes when the rule of a duel changes. It may be looked at every night: the error holds over all looks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Self

from data_science.arrays import Floats
from data_science.watch.confidence_sequence import Sums, bounds

Outcome = Literal["promote", "keep", "not enough"]
FEWEST_CLIENTS = 100  # before the first look
FEWEST_EVENTS = 10.0  # that the models expect of those clients: fewer say nothing of a rate
MARGIN, ALPHA, HORIZON = 0.001, 0.05, 5_000


@dataclass(frozen=True, slots=True)
class Rules:
    """Fixed before the first look.

    Attributes
    ----------
    margin : float
        Nats per client below which the candidate's gain does not matter.
    alpha : float
        Chance at most of promoting a candidate that is no better, over all looks together.
    horizon : int
        Clients expected in all; the interval is narrowest about a quarter of them.
    """

    margin: float = MARGIN
    alpha: float = ALPHA
    horizon: int = HORIZON

    @property
    def n0(self) -> float:
        """Where the interval is narrowest."""
        return max(float(FEWEST_CLIENTS), self.horizon / 4.0)


@dataclass(frozen=True, slots=True)
class Night:
    """Clients of one look: sums over each one's rows.

    Attributes
    ----------
    score : array, shape (client,)
        Log score of the candidate minus that of the champion.
    cost : array, shape (client,)
        Cost of the champion's labels minus that of the candidate's.
    expected_score, expected_cost : float
        Sum of the variances that the two models themselves expect.
    events : float
        Sum of p(1 - p).
    n_rows : int
    """

    score: Floats
    cost: Floats
    expected_score: float
    expected_cost: float
    events: float
    n_rows: int


@dataclass(frozen=True, slots=True)
class Duel:
    """A duel so far; each look makes the next one."""

    rules: Rules = field(default_factory=Rules)
    score: Sums = field(default_factory=Sums)
    cost: Sums = field(default_factory=Sums)
    events: float = 0.0
    n_rows: int = 0
    looks: int = 0
    lower: float = -math.inf  # of the mean gain per client, over all looks
    upper: float = math.inf
    outcome: Outcome = "not enough"

    def after(self, night: Night) -> Self:
        """Look once more. What was decided stays: a duel is not fought until the other wins."""
        if self.outcome != "not enough":
            return self
        seen = replace(
            self,
            score=self.score.plus(night.score, night.expected_score),
            cost=self.cost.plus(night.cost, night.expected_cost),
            events=self.events + night.events,
            n_rows=self.n_rows + night.n_rows,
        )
        if len(night.score) == 0 or seen.score.n < FEWEST_CLIENTS or seen.events < FEWEST_EVENTS:
            return seen
        lower, upper = bounds(seen.score, self.rules.alpha, self.rules.n0)
        lower, upper = max(lower, self.lower), min(upper, self.upper)
        return replace(
            seen, looks=self.looks + 1, lower=lower, upper=upper, outcome=_outcome(lower, upper, self.rules)
        )

    @property
    def costs(self) -> tuple[float, float, float]:
        """Mean saving per client if both errors' costs average 1, and its bounds at this number of them."""
        return self.cost.mean, *bounds(self.cost, self.rules.alpha, self.rules.n0)

    @property
    def more_clients(self) -> int | None:
        """How many more would decide, if the mean and the spread stay as they are; None if none would."""
        if self.outcome != "not enough" or self.score.n < 2:
            return None
        total = max(self.score.n, FEWEST_CLIENTS)
        if self.events > 0.0:
            total = max(total, math.ceil(FEWEST_EVENTS / self.events * self.score.n))
        while total < 1_000 * max(self.score.n, FEWEST_CLIENTS):
            times = total / self.score.n
            grown = Sums(
                total, *(times * one for one in (self.score.total, self.score.squares, self.score.expected))
            )
            if _outcome(*bounds(grown, self.rules.alpha, self.rules.n0), self.rules) != "not enough":
                return total - self.score.n or None
            total = math.ceil(total * 1.1)
        return None

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        if self.looks == 0:
            return (
                f"not enough: {self.score.n:,} clients with {self.events:.1f} events (sum of p(1 - p)); "
                f"at least {FEWEST_CLIENTS} and {FEWEST_EVENTS:g} are needed before the first look"
            )
        gain = (
            f"{self.score.mean:+.5f} nats per client over {self.score.n:,} clients "
            f"(between {self.lower:+.5f} and {self.upper:+.5f} at every look)"
        )
        if self.outcome == "promote":
            return f"promote: the candidate predicts better, {gain}"
        if self.outcome == "keep":
            return f"keep: the candidate is not better by {self.rules.margin:g} nats, {gain}"
        more = self.more_clients
        closing = (
            "more clients are unlikely to decide"
            if more is None
            else f"about {more:,} more clients would decide"
        )
        return f"not enough: {gain}; {closing}"

    def to_json(self) -> dict[str, Any]:
        """Return it with JSON types; no bound yet is null."""
        document = asdict(self)
        for name in ("lower", "upper"):
            document[name] = document[name] if math.isfinite(document[name]) else None
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Return what :meth:`to_json` gave.

        Raises
        ------
        ValueError
            If it is no such document.
        """
        try:
            found = dict(document)
            for name, of in (("rules", Rules), ("score", Sums), ("cost", Sums)):
                found[name] = of(**found[name])
            for name, end in (("lower", -math.inf), ("upper", math.inf)):
                found[name] = end if found[name] is None else float(found[name])
            if found["outcome"] not in ("promote", "keep", "not enough"):
                raise ValueError(f"the outcome is {found['outcome']!r}")
            return cls(**found)
        except (KeyError, TypeError) as error:
            raise ValueError(f"it is no record of a duel: {error!r}") from error


def _outcome(lower: float, upper: float, rules: Rules) -> Outcome:
    if upper < rules.margin:
        return "keep"
    return "promote" if lower > 0.0 else "not enough"
