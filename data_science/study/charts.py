"""The look of every figure: colours, sizes, and the few kinds of drawing that the chapters are made of.

Colours are told apart with any colour vision (after Okabe and Ito); series differ in marker or line too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from cycler import cycler
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, DateFormatter, YearLocator
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator
from matplotlib_inline.backend_inline import set_matplotlib_formats

from data_science.study.exploration import MOST_LEVELS

BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072b2", "#d55e00", "#00795c", "#9a4a80", "#5c6670"
PALE, SKY = "#c3d7e6", "#86bfe0"
LINES = ("o-", "s--", "^-.", "D:")  # series told apart without colour
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FAR = 10  # times as far out as the next: such a row would flatten the others
WIDTH = 5.6  # inches: fits the column of a screen and of paper, and can still be read on a phone

_STYLE = {
    "svg.fonttype": "path",
    "svg.hashsalt": "book",  # the same figure gives the same file
    "figure.figsize": (WIDTH, 3.4),
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.09,
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
        round_ticks(axes)


def around(table: pd.DataFrame) -> pd.DataFrame:
    """Return intervals of two standard errors: columns ``difference`` and ``se`` as low, middle, high."""
    middle, margin = table["difference"], 2 * table["se"]
    return pd.DataFrame({"low": middle - margin, "middle": middle, "high": middle + margin})


def differences(measured: Mapping[str, tuple[float, float]], reference: str, score: str) -> None:
    """Draw differences and standard errors of scores; what is far out is written at the edge, not drawn."""
    rows = around(pd.DataFrame.from_dict(dict(measured), orient="index", columns=["difference", "se"]))
    reach = rows.abs().max(axis=1).sort_values(ascending=False)
    n_far = 0
    while len(reach) - n_far > 2 and reach.iloc[n_far] > _FAR * reach.iloc[n_far + 1] > 0:
        n_far += 1
    near = rows.where(rows.abs().max(axis=1).le(reach.iloc[n_far]), axis=0)
    _, (axes,) = canvas(1.0 + 0.24 * len(rows))
    reference_line(axes, 0, reference)
    interval_rows(axes, near)
    for name in reach.index[:n_far]:
        side, sign = ("left", "\N{LEFTWARDS ARROW} ") if measured[name][0] < 0 else ("right", "")
        text = f"{sign}{measured[name][0]:,.0f} (SE {measured[name][1]:,.0f})".replace("-", "\N{MINUS SIGN}")
        text += "" if side == "left" else " \N{RIGHTWARDS ARROW}"
        place = (0.01 if side == "left" else 0.99, list(rows.index).index(name))
        axes.text(*place, text, transform=axes.get_yaxis_transform(), ha=side, va="center", color=BLUE)
    axes.set_xlabel(f"difference in {score}, nats over all clients")
    legend(axes)


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


def reference_line(axes: Axes, value: float, label: str, *, horizontal: bool = False) -> None:
    """Draw a dashed line to compare with."""
    draw = axes.axhline if horizontal else axes.axvline
    draw(value, color=GREY, linewidth=1.2, linestyle="--", label=label, zorder=1.5)


def legend(axes: Axes) -> None:
    """Explain the series of these axes, once for all panels, above the figure where nothing is drawn."""
    handles, labels = axes.get_legend_handles_labels()
    figure = axes.get_figure(root=True)
    if figure is not None:
        place = {"loc": "outside upper left", "ncols": len(labels)}
        figure.legend(handles, labels, **place, handlelength=1.6, borderaxespad=0.2)


def as_percent(*axes: Axes, which: str = "x") -> None:
    """Write the ticks of shares as percentages, few enough to be told apart."""
    for each in axes:
        axis = each.xaxis if which == "x" else each.yaxis
        axis.set_major_locator(MaxNLocator(_n_ticks(each), steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(lambda share, _: f"{100 * share:.4g} %".replace("-", "\N{MINUS SIGN}"))


def round_ticks(axes: Axes) -> None:
    """Mark few and round numbers on the x axis."""
    axes.xaxis.set_major_locator(MaxNLocator(_n_ticks(axes), steps=[1, 2, 5, 10]))


def _n_ticks(axes: Axes) -> int:
    spec = axes.get_subplotspec()
    return 5 if spec is None or spec.get_gridspec().ncols == 1 else 3


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


def months(axes: Axes) -> None:
    """Mark few enough months on an axis of dates to be read."""
    locator = AutoDateLocator(maxticks=6)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def years(axes: Axes) -> None:
    """Mark only the years on an axis of dates that is too short for more."""
    axes.xaxis.set_major_locator(YearLocator())
    axes.xaxis.set_major_formatter(DateFormatter("'%y"))


def shares_of(axes: Axes, values: pd.Series[float]) -> None:
    """Draw the share of each level, or of each tenth of the range of a continuous feature."""
    if values.nunique() > MOST_LEVELS:
        histogram(axes, values, bins=10, weights=np.full(len(values), 1 / len(values)))
    else:
        shares = values.value_counts(normalize=True).sort_index()
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


def points(axes: Axes, series: Mapping[str, pd.Series[float]]) -> None:
    """Draw one row per entry, with a point of each series; the first row on top."""
    for (name, values), marker in zip(series.items(), "os^D", strict=False):
        axes.plot(values, np.arange(len(values)), marker, label=name, markersize=5, alpha=0.85, clip_on=False)
        axes.set_yticks(np.arange(len(values)), [str(row) for row in values.index])
        axes.set_ylim(len(values) - 0.4, -0.6)


def intervals_and_truth(axes: Axes, table: pd.DataFrame) -> None:
    """Draw what a model expects as intervals, and what was ``observed`` as diamonds."""
    rows = np.arange(len(table))
    axes.hlines(
        rows, table["low"], table["high"], color=BLUE, linewidth=6, alpha=0.35, label="the model, 95 %"
    )
    axes.plot(table["observed"], rows, "D", color=ORANGE, markersize=4.5, label="the data")
    axes.set_yticks(rows, [str(name) for name in table.index])
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")


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


def plain_ticks(axes: Axes) -> None:
    """Mark 1, 2 and 5 of each decade on a logarithmic x axis, as plain numbers."""
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.minorticks_off()


def by_year(table: pd.DataFrame, quantity: str) -> None:
    """Draw calendar months, one line for each year."""
    _, (axes,) = canvas(2.3)
    for year, style in zip(table.columns, cycle(LINES), strict=False):
        axes.plot(MONTHS, table[year], style, label=str(year), markersize=4)
    axes.set_ylabel(quantity)
    axes.set_ylim(min(0.0, float(table.min(axis=None))), None)
    legend(axes)


def in_order(
    first: Mapping[str, pd.DataFrame], second: Mapping[str, pd.DataFrame], names: tuple[str, str], share: str
) -> None:
    """Draw a panel for each pair of tables: their intervals upright, side by side in their order."""
    for title, axes in panels(5.0, list(first), 2):
        for table, name, colour, shift in zip(
            (first[title], second[title]), names, (BLUE, ORANGE), (0, 0.4), strict=True
        ):
            places = np.arange(len(table)) + shift
            width = min(2.0, 60 / max(len(table), 1))
            axes.vlines(
                places, table["low"], table["high"], color=colour, linewidth=width, alpha=0.55, label=name
            )
            axes.plot(places, table["middle"], ".", color=colour, markersize=2 * width)
        axes.set_xticks([])
        as_percent(axes, which="y")
        axes.grid(visible=False, axis="x")
    legend(axes)
    axes.get_figure(root=True).supylabel(share)  # type: ignore[union-attr]


def side_by_side(tables: Mapping[str, pd.DataFrame], reference: float, label: str) -> None:
    """Draw intervals of shares that belong together on equal axes, each table under its title."""
    height = 1.2 + 0.17 * max(map(len, tables.values()))
    figure, axes = canvas(height, len(tables), sharex=True, sharey=True)
    for (title, table), each in zip(tables.items(), axes, strict=True):
        reference_line(each, reference, label)
        interval_rows(each, table)
        each.set_title(title)
        as_percent(each)
    figure.supxlabel("share of label 1")
    legend(axes[0])
