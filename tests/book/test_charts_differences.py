"""Differences are drawn about what they are differences to; pairs are drawn to be compared."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from book import charts
from tests.book.drawing import colour, has_grid, intervals, legends, named, points, rows, ticks

pytestmark = pytest.mark.usefixtures("formats")

MINUS, LEFT, RIGHT = "\N{MINUS SIGN}", "\N{LEFTWARDS ARROW}", "\N{RIGHTWARDS ARROW}"


def differences(**measured):
    """The axes of some differences with their standard errors."""
    charts.differences(measured, "the trained model", "elpd")
    return plt.gcf().axes[0]


def shares(*middles):
    """A table of intervals of shares that are not symmetric."""
    middle = np.array(middles)
    names = [f"level {n}" for n in range(len(middle))]
    return pd.DataFrame({"low": middle - 0.05, "middle": middle, "high": middle + 0.1}, names)


def drawn(axes):
    """Names of the rows whose point is drawn."""
    (point,) = [line for line in axes.lines if line.get_marker() == "o"]
    return [name for name, (value, _) in zip(rows(axes), points(point), strict=True) if np.isfinite(value)]


def written(axes):
    """What is written on the axes, by row."""
    return {rows(axes)[round(text.get_position()[1])]: text.get_text() for text in axes.texts}


def test_an_interval_reaches_two_standard_errors_to_each_side():
    found = charts.around(pd.DataFrame({"difference": [1.0, -2.0], "se": [0.5, 0.25]}, ["a", "b"]))

    assert found.loc["a"].to_dict() == {"low": 0, "middle": 1, "high": 2}
    assert found.loc["b"].to_dict() == {"low": -2.5, "middle": -2, "high": -1.5}


def test_each_difference_is_a_row_about_the_model_it_is_a_difference_to():
    axes = differences(one=(-3.0, 1.0), other=(2.0, 0.5), third=(0.5, 1.0))

    (interval,) = axes.collections
    assert rows(axes) == drawn(axes) == ["one", "other", "third"]
    assert intervals(interval) == [(0, -5, -1), (1, 1, 3), (2, -1.5, 2.5)]
    assert list(named(axes, "the trained model").get_xdata()) == [0, 0]
    assert legends(axes) == ["the trained model"]
    assert axes.figure.get_supxlabel() == "difference in elpd, nats over all clients"
    assert written(axes) == {}


def test_the_figure_grows_with_its_rows_by_what_a_name_needs():
    few = differences(a=(1.0, 1.0), b=(1.0, 1.0)).figure.get_size_inches()
    more = differences(a=(1.0, 1.0), b=(1.0, 1.0), c=(1.0, 1.0)).figure.get_size_inches()

    assert few[0] == charts.WIDTH
    assert 12 < 72 * (more[1] - few[1]) < 24
    assert 1 < few[1] < 2


@pytest.mark.parametrize(
    ("gap", "text", "side"),
    [
        ((-46_034.1, 210.2), f"{LEFT} {MINUS}46,034 (SE 210)", "left"),
        ((46_034.1, 210.2), f"46,034 (SE 210) {RIGHT}", "right"),
        ((0.6, 210.2), f"1 (SE 210) {RIGHT}", "right"),
    ],
)
def test_a_difference_that_would_flatten_the_others_is_written_at_its_edge(gap, text, side):
    axes = differences(one=(-3.0, 1.0), far=gap, other=(2.0, 0.5))

    (note,) = axes.texts
    assert drawn(axes) == ["one", "other"]
    assert written(axes) == {"far": text}
    x, _ = note.get_position()
    assert x == pytest.approx(0 if side == "left" else 1, abs=0.03)
    assert (note.get_horizontalalignment(), note.get_verticalalignment()) == (side, "center")
    assert note.get_transform() == axes.get_yaxis_transform()  # x from edge to edge, y by row
    assert note.get_color() == charts.BLUE
    assert axes.get_xlim()[0] > -10
    assert axes.get_xlim()[1] < 10


@pytest.mark.parametrize(
    ("measured", "far"),
    [
        ({"a": 1.0, "b": 1.0, "c": 10.0}, set()),  # ten times as far is not too far
        ({"a": 1.0, "b": 1.0, "c": 10.1}, {"c"}),
        ({"a": 1.0, "b": 100.0}, set()),  # with two, one would be left
        ({"a": 1.0, "b": 2.0, "c": 3.0, "d": 50.0}, {"d"}),
        ({"a": 1.0, "b": 2.0, "c": 50.0, "d": -900.0}, {"c", "d"}),  # each beyond the next
        ({"a": 1.0, "b": 2.0, "c": 500.0, "d": -900.0}, set()),  # two together flatten nobody but each other
        ({"a": 0.001, "b": 0.002, "c": 5.0}, {"c"}),  # on any scale
        ({"a": 0.0, "b": 0.0, "c": 5.0}, set()),  # nothing to be flattened
        ({"a": 0.0, "b": 0.0, "c": 0.0}, set()),
    ],
)
def test_far_is_more_than_ten_times_as_far_as_the_next(measured, far):
    axes = differences(**{name: (gap, 0.0) for name, gap in measured.items()})

    assert set(written(axes)) == far
    assert set(drawn(axes)) == set(measured) - far


def test_an_uncertain_difference_is_as_far_as_its_interval():
    axes = differences(one=(0.0, 1.0), other=(0.5, 1.0), unsure=(0.2, 40.0))

    assert drawn(axes) == ["one", "other"]
    assert set(written(axes)) == {"unsure"}


def test_tables_side_by_side_share_their_scale_and_rows():
    tables = {"the data": shares(0.2, 0.4), "shuffled label": shares(0.3, 0.35)}

    charts.side_by_side(tables, 0.25, "overall rate")

    figure = plt.gcf()
    left, right = figure.axes
    for axes, (title, table) in zip((left, right), tables.items(), strict=True):
        assert axes.get_title("left") == title
        assert list(named(axes, "overall rate").get_xdata()) == [0.25, 0.25]
        assert [value for value, _ in points(axes.lines[1])] == table["middle"].tolist()
        assert all(text.endswith(" %") for text in ticks(axes.xaxis).values())
    assert rows(left) == ["level 0", "level 1"]
    assert left.get_xlim() == right.get_xlim()
    assert left.get_shared_y_axes().joined(left, right)
    assert figure.get_supxlabel() == "share of label 1"
    assert legends(left) == ["overall rate"]
    assert figure.get_size_inches()[1] == charts.height([2])


def test_a_table_alone_is_drawn_too():
    charts.side_by_side({"the data": shares(0.2)}, 0.25, "overall rate")

    (axes,) = plt.gcf().axes
    assert legends(axes) == ["overall rate"]


@pytest.fixture
def in_order():
    """Three panels of pairs: of three groups, of a hundred, and of one."""
    first = {"a": shares(0.2, 0.4, 0.5), "a and b": shares(*np.linspace(0.2, 0.5, 100)), "b": shares(0.2)}
    second = {name: table + 0.01 for name, table in first.items()}
    charts.in_order(first, second, ("the data", "shuffled label"), "share of label 1")
    figure = plt.gcf()
    return first, second, figure.axes[: len(first)], figure


def test_intervals_in_order_stand_upright_in_pairs_of_data_and_chance(in_order):
    first, second, panels, figure = in_order

    for axes, title in zip(panels, first, strict=True):
        assert axes.get_title("left") == title
        data, chance = (named(axes, name) for name in ("the data", "shuffled label"))
        for interval, line, table in (
            (data, axes.lines[0], first[title]),
            (chance, axes.lines[1], second[title]),
        ):
            ends = intervals(interval, along="y")
            assert [end[1:] for end in ends] == list(
                table[["low", "high"]].itertuples(index=False, name=None)
            )
            assert points(line) == [
                (end[0], middle) for end, middle in zip(ends, table["middle"], strict=True)
            ]
            assert colour(interval) == colour(line)
            assert interval.get_alpha() < 0.8  # the point is seen on its interval
        assert (colour(data), colour(chance)) == (charts.BLUE, charts.ORANGE)
    assert legends(panels[0]) == ["the data", "shuffled label"]
    assert figure.get_supylabel() == "share of label 1"


def test_the_two_of_a_pair_stand_closer_to_each_other_than_to_the_next_pair(in_order):
    _, _, panels, _ = in_order
    data, chance = ([place for place, _, _ in intervals(drawn, along="y")] for drawn in panels[0].collections)

    assert data == [0, 1, 2]
    assert all(0.2 < other - one < 0.5 for one, other in zip(data, chance, strict=True))


def test_many_intervals_are_drawn_thinner_so_that_they_stay_apart(in_order):
    _, _, panels, _ = in_order
    widths = [axes.collections[0].get_linewidth()[0] for axes in panels]

    assert widths[0] == widths[2] == 2
    assert widths[1] == pytest.approx(0.6, abs=0.1)
    for axes, width in zip(panels, widths, strict=True):
        assert width < axes.lines[0].get_markersize() < 3 * width


def test_groups_in_order_are_not_named_and_their_shares_are_percentages(in_order):
    _, _, panels, figure = in_order

    for axes in panels:
        assert list(axes.get_xticks()) == []
        assert all(text.endswith(" %") for text in ticks(axes.yaxis).values())
        assert has_grid(axes.yaxis)  # lines lead to the percentages
    assert panels[0].get_gridspec().get_geometry() == (2, 2)
    assert figure.get_size_inches()[1] < 6


def test_a_panel_without_groups_stays_empty():
    charts.in_order({"a": shares()}, {"a": shares()}, ("the data", "shuffled label"), "share of label 1")

    assert [len(line.get_xdata()) for line in plt.gcf().axes[0].lines] == [0, 0]
