"""What a reader finds on the axes of a figure, as numbers and words."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon


def figure_of(axes: Axes) -> Figure:
    """The whole figure."""
    return axes.get_figure(root=True)


def named(axes: Axes, label: str) -> Any:
    """The one thing on the axes that the legend would call this."""
    handles, labels = axes.get_legend_handles_labels()
    assert labels.count(label) == 1, labels
    return handles[labels.index(label)]


def colour(drawn: Any) -> str:
    """The one colour of a line, of a shape's inside, or of intervals."""
    found = drawn.get_color() if isinstance(drawn, Line2D | LineCollection) else drawn.get_facecolor()
    return to_hex(found if isinstance(found, str) else np.atleast_2d(found)[0])


def edge_colour(shape: Patch) -> str:
    """The colour of a shape's outline."""
    return to_hex(shape.get_edgecolor())


def points(line: Line2D) -> list[tuple[float, float]]:
    """Where a series has its points."""
    return list(zip(*(np.asarray(values, dtype=float).tolist() for values in line.get_data()), strict=True))


def intervals(drawn: LineCollection, along: str = "x") -> list[tuple[float, float, float]]:
    """Place, low and high of intervals along an axis."""
    own, other = (0, 1) if along == "x" else (1, 0)
    return [(ends[0][other], ends[0][own], ends[1][own]) for ends in drawn.get_segments()]


def band(drawn: PolyCollection) -> dict[float, tuple[float, float]]:
    """Low and high of a band by place on the x axis."""
    x, y = drawn.get_paths()[0].vertices.T
    return {float(place): (float(y[x == place].min()), float(y[x == place].max())) for place in np.unique(x)}


def steps(shape: Polygon) -> tuple[list[float], list[float]]:
    """Edges and heights of a histogram that is drawn as one shape."""
    x, y = shape.get_xy().T
    edges = np.unique(x)
    middles = (edges[:-1] + edges[1:]) / 2
    tops = [float(y[:-1][(x[:-1] <= m) & (x[1:] >= m)].max()) for m in middles]
    return edges.tolist(), tops


def ticks(axis: Axis) -> dict[float, str]:
    """The marks that are seen on an axis, and what is written at each."""
    low, high = sorted(axis.get_view_interval())
    seen = [tick for tick in axis.get_majorticklocs() if low - 1e-9 <= tick <= high + 1e-9]
    return dict(zip(map(float, seen), axis.get_major_formatter().format_ticks(seen), strict=True))


def rows(axes: Axes) -> list[str]:
    """Names of the rows from the top down."""
    places = axes.get_yticks().tolist()
    bottom, top = axes.get_ylim()
    assert bottom > top, "the first row is not on top"
    assert all(top < place < bottom for place in places)
    assert places == list(range(len(places)))
    return [label.get_text() for label in axes.get_yticklabels()]


def legends(axes: Axes) -> list[str]:
    """Names of the series in the figure's legend; none if it has no legend."""
    found = figure_of(axes).legends
    assert len(found) <= 1
    return [text.get_text() for legend in found for text in legend.get_texts()]


def has_grid(axis: Axis) -> bool:
    """Whether lines run across the panel from the axis' marks."""
    return any(line.get_visible() for line in axis.get_gridlines())
