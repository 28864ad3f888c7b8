"""The posterior in transport coordinates as a PyMC model, and its log-density as a function.

The density and its gradient are one PyTensor operation, so PyTensor compiles nothing: of its own graph of the
same density, numba takes 14 s (cached) to 134 s (cold) to compile, and JAX 8 s to sample
(benchmarks/backends.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.compile.mode import Mode as CompileMode
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op

from data_science.arrays import Floats
from data_science.likelihood.compiled.kernel import Kernel
from data_science.likelihood.transport import Transport


def transport_model(transport: Transport, density: Transport | Kernel | None = None) -> pm.Model:
    """PyMC model of the posterior in transport coordinates, variables ``theta`` (log sds) and ``z``.

    Parameters
    ----------
    transport : Transport
    density : Transport or Kernel, optional
        What evaluates it, by default the transport itself.
    """
    return model_of(density or transport, transport.joint.n_sds, transport.joint.n_coefficients)


def model_of(density: HasLogDensity, n_sds: int, n: int) -> pm.Model:
    """PyMC model of a density of ``theta`` and ``z``."""
    with pm.Model() as model:
        theta = pm.Flat("theta", shape=n_sds)
        z = pm.Flat("z", shape=n)
        pm.Potential("log_joint", TransportedDensity(density)(theta, z)[0])
    return model


class HasLogDensity(Protocol):
    """Value and gradients of a log density."""

    def log_density(self, theta: Floats, z: Floats, /) -> tuple[float, Floats, Floats]:
        """Evaluate."""
        ...


class TransportedDensity(Op):
    """``(theta, z) -> log density, gradient in theta, gradient in z``; the gradients serve the pullback."""

    def __init__(self, density: HasLogDensity) -> None:
        self.log_density = density.log_density

    def make_node(self, theta: Any, z: Any) -> Apply:
        """Say what goes in and comes out."""
        inputs = [pt.as_tensor_variable(v) for v in (theta, z)]
        return Apply(self, inputs, [pt.dscalar(), pt.dvector(), pt.dvector()])

    def perform(self, node: Apply, inputs: Any, output_storage: Any) -> None:  # noqa: ARG002 (PyTensor's)
        """Evaluate."""
        try:
            value, gradient_theta, gradient_z = self.log_density(*inputs)
        except np.linalg.LinAlgError:  # overflowing sds, tried by a long first step: a divergence, no crash
            value, gradient_theta, gradient_z = -np.inf, 0 * inputs[0], 0 * inputs[1]
        output_storage[0][0] = np.asarray(value)
        output_storage[1][0] = gradient_theta
        output_storage[2][0] = gradient_z

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:  # noqa: ARG002 (PyTensor's)
        """Hand the gradients on."""
        return [cotangents[0] * outputs[1], cotangents[0] * outputs[2]]


def log_density(model: pm.Model) -> Callable[..., tuple[float, Floats]]:
    """Value and gradient of the model's log-density at a flat point, theta and z.

    One thread at a time may call it.
    """
    function = model.logp_dlogp_function(
        ravel_inputs=True, mode=CompileMode(linker="py", optimizer="fast_compile")
    )._pytensor_function
    function.trust_input = True

    def evaluate(point: Floats, **_: Any) -> tuple[float, Floats]:
        with np.errstate(all="ignore"):  # overflow on the way to a divergence is the sampler's business
            value, gradient = function(point)
        return float(value), np.asarray(gradient)

    return evaluate
