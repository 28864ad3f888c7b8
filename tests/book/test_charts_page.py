"""Every figure fits the page, says what its series are, and can be read."""

import warnings
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb

from book import charts
from book.charts import page
from tests.book.drawing import colour, figure_of, legends, named

pytestmark = pytest.mark.usefixtures("formats")

COLUMN_IN = 6.3  # inches of text on A4 with margins of an inch
ROW_PT = (11, 15)  # points: a row holds a name of 10.5 points, and a screen many rows


def test_a_canvas_is_one_panel_as_wide_as_the_text_unless_more_are_asked_for():
    figure, axes = charts.canvas(2.0)
    _, three = charts.canvas(2.0, 3, sharey=True)

    assert figure.axes == axes
    assert len(axes) == 1
    assert tuple(figure.get_size_inches()) == (charts.WIDTH, 2.0)
    assert len(three) == 3
    assert three[0].get_shared_y_axes().joined(three[0], three[2])


def test_panels_are_titled_in_their_order_and_spare_places_stay_empty():
    names = ["a", "b", "c", "d", "e"]

    found = list(charts.panels(3.0, names, 2, sharex=True))

    figure = figure_of(found[0][1])
    assert [name for name, _ in found] == names
    assert [axes.get_title("left") for _, axes in found] == names
    assert tuple(figure.get_size_inches()) == (charts.WIDTH, 3.0)
    assert figure.axes[0].get_gridspec().get_geometry() == (3, 2)
    assert [axes.axison for axes in figure.axes] == [True] * 5 + [False]
    assert found[0][1].get_shared_x_axes().joined(found[0][1], found[4][1])


def test_a_single_panel_is_a_grid_too():
    ((name, axes),) = charts.panels(3.0, ["alone"], 1)

    assert (name, axes.get_title("left")) == ("alone", "alone")


@pytest.mark.parametrize(("n_columns", "longest"), [(1, 52), (2, 26), (4, 13)])
def test_a_title_is_cut_where_the_next_panel_begins(n_columns, longest):
    names = ["x" * longest, "y" * (longest + 1)]

    titles = [axes.get_title("left") for _, axes in charts.panels(3.0, names, n_columns)]

    assert titles == [names[0], names[1][: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"]


def test_a_name_is_cut_only_where_it_would_push_the_figure_aside():
    assert charts.shortened("x" * 36) == "x" * 36
    assert charts.shortened("x" * 37) == "x" * 35 + "\N{HORIZONTAL ELLIPSIS}"
    assert charts.shortened("abcdef", 4) == "abc\N{HORIZONTAL ELLIPSIS}"


def test_every_row_has_the_same_height_in_which_its_name_can_be_read():
    heights = [charts.height([n]) for n in range(1, 20)]

    (low, high) = 72 * np.diff(heights).min(), 72 * np.diff(heights).max()
    assert ROW_PT[0] < low <= high < ROW_PT[1]
    assert 1.4 < heights[0] < 1.8  # a row, its axis and the legend


def test_panels_below_each_other_add_up_and_those_beside_each_other_are_as_high_as_the_highest():
    margin = charts.height([])

    assert charts.height([3, 9]) - margin == pytest.approx(
        charts.height([3]) + charts.height([9]) - 2 * margin
    )
    assert charts.height([3, 9, 4], 2) == pytest.approx(charts.height([9, 4]))
    assert 0.5 < margin < 1.2


def test_no_figure_grows_beyond_forty_rows_and_one_that_counts_the_others():
    assert charts.height([40]) < charts.height([41])
    assert charts.height([41]) == charts.height([42]) == charts.height([5_000])


def test_a_legend_names_every_series_in_one_line_above_all_panels():
    _, axes = charts.canvas(2.0, 2)
    for each in axes:
        each.plot([0, 1], label="one")
        each.plot([1, 0], "--", label="other")

    charts.legend(axes[1])

    (legend,) = figure_of(axes[0]).legends
    assert legends(axes[0]) == ["one", "other"]
    assert legend._ncols == 2
    assert legend._outside_loc == "upper"  # nothing is drawn there
    assert 1.2 < legend.handlelength < 2.4  # a dashed line is seen to be dashed, and not taken for a curve


def test_a_legend_stands_above_the_whole_figure_even_where_panels_are_grouped():
    figure = plt.figure(layout="constrained")
    axes = figure.subfigures(1, 2)[1].subplots()
    axes.plot([0, 1], label="one")

    charts.legend(axes)

    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one"]


@pytest.mark.parametrize("horizontal", [False, True])
def test_a_reference_is_a_thin_dashed_line_behind_the_series(horizontal):
    _, (axes,) = charts.canvas(2.0)
    (series,) = axes.plot([0, 1], [0, 1], linewidth=1.8)

    charts.reference_line(axes, 0.25, "limit", horizontal=horizontal)

    line = named(axes, "limit")
    across = line.get_ydata() if horizontal else line.get_xdata()
    assert list(across) == [0.25, 0.25]
    assert list(line.get_xdata() if horizontal else line.get_ydata()) == [0, 1]  # from side to side
    assert colour(line) == charts.GREY
    assert line.get_linestyle() == "--"
    assert line.get_linewidth() < series.get_linewidth()
    assert line.get_zorder() < series.get_zorder()


def test_the_direction_of_a_reference_is_across_the_values_unless_it_is_asked_for():
    _, (axes,) = charts.canvas(2.0)

    charts.reference_line(axes, 0.25, "limit")

    assert list(named(axes, "limit").get_xdata()) == [0.25, 0.25]


def test_the_style_is_that_of_a_page(formats):
    figure, axes = plt.subplots()

    assert formats == ["svg"]  # sharp at any size
    assert figure.get_size_inches()[0] == charts.WIDTH < COLUMN_IN
    assert 2 < figure.get_size_inches()[1] < 4.5
    assert figure.get_constrained_layout()
    assert {side for side, spine in axes.spines.items() if spine.get_visible()} == {"left", "bottom"}
    assert axes.get_axisbelow() is True  # the grid is behind what is drawn
    assert axes.xaxis.get_gridlines()[0].get_visible()
    assert not axes.legend([], []).get_frame_on()


def test_text_is_drawn_as_it_is_and_in_a_size_that_can_be_read():
    figure, axes = plt.subplots()
    axes.set(title="a panel", xlabel="Cash$ & Carry_$")

    sizes = {text.get_size() for text in (axes.title, axes.xaxis.label, figure.supxlabel("all"))}
    assert all(9 <= size <= 11.5 for size in sizes)
    assert not axes.xaxis.label.get_parse_math()
    assert mpl.rcParams["svg.fonttype"] == "path"  # no font of the reader's machine is asked for


def test_the_same_figure_gives_the_same_file(tmp_path):
    def drawn(name):
        _, (axes,) = charts.canvas(2.0)
        axes.plot([0, 1], [0, 1], clip_on=True)
        plt.savefig(tmp_path / name, metadata={"Date": None})
        return (tmp_path / name).read_bytes()

    assert drawn("a.svg") == drawn("b.svg")


@pytest.mark.parametrize(
    "label", ["\N{GRINNING FACE} \u5317\u4eac", "word " * 200], ids=["no glyph", "no room"]
)
def test_a_letter_without_a_font_and_a_figure_without_room_stop_no_book(label):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        charts.apply_style()
        figure, (axes,) = charts.canvas(2.0)
        axes.set_yticks([0], [label])

        figure.canvas.draw()


def test_series_are_told_apart_without_colour_and_colours_with_any_vision():
    cycle = [entry["color"] for entry in mpl.rcParams["axes.prop_cycle"]]
    assert cycle[0] == charts.BLUE
    assert len(set(cycle)) == len(cycle) == 5
    assert len(set(page.LINES)) == len(page.LINES) >= 4
    for one, other in combinations([charts.BLUE, charts.ORANGE, charts.GREY, charts.PALE, charts.SKY], 2):
        assert np.abs(np.subtract(to_rgb(one), to_rgb(other))).max() > 0.15, (one, other)
