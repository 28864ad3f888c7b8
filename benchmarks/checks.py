"""How often a check says what is so, in worlds that are known: made probabilities, no fits.

    python -m benchmarks.checks --runs 500

The model has an input with a slope and one without, and is right about the rows of its training. New rows come from
each world; where labels come, they do from the world's own probabilities. Where the model is still right, "moved with
effect" is wrong: at most 5 in 100 checks. Without labels an answer that moved counts as an effect.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.duels import BASE, SIZES, expit
from benchmarks.outcome_table import print_outcomes
from data_science.watch.check import Labelled, Outcome, Seen, findings, outcome
from data_science.watch.histograms import Histogram
from data_science.watch.reference import Answers, Reference

N_TRAINING = 20_000
RATE_KEPT = -2.16  # log odds of the rate in training
OUTCOMES = ("steady", "moved without effect", "moved with effect", "not enough")


@dataclass(frozen=True, slots=True)
class World:
    """What has changed since training."""

    name: str
    used: float = 0.0  # shift of the input with a slope, in sds
    unused: float = 0.0  # of the one without
    slope: float = 0.7  # of the truth; the model has 0.7
    base: float = BASE  # of the truth
    rate: float = 1.0  # by which the truth's probabilities are multiplied
    rows_per_client: int = 1
    labelled: bool = True

    @property
    def has_effect(self) -> bool:
        """Whether the model's answers are wrong now, or nobody can tell and they moved."""
        return self.slope != 0.7 or self.rate != 1.0 or (self.used != 0.0 and not self.labelled)


WORLDS = (
    World("nothing changed"),
    World("nothing changed, no labels", labelled=False),
    World("nothing changed, ten rows a client", rows_per_client=10),
    World("unused input moved", unused=1.0),
    World("unused input moved, no labels", unused=1.0, labelled=False),
    World("used input moved, still right", used=1.0),
    World("used input moved, no labels", used=1.0, labelled=False),
    World("slope lost, rate kept", slope=0.0, base=RATE_KEPT),
    World("the same, ten rows a client", slope=0.0, base=RATE_KEPT, rows_per_client=10),
    World("rate doubled", rate=2.0),
    World("rate halved, input moved", rate=0.5, used=1.0),
)


def said(frame: pd.DataFrame) -> Answers:
    """Return what the model says."""
    p = expit(BASE + 0.7 * frame["used"].to_numpy())
    return Answers(p, (p > 0.5).astype(float))


def reference() -> Reference:
    """Return what training stored."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"used": random.normal(size=N_TRAINING), "unused": random.normal(size=N_TRAINING)})
    answers = said(frame)
    costs = answers.costs(0.5)
    columns = {name: Histogram.learn(frame[name]) for name in frame}
    logit = Histogram.cut(answers.logits, 20)
    return Reference(N_TRAINING, columns, logit, answers.label.mean(), costs.mean(), costs.std())


def checked(world: World, n: int, stored: Reference, random: np.random.Generator) -> Outcome:
    """Return the outcome of one check."""
    client = np.arange(n) // world.rows_per_client
    used, unused = random.normal(size=(2, client[-1] + 1))[:, client]  # a client's rows are alike
    frame = pd.DataFrame({"used": used + world.used, "unused": unused + world.unused})
    answers = said(frame)
    truth = expit(world.base + world.slope * frame["used"].to_numpy())
    labels = (random.random(n) < np.minimum(world.rate * truth, 1.0)).astype(float)
    labelled = Labelled(answers.probability, labels, client) if world.labelled else None
    return outcome(findings(stored, Seen(frame, answers, client), labelled, 0.5), has_reference=True)


def rates(world: World, n: int, runs: int, seed: int = 1) -> dict[str, float]:
    """Return the share of checks with each outcome."""
    random, stored = np.random.default_rng([seed, n]), reference()
    ended = Counter(checked(world, n, stored, random) for _ in range(runs))
    return {name: ended[name] / runs for name in OUTCOMES}


def main() -> None:
    """Print the table."""
    heading = " / ".join(OUTCOMES) + ", {runs} checks each; rows:"
    wrong = ("wrong alarms", "moved with effect", lambda world: not world.has_effect)
    print_outcomes(__doc__, heading, WORLDS, SIZES, rates, 26, wrong)


if __name__ == "__main__":
    main()
