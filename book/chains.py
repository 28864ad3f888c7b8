"""Do the chains of a fit agree? A test of the ranks of their draws, and its picture.

Säilynoja, Bürkner and Vehtari 2022, doi:10.1007/s11222-022-10090-6, as ArviZ computes it.
"""

from __future__ import annotations

from collections.abc import Sequence

import arviz as az
import pandas as pd
import xarray as xr
from arviz_base.labels import MapLabeller

from book.charts import WIDTH
from data_science.report.wording import readable

_DIMENSIONS = ["chain", "draw"]


def p_values(posterior: xr.DataTree, names: Sequence[str]) -> pd.Series[float]:
    """P-value of each parameter, small where chains do not have the same distribution."""
    draws = posterior["posterior"].to_dataset()[list(names)]
    ranks = draws.azstats.compute_ranks(dim=_DIMENSIONS, relative=True)
    found = ranks.azstats.mchain_uniformity_test(dim=_DIMENSIONS)[0]
    return pd.Series({name: float(found[name]) for name in names})


def draw_ranks(posterior: xr.DataTree, names: Sequence[str]) -> None:
    """Draw the difference of each chain's rank distribution from uniform, a panel for each parameter."""
    az.plot_rank(
        posterior,
        var_names=list(names),
        col_wrap=3,
        labeller=MapLabeller({name: readable(name) for name in names}),
        figure_kwargs={"figsize": (WIDTH, 3.6)},
    )
