"""Posteriors of one small data set, and what training makes of them: `fit_judged`, with engines of our choice."""

from dataclasses import dataclass, replace
from unittest.mock import patch

import numpy as np
import pandas as pd

from data_science import GateError, ModelSpecification, attempts
from data_science.engines.posterior import Posterior
from data_science.engines.registry import FitSettings, engine
from data_science.fitting import posterior_on
from data_science.formula import design
from data_science.judgement.gates import Admission
from data_science.likelihood.fidelity import compress_enough
from data_science.progress import Stopwatch


@dataclass(frozen=True)
class Drawn:
    """An engine that returns what was drawn before; without it, one that declines."""

    posterior: Posterior | None
    SECOND_OPINION: str | None = None

    def draw(self, *_) -> Posterior:
        if self.posterior is None:
            raise GateError("no draws of this engine came")
        return self.posterior


class Case:
    """A data set ready to be fitted, well or badly."""

    def __init__(self, frame: pd.DataFrame, specification: ModelSpecification) -> None:
        self.design = design.learn(specification, frame)
        self.compressed = compress_enough(self.design, design.encode(self.design, frame))

    def draw(self, settings: FitSettings) -> Posterior:
        """Fit with the engine of the settings."""
        return engine(settings.engine).draw(self.design, self.compressed, settings, lambda _: None)

    def admission(self, posterior: Posterior, second: Posterior | None = None) -> Admission:
        """Judge draws as those of NUTS, with a second opinion or without, by what training calls."""
        engines = {"nuts": Drawn(posterior, "nested-laplace"), "nested-laplace": Drawn(second)}
        find = engines.__getitem__
        with patch.object(attempts, "engine", find), patch.object(posterior_on, "engine", find):
            fitted = attempts.fit_judged(
                posterior_on.Problem(self.design, None, self.compressed), self.design.specification,
                FitSettings(), lambda _: None, Stopwatch(),
            )  # fmt: skip
        return fitted.admission


def clients(n: int, seed: int, slope: float = 1.0) -> pd.DataFrame:
    """Default columns, every level present; ``slope`` 0 makes the label independent of everything."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "attr_a": rng.permutation(np.arange(n) % 5 + 1),
            "attr_b": rng.permutation(np.array(list("abcd"))[np.arange(n) % 4]),
            "scd_a": rng.random(n),
            "scd_b": rng.integers(1, 6, n),
        }
    )
    effect = np.array([-0.5, -0.2, 0.0, 0.3, 0.4])[frame["attr_a"] - 1] + 2 * (frame["scd_a"] - 0.5)
    probability = 1 / (1 + np.exp(2.3 - slope * effect))
    return frame.assign(label=(rng.random(n) < probability).astype(int))


def changed(posterior: Posterior, change) -> Posterior:
    """Copy the draws, and let ``change(coefficients, sds, statistics)`` spoil them in place."""
    copy = replace(
        posterior,
        coefficients=posterior.coefficients.copy(),
        sds=posterior.sds.copy(),
        statistics={name: values.copy() for name, values in posterior.statistics.items()},
    )
    change(copy.coefficients, copy.sds, copy.statistics)
    return copy
