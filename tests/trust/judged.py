"""Posteriors of one small data set, and their verdict by the real chain: names, summary, measure, judge."""

from dataclasses import replace

import numpy as np
import pandas as pd

from data_science import ModelSpecification
from data_science.engines.posterior import Posterior, names, to_tree
from data_science.engines.registry import FitSettings, engine
from data_science.evaluation import agreement, diagnostics
from data_science.formula import design
from data_science.judgement.gates import Verdict, judge
from data_science.likelihood.fidelity import compress_enough


class Case:
    """A data set ready to be fitted, well or badly."""

    def __init__(self, frame: pd.DataFrame, specification: ModelSpecification) -> None:
        self.design = design.learn(specification, frame)
        self.compressed = compress_enough(self.design, design.encode(self.design, frame))
        self.rate = float(frame["label"].mean())

    def draw(self, settings: FitSettings) -> Posterior:
        """Fit with the engine of the settings."""
        return engine(settings.engine).draw(self.design, self.compressed, settings, lambda _: None)

    def verdict(self, posterior: Posterior, second: Posterior | None = None) -> Verdict:
        """Judge draws as training does."""
        tree = to_tree(self.design, posterior)
        table = diagnostics.summary(tree)
        pooled, _ = posterior.thinned(1000)
        x = self.compressed.at.from_raw(np.nan_to_num(pooled))
        n = float(self.compressed.cells.weights.sum())
        interval = diagnostics.rate_interval(self.compressed.joint, x, n, 1)
        opinion = None if second is None else agreement.compare(posterior, second, names(self.design))
        return judge(diagnostics.measure(tree, table, interval, self.rate), opinion)


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
    """Copy the draws, and let ``change(coefficients, sds)`` spoil them in place."""
    coefficients, sds = posterior.coefficients.copy(), posterior.sds.copy()
    change(coefficients, sds)
    return replace(posterior, coefficients=coefficients, sds=sds)
