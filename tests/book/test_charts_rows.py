"""Rows stand in the order of their table, the first on top, with their own numbers; too many are counted."""

import numpy as np
import pandas as pd
import pytest

from book import charts
from tests.book.drawing import colour, has_grid, intervals, named, points, rows

pytestmark = pytest.mark.usefixtures("formats")

MOST = 40


@pytest.fixture
def axes():
    _, (made,) = charts.canvas(2.0)
    return made


def table(n=3, **columns):
    """As many rows with intervals that are not symmetric."""
    middle = np.arange(n) / 10 + 0.3
    names = [f"level {number}" for number in range(n)]
    return pd.DataFrame({"low": middle - 0.1, "middle": middle, "high": middle + 0.2, **columns}, names)


def test_each_row_has_the_interval_and_the_point_of_its_entry(axes):
    shown = table()

    charts.interval_rows(axes, shown, label="raw")

    point, (interval,) = named(axes, "raw"), axes.collections
    assert rows(axes) == list(shown.index)
    assert intervals(interval) == [
        (row, entry.low, entry.high) for row, entry in enumerate(shown.itertuples())
    ]
    assert points(point) == [(middle, row) for row, middle in enumerate(shown["middle"])]
    assert point.get_marker() == "o"
    assert colour(point) == colour(interval) == charts.BLUE
    assert interval.get_alpha() < 1  # the point is seen on its interval
    assert 1 < interval.get_linewidth()[0] < 3 < point.get_markersize() < 8
    assert axes.xaxis.get_major_locator()._nbins == 5
    assert has_grid(axes.xaxis)
    assert not has_grid(axes.yaxis)  # the interval is itself the line to its name


def test_a_second_series_is_told_apart_and_moves_down_by_less_than_a_row(axes):
    charts.interval_rows(axes, table(), label="raw", colour=charts.ORANGE, marker="s")
    charts.interval_rows(axes, table().iloc[:2], label="pooled", offset=0.25)

    first, second = named(axes, "raw"), named(axes, "pooled")
    assert [row for _, row in points(first)] == [0, 1, 2]
    assert [row for _, row in points(second)] == [0.25, 1.25]
    assert [row for row, _, _ in intervals(axes.collections[1])] == [0.25, 1.25]
    assert (
        (colour(first), first.get_marker()) == (charts.ORANGE, "s") != (colour(second), second.get_marker())
    )
    assert colour(axes.collections[0]) == charts.ORANGE
    assert rows(axes) == list(table().index)  # the first names the rows


@pytest.mark.parametrize(("n", "told"), [(MOST, []), (MOST + 1, ["(1 more)"]), (100, ["(60 more)"])])
def test_of_many_rows_the_first_are_drawn_and_the_rest_are_counted(n, told):
    shown = table(n, observed=0.5)
    named_rows = [f"level {number}" for number in range(min(n, MOST))] + told

    for draw in (
        lambda axes: charts.interval_rows(axes, shown),
        lambda axes: charts.points(axes, {"bulk": shown["middle"], "tail": shown["high"]}),
        lambda axes: charts.intervals_and_truth(axes, shown),
    ):
        _, (axes,) = charts.canvas(3.0)
        draw(axes)
        assert rows(axes) == named_rows
        assert {len(line.get_xdata()) for line in axes.lines} == {min(n, MOST)}
        assert {len(drawn.get_segments()) for drawn in axes.collections} <= {min(n, MOST)}


def test_a_long_name_is_cut_and_a_number_is_a_name(axes):
    long = "a very long name " * 9

    charts.interval_rows(axes, table(2).set_axis([long, 7]))

    assert rows(axes) == [long[:35] + "\N{HORIZONTAL ELLIPSIS}", "7"]


def test_rows_fill_the_panel_and_none_is_cut_by_its_edge(axes):
    charts.interval_rows(axes, table())

    bottom, top = axes.get_ylim()
    assert -1 < top < -0.5
    assert 2.5 < bottom < 3


def test_points_of_several_series_share_their_rows_and_differ_in_marker(axes):
    shown = table()

    charts.points(axes, {"prior": shown["middle"], "likelihood": shown["high"]})

    first, second = named(axes, "prior"), named(axes, "likelihood")
    assert rows(axes) == list(shown.index)
    assert points(first) == [(value, row) for row, value in enumerate(shown["middle"])]
    assert points(second) == [(value, row) for row, value in enumerate(shown["high"])]
    assert first.get_marker() != second.get_marker()
    assert colour(first) != colour(second)
    for each in (first, second):
        assert each.get_linestyle() == "None"  # rows have no order in which a line could lead
        assert not each.get_clip_on()  # a point on the edge is seen whole
        assert 3 < each.get_markersize() < 8
        assert 0.5 < each.get_alpha() < 1  # one on the other is seen
    assert has_grid(axes.yaxis)  # which leads from the name to its points


def test_a_single_series_of_points_is_drawn_too(axes):
    charts.points(axes, {"bulk": table()["middle"]})

    assert len(points(named(axes, "bulk"))) == 3


def test_what_a_model_expects_is_a_broad_bar_and_what_was_observed_a_diamond_on_it(axes):
    shown = table(observed=[0.2, 0.5, 0.9])

    charts.intervals_and_truth(axes, shown)

    expected, observed = named(axes, "the model, 95 %"), named(axes, "the data")
    assert rows(axes) == list(shown.index)
    assert intervals(expected) == [
        (row, entry.low, entry.high) for row, entry in enumerate(shown.itertuples())
    ]
    assert points(observed) == [(0.2, 0), (0.5, 1), (0.9, 2)]
    assert (colour(expected), colour(observed)) == (charts.BLUE, charts.ORANGE)
    assert (observed.get_marker(), observed.get_linestyle()) == ("D", "None")
    assert expected.get_alpha() < 0.5
    assert observed.get_markersize() < expected.get_linewidth()[0] < 8
