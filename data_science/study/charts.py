"""The look of every figure: colours, sizes, and the few kinds of drawing that the chapters are made of.

Colours are told apart with any colour vision (after Okabe and Ito); series differ in marker or line too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from cycler import cycler
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter, YearLocator
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib_inline.backend_inline import set_matplotlib_formats

from data_science.study.exploration import MOST_LEVELS

BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072b2", "#d55e00", "#00795c", "#9a4a80", "#5c6670"
PALE = "#cfdbe5"
LINES = ("o-", "s--", "^-.", "D:")  # series told apart without colour
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WIDTH = 6.8  # inches: the text column of the book, on screen and on paper

_STYLE = {
    "svg.fonttype": "path",
    "svg.hashsalt": "book",  # the same figure gives the same file
    "figure.figsize": (WIDTH, 3.4),
    "figure.constrained_layout.use": True,
    "font.size": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e3e7ea",
    "legend.frameon": False,
    "axes.prop_cycle": cycler(color=[BLUE, ORANGE, GREEN, PURPLE, GREY]),
}


def apply_style() -> None:
    """Make this the style of every figure drawn from now on, as vector graphics in notebooks."""
    mpl.rcParams.update(_STYLE)
    set_matplotlib_formats("svg")


def canvas(height: float, n_columns: int = 1, **options: Any) -> tuple[Figure, list[Axes]]:
    """Make a figure as wide as the text with axes side by side; height in inches."""
    figure, axes = plt.subplots(1, n_columns, figsize=(WIDTH, height), squeeze=False, **options)
    return figure, list(axes[0])


def interval_rows(
    axes: Axes,
    table: pd.DataFrame,
    *,
    label: str | None = None,
    colour: str = BLUE,
    marker: str = "o",
    offset: float = 0.0,
) -> None:
    """Draw one row per entry: its point and its interval, the first on top.

    Parameters
    ----------
    axes : Axes
    table : DataFrame
        Columns ``low``, ``middle``, ``high``; its index names the rows.
    label, colour, marker : str, optional
        Of the series.
    offset : float
        Rows to move down, where two series share the axes.
    """
    rows = np.arange(len(table)) + offset
    axes.hlines(rows, table["low"], table["high"], color=colour, linewidth=2.2, alpha=0.65)
    axes.plot(table["middle"], rows, marker, color=colour, label=label, markersize=5)
    if not offset:
        axes.set_yticks(rows, [str(name) for name in table.index])
        axes.set_ylim(len(table) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")


def ribbon(
    axes: Axes, table: pd.DataFrame, *, label: str | None = None, colour: str = BLUE, line: str = "-"
) -> None:
    """Draw a line and its band along the index; columns ``low``, ``middle``, ``high``."""
    x = table.index.to_numpy()
    axes.fill_between(x, table["low"], table["high"], color=colour, alpha=0.18, linewidth=0)
    axes.plot(x, table["middle"], line, color=colour, label=label, linewidth=1.8)


def histogram_beside(
    axes: Axes, values: npt.ArrayLike, observed: float, *, label: str, observed_label: str
) -> None:
    """Draw what chance gives as a histogram, and what was seen as a line."""
    axes.hist(np.asarray(values), bins=30, color="#7fa8c6", edgecolor="white", label=label)
    axes.axvline(observed, color=ORANGE, linewidth=2.2, label=observed_label)
    axes.set_ylabel("data sets")
    legend(axes)


def reference_line(axes: Axes, value: float, label: str, *, horizontal: bool = False) -> None:
    """Draw a dashed line to compare with."""
    draw = axes.axhline if horizontal else axes.axvline
    draw(value, color=GREY, linewidth=1.2, linestyle="--", label=label, zorder=1.5)


def legend(axes: Axes) -> None:
    """Explain the series above the axes, where nothing is drawn; inside them where their title is there."""
    if axes.get_title(loc="left"):
        axes.legend()
        return
    n_entries = len(axes.get_legend_handles_labels()[0])
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=n_entries, borderaxespad=0.2, handlelength=1.6)


def as_percent(*axes: Axes, which: str = "x") -> None:
    """Write the ticks of shares as percentages, few enough to be told apart."""
    for each in axes:
        axis = each.xaxis if which == "x" else each.yaxis
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(lambda share, _: f"{100 * share:.4g} %")


def panels(
    figure_height: float, names: Sequence[str], n_columns: int, **options: Any
) -> Iterator[tuple[str, Axes]]:
    """Make a grid of titled axes, one for each name, and yield them; spare places stay empty."""
    n_rows = -(-len(names) // n_columns)
    _, axes = plt.subplots(n_rows, n_columns, figsize=(WIDTH, figure_height), squeeze=False, **options)
    for spare in axes.flat[len(names) :]:
        spare.set_axis_off()
    for name, each in zip(names, axes.flat, strict=False):
        each.set_title(name)
        yield name, each


def years(axes: Axes) -> None:
    """Mark only the years on an axis of dates that is too short for more."""
    axes.xaxis.set_major_locator(YearLocator())
    axes.xaxis.set_major_formatter(DateFormatter("'%y"))


def shares_of(axes: Axes, values: pd.Series[float]) -> None:
    """Draw the share of each level, or of each tenth of the range of a continuous feature."""
    if values.nunique() > MOST_LEVELS:
        axes.hist(
            values, bins=10, weights=np.full(len(values), 1 / len(values)), color=BLUE, edgecolor="white"
        )
    else:
        shares = values.value_counts(normalize=True).sort_index()
        axes.bar(shares.index.astype(str), shares, color=BLUE, width=0.6)
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


def points(axes: Axes, series: Mapping[str, pd.Series[float]]) -> None:
    """Draw one row per entry, with a point of each series; the first row on top."""
    for (name, values), marker in zip(series.items(), "os^D", strict=False):
        axes.plot(values, np.arange(len(values)), marker, label=name, markersize=5, alpha=0.85)
        axes.set_yticks(np.arange(len(values)), [str(row) for row in values.index])
        axes.set_ylim(len(values) - 0.4, -0.6)


def intervals_and_truth(axes: Axes, table: pd.DataFrame) -> None:
    """Draw what a model expects as intervals, and what was ``observed`` as diamonds."""
    rows = np.arange(len(table))
    axes.hlines(rows, table["low"], table["high"], color=BLUE, linewidth=6, alpha=0.35)
    axes.plot(table["observed"], rows, "D", color=ORANGE, markersize=4.5)
    axes.set_yticks(rows, [str(name) for name in table.index])
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")


def reliability_curve(axes: Axes, curve: pd.DataFrame) -> None:
    """Draw a recalibration curve over the band of calibrated predictions."""
    x = curve.index.to_numpy()
    axes.fill_between(x, curve["low"], curve["high"], color=PALE, linewidth=0, label="if calibrated")
    axes.plot(x, x, "--", color=GREY, linewidth=1.2, label="predicted")
    axes.plot(x, curve["observed"], color=BLUE, linewidth=1.8, label="recalibrated")
    # The band may reach one at its last client, and would flatten all the rest.
    axes.set_ylim(0, 1.4 * max(curve["observed"].max(), curve.index.max()))


def plain_ticks(axes: Axes, values: Sequence[float]) -> None:
    """Mark these values on a logarithmic x axis, as plain numbers."""
    axes.set_xticks(values, [f"{value:g}" for value in values])
    axes.minorticks_off()


def finish(*axes: Axes) -> None:
    """Write thresholds as percentages and show the legends."""
    for each in axes:
        as_percent(each)
        each.legend(loc="upper right")


def side_by_side(tables: Mapping[str, pd.DataFrame], reference: float, label: str) -> None:
    """Draw intervals of shares that belong together on equal axes, each table under its title."""
    for (title, table), axes in zip(
        tables.items(), canvas(5.2, len(tables), sharex=True, sharey=True)[1], strict=True
    ):
        reference_line(axes, reference, label)
        interval_rows(axes, table)
        axes.set_title(title)
        as_percent(axes)
