"""Do predicted probabilities come true? Isotonic reliability curves with bands, and the score's parts.

Dimitriadis, Gneiting and Jordan 2021, doi:10.1073/pnas.2016191118.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import isotonic_regression

from data_science.arrays import Floats


@dataclass(frozen=True, slots=True)
class Reliability:
    """How often each predicted probability comes true."""

    curve: pd.DataFrame  # indexed by predicted probability: low, middle, high under calibration; observed
    miscalibration: float  # Brier score that recalibration would save
    discrimination: float  # Brier score that the recalibrated prediction saves against the base rate
    uncertainty: float  # Brier score of the base rate
    chance: float  # share of calibrated predictions whose curve leaves the band for as many clients or more
    expected: tuple[float, float, float]  # the three of calibrated predictions, on average

    @property
    def parts(self) -> pd.DataFrame:
        """Table of the parts of the Brier score."""
        names = ("left open by the overall rate", "resolved by the features", "cost of miscalibration")
        measured = (self.uncertainty, -self.discrimination, self.miscalibration)
        right = (self.expected[2], -self.expected[1], self.expected[0])
        table = pd.DataFrame({"measured": measured, "if calibrated": right}, index=pd.Index(names))
        return pd.concat([table, table.sum().to_frame("Brier score").T])

    @property
    def share_outside(self) -> float:
        """Share of clients whose recalibrated probability is outside the band."""
        curve = self.curve
        return float(
            _share_outside(curve["observed"].to_numpy(), curve["low"].to_numpy(), curve["high"].to_numpy())
        )


def reliability(
    label: npt.ArrayLike,
    probability: npt.ArrayLike,
    *,
    n_replications: int = 200,
    n_points: int = 200,
    seed: int = 1,
) -> Reliability:
    """Recalibrate by pool-adjacent-violators, and do the same for labels drawn from the prediction.

    Parameters
    ----------
    label, probability : array, shape (row,)
    n_replications, seed : int
        Labels drawn from the predicted probabilities, for a pointwise 95 % band: where a calibrated
        prediction's curve would lie.
    n_points : int
        Evenly spaced clients, by predicted probability, at which the curve is kept.
    """
    order = np.argsort(np.asarray(probability, dtype=float), kind="stable")
    predicted, seen = np.asarray(probability, dtype=float)[order], np.asarray(label, dtype=float)[order]
    values, places, counts = np.unique(predicted, return_inverse=True, return_counts=True)
    fitted = _pav(seen, places, counts)
    at = np.unique(np.linspace(0, len(seen) - 1, n_points).round().astype(int))
    rng = np.random.default_rng(seed)
    curves, parts = [], []
    for _ in range(n_replications):
        drawn = (rng.random(len(seen)) < predicted).astype(float)
        best = _pav(drawn, places, counts)
        own_score, best_score, base_score = _brier_scores(drawn, predicted, best, counts)
        parts.append((own_score - best_score, base_score - best_score, base_score))
        curves.append(best[places[at]])
    replicated = np.array(curves)
    low, high = np.quantile(replicated, [0.025, 0.975], axis=0)
    curve = pd.DataFrame(
        {"low": low, "middle": values[places][at], "high": high, "observed": fitted[places[at]]},
        index=pd.Index(predicted[at], name="predicted"),
    )
    own, best_seen, base = _brier_scores(seen, predicted, fitted, counts)
    own_share = _share_outside(fitted[places[at]], low, high)
    chance = float((_share_outside(replicated, low, high) >= own_share).mean())
    miscalibration, discrimination, uncertainty = map(float, np.mean(parts, axis=0))
    expected = (miscalibration, discrimination, uncertainty)
    return Reliability(curve, own - best_seen, base - best_seen, base, chance, expected)


def _share_outside(curves: Floats, low: Floats, high: Floats) -> Floats:
    """Share of the points of each curve that are outside a band, along the last axis."""
    return np.asarray(((curves < low) | (curves > high)).mean(axis=-1))


def _pav(label: Floats, places: npt.NDArray[np.intp], counts: npt.NDArray[np.intp]) -> Floats:
    """Isotonic regression of the label on the prediction, one value for each distinct prediction."""
    means = np.bincount(places, weights=label) / counts
    fitted: Floats = isotonic_regression(means, weights=counts).x
    return fitted


def _brier_scores(
    label: Floats, predicted: Floats, fitted: Floats, counts: npt.NDArray[np.intp]
) -> tuple[float, float, float]:
    """Brier scores of the prediction, of the label's isotonic regression and of its mean.

    A 0/1 label is its own square, and its product with the regression averages to the regression's square.
    """
    mean = float(label.mean())
    own = mean + float((predicted - 2 * label) @ predicted) / len(label)
    return own, mean - float(counts @ fitted**2) / len(label), float(label.var())
