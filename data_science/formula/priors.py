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

from data_science.arrays import Floats
from data_science.errors import SpecificationError

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


# The five base densities, of arrays or of scalars: engines/loops.py compiles these very functions. Each takes
# the point, the log of its normalising constant, and three arguments.


def normal(x: Any, norm: Any, mu: Any, sigma: Any, _: Any) -> LogDensity:
    """Evaluate a normal; a half-normal with mu 0 and twice the constant."""
    u = (x - mu) / sigma
    return LogDensity(norm - 0.5 * u * u, -u / sigma, -1 / (sigma * sigma) + 0 * x)


def student_t(x: Any, norm: Any, nu: Any, mu: Any, sigma: Any) -> LogDensity:
    """Evaluate a Student t; a Cauchy with nu 1."""
    u = (x - mu) / sigma
    tail = nu + u * u
    return LogDensity(
        norm - (nu + 1) / 2 * np.log1p(u * u / nu),
        -(nu + 1) * u / tail / sigma,
        -(nu + 1) * (nu - u * u) / (tail * tail) / (sigma * sigma),
    )


def logistic(x: Any, norm: Any, mu: Any, s: Any, _: Any) -> LogDensity:
    """Evaluate a logistic."""
    u = (x - mu) / s
    tanh = np.tanh(u / 2)
    # log sech^2(u/2) by |u|, so that nothing overflows
    value = norm - np.abs(u) - 2 * np.log1p(np.exp(-np.abs(u)))
    return LogDensity(value, -tanh / s, -(1 - tanh * tanh) / 2 / (s * s))


def gamma(x: Any, norm: Any, alpha: Any, beta: Any, _: Any) -> LogDensity:
    """Evaluate a gamma; an exponential with alpha 1."""
    return LogDensity(
        norm + (alpha - 1) * np.log(x) - beta * x, (alpha - 1) / x - beta, -(alpha - 1) / (x * x)
    )


def inverse_gamma(x: Any, norm: Any, alpha: Any, beta: Any, _: Any) -> LogDensity:
    """Evaluate an inverse gamma."""
    return LogDensity(
        norm - (alpha + 1) * np.log(x) - beta / x,
        -(alpha + 1) / x + beta / (x * x),
        (alpha + 1) / (x * x) - 2 * beta / (x * x * x),
    )


BASES: tuple[Callable[..., LogDensity], ...] = (normal, student_t, logistic, gamma, inverse_gamma)
_NORMAL, _STUDENT_T, _LOGISTIC, _GAMMA, _INVERSE_GAMMA = range(5)


class _Canonical(NamedTuple):
    """A prior as one of the base densities: which, its log constant, its arguments."""

    base: int
    norm: float
    arguments: tuple[float, float, float]


def _as_normal(mu: float, sigma: float) -> _Canonical:
    return _Canonical(_NORMAL, -np.log(sigma) - 0.5 * np.log(2 * np.pi), (mu, sigma, 0.0))


def _as_student_t(nu: float, mu: float, sigma: float) -> _Canonical:
    norm = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(nu * np.pi) - np.log(sigma)
    return _Canonical(_STUDENT_T, norm, (nu, mu, sigma))


def _as_gamma(base: int, alpha: float, beta: float) -> _Canonical:
    return _Canonical(base, alpha * np.log(beta) - gammaln(alpha), (alpha, beta, 0.0))


def _half(full: _Canonical) -> _Canonical:
    return full._replace(norm=full.norm + np.log(2.0))


_CANONICAL: dict[str, Callable[..., _Canonical]] = {
    "Normal": _as_normal,
    "StudentT": _as_student_t,
    "Cauchy": lambda alpha, beta: _as_student_t(1.0, alpha, beta),
    "Logistic": lambda mu, s: _Canonical(_LOGISTIC, -np.log(s), (mu, s, 0.0)),
    "HalfNormal": lambda sigma: _half(_as_normal(0.0, sigma)),
    "HalfStudentT": lambda nu, sigma: _half(_as_student_t(nu, 0.0, sigma)),
    "HalfCauchy": lambda beta: _half(_as_student_t(1.0, 0.0, beta)),
    "Exponential": lambda lam: _as_gamma(_GAMMA, 1.0, lam),
    "Gamma": lambda alpha, beta: _as_gamma(_GAMMA, alpha, beta),
    "InverseGamma": lambda alpha, beta: _as_gamma(_INVERSE_GAMMA, alpha, beta),
}


@dataclass(frozen=True, slots=True)
class IndependentPriors:
    """Priors of a vector of independent variables, in canonical form."""

    bases: npt.NDArray[np.intp]  # (variable,), position in BASES
    norms: Floats  # (variable,)
    arguments: Floats  # (variable, 3)

    @classmethod
    def of(cls, priors: list[Prior]) -> IndependentPriors:
        """Bring ``priors``, one per variable, to canonical form."""
        found = [_CANONICAL[prior.name](**prior.arguments) for prior in priors]
        return cls(
            np.array([c.base for c in found], dtype=np.intp),
            np.array([c.norm for c in found], dtype=np.float64),
            np.array([c.arguments for c in found], dtype=np.float64).reshape(-1, 3),
        )

    @property
    def size(self) -> int:
        """Number of variables."""
        return len(self.bases)

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
        present = np.unique(self.bases)
        if len(present) == 1:  # one family for all: no scatter
            only: LogDensity = BASES[int(present[0])](x, self.norms, *self.arguments.T)
            return only
        result = LogDensity(np.zeros_like(x), np.zeros_like(x), np.zeros_like(x))
        for base in present:
            where = np.flatnonzero(self.bases == base)
            part = BASES[base](x[..., where], self.norms[where], *self.arguments[where].T)
            for whole, piece in zip(result, part, strict=True):
                whole[..., where] = piece
        return result
