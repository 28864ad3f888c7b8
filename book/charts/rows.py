"""Drawings with a row for each group, effect or method: intervals, points, differences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from book.charts.page import (
    BLUE,
    MOST_ROWS,
    ORANGE,
    as_percent,
    canvas,
    height,
    legend,
    panels,
    reference_line,
    round_ticks,
    shortened,
)
from book.tables import number

_FAR = 10  # times as far out as the next: such a row would flatten the others


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
    shown = table.iloc[:MOST_ROWS]
    rows = np.arange(len(shown)) + offset
    axes.hlines(rows, shown["low"], shown["high"], color=colour, linewidth=2.2, alpha=0.65)
    axes.plot(shown["middle"], rows, marker, color=colour, label=label, markersize=5)
    if not offset:
        _name_rows(axes, table.index)
        round_ticks(axes)


def _name_rows(axes: Axes, names: pd.Index[str]) -> None:
    """Name the rows from the top down; those beyond the most that are drawn are counted."""
    written = [shortened(str(name)) for name in names[:MOST_ROWS]]
    if len(names) > MOST_ROWS:
        written.append(f"({len(names) - MOST_ROWS} more)")
    axes.set_yticks(np.arange(len(written)), written)
    axes.set_ylim(len(written) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")


def points(axes: Axes, series: Mapping[str, pd.Series[float]]) -> None:
    """Draw one row per entry, with a point of each series; the first row on top."""
    for (name, values), marker in zip(series.items(), "os^D", strict=False):
        shown = values.iloc[:MOST_ROWS]
        axes.plot(shown, np.arange(len(shown)), marker, label=name, markersize=5, alpha=0.85, clip_on=False)
        _name_rows(axes, values.index)
        axes.grid(visible=True, axis="y")


def intervals_and_truth(axes: Axes, table: pd.DataFrame) -> None:
    """Draw what a model expects as intervals, and what was ``observed`` as diamonds."""
    shown = table.iloc[:MOST_ROWS]
    rows = np.arange(len(shown))
    bar: dict[str, Any] = {"color": BLUE, "linewidth": 6, "alpha": 0.35, "label": "the model, 95 %"}
    axes.hlines(rows, shown["low"], shown["high"], **bar)
    axes.plot(shown["observed"], rows, "D", color=ORANGE, markersize=4.5, label="the data")
    _name_rows(axes, table.index)


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
        gap, se = measured[name]
        written = f"{number(gap)} (SE {number(se)})"
        x, side, text = (
            (0.01, "left", f"\N{LEFTWARDS ARROW} {written}")
            if gap < 0
            else (0.99, "right", f"{written} \N{RIGHTWARDS ARROW}")
        )
        place = (x, list(rows.index).index(name))
        axes.text(*place, text, transform=axes.get_yaxis_transform(), ha=side, va="center", color=BLUE)
    axes.get_figure(root=True).supxlabel(f"difference in {score}, nats over all clients")  # type: ignore[union-attr]
    legend(axes)


def side_by_side(tables: Mapping[str, pd.DataFrame], reference: float, label: str) -> None:
    """Draw intervals of shares that belong together on equal axes, each table under its title."""
    figure, axes = canvas(
        height(map(len, tables.values()), len(tables)), len(tables), sharex=True, sharey=True
    )
    for (title, table), each in zip(tables.items(), axes, strict=True):
        reference_line(each, reference, label)
        interval_rows(each, table)
        each.set_title(title)
        as_percent(each)
    figure.supxlabel("share of label 1")
    legend(axes[0])


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
