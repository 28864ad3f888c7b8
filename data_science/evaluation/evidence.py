"""What was measured about a fit, as values: all that a verdict is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist

from data_science.limits import CALIBRATION_CHANCE


@dataclass(frozen=True, slots=True)
class Gain:
    """How much better one way of predicting is than another, summed over rows."""

    nats: float
    se: float  # paired over rows

    def is_clear(self, least: float, n_compared: int = 1) -> bool:
        """Whether it is clear of chance and ``least`` nats above zero; a NaN is no finding."""
        return self.nats >= standard_errors(n_compared) * self.se and self.nats >= least


def standard_errors(n_compared: int) -> float:
    """Return how many are no chance: two, and more where the best of several is taken.

    Of several comparisons any one may be that far out by chance (Bonferroni).
    """
    normal = NormalDist()
    return -normal.inv_cdf(normal.cdf(-2.0) / max(n_compared, 1))


@dataclass(frozen=True, slots=True)
class FormEvidence:
    """What a learner without the model's form finds on the same rows, and whether probabilities come true."""

    gain: Gain  # the learner's, over the model
    n_rows: int  # compared; fewer than there are where there are many
    miscalibrated: float | None  # chance of so uneven a calibration curve; None: not measured
    missed: tuple[str, ...] = ()  # the column or pair that carries what the formula misses most
    missed_gain: float = 0.0  # nats on these rows, about
    suggestion: str = ""  # a term that has it, if formulas can say so
    unseen: tuple[str, ...] = ()  # columns of too many levels for the learner
    dispersion: tuple[float, float] | None = None  # variance of counts over chance's, and the chance of it

    @property
    def is_dispersed(self) -> bool:
        """Whether counts differ from row to row by more than chance, so that intervals are too narrow."""
        return self.dispersion is not None and self.dispersion[1] < CALIBRATION_CHANCE


@dataclass(frozen=True, slots=True)
class EffectsEvidence:
    """The family of effects: common slopes, and levels around the average row."""

    n: int
    clear: tuple[str, ...]  # different from zero once all are allowed for, clearest first
    excluded: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # odds ratios per sd, 95 %


@dataclass(frozen=True, slots=True)
class PowerEvidence:
    """What these data would have shown nine times in ten."""

    odds_ratio: float  # per sd, of any one of the family that the others do not tell
    top_tenth: Mapping[str, tuple[float, float]]  # positives in the best tenth; blindly
    by_column: Mapping[str, float] = field(default_factory=dict)  # the same, of columns that others tell, too
    told: tuple[str, ...] = ()  # columns that others tell whole, whose effects no number of rows tells apart


@dataclass(frozen=True, slots=True)
class LabelsEvidence:
    """Where the fit's own rows lie beside the threshold of its labels."""

    threshold: float
    lowest: float  # probability
    highest: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was measured about one fit."""

    gain: Gain  # of the model over intercept only, one row left out at a time
    n_rows: int
    rate: float
    n_rarer: float  # of the rarer response
    effects: EffectsEvidence
    power: PowerEvidence
    form: FormEvidence | None  # None: too few rows, or of the rarer response among those looked at
    leaks: tuple[str, ...] = ()  # columns that alone all but determine the response
    n_khat_high: int = 0  # rows whose leave-one-out score is not reliable
    n_refitted: int = 0  # rows that were left out by a fit of its own
    offsets: tuple[str, ...] = ()  # taken as known
    n_copies: int = 0  # rows that look like copies of others
    labels: LabelsEvidence | None = None  # None: no costs, and so no labels
