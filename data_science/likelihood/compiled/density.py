"""The compiled log-density: likelihood and priors in the transport's coordinates.

Which densities the priors have is known only when a model is fitted, since families of priors can be added:
for those of this package it is compiled once and kept on disk; with others it is compiled for these, too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np
from numba import njit

from data_science.arrays import Floats, Ints
from data_science.formula.priors import independent
from data_science.formula.priors.family import Density
from data_science.likelihood.compiled.likelihood import add_likelihood
from data_science.likelihood.compiled.loops import (
    compiled,
    factored,
    solved_lower,
    solved_upper,
    through_factor,
)
from data_science.likelihood.compiled.operands import Arrow, Nodes, Priors, Whitening
from data_science.likelihood.compiled.stamp import named


def changed(function: Any, densities: tuple[Density, ...], **replaced: Any) -> Any:
    """Copy a function, with some of its module's names replaced and a name of its own for these densities."""
    made = FunctionType(
        function.__code__, {**function.__globals__, **replaced}, function.__name__, function.__defaults__,
        function.__closure__,
    )  # fmt: skip
    made.__module__, made.__qualname__ = function.__module__, function.__qualname__
    return named(made, *densities)


def _chained(densities: tuple[Density, ...]) -> Any:
    """Compile the choice of one of some densities by its position."""
    first, others = njit(changed(densities[0], densities[:1])), densities[1:]
    if not others:

        def last(base: int, x: float, norm: float, arguments: Floats) -> Any:  # noqa: ARG001 (no choice left)
            return first(x, norm, arguments[0], arguments[1], arguments[2])

        return njit(named(last, *densities))
    rest = _chained(others)

    def chosen(base: int, x: float, norm: float, arguments: Floats) -> Any:
        if base == 0:
            return first(x, norm, arguments[0], arguments[1], arguments[2])
        return rest(base - 1, x, norm, arguments)

    return njit(named(chosen, *densities))


_prior = _chained(independent.OWN)


@njit
def _add_prior(
    theta: Floats,
    x: Floats,
    gradient: Floats,
    gradient_theta: Floats,
    sizes: Ints,
    common: Priors,
    sds: Priors,
) -> float:
    value = 0.0
    n_common = len(common.bases)
    for j in range(n_common):
        density = _prior(common.bases[j], x[j], common.norms[j], common.arguments[j])
        value += density.value
        gradient[j] += density.first
    j = n_common
    for k in range(len(theta)):
        sigma, inverse_square, squares = np.exp(theta[k]), np.exp(-2 * theta[k]), 0.0
        for _ in range(sizes[k]):
            squares += inverse_square * x[j] * x[j]
            gradient[j] -= inverse_square * x[j]
            j += 1
        hyper = _prior(sds.bases[k], sigma, sds.norms[k], sds.arguments[k])
        value += hyper.value + theta[k] - 0.5 * squares - sizes[k] * (theta[k] + 0.5 * np.log(2 * np.pi))
        gradient_theta[k] = squares - sizes[k] + hyper.first * sigma + 1
    return value


@compiled
def log_density(
    theta: Floats, z: Floats, gradient_theta: Floats, gradient_z: Floats,
    arrow: Arrow, whitening: Whitening, nodes: Nodes, common: Priors, sds: Priors,
) -> float:  # fmt: skip
    """Log-density, as :meth:`Transport.log_density`; overwrites the two gradients."""
    factor = factored(arrow, theta, whitening)
    y = solved_lower(arrow, factor, whitening.linear)
    x = solved_upper(arrow, factor, y + z)
    gradient = np.zeros(len(z))
    value = add_likelihood(nodes, x, gradient) - factor.log_det
    value += _add_prior(theta, x, gradient, gradient_theta, whitening.sizes, common, sds)
    u = solved_lower(arrow, factor, gradient)
    for j in range(len(u)):
        gradient_z[j] = u[j]
    if len(theta) == 0:
        return value
    mean = solved_upper(arrow, factor, y)
    pull = solved_upper(arrow, factor, u)
    moved = pull * mean + through_factor(arrow, factor, z, u)
    j = whitening.n_common
    for k in range(len(theta)):
        total = 0.0
        for _ in range(whitening.sizes[k]):
            total += moved[j]
            j += 1
        gradient_theta[k] += 2 * np.exp(-2 * theta[k]) * total
    return value


@cache
def log_density_with(densities: tuple[Density, ...]) -> Callable[..., float]:
    """Return :func:`log_density` for priors that have other densities than this package's own."""
    if densities == independent.OWN:
        return log_density
    add_prior = njit(changed(_python_of(_add_prior), densities, _prior=_chained(densities)))
    return compiled(changed(_python_of(log_density), densities, _add_prior=add_prior))


def _python_of(dispatcher: Any) -> Any:
    return dispatcher.py_func
