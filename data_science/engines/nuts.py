"""Engine ``nuts``: the posterior in transport coordinates as a PyMC model, sampled by nutpie.

The density and its gradient (transport.py, or density.py compiled once for all runs) are wrapped in one
PyTensor operation, so PyTensor compiles nothing: of its own graph of the same density, numba takes 14 s
(cached) to 134 s (cold) to compile, and JAX 8 s to sample (benchmarks/backends.py).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from timeit import repeat
from typing import Any

import numpy as np
import nutpie
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from nutpie.compiled_pyfunc import from_pyfunc
from pytensor.compile.mode import Mode as CompileMode
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from threadpoolctl import threadpool_limits

from data_science.arrays import Floats
from data_science.engines.posterior import Posterior
from data_science.engines.registry import FitSettings, OnProgress, Progress
from data_science.errors import SpecificationError
from data_science.formula import bambi_model
from data_science.formula.design import Design, abridged
from data_science.likelihood.compiled import kernel
from data_science.likelihood.fidelity import Compressed
from data_science.likelihood.laplace import Mode, transport_at
from data_science.likelihood.log_joint import Coordinates
from data_science.likelihood.transport import Transport

SECOND_OPINION = "nested-laplace"  # from the same likelihood, by other means

_WORTH_A_THREAD_S = 1e-4  # an evaluation, several times what Python adds to it
_STATISTICS = {
    "diverging": "diverging",
    "energy": "energy",
    "lp": "logp",
    "tree_depth": "depth",
    "n_steps": "n_steps",
    "step_size": "step_size",
    "acceptance_rate": "mean_tree_accept",
}


def transport_model(transport: Transport) -> pm.Model:
    """PyMC model of the posterior in transport coordinates, variables ``theta`` (log sds) and ``z``."""
    with pm.Model() as model:
        theta = pm.Flat("theta", shape=transport.joint.n_sds)
        z = pm.Flat("z", shape=transport.joint.n_coefficients)
        pm.Potential("log_joint", _TransportedDensity(transport)(theta, z)[0])
    return model


def draw(design: Design, compressed: Compressed, settings: FitSettings, progress: OnProgress) -> Posterior:
    """Draw from the posterior by NUTS.

    Parameters
    ----------
    design : Design
        Bambi builds its model from it; the priors in the density must be Bambi's.
    compressed : Compressed
        The density, its reference mode and the way back to the raw scale.
    settings : FitSettings
    progress : callable
        Called now and then, from another thread.

    Raises
    ------
    SpecificationError
        If a prior means something else to Bambi than to the density.
    """
    _require_bambis_priors(design)
    transport = transport_at(compressed.joint, compressed.mode)
    model = transport_model(transport)
    n_sds, n = transport.joint.n_sds, transport.joint.n_coefficients
    compiled = from_pyfunc(
        n_sds + n,
        lambda: _log_density(model),
        lambda *_: _split(n_sds),
        [np.dtype(np.float64)] * 2,
        [(n_sds,), (n,)],
        ["theta", "z"],
        make_initial_point_fn=lambda seed: _initial_point(compressed.mode, n, seed),
    )
    with threadpool_limits(1):  # matrices of order ten: BLAS threads only wait for each other
        tree = nutpie.sample(
            compiled,
            draws=settings.draws,
            tune=settings.tune,
            chains=settings.chains,
            cores=_cores(transport, compressed.mode.theta),
            seed=settings.seed,
            target_accept=settings.target_accept,
            save_warmup=False,
            progress_bar=False,
            progress_callback=lambda chains: progress(_progress(chains)),
        )
        return _collect(transport, compressed.at, tree)


def _cores(transport: Transport, theta: Floats) -> int | None:
    """One thread where each evaluation is mostly Python, under the interpreter's lock; else one per chain."""
    log_density, z = kernel.compiled(transport).log_density, np.zeros(transport.joint.n_coefficients)
    evaluate = partial(log_density, theta, z)
    evaluate()  # compiles, or loads what was compiled
    return None if min(repeat(evaluate, number=1, repeat=5)) > _WORTH_A_THREAD_S else 1


def _require_bambis_priors(design: Design) -> None:
    held = bambi_model.priors_of(bambi_model.build(abridged(design)), design)
    differing = [name for name, prior in held.items() if prior != design.priors[name]]
    if differing:
        pairs = [f"{name}: {held[name]}, expected {design.priors[name]}" for name in differing]
        raise SpecificationError(f"the priors in Bambi differ from those in the density: {'; '.join(pairs)}")


def _progress(chains: list[Any]) -> Progress:
    return Progress(
        "nuts",
        sum(chain.finished_draws for chain in chains),
        sum(chain.total_draws for chain in chains),
        sum(chain.divergences for chain in chains),
    )


def _collect(transport: Transport, at: Coordinates, tree: xr.DataTree) -> Posterior:
    theta, z = (tree["posterior"][name].to_numpy() for name in ("theta", "z"))
    coefficients, x = kernel.compiled(transport).coefficients, np.empty_like(z)
    for position in np.ndindex(z.shape[:2]):
        x[position] = coefficients(theta[position], z[position])
    statistics = {
        name: tree["sample_stats"][source].to_numpy()
        for name, source in _STATISTICS.items()
        if source in tree["sample_stats"]
    }
    attributes = {
        "engine": "nuts",
        "inference_library": "nutpie",
        "inference_library_version": nutpie.__version__,
    }
    return Posterior(at.to_raw(x), at.sds_to_raw(theta), statistics, attributes)


class _TransportedDensity(Op):
    """``(theta, z) -> log density, gradient in theta, gradient in z``; the gradients serve the pullback."""

    def __init__(self, transport: Transport) -> None:
        self.log_density = kernel.compiled(transport).log_density

    def make_node(self, theta: Any, z: Any) -> Apply:
        inputs = [pt.as_tensor_variable(v) for v in (theta, z)]
        return Apply(self, inputs, [pt.dscalar(), pt.dvector(), pt.dvector()])

    def perform(self, node: Apply, inputs: Any, output_storage: Any) -> None:  # noqa: ARG002 (PyTensor's)
        try:
            value, gradient_theta, gradient_z = self.log_density(*inputs)
        except np.linalg.LinAlgError:  # overflowing sds, tried by a long first step: a divergence, no crash
            value, gradient_theta, gradient_z = -np.inf, 0 * inputs[0], 0 * inputs[1]
        output_storage[0][0] = np.asarray(value)
        output_storage[1][0] = gradient_theta
        output_storage[2][0] = gradient_z

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:  # noqa: ARG002 (PyTensor's)
        return [cotangents[0] * outputs[1], cotangents[0] * outputs[2]]


def _log_density(model: pm.Model) -> Callable[..., tuple[float, Floats]]:
    """Value and gradient of the model's log-density at a flat point; one function per chain's thread."""
    function = model.logp_dlogp_function(
        ravel_inputs=True, mode=CompileMode(linker="py", optimizer="fast_compile")
    )._pytensor_function
    function.trust_input = True

    def evaluate(point: Floats, **_: Any) -> tuple[float, Floats]:
        with np.errstate(all="ignore"):  # overflow on the way to a divergence is the sampler's business
            value, gradient = function(point)
        return float(value), np.asarray(gradient)

    return evaluate


def _split(n_sds: int) -> Callable[..., dict[str, Floats]]:
    return lambda point, **_: {"theta": np.array(point[:n_sds]), "z": np.array(point[n_sds:])}


def _initial_point(mode: Mode, n: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    return np.concatenate([mode.theta + rng.uniform(-0.5, 0.5, len(mode.theta)), rng.normal(size=n)])
