"""How often a duel promotes, keeps or goes on, where it is known who is better: made posteriors, no fits.

    python -m benchmarks.duels --runs 500

Labels are drawn from known probabilities (about 10 %); each of two models is off by its own errors on the logit
scale, so large that the candidate is better by the stated nats over all labels together. The labels come in at most
90 nights, and a duel is looked at every night until it is decided. A promotion is wrong where the candidate is not
better: at most 5 in 100 duels.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from benchmarks.outcome_table import print_outcomes
from data_science.watch.duel import Duel, Outcome
from data_science.watch.scoring import Answered, Known, night

BASE, SLOPE = -2.4, 0.7  # of the true log odds
ERROR = 0.1  # sd of the champion's and the candidate's errors on the logit scale, where they are as good
SIZES = (50, 500, 5_000, 50_000)
NIGHTS = 90


@dataclass(frozen=True, slots=True)
class World:
    """Who is better, and how labels come."""

    name: str
    nats: float = 0.0  # by which the candidate is better, over all labels
    rows_per_client: int = 1
    identical: bool = False
    shift: float = 0.0  # of the input, in sds, reached halfway
    base: float = BASE
    error: float = ERROR
    turns: bool = False  # the candidate's gain comes with the shift

    @property
    def may_promote(self) -> bool:
        """Whether a promotion is right."""
        return self.nats > 0.0


WORLDS = (
    World("the same model", identical=True),
    World("equally good"),
    World("equally good, far apart", error=0.4),
    World("better by 1 nat", nats=1.0),
    World("better by 3 nats", nats=3.0),
    World("better by 10 nats", nats=10.0),
    World("better by 30 nats", nats=30.0),
    World("worse by 3 nats", nats=-3.0),
    World("worse by 10 nats", nats=-10.0),
    World("inputs drift, equally good", shift=1.0),
    World("inputs drift, then better by 10", nats=10.0, shift=1.0, turns=True),
    World("inputs drift, then worse by 10", nats=-10.0, shift=1.0, turns=True),
    World("ten rows a client, equally good", rows_per_client=10),
    World("ten rows a client, better by 10", nats=10.0, rows_per_client=10),
    World("labels of 0.5 %, equally good", base=-5.6),
)


def labels(world: World, n: int, random: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Return true log odds of n labels, an error of either model, and whose each is, in the order of coming."""
    client = np.arange(n) // world.rows_per_client
    moved = world.shift * (np.arange(n) >= n / 2)
    of_client = random.normal(size=(3, client[-1] + 1))[:, client]
    own = random.normal(size=(3, n)) if world.rows_per_client > 1 else of_client
    x, champion, candidate = np.sqrt(0.5) * (of_client + own) if world.rows_per_client > 1 else of_client
    return world.base + SLOPE * (x + moved), champion, candidate, client


def errors(world: World, n: int) -> tuple[float, float]:
    """Return the sd of the champion's and of the candidate's errors that make the stated difference."""
    if world.identical or world.nats == 0.0:
        return world.error, world.error
    random = np.random.default_rng(0)
    draws = 100_000 - 100_000 % world.rows_per_client
    eta, own, _, _ = labels(world, draws, random)
    p = expit(eta)
    late = np.arange(draws) >= draws / 2 if world.turns else np.ones(draws, dtype=bool)

    def lost(sd: float) -> float:
        """Nats lost by errors of this size."""
        q = np.clip(expit(eta + sd * own), 1e-12, 1 - 1e-12)
        return float((late * (p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)))).mean() * n)

    low, high = ERROR, 50.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if lost(middle) - lost(ERROR) < abs(world.nats) else (low, middle)
    return (high, ERROR) if world.nats > 0 else (ERROR, high)


def expit(eta: np.ndarray) -> np.ndarray:
    """Return the probability."""
    return 1.0 / (1.0 + np.exp(-eta))


def fought(world: World, n: int, sds: tuple[float, float], random: np.random.Generator) -> Outcome:
    """Return how one duel ends."""
    eta, own, other, client = labels(world, n, random)
    y = (random.random(n) < expit(eta)).astype(float)
    sizes = [np.full(n, sd) for sd in sds]
    if world.turns:
        for size in sizes:
            size[: n // 2] = ERROR
    sides = [expit(eta + sizes[0] * own), expit(eta + sizes[1] * (own if world.identical else other))]
    duel, nights = Duel(), min(NIGHTS, max(1, n // 25))
    cuts = np.searchsorted(client, np.linspace(0, client[-1] + 1, nights + 1).astype(int)[1:-1])
    for rows in np.split(np.arange(n), cuts):
        answered = [Answered(p[rows], np.zeros(len(rows))) for p in sides]
        known = Known(y[rows], np.ones(len(rows)), client[rows] - client[rows[0]])
        duel = duel.after(night(*answered, known, 0.5))
        if duel.outcome != "not enough":
            break
    return duel.outcome


def rates(world: World, n: int, runs: int, seed: int = 1) -> dict[str, float]:
    """Return the share of duels that end with each outcome."""
    random, sds = np.random.default_rng([seed, n]), errors(world, n)
    ended = Counter(fought(world, n, sds, random) for _ in range(runs))
    return {outcome: ended[outcome] / runs for outcome in ("promote", "keep", "not enough")}


def main() -> None:
    """Print the table."""
    heading = "promote / keep / not enough, {runs} duels each; labels:"
    wrong = ("wrong promotions", "promote", lambda world: not world.may_promote)
    print_outcomes(__doc__, heading, WORLDS, SIZES, rates, 18, wrong)


if __name__ == "__main__":
    main()
