"""Groups whose posterior, and leaving one observation out of it, are closed forms."""

import numpy as np
import pandas as pd
from scipy.special import logit

from data_science.engines.posterior import Posterior
from data_science.formula.design import Design, learn
from data_science.formula.specification import ModelSpecification

DRAWS, CHAINS = 20_000, 10

A, B = 2.0, 3.0  # Beta prior of a group's probability: the posterior, and leaving one out, are closed forms


def clients() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    group = np.repeat(["a", "b", "c"], [40, 150, 700])
    chance = pd.Series(group).map({"a": 0.5, "b": 0.25, "c": 0.1})
    return pd.DataFrame({"g": group, "label": (rng.random(len(group)) < chance).astype(int)})


def herds() -> pd.DataFrame:
    rng = np.random.default_rng(12)
    size = rng.integers(5, 20, 60)
    return pd.DataFrame({"g": np.repeat(["a", "b"], 30), "size": size, "sick": rng.binomial(size, 0.3)})


def beta_posterior(successes: pd.Series, trials: pd.Series) -> Posterior:
    """Draws of independent groups' log odds, from the exact posterior under a Beta(A, B) prior."""
    rng = np.random.default_rng(13)
    shape = (CHAINS, DRAWS // CHAINS, len(successes))
    chance = rng.beta(A + successes.to_numpy(), B + (trials - successes).to_numpy(), shape)
    return Posterior(logit(chance), np.zeros((*shape[:2], 0)), {}, {})


def by_group(frame: pd.DataFrame, formula: str) -> tuple[Design, Posterior]:
    design = learn(ModelSpecification(formula), frame)
    response = design.specification.response
    trials = frame[response.trials] if response.trials else pd.Series(1, frame.index)
    keys = frame["g"] if design.encoding.factors else pd.Series("all", frame.index)
    totals = frame[response.successes].groupby(keys).sum(), trials.groupby(keys).sum()
    return design, beta_posterior(*totals)
