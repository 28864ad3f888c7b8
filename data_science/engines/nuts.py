"""Engine ``nuts``: the posterior in transport coordinates as a PyMC model, sampled by nutpie.

nutpie calls the compiled density as a C function, without the interpreter, after this has been held to the
PyMC model (`likelihood/compiled/pointer`). Where only NumPy evaluates the density, or the two differ, nutpie
calls the PyMC model's own function.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import nutpie
import xarray as xr
from nutpie.compiled_pyfunc import from_pyfunc
from nutpie.sample import CompiledModel

from data_science.arrays import Floats
from data_science.engines.posterior import Posterior
from data_science.engines.registry import FitSettings, OnProgress, Progress
from data_science.engines.transport_model import HasLogDensity, log_density, model_of, transport_model
from data_science.errors import SpecificationError
from data_science.formula import bambi_model
from data_science.formula.design import Design, abridged, blocks
from data_science.formula.encoding import Encoding
from data_science.likelihood.compiled import kernel
from data_science.likelihood.compiled.pointer import Pointer, pointer
from data_science.likelihood.fidelity import Compressed
from data_science.likelihood.laplace import Mode, transport_at
from data_science.likelihood.log_joint import Coordinates
from data_science.likelihood.transport import Transport
from data_science.one_thread import one_thread

SECOND_OPINION = "nested-laplace"  # from the same likelihood, by other means

_Density = Callable[[Floats], tuple[float, Floats]]  # value and gradient at a point

log = logging.getLogger(__name__)
_COMPARED, _SAME = 3, 1e-9  # points at which the C function is held to the PyMC model, and how nearly
_STATISTICS = {
    "diverging": "diverging",
    "energy": "energy",
    "lp": "logp",
    "tree_depth": "depth",
    "n_steps": "n_steps",
    "step_size": "step_size",
    "acceptance_rate": "mean_tree_accept",
}
_ATTRIBUTES = {
    "engine": "nuts",
    "inference_library": "nutpie",
    "inference_library_version": nutpie.__version__,
}
#: Levels of a single factor from which integrating it out pays.
FROM_LEVELS = 200


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
    if pays(design.encoding) and (posterior := _collapsed(design, compressed, settings, progress)):
        return posterior
    transport = transport_at(compressed.joint, compressed.mode)
    start = partial(_initial_point, compressed.mode, transport.joint.n_coefficients)
    with one_thread():  # matrices of order ten: BLAS threads only wait for each other
        tree = _sample(*_sampled(transport, start), settings, progress)
    return _collect(transport.joint.n_sds, compressed.at, tree)


def pays(encoding: Encoding) -> bool:
    """Whether NUTS is quicker once the largest factor is integrated out: where it is the only one."""
    sizes = [term.n_groups for term, _ in blocks(encoding) if not term.numeric and not term.codings]
    return encoding.n_sds == len(sizes) == 1 and sizes[0] >= FROM_LEVELS


def _collapsed(
    design: Design, compressed: Compressed, settings: FitSettings, progress: OnProgress
) -> Posterior | None:
    """Sample what is left, then the levels; None where that has no mode to start from."""
    from data_science.engines import nuts_collapsed  # brings numba, which few levels do without

    with one_thread():
        found = nuts_collapsed.whitened(design, compressed)
        if found is None:
            return None
        n_sds, n = found.density.n_sds, found.density.plan.n_left

        def start(seed: int) -> Floats:
            return 0.5 * np.random.default_rng(seed).normal(size=n_sds + n)

        shorter = nuts_collapsed.shortened(settings)
        tree = _sample(_function_model(found, n_sds, n, np.copy, start), 1, shorter, progress)
        points = tree["posterior"]["point"].to_numpy()
        return nuts_collapsed.with_levels(
            found, points, compressed.at, _statistics(tree), dict(_ATTRIBUTES), settings.seed
        )


def _sample(
    model: CompiledModel, cores: int | None, settings: FitSettings, progress: OnProgress
) -> xr.DataTree:
    tree: xr.DataTree = nutpie.sample(
        model,
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=cores,
        seed=settings.seed,
        target_accept=settings.target_accept,
        save_warmup=False,
        progress_bar=False,
        progress_callback=lambda chains: progress(_progress(chains)),
    )
    return tree


def _sampled(transport: Transport, start: Callable[[int], Floats]) -> tuple[CompiledModel, int | None]:
    """Return what nutpie samples, and on how many threads; None for one per chain."""
    model, density = transport_model(transport), kernel.compiled(transport)
    n = transport.joint.n_sds + transport.joint.n_coefficients
    if isinstance(density, kernel.Kernel):
        compiled = pointer(density, transport.joint.prior_densities)
        if _is_same(log_density(model), compiled, [start(seed) for seed in range(_COMPARED)]):
            return PointerModel.of(compiled, n, start), None
        log.warning("the compiled density differs from the PyMC model's: the model itself is sampled")
    # Evaluations are mostly Python, under the interpreter's lock: threads would only wait for each other.
    density, n_sds = kernel.compiled(transport), transport.joint.n_sds

    def expanded(point: Floats) -> Floats:
        theta, z = point[:n_sds], point[n_sds:]
        return np.concatenate([theta, density.coefficients(theta, z)])

    return _function_model(density, n_sds, transport.joint.n_coefficients, expanded, start), 1


def _is_same(
    expected: Callable[[Floats], tuple[float, Floats]], found: Pointer, points: list[Floats]
) -> bool:
    """Whether value and gradient are equal but for rounding."""
    for point in points:
        (value, gradient), (our_value, our_gradient) = expected(point), found(point)
        nearly = _SAME * max(1.0, float(np.abs(gradient).max()))
        if not (
            np.isclose(our_value, value, rtol=_SAME, atol=_SAME)
            and np.allclose(our_gradient, gradient, rtol=_SAME, atol=nearly)
        ):
            return False
    return True


@dataclass(frozen=True)
class PointerModel(CompiledModel):
    """A density that nutpie calls as a C function; one variable holds theta and coefficients."""

    pointer: Pointer
    dimension: int
    start: Callable[[int], Floats]

    @classmethod
    def of(cls, compiled: Pointer, dimension: int, start: Callable[[int], Floats]) -> PointerModel:
        """Make one of a compiled density."""
        return cls(dims={}, pointer=compiled, dimension=dimension, start=start, reparameterized_names=None)

    @property
    def n_dim(self) -> int:
        """Length of a point."""
        return self.dimension

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the variables."""
        return {"point": (self.dimension,)}

    @property
    def coords(self) -> dict[str, Any]:
        """No coordinates."""
        return {}

    def _make_sampler(
        self,
        settings: Any,
        init_mean: Any,
        cores: int,
        progress_type: Any,
        callback: Any,
        rate: Any,
        store: Any,
    ) -> Any:
        model = self._make_model(init_mean)
        return nutpie._lib.PySampler.from_pymc(settings, cores, model, progress_type, callback, rate, store)

    def _make_model(self, init_mean: Any) -> Any:  # noqa: ARG002 (nutpie's)
        lib, n, at = nutpie._lib, self.dimension, self.pointer.buffer.ctypes.data
        return lib.PyMcModel(
            lib.LogpFunc(self.pointer.density.address, at, self.pointer),
            lib.ExpandFunc(n, n, self.pointer.expand.address, at, self.pointer),
            lib.PyVariable.new_variables(["point"], ["float64"], [(n,)], {}, {}),
            n,
            {"point_dim_0": n},
            {},
            self.start,
            None,
        )


def _function_model(
    density: HasLogDensity,
    n_sds: int,
    n: int,
    expanded: Callable[[Floats], Floats],
    start: Callable[[int], Floats],
) -> CompiledModel:
    """Let nutpie call the PyMC model's function, one per chain, and keep what a point is expanded to."""
    model = model_of(density, n_sds, n)
    return from_pyfunc(
        n_sds + n,
        lambda: log_density(model),
        lambda *_: lambda point, **_: {"point": expanded(point)},
        [np.dtype(np.float64)],
        [(n_sds + n,)],
        ["point"],
        make_initial_point_fn=start,
    )


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


def _collect(n_sds: int, at: Coordinates, tree: xr.DataTree) -> Posterior:
    points = tree["posterior"]["point"].to_numpy()
    theta, x = points[..., :n_sds], points[..., n_sds:]
    return Posterior(at.to_raw(x), at.sds_to_raw(theta), _statistics(tree), dict(_ATTRIBUTES))


def _statistics(tree: xr.DataTree) -> dict[str, Floats]:
    return {
        name: tree["sample_stats"][source].to_numpy()
        for name, source in _STATISTICS.items()
        if source in tree["sample_stats"]
    }


def _initial_point(mode: Mode, n: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    return np.concatenate([mode.theta + rng.uniform(-0.5, 0.5, len(mode.theta)), rng.normal(size=n)])
