"""Simulate from the prior, fit by the real path, rank the truth: one table per world and engine.

Talts et al. 2018, arXiv:1804.06788; the log joint is ranked too, because it depends on the data and so finds
what ranks of parameters alone miss (Modrák et al. 2023, doi:10.1214/23-BA1404).
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from ranks import N_DRAWS, holm, uniformity
from scipy.stats import binomtest
from worlds import World, draw_truth, simulate

from data_science import Predictor
from data_science.engines.posterior import names
from data_science.engines.registry import FitSettings
from data_science.errors import SchemaError
from data_science.fitting.posterior_on import posterior_on
from data_science.formula import design
from data_science.formula.training_data import validated

PROBABILITIES = (0.5, 0.8, 0.95)


@dataclass(frozen=True)
class Calibration:
    """What many simulated data sets say about one engine."""

    ranks: pd.DataFrame  # (data set, quantity)
    covered: pd.DataFrame  # (data set, probe and probability), whether the interval held the truth
    n_declined: int  # data sets that nested Laplace handed to NUTS
    n_redrawn: int  # data sets that validation refuses: one class only

    def uniformity(self) -> dict[str, float]:
        """Holm-adjusted p-value of every quantity."""
        return holm({name: uniformity(ranks.to_numpy()) for name, ranks in self.ranks.items()})

    def coverage(self) -> pd.DataFrame:
        """Observed coverage of every interval with its Holm-adjusted binomial p-value."""
        n = len(self.covered)
        p_values = {
            f"{probe} {prob}": float(binomtest(int(hits.sum()), n, prob).pvalue)
            for (probe, prob), hits in self.covered.items()
        }
        shares = {f"{probe} {prob}": hits.mean() for (probe, prob), hits in self.covered.items()}
        return pd.DataFrame({"covered": shares, "p": holm(p_values)})

    def __str__(self) -> str:
        p_values, coverage = self.uniformity(), self.coverage()
        worst = min(p_values, key=p_values.__getitem__)
        intervals = "; ".join(f"{name}: {row.covered:.3f}" for name, row in coverage.iterrows())
        return (
            f"{len(self.ranks)} data sets, {self.n_declined} declined to NUTS, {self.n_redrawn} redrawn; "
            f"{self.ranks.shape[1]} quantities, smallest adjusted p {p_values[worst]:.3f} ({worst}); "
            f"coverage {intervals}; smallest adjusted p {coverage.p.min():.3f}"
        )


def calibrate(world: World, settings: FitSettings, n_datasets: int, seed: int) -> Calibration:
    """Fit ``n_datasets`` data sets drawn from the world's prior."""
    rng = np.random.default_rng(seed)
    ranks, covered, n_declined, n_redrawn = [], [], 0, 0
    response = world.specification.response
    some = np.arange(len(world.frame)) % 2  # any labels: codings do not depend on them
    known = design.learn(world.specification, world.frame.assign(**{response.successes: some}))
    while len(ranks) < n_datasets:
        truth = draw_truth(world, known, rng)
        frame = simulate(world, known, truth, rng)
        try:
            data = validated(frame, world.specification, None)
        except SchemaError:  # a rule on the data alone, so the other data sets' ranks stay uniform
            n_redrawn += 1
            continue
        fitted = FitSettings(**{**_fields(settings), "seed": int(rng.integers(2**31))})
        alone = posterior_on(data.frame, world.specification, replace(fitted, exact=world.exact))
        learned, compressed, posterior = alone.design, alone.problem.compressed, alone.posterior
        n_declined += bool(alone.notes)
        coefficients, sds = posterior.thinned(N_DRAWS)
        drawn = np.hstack([coefficients, sds, _log_joint(compressed, coefficients, sds)])
        true = np.hstack(
            [truth.coefficients, truth.sds, *_log_joint(compressed, truth.coefficients, truth.sds)]
        )
        ranks.append((drawn < true).sum(axis=0))
        covered.append(_coverage(world, learned, posterior, truth.probe_logits))
    quantities = [*names(known), "log joint"]
    probes = pd.MultiIndex.from_product([[f"probe {i}" for i in range(len(world.probes))], PROBABILITIES])
    return Calibration(
        pd.DataFrame(ranks, columns=quantities),
        pd.DataFrame(covered, columns=probes),
        n_declined,
        n_redrawn,
    )


def _fields(settings: FitSettings) -> dict:
    return {name: getattr(settings, name) for name in FitSettings.__slots__}


def _log_joint(compressed, coefficients, sds) -> np.ndarray:
    at = compressed.at
    x = at.from_raw(np.atleast_2d(coefficients))
    theta = np.log(np.atleast_2d(sds) * at.block_scale)
    return compressed.joint.value(x, theta)[:, None]


def _coverage(world: World, learned, posterior, logits) -> list[bool]:
    draws, sds = posterior.thinned(1000)
    predictor = Predictor(learned.encoding, draws.mean(axis=0), draws, sds)
    probability = 1 / (1 + np.exp(-logits))
    hits = []
    for i, p in enumerate(probability):
        for prob in PROBABILITIES:
            low, high = predictor.predict_interval(world.probes.iloc[[i]], prob)[0]
            hits.append(bool(low <= p <= high))
    return hits
