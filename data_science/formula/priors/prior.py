"""A prior distribution: a value, its check and its rescaling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from data_science.arrays import Floats
from data_science.errors import SpecificationError
from data_science.extension import PRIORS
from data_science.formula.priors.family import Family, Kind


@dataclass(frozen=True)
class Families(Mapping[str, Mapping[str, Kind]]):
    """The families there are for one role, at any time: their arguments and the kinds of these."""

    role: Literal["common", "group_sd"]

    def __getitem__(self, name: str) -> Mapping[str, Kind]:
        if name not in PRIORS or (found := family(name)).role != self.role:
            raise KeyError(name)
        return found.arguments

    def __iter__(self) -> Iterator[str]:
        return (name for name in PRIORS if family(name).role == self.role)

    def __len__(self) -> int:
        return len(list(iter(self)))


COMMON, GROUP_SD = Families("common"), Families("group_sd")


def family(name: str) -> Family:
    """Import a family of priors."""
    found: Family = PRIORS.load(name)
    return found


@dataclass(frozen=True, init=False)
class Prior:
    """A distribution by PyMC's name and arguments, such as ``Prior("Normal", mu=0, sigma=2.5)``.

    Parameters
    ----------
    name : str
        Intercept and common effects: Normal, StudentT, Cauchy, Logistic. Standard deviations of groups:
        HalfNormal, Exponential, HalfStudentT, HalfCauchy, Gamma, InverseGamma. Or another that is registered.
    **arguments : float
        The distribution's arguments as PyMC names them.

    Raises
    ------
    SpecificationError
        If the name, an argument's name or its value is outside what the engines can fit.

    Examples
    --------
    >>> from data_science import Prior
    >>> prior = Prior("Normal", mu=0, sigma=2.5)
    >>> print(prior.scaled(2))
    Normal(mu=0, sigma=5)
    """

    name: str
    arguments: Mapping[str, float]

    def __init__(self, name: str, **arguments: float) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "arguments", _checked(name, arguments))

    def __hash__(self) -> int:
        return hash((self.name, *sorted(self.arguments.items())))

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v:.6g}' for k, v in self.arguments.items())})"

    def scaled(self, factor: float) -> Prior:
        """Distribution of ``factor`` times a variable that has this distribution (``factor`` > 0)."""
        powers, kinds = {1: factor, -1: 1 / factor, 0: 1.0}, family(self.name).arguments
        return Prior(self.name, **{k: v * powers[kinds[k].power] for k, v in self.arguments.items()})

    def draw(self, n_draws: int, rng: np.random.Generator) -> Floats:
        """Draw from the distribution, shape (draw,)."""
        return family(self.name).draw(n_draws, rng, **self.arguments)

    def to_json(self) -> dict[str, Any]:
        """Represent the prior with JSON types."""
        return {"name": self.name, **self.arguments}


def _checked(name: str, arguments: Mapping[str, float]) -> dict[str, float]:
    if name not in PRIORS:
        raise SpecificationError(f"prior {name!r} is not supported; expected {PRIORS}")
    expected = family(name).arguments
    if set(arguments) != set(expected):
        raise SpecificationError(
            f"prior {name} has the arguments {sorted(arguments)}; expected {sorted(expected)}"
        )
    checked = {}
    for key, kind in expected.items():
        try:
            value = float(arguments[key])
        except (TypeError, ValueError) as error:
            raise SpecificationError(
                f"prior {name}: {key}={arguments[key]!r} is not a number; hyperpriors on {key} "
                "are not supported"
            ) from error
        if not np.isfinite(value) or (not kind.any_real and not value > 0):
            bound = "finite" if kind.any_real else "positive"
            raise SpecificationError(f"prior {name}: {key}={value!r}; expected a {bound} number")
        checked[key] = value
    return checked
