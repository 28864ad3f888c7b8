"""Prior distributions: a value, its rescaling, and its log-density with two derivatives.

Names and arguments are PyMC's, so that a prior reads the same here, in Bambi and in the literature.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from data_science.errors import SpecificationError

Floats = npt.NDArray[np.float64]

#: How each argument answers to a change of unit, x -> factor * x.
_LOCATION, _RATE, _SHAPE = "location", "rate", "shape"

#: Families for intercept and common effects, then for standard deviations: argument -> its kind.
COMMON: dict[str, dict[str, str]] = {
    "Normal": {"mu": _LOCATION, "sigma": _LOCATION},
    "StudentT": {"nu": _SHAPE, "mu": _LOCATION, "sigma": _LOCATION},
    "Cauchy": {"alpha": _LOCATION, "beta": _LOCATION},
    "Logistic": {"mu": _LOCATION, "s": _LOCATION},
}
GROUP_SD: dict[str, dict[str, str]] = {
    "HalfNormal": {"sigma": _LOCATION},
    "Exponential": {"lam": _RATE},
    "HalfStudentT": {"nu": _SHAPE, "sigma": _LOCATION},
    "HalfCauchy": {"beta": _LOCATION},
    "Gamma": {"alpha": _SHAPE, "beta": _RATE},
    "InverseGamma": {"alpha": _SHAPE, "beta": _LOCATION},
}
_MAY_BE_ANY_REAL = {"mu", "Cauchy.alpha"}


@dataclass(frozen=True, init=False)
class Prior:
    """A distribution by PyMC's name and arguments, such as ``Prior("Normal", mu=0, sigma=2.5)``.

    Parameters
    ----------
    name : str
        Intercept and common effects: Normal, StudentT, Cauchy, Logistic. Standard deviations of groups:
        HalfNormal, Exponential, HalfStudentT, HalfCauchy, Gamma, InverseGamma.
    **arguments : float
        The distribution's arguments as PyMC names them.

    Raises
    ------
    SpecificationError
        If the name, an argument's name or its value is outside what the engines can fit.
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
        kinds = {**COMMON, **GROUP_SD}[self.name]
        powers = {_LOCATION: factor, _RATE: 1 / factor, _SHAPE: 1.0}
        return Prior(self.name, **{k: v * powers[kinds[k]] for k, v in self.arguments.items()})

    def to_json(self) -> dict[str, Any]:
        """Represent the prior with JSON types."""
        return {"name": self.name, **self.arguments}


def _checked(name: str, arguments: Mapping[str, float]) -> dict[str, float]:
    families = {**COMMON, **GROUP_SD}
    if name not in families:
        raise SpecificationError(f"prior {name!r} is not fitted here; expected one of {', '.join(families)}")
    expected = families[name]
    if set(arguments) != set(expected):
        raise SpecificationError(
            f"prior {name} came with arguments {sorted(arguments)}; expected {sorted(expected)}"
        )
    checked = {}
    for key in expected:
        try:
            value = float(arguments[key])
        except (TypeError, ValueError) as error:
            raise SpecificationError(
                f"prior {name}: {key}={arguments[key]!r} is not a number; hyperpriors on {key} are not fitted"
            ) from error
        any_real = {key, f"{name}.{key}"} & _MAY_BE_ANY_REAL
        if not np.isfinite(value) or (not any_real and not value > 0):
            raise SpecificationError(
                f"prior {name}: {key}={value!r}; expected a {'finite' if any_real else 'positive'} number"
            )
        checked[key] = value
    return checked


class LogDensity(NamedTuple):
    """Log-density and its first two derivatives, elementwise."""

    value: Floats
    first: Floats
    second: Floats


def _normal(x: Floats, mu: Floats, sigma: Floats) -> LogDensity:
    u = (x - mu) / sigma
    return LogDensity(
        -0.5 * u**2 - np.log(sigma) - 0.5 * np.log(2 * np.pi), -u / sigma, -1 / sigma**2 + 0 * x
    )


def _student_t(x: Floats, nu: Floats, mu: Floats, sigma: Floats) -> LogDensity:
    u = (x - mu) / sigma
    tail = nu + u**2
    constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(nu * np.pi) - np.log(sigma)
    return LogDensity(
        constant - (nu + 1) / 2 * np.log1p(u**2 / nu),
        -(nu + 1) * u / tail / sigma,
        -(nu + 1) * (nu - u**2) / tail**2 / sigma**2,
    )


def _logistic(x: Floats, mu: Floats, s: Floats) -> LogDensity:
    u = (x - mu) / s
    tanh = np.tanh(u / 2)
    return LogDensity(-u - np.log(s) - 2 * np.logaddexp(0, -u), -tanh / s, -(1 - tanh**2) / 2 / s**2)


def _gamma(x: Floats, alpha: Floats, beta: Floats) -> LogDensity:
    return LogDensity(
        alpha * np.log(beta) - gammaln(alpha) + (alpha - 1) * np.log(x) - beta * x,
        (alpha - 1) / x - beta,
        -(alpha - 1) / x**2,
    )


def _inverse_gamma(x: Floats, alpha: Floats, beta: Floats) -> LogDensity:
    return LogDensity(
        alpha * np.log(beta) - gammaln(alpha) - (alpha + 1) * np.log(x) - beta / x,
        -(alpha + 1) / x + beta / x**2,
        (alpha + 1) / x**2 - 2 * beta / x**3,
    )


def _half(density: LogDensity) -> LogDensity:
    return density._replace(value=density.value + np.log(2.0))


_DENSITIES: dict[str, Callable[..., LogDensity]] = {
    "Normal": _normal,
    "StudentT": _student_t,
    "Cauchy": lambda x, alpha, beta: _student_t(x, np.ones_like(x), alpha, beta),
    "Logistic": _logistic,
    "HalfNormal": lambda x, sigma: _half(_normal(x, np.zeros_like(x), sigma)),
    "HalfStudentT": lambda x, nu, sigma: _half(_student_t(x, nu, np.zeros_like(x), sigma)),
    "HalfCauchy": lambda x, beta: _half(_student_t(x, np.ones_like(x), np.zeros_like(x), beta)),
    "Exponential": lambda x, lam: LogDensity(np.log(lam) - lam * x, -lam + 0 * x, 0 * x),
    "Gamma": _gamma,
    "InverseGamma": _inverse_gamma,
}


@dataclass(frozen=True, slots=True)
class IndependentPriors:
    """Priors of a vector of independent variables, evaluated family by family."""

    size: int
    families: tuple[tuple[str, npt.NDArray[np.intp], dict[str, Floats]], ...]

    @classmethod
    def of(cls, priors: list[Prior]) -> IndependentPriors:
        """Group ``priors``, one per variable, by family."""
        families = []
        for name in dict.fromkeys(p.name for p in priors):
            where = np.array([i for i, p in enumerate(priors) if p.name == name], dtype=np.intp)
            keys = priors[where[0]].arguments
            arguments = {k: np.array([priors[i].arguments[k] for i in where]) for k in keys}
            families.append((name, where, arguments))
        return cls(len(priors), tuple(families))

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
        if len(self.families) == 1:  # one family for all: no scatter
            name, _, arguments = self.families[0]
            return _DENSITIES[name](x, **arguments)
        value, first, second = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
        for name, where, arguments in self.families:
            part = _DENSITIES[name](x[..., where], **arguments)
            value[..., where], first[..., where], second[..., where] = part
        return LogDensity(value, first, second)
