"""Effects of the features with 95 % intervals.

Changes when an effect is shown on another scale.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from data_science.arrays import Floats

Columns = dict[str, Floats]  # draws of each effect, shape (draw,)


def slopes(posterior: xr.DataTree, sds: pd.Series[float]) -> Columns:
    """Draws of each slope, on the log odds per standard deviation of its feature.

    Parameters
    ----------
    posterior : DataTree
    sds : Series
        Standard deviation of each feature, by name.
    """
    return {str(name): _flat(posterior, str(name)) * sd for name, sd in sds.items()}


def levels(posterior: xr.DataTree, features: Sequence[str]) -> Columns:
    """Draws of each level's effect, on the log odds, less the average over the levels of its feature.

    The average itself is known only together with the intercept, and would widen every interval.
    """
    found: Columns = {}
    for feature in features:
        effects = posterior["posterior"][f"1|{feature}"]
        names = effects[str(effects.dims[-1])].to_numpy()
        draws = _flat(posterior, f"1|{feature}").reshape(-1, len(names))
        centred = draws - draws.mean(axis=1, keepdims=True)
        found |= {f"{feature} = {name}": centred[:, place] for place, name in enumerate(names)}
    return found


def spreads(posterior: xr.DataTree, features: Sequence[str]) -> Columns:
    """Draws of the standard deviation of the effects, of each feature's levels and of levels at large.

    The first is that of the levels that were seen (finite population), the second the parameter of the
    distribution from which a new level would come: Gelman 2005, doi:10.1214/009053604000001048.
    """
    found: Columns = {}
    for feature in features:
        draws = _flat(posterior, f"1|{feature}")
        found[f"these {feature}"] = draws.reshape(len(draws), -1).std(axis=1, ddof=1)
        found[f"{feature} at large"] = _flat(posterior, f"1|{feature}_sigma").reshape(len(draws))
    return found


def all_of(posterior: xr.DataTree, sds: pd.Series[float], features: Sequence[str]) -> xr.Dataset:
    """Slopes, effects of levels and spreads, one variable for each, in the shape of a posterior's."""
    index = {name: posterior["posterior"][name] for name in ("chain", "draw")}
    shape = tuple(len(values) for values in index.values())
    spread = {f"spread of {name}": values for name, values in spreads(posterior, features).items()}
    draws = slopes(posterior, sds) | levels(posterior, features) | spread
    return xr.Dataset({name: (("chain", "draw"), v.reshape(shape)) for name, v in draws.items()}, index)


def table(draws: Columns) -> pd.DataFrame:
    """Interval of each effect: ``low``, ``middle``, ``high`` (95 %), indexed by effect."""
    low, middle, high = np.quantile(np.stack(list(draws.values())), [0.025, 0.5, 0.975], axis=1)
    return pd.DataFrame({"low": low, "middle": middle, "high": high}, index=pd.Index(draws))


def _flat(posterior: xr.DataTree, name: str) -> Floats:
    found: Floats = posterior["posterior"][name].transpose("chain", "draw", ...).to_numpy()
    return found.reshape(found.shape[0] * found.shape[1], *found.shape[2:])
