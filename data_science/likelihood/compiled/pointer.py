"""The compiled density as a C function, which a sampler calls without the interpreter and its lock.

All that a model is made of lies in one buffer, so that one function serves every model, and is compiled once
for all runs.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numba as nb
import numpy as np
from numba import njit
from numba.core.ccallback import CFunc

from data_science.arrays import Floats
from data_science.formula.priors import independent
from data_science.formula.priors.family import Density
from data_science.likelihood.compiled import density, loops, stamp
from data_science.likelihood.compiled.kernel import Kernel
from data_science.likelihood.compiled.operands import Arrow, Nodes, Priors, Whitening

_N_SIZES = 8
_DOUBLES = nb.types.CPointer(nb.types.double)
_DENSITY = nb.types.int64(nb.types.uint64, _DOUBLES, _DOUBLES, _DOUBLES, _DOUBLES)
_EXPAND = nb.types.int64(nb.types.uint64, nb.types.uint64, _DOUBLES, _DOUBLES, _DOUBLES)
_DIVERGED = 1  # a code that samplers take for a divergence


@dataclass(frozen=True, slots=True)
class Pointer:
    """A density, and the map from its coordinates to coefficients, as C functions over one buffer."""

    density: Any  # (dimension, point, gradient, value, buffer) -> error code
    expand: Any  # (dimension, size, point, out, buffer) -> error code; out is theta and coefficients
    buffer: Floats

    def __call__(self, point: Floats) -> tuple[float, Floats]:
        """Value and gradient at a point, theta and z; NaN where there are none."""

        def at(array: Floats) -> Any:
            return array.ctypes.data_as(ctypes.POINTER(ctypes.c_double))

        point, gradient, value = np.ascontiguousarray(point), np.empty_like(point), np.empty(1)
        self.density.ctypes(len(point), at(point), at(gradient), at(value), at(self.buffer))
        return float(value[0]), gradient


def pointer(kernel: Kernel, densities: tuple[Density, ...]) -> Pointer:
    """Hand a compiled transport to C.

    Parameters
    ----------
    kernel : Kernel
    densities : tuple of Density
        Of its priors, as :attr:`IndependentPriors.densities` has them.
    """
    return Pointer(_density_with(densities), _expand(), packed(kernel))


def packed(kernel: Kernel) -> Floats:
    """Put sizes and arrays one behind the other, integers by their bits."""
    arrow, whitening, nodes = kernel.arrow, kernel.whitening, kernel.nodes
    sizes = [
        len(whitening.sizes), whitening.n_common, *arrow.head.shape, len(arrow.rest), len(arrow.columns),
        *nodes.places.shape,
    ]  # fmt: skip
    parts = [np.array(sizes), *arrow, *whitening[:3], *nodes, *kernel.priors[0], *kernel.priors[1]]
    return np.concatenate([_bits(np.asarray(part)) for part in parts])


def _bits(part: Any) -> Floats:
    flat = np.ascontiguousarray(part).ravel()
    return flat.astype(np.int64).view(np.float64) if flat.dtype.kind == "i" else flat.astype(np.float64)


@njit
def _floats(whole: Floats, at: int, shape: Any) -> Any:
    size = 1
    for length in shape:
        size *= length
    return whole[at : at + size].reshape(shape), at + size


@njit
def _integers(whole: Floats, at: int, shape: Any) -> Any:
    size = 1
    for length in shape:
        size *= length
    return whole[at : at + size].view(np.int64).reshape(shape), at + size


@njit
def unpacked(buffer: Any) -> Any:
    """Inverse of :func:`packed`, without copies."""
    sizes = nb.carray(buffer, (_N_SIZES,)).view(np.int64)
    n_sds, n_common, levels, q, r, entries, terms, n_nodes = sizes
    n = levels * q + r
    length = (
        _N_SIZES + levels * q + r + levels * q * q + levels + 1 + entries + entries * q + r * r
        + 2 * n + n_sds + n_common * n_nodes + 2 * terms * n_nodes + 2 * n_nodes + n + 5 * (n_common + n_sds)
    )  # fmt: skip
    whole, at = nb.carray(buffer, (length,)), _N_SIZES
    head, at = _integers(whole, at, (levels, q))
    rest, at = _integers(whole, at, (r,))
    a, at = _floats(whole, at, (levels, q, q))
    starts, at = _integers(whole, at, (levels + 1,))
    columns, at = _integers(whole, at, (entries,))
    b, at = _floats(whole, at, (entries, q))
    c, at = _floats(whole, at, (r, r))
    linear, at = _floats(whole, at, (n,))
    common_precision, at = _floats(whole, at, (n,))
    block_sizes, at = _integers(whole, at, (n_sds,))
    common, at = _floats(whole, at, (n_common, n_nodes))
    places, at = _integers(whole, at, (terms, n_nodes))
    multipliers, at = _floats(whole, at, (terms, n_nodes))
    weights, at = _floats(whole, at, (n_nodes,))
    successes, at = _floats(whole, at, (n,))
    offset, at = _floats(whole, at, (n_nodes,))
    bases, at = _integers(whole, at, (n_common,))
    norms, at = _floats(whole, at, (n_common,))
    arguments, at = _floats(whole, at, (n_common, 3))
    common_priors = Priors(bases, norms, arguments)
    bases, at = _integers(whole, at, (n_sds,))
    norms, at = _floats(whole, at, (n_sds,))
    arguments, at = _floats(whole, at, (n_sds, 3))
    return (
        Arrow(head, rest, a, starts, columns, b, c),
        Whitening(linear, common_precision, block_sizes, n_common),
        Nodes(common, places, multipliers, weights, successes, offset),
        common_priors,
        Priors(bases, norms, arguments),
    )


def _log_density(size: int, point: Any, gradient: Any, value: Any, buffer: Any) -> int:
    arrow, whitening, nodes, common, sds = unpacked(buffer)
    where, slope, n_sds = (
        nb.carray(point, (int(size),)),
        nb.carray(gradient, (int(size),)),
        len(whitening.sizes),
    )
    found = _density(
        where[:n_sds], where[n_sds:], slope[:n_sds], slope[n_sds:], arrow, whitening, nodes, common, sds
    )
    nb.carray(value, (1,))[0] = found
    return 0 if np.isfinite(found) and np.isfinite(slope).all() else _DIVERGED


def _coefficients(size: int, expanded: int, point: Any, out: Any, buffer: Any) -> int:
    arrow, whitening, _, _, _ = unpacked(buffer)
    where, found, n_sds = (
        nb.carray(point, (int(size),)),
        nb.carray(out, (int(expanded),)),
        len(whitening.sizes),
    )
    x = loops.coefficients(where[:n_sds], where[n_sds:], arrow, whitening)
    for k in range(n_sds):
        found[k] = where[k]
    for j in range(len(x)):
        found[n_sds + j] = x[j]
    return 0


_density = density.log_density


def _compiled(function: Callable[..., int], signature: Any) -> Any:
    made: Any = CFunc(
        function, (signature.args, signature.return_type), locals={}, options={"error_model": "numpy"}
    )
    try:
        made._cache = stamp.Cache(function)
    except RuntimeError:  # no folder to write to
        stamp.say_uncached()
    made.compile()
    return made


@cache
def _expand() -> CFunc:
    return _compiled(_coefficients, _EXPAND)


@cache
def _density_with(densities: tuple[Density, ...]) -> CFunc:
    if densities == independent.OWN:
        return _compiled(_log_density, _DENSITY)
    log_density = density.log_density_with(densities)
    return _compiled(density.changed(_log_density, densities, _density=log_density), _DENSITY)
