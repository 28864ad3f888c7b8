"""Drawings along an axis: distributions, bands, curves."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from book.charts.page import BLUE, GREY, LINES, MONTHS, MOST_ROWS, ORANGE, PALE, as_percent, canvas, legend
from book.exploration import MOST_LEVELS


def histogram(axes: Axes, values: npt.ArrayLike, *, bins: int = 30, **options: Any) -> None:
    """Draw how often values occur, as one shape however narrow its bins are on the page."""
    axes.hist(np.asarray(values), bins=bins, histtype="stepfilled", color=PALE, edgecolor=BLUE, **options)


def histogram_beside(
    axes: Axes, values: npt.ArrayLike, observed: float, *, label: str, observed_label: str
) -> None:
    """Draw what chance gives as a histogram, and what was seen as a line."""
    histogram(axes, values, label=label)
    axes.axvline(observed, color=ORANGE, linewidth=2.2, label=observed_label)
    axes.set_ylabel("data sets")
    legend(axes)


def shares_of(axes: Axes, values: pd.Series[float]) -> None:
    """Draw the share of each level, or of each tenth of the range of a continuous feature."""
    if values.nunique() > MOST_LEVELS and pd.api.types.is_numeric_dtype(values):
        ends = tuple(np.quantile(values, [0.005, 0.995]))  # a single far value would leave one bar
        histogram(axes, values, bins=10, range=ends, weights=np.full(len(values), 1 / len(values)))
    else:
        shares = values.value_counts(normalize=True).sort_index().iloc[:MOST_ROWS]
        axes.bar(shares.index.astype(str), shares, color=PALE, edgecolor=BLUE, width=0.6)
    as_percent(axes, which="y")


def outlines(axes: Axes, samples: Mapping[str, npt.NDArray[np.float64]], *, low: float | None = None) -> None:
    """Draw the density of each sample as an outline.

    Parameters
    ----------
    axes : Axes
    samples : mapping from name to array
    low : float, optional
        Bound of the values, at which a density may stop abruptly; drawn from 99.5 % of the values.
    """
    for (name, values), line in zip(samples.items(), ("-", "--", "-.", ":"), strict=False):
        start = values.min() if low is None else low
        bins = np.linspace(start, np.quantile(values, 0.995), 60 if values.size > 2_000 else 25)
        density, edges = np.histogram(values, bins, density=True)
        axes.stairs(density, edges, label=name, linewidth=1.8, linestyle=line)


def ribbon(
    axes: Axes,
    table: pd.DataFrame,
    *,
    label: str | None = None,
    colour: str = BLUE,
    line: str = "-",
    width: float = 1.8,
) -> None:
    """Draw a line and its band along the index; columns ``low``, ``middle``, ``high``."""
    x = table.index.to_numpy()
    axes.fill_between(x, table["low"], table["high"], color=colour, alpha=0.18, linewidth=0)
    axes.plot(x, table["middle"], line, color=colour, label=label, linewidth=width)


def reliability_curve(axes: Axes, curve: pd.DataFrame) -> None:
    """Draw a recalibration curve over the band of calibrated predictions, for the inner 98 % of clients.

    At the last client on each side the band may reach from zero to one, and would flatten all the rest.
    """
    inner = curve[curve.index.to_series().between(*curve.index.to_series().quantile([0.01, 0.99]))]
    x = inner.index.to_numpy()
    axes.fill_between(x, inner["low"], inner["high"], color=PALE, linewidth=0, label="if calibrated, 95 %")
    axes.plot(x, x, "--", color=GREY, linewidth=1.2, label="predicted")
    axes.plot(x, inner["observed"], color=BLUE, linewidth=1.8, label="recalibrated")
    for which in ("x", "y"):
        as_percent(axes, which=which)


def by_year(table: pd.DataFrame, quantity: str) -> None:
    """Draw calendar months, one line for each year."""
    _, (axes,) = canvas(2.3)
    for year, style in zip(table.columns, cycle(LINES), strict=False):
        axes.plot(MONTHS, table[year], style, label=str(year), markersize=4)
    axes.set_ylabel(quantity)
    axes.set_ylim(min(0.0, float(np.nanmin(table.to_numpy()))), None)
    legend(axes)
