"""Priors of independent variables, brought to a few densities that arrays and compiled loops evaluate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from data_science.arrays import Floats
from data_science.extension import PRIORS
from data_science.formula.priors.family import Density, LogDensity
from data_science.formula.priors.prior import Prior, family

#: The densities of this package's own families,
OWN: tuple[Density, ...] = tuple(
    dict.fromkeys(family(name).density for name, home in PRIORS.homes.items() if home.startswith(__package__))
)
_met = list(OWN)  # and those of others, in the order in which they were first used


def base(density: Density) -> int:
    """Position of a density, which it keeps."""
    if density not in _met:
        _met.append(density)
    return _met.index(density)


def bases(n: int) -> tuple[Density, ...]:
    """Return the first ``n`` densities, or all of this package's own if they are more."""
    return tuple(_met[: max(n, len(OWN))])


@dataclass(frozen=True)
class IndependentPriors:
    """Priors of a vector of independent variables, in canonical form."""

    bases: npt.NDArray[np.intp]  # (variable,), position of the density
    norms: Floats  # (variable,)
    arguments: Floats  # (variable, 3)

    @classmethod
    def of(cls, priors: list[Prior]) -> IndependentPriors:
        """Bring ``priors``, one per variable, to canonical form."""
        families = [family(prior.name) for prior in priors]
        found = [f.canonical(**prior.arguments) for f, prior in zip(families, priors, strict=True)]
        return cls(
            np.array([base(f.density) for f in families], dtype=np.intp),
            np.array([c.norm for c in found], dtype=np.float64),
            np.array([c.arguments for c in found], dtype=np.float64).reshape(-1, 3),
        )

    @property
    def size(self) -> int:
        """Number of variables."""
        return len(self.bases)

    @property
    def densities(self) -> tuple[Density, ...]:
        """Densities among which ``bases`` are positions."""
        return bases(int(self.bases.max(initial=-1)) + 1)

    def log_density(self, x: Floats) -> LogDensity:
        """Log-density and derivatives of every variable.

        Parameters
        ----------
        x : array, shape (..., variable)

        Returns
        -------
        LogDensity
            Three arrays of the shape of ``x``.
        """
        if len(self._by_density) == 1:  # one for all: no scatter
            ((density, _, norms, arguments),) = self._by_density
            return density(x, norms, *arguments)
        result = LogDensity(np.zeros_like(x), np.zeros_like(x), np.zeros_like(x))
        for density, where, norms, arguments in self._by_density:
            part = density(x[..., where], norms, *arguments)
            for whole, piece in zip(result, part, strict=True):
                whole[..., where] = piece
        return result

    @cached_property  # a fit asks for the density ten thousand times
    def _by_density(self) -> list[tuple[Density, npt.NDArray[np.intp], Floats, Floats]]:
        """Each density with the variables that have it, their norms and their arguments."""
        present, densities = np.unique(self.bases), self.densities
        found = [(densities[one], np.flatnonzero(self.bases == one)) for one in present]
        return [(one, where, self.norms[where], self.arguments[where].T) for one, where in found]
