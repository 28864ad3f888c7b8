"""What a family of priors is: arguments, log-density with two derivatives, and how to draw from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from data_science.arrays import Floats


@dataclass(frozen=True, slots=True)
class Kind:
    """What kind of number an argument is."""

    any_real: bool  # False: positive
    power: int  # of the factor by which it answers to a change of unit, x -> factor * x


LOCATION, SCALE, RATE, SHAPE = Kind(True, 1), Kind(False, 1), Kind(False, -1), Kind(False, 0)


class LogDensity(NamedTuple):
    """Log-density and its first two derivatives, elementwise."""

    value: Floats
    first: Floats
    second: Floats


#: A density, of arrays or of scalars, as numba can compile it: of the point, the log of the normalising
#: constant, and three arguments. Families may share one.
Density = Callable[[Any, Any, Any, Any, Any], LogDensity]


class Canonical(NamedTuple):
    """What a density is given for a prior: its log constant, and its three arguments."""

    norm: float
    arguments: tuple[float, float, float]

    def half(self) -> Canonical:
        """Return that of the positive half of a distribution around zero."""
        return self._replace(norm=self.norm + np.log(2.0))


@dataclass(frozen=True, slots=True)
class Family:
    """One family of priors."""

    role: Literal["common", "group_sd"]  # of intercept and common effects, or of standard deviations
    arguments: Mapping[str, Kind]  # by PyMC's names
    density: Density
    canonical: Callable[..., Canonical]  # of the arguments
    draw: Callable[..., Floats]  # of a number of draws, a generator and the arguments; shape (draw,)
