"""How one posterior is to be computed, and what wrong labels cost: the one place of these defaults.

Light, so that importing settings alone loads no library.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from numbers import Integral, Real
from typing import Any

from data_science.errors import SettingsError, require_instance
from data_science.extension import ENGINES

_SEEDS = 2**32  # how many there are
_KINDS: dict[type, type] = {bool: bool, int: Integral, float: Real}  # NumPy's numbers are of these kinds, too


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How one posterior is computed.

    Parameters
    ----------
    engine : {"nuts", "nested-laplace"}
    second_opinion : bool
        After NUTS, compare with nested Laplace (which certifies itself).
    exact : bool
        No nodes: every distinct row keeps its own term of the likelihood.
    seed : int
        From 0 to 4294967295.
    draws, tune : int
        Per chain: kept, and discarded (NUTS). At least 1.
    chains : int
        At least 1.
    target_accept : float
        Of NUTS; between 0 and 1.

    Raises
    ------
    SettingsError
        If a field is anything else; it names the field, the value and the expectation.
    SpecificationError
        If there is no such engine.

    Examples
    --------
    >>> from data_science import BayesianLogitModel, FitSettings
    >>> settings = FitSettings(engine="nested-laplace", seed=7)
    >>> settings.draws, settings.chains
    (2000, 4)
    >>> model = BayesianLogitModel(settings=settings)
    """

    engine: str = "nuts"
    second_opinion: bool = True  # compare with another engine, where this one does not certify itself
    exact: bool = False  # True: no nodes, every distinct row keeps its own likelihood term
    seed: int = 1
    draws: int = 2000  # per chain, kept: benchmarks/precision.py
    tune: int = 500  # per chain, discarded (NUTS)
    chains: int = 4
    target_accept: float = 0.9  # NUTS

    def __post_init__(self) -> None:
        ENGINES.require(self.engine)
        for name in ("second_opinion", "exact"):
            self._hold(name, bool, lambda value: isinstance(value, bool), "True or False")
        self._hold("seed", int, lambda value: 0 <= value < _SEEDS, f"a whole number from 0 to {_SEEDS - 1}")
        for name in ("draws", "tune", "chains"):
            self._hold(name, int, lambda value: value >= 1, "a whole number of at least 1")
        self._hold("target_accept", float, lambda value: 0 < value < 1, "a number between 0 and 1")

    def agreeing(self, **shorthand: Any) -> FitSettings:
        """Return these settings if the fields given beside them, by name, agree.

        Raises
        ------
        SettingsError
            If a field was given (is not None) and differs, since both cannot be meant; or has no meaning.
        """
        given = {name: value for name, value in shorthand.items() if value is not None}
        asked = replace(self, **given)  # refuses what has no meaning
        for name in given:
            if getattr(asked, name) != getattr(self, name):
                raise SettingsError(
                    f"{name}={given[name]!r} contradicts settings, which have {name}="
                    f"{getattr(self, name)!r}; give {name} once"
                )
        return self

    def stricter(self, worth: int = 0) -> FitSettings:
        """Lengthen and tighten for the one retry: twice as long, smaller steps, another seed.

        ``worth`` is how many draws would have to be asked for to keep as many as the first fit did, of an
        engine that keeps fewer than it is asked for, but never less than it needs.
        """
        return replace(
            self,
            draws=2 * max(self.draws, worth),
            tune=2 * self.tune,
            target_accept=0.98,
            seed=(self.seed + 1_000_003) % _SEEDS,
        )

    def _hold(self, name: str, kind: type[Any], allows: Callable[[Any], bool], expected: str) -> None:
        """Refuse a value that a field cannot have, and keep another (NumPy's, say) as Python's own type."""
        value = getattr(self, name)
        if not (
            isinstance(value, _KINDS[kind]) and isinstance(value, bool) == (kind is bool) and allows(value)
        ):
            raise SettingsError(f"{name} is {value!r}; expected {expected}")
        object.__setattr__(self, name, kind(value))


@dataclass(frozen=True, slots=True)
class Costs:
    """Cost of each kind of mistake, in any one unit.

    Parameters
    ----------
    false_positive, false_negative : float
        Of a wrong 1, and of a wrong 0; finite and above 0.

    Raises
    ------
    SettingsError
        If a cost is anything else: no threshold would follow.

    Examples
    --------
    >>> from data_science import Costs
    >>> Costs(false_positive=1, false_negative=4).threshold
    0.2
    """

    false_positive: float = 1.0
    false_negative: float = 1.0

    def __post_init__(self) -> None:
        for field in fields(self):
            cost = getattr(self, field.name)
            try:
                value = float(cost) if isinstance(cost, Real) else math.nan
            except OverflowError:
                value = math.inf
            if not (math.isfinite(value) and value > 0):
                raise SettingsError(f"{field.name} is {cost!r}; expected a finite number above 0")
            object.__setattr__(self, field.name, value)  # the sum of small integers of NumPy would wrap
        if not 0.0 < self.threshold < 1.0:
            raise SettingsError(
                f"the costs {self.false_positive:g} and {self.false_negative:g} are too large or too far "
                "apart: the threshold would be 0 or 1, and every label the same. Give them in another unit"
            )

    @property
    def threshold(self) -> float:
        """Probability above which predicting 1 costs less than predicting 0 on average.

        Elkan 2001, "The foundations of cost-sensitive learning", IJCAI, equation 2.
        """
        return self.false_positive / (self.false_positive + self.false_negative)


def resolved(settings: FitSettings | None, **shorthand: Any) -> FitSettings:
    """Return the settings of a fit, given whole or by the names of fields (None: not given).

    Raises
    ------
    SettingsError
        If ``settings`` are no `FitSettings`, or a field contradicts them or has no meaning.
    SpecificationError
        If there is no such engine.
    """
    if settings is None:
        return FitSettings(**{name: value for name, value in shorthand.items() if value is not None})
    require_instance("settings", settings, FitSettings)
    return settings.agreeing(**shorthand)
