"""NUTS on what is left when the levels of one large factor are integrated out; the levels are drawn exactly.

A few dimensions, nearly standard normal, in place of thousands: the number of draws that a chain needs is
small, since each brings every level independently of the one before, given what is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from data_science.arrays import Floats
from data_science.engines.posterior import Posterior
from data_science.engines.registry import FitSettings
from data_science.errors import GateError
from data_science.formula.design import Design
from data_science.likelihood.collapse.density import Collapsed
from data_science.likelihood.collapse.left_out import LeftOut
from data_science.likelihood.collapse.plan import Plan
from data_science.likelihood.collapse.whitened import Whitened
from data_science.likelihood.fidelity import Compressed
from data_science.likelihood.log_joint import Coordinates, standard_priors

#: Of the draws asked for one in so many, and at least so many: few dimensions left give 0.7 effective draws
#: each and more, of the worst of thousands of levels, too, where 400 of four chains are judged.
_SHARE, _LEAST = 5, 400
_LEFT_OUT = 64  # draws over which leaving one trial out averages


def whitened(design: Design, compressed: Compressed) -> Whitened | None:
    """Integrate out the largest factor and whiten what is left; None where there is no mode to whiten at."""
    encoding = design.encoding
    plan = Plan.of(encoding, compressed.cells, compressed.statistics, compressed.at)
    try:
        return Whitened.of(Collapsed(plan, *standard_priors(design, compressed.at)))
    except GateError:
        return None


def shortened(settings: FitSettings) -> FitSettings:
    """Return settings with chains that are as long as what is left needs, and never longer than asked for."""
    draws = max(min(settings.draws, _LEAST), settings.draws // _SHARE)

    return replace(settings, draws=draws, tune=-(-settings.tune // 2))


def with_levels(
    found: Whitened,
    points: Floats,
    at: Coordinates,
    statistics: Mapping[str, Floats],
    attributes: Mapping[str, str | float | int],
    seed: int,
) -> Posterior:
    """Draw every level given each draw of what is left.

    Parameters
    ----------
    found : Whitened
    points : array, shape (chain, draw, sd + r)
        In whitened coordinates.
    at : Coordinates
    statistics, attributes : mappings
        The sampler's.
    seed : int

    Raises
    ------
    GateError
        If a level could not be integrated at some draw.
    """
    density = found.density
    pooled = points.reshape(-1, points.shape[-1])
    theta, v = found.left(pooled[:, : density.n_sds], pooled[:, density.n_sds :])
    levels = density.at(v, theta, found.modes, np.random.default_rng(seed), draw=True)
    if levels.lost:
        raise GateError(
            f"{levels.lost} integrals over {density.plan.term.name} failed; check the data for extreme values"
        )
    x = np.empty((len(v), len(density.plan.left) + len(density.plan.levels)))
    x[:, density.plan.left] = v
    x[:, density.plan.levels] = levels.drawn.T
    shape = points.shape[:2]
    few = np.linspace(0, len(v) - 1, min(_LEFT_OUT, len(v))).astype(np.intp)
    return Posterior(
        at.to_raw(x).reshape(*shape, -1),
        at.sds_to_raw(theta).reshape(*shape, -1),
        statistics,
        {**attributes, "way": _way(density), "asked_for_each": _SHARE},
        LeftOut(density, at, v[few], theta[few], found.modes),
    )


def _way(density: Collapsed) -> str:
    plan = density.plan
    return (
        f"the {len(plan.levels):,} levels of {plan.term.name.partition('|')[2]} are integrated out, NUTS "
        f"over the {plan.n_left + density.n_sds} parameters that are left, then the levels drawn exactly"
    )
