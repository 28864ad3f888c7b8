"""The look of every figure: colours, sizes, panels, ticks and legends.

Colours are told apart with any colour vision (after Okabe and Ito); series differ in marker or line too.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from itertools import batched
from typing import Any, cast

import matplotlib as mpl
from cycler import cycler
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, DateFormatter, YearLocator, num2date
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator
from matplotlib_inline.backend_inline import set_matplotlib_formats

BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072b2", "#d55e00", "#00795c", "#9a4a80", "#5c6670"
PALE, SKY = "#c3d7e6", "#3d9bd1"
LINES = ("o-", "s--", "^-.", "D:")  # series told apart without colour
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WIDTH = 5.6  # inches: fits the column of a screen and of paper, and can still be read on a phone
MOST_ROWS = 40  # of a figure; where there are more levels, the first are drawn and the rest counted
_LONGEST = 36  # letters of a name

_STYLE = {
    "text.parse_math": False,  # names are drawn as they are
    "figure.labelsize": 10.5,
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
    """Make this the style of every figure drawn from now on, as vector graphics in notebooks.

    A letter that no font of this machine has is drawn as a box, and a figure too full to be laid out is drawn
    as it is: neither stops a book.
    """
    mpl.rcParams.update(cast("Any", _STYLE))
    warnings.filterwarnings("ignore", r"Glyph .* missing from font")
    warnings.filterwarnings("ignore", r"constrained_layout not applied")
    set_matplotlib_formats("svg")


def canvas(height: float, n_columns: int = 1, **options: Any) -> tuple[Figure, list[Axes]]:
    """Make a figure as wide as the text with axes side by side; height in inches."""
    figure, axes = plt.subplots(1, n_columns, figsize=(WIDTH, height), squeeze=False, **options)
    return figure, list(axes[0])


def height(counts: Iterable[int], n_columns: int = 1) -> float:
    """Inches for panels with these numbers of rows of points or intervals, in a grid of so many columns."""
    shown = [min(count, MOST_ROWS + 1) for count in counts]
    return 0.9 + sum(0.55 + 0.17 * max(row) for row in batched(shown, n_columns))


def panels(
    figure_height: float, names: Sequence[str], n_columns: int, **options: Any
) -> Iterator[tuple[str, Axes]]:
    """Make a grid of titled axes, one for each name, and yield them; spare places stay empty."""
    n_rows = -(-len(names) // n_columns)
    _, axes = plt.subplots(n_rows, n_columns, figsize=(WIDTH, figure_height), squeeze=False, **options)
    for spare in axes.flat[len(names) :]:
        spare.set_axis_off()
    for name, each in zip(names, axes.flat, strict=False):
        each.set_title(shortened(name, 52 // n_columns))
        yield name, each


def legend(axes: Axes) -> None:
    """Explain the series of these axes, once for all panels, above the figure where nothing is drawn."""
    handles, labels = axes.get_legend_handles_labels()
    figure = axes.get_figure(root=True)
    if figure is not None:
        place: dict[str, Any] = {"loc": "outside upper left", "ncols": len(labels)}
        figure.legend(handles, labels, **place, handlelength=1.6, borderaxespad=0.2)


def reference_line(axes: Axes, value: float, label: str, *, horizontal: bool = False) -> None:
    """Draw a dashed line to compare with."""
    draw = axes.axhline if horizontal else axes.axvline
    draw(value, color=GREY, linewidth=1.2, linestyle="--", label=label, zorder=1.5)


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


def plain_ticks(axes: Axes) -> None:
    """Mark 1, 2 and 5 of each decade on a logarithmic x axis, as plain numbers."""
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.minorticks_off()


def months(axes: Axes) -> None:
    """Mark few enough days, months or years on an axis of dates to be read."""
    # With more ticks at least, some spans fit no unit, of which matplotlib warns; and a warning ends a build.
    locator = AutoDateLocator(minticks=2, maxticks=6)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def years(axes: Axes) -> None:
    """Mark only the years on an axis of dates that is too short for more."""
    begins, ends = axes.dataLim.intervalx
    if (lacking := 366 - (ends - begins)) > 0:  # so that a year begins in it
        axes.set_xlim(begins - lacking / 2, ends + lacking / 2)
    first, last = (num2date(end).year for end in axes.get_xlim())
    axes.xaxis.set_major_locator(YearLocator(max(1, (last - first + 1) // 2)))
    axes.xaxis.set_major_formatter(DateFormatter("%Y"))


def shortened(name: str, longest: int = _LONGEST) -> str:
    """Cut a name that would push the figure aside."""
    return name if len(name) <= longest else f"{name[: longest - 1]}\N{HORIZONTAL ELLIPSIS}"
