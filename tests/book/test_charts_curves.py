"""Drawings along an axis show the numbers they were given, and the data look unlike what they are compared with."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from book import charts
from book.charts.page import MONTHS
from book.exploration import MOST_LEVELS
from tests.book.drawing import band, colour, edge_colour, figure_of, legends, named, points, steps, ticks

pytestmark = pytest.mark.usefixtures("formats")

RNG = np.random.default_rng(7)


@pytest.fixture
def axes():
    _, (made,) = charts.canvas(2.0)
    return made


def rising(places, **columns):
    """A table along an index, with a band around its middle."""
    middle = np.linspace(0.2, 0.4, len(places))
    return pd.DataFrame({"low": middle - 0.1, "middle": middle, "high": middle + 0.2, **columns}, places)


def test_a_histogram_is_one_shape_with_the_counts_of_the_values(axes):
    values = RNG.normal(size=500)

    charts.histogram(axes, values, label="draws")

    (shape,) = axes.patches  # bars narrower than a dot of the screen would leave stripes
    counts, edges = np.histogram(values, 30)
    assert steps(shape) == (pytest.approx(edges), pytest.approx(counts))
    assert colour(shape) == charts.PALE
    assert edge_colour(shape) == charts.BLUE
    assert named(axes, "draws") is shape


def test_a_histogram_takes_its_bins_and_range_from_the_caller(axes):
    charts.histogram(axes, [0.1, 0.1, 0.9, 5.0], bins=4, range=(0, 1))

    assert steps(axes.patches[0]) == ([0, 0.25, 0.5, 0.75, 1], [2, 0, 0, 1])


def test_what_was_seen_is_a_bold_line_over_what_chance_gives(axes):
    charts.histogram_beside(axes, [1.0, 2.0, 2.5], 3.25, label="shuffled labels", observed_label="the data")

    chance, seen = named(axes, "shuffled labels"), named(axes, "the data")
    assert sum(steps(chance)[1]) == 3
    assert list(seen.get_xdata()) == [3.25, 3.25]
    assert colour(seen) == charts.ORANGE != colour(chance)
    assert chance.get_linewidth() < seen.get_linewidth() < 4
    assert axes.get_ylabel() == "data sets"
    assert legends(axes) == ["shuffled labels", "the data"]


def test_a_feature_with_few_values_is_a_bar_for_each_in_their_order(axes):
    charts.shares_of(axes, pd.Series([3, 1, 1, 2] * 5))

    bars = axes.patches
    assert [bar.get_height() for bar in bars] == [0.5, 0.25, 0.25]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2", "3"]
    assert {colour(bar) for bar in bars} == {charts.PALE}
    assert {edge_colour(bar) for bar in bars} == {charts.BLUE}
    assert all(0.4 < bar.get_width() < 0.9 for bar in bars)  # they stand apart, since they are levels
    assert all(text.endswith(" %") for text in ticks(axes.yaxis).values())


def test_the_most_levels_of_a_number_are_still_bars_and_one_more_is_tenths_of_the_range(axes):
    _, (other,) = charts.canvas(2.0)

    charts.shares_of(axes, pd.Series(range(MOST_LEVELS)))
    charts.shares_of(other, pd.Series(range(MOST_LEVELS + 1)))

    assert len(axes.patches) == MOST_LEVELS
    assert len(other.patches) == 1
    assert len(steps(other.patches[0])[1]) == 10


def test_text_is_never_cut_into_tenths_however_many_levels_it_has(axes):
    names = [f"level {n:02}" for n in range(60)]

    charts.shares_of(axes, pd.Series(names))

    assert [label.get_text() for label in axes.get_xticklabels()] == names[:40]
    assert [bar.get_height() for bar in axes.patches] == [1 / 60] * 40


def test_the_tenths_of_a_continuous_feature_are_shares_and_one_far_value_does_not_flatten_them(axes):
    values = pd.Series([*np.linspace(0, 1, 1_000), 1e9])

    charts.shares_of(axes, values)

    edges, shares = steps(axes.patches[0])
    assert 0 <= edges[0] < 0.01
    assert 0.98 < edges[-1] < 1
    assert shares == pytest.approx([0.099] * 10, abs=0.002)
    assert edges == pytest.approx(np.linspace(*np.quantile(values, [0.005, 0.995]), 11))
    assert all(text.endswith(" %") for text in ticks(axes.yaxis).values())


def test_outlines_are_densities_that_differ_in_their_lines(axes):
    samples = {name: RNG.normal(size=n) for name, n in (("few", 2_000), ("many", 2_001), ("other", 30))}

    charts.outlines(axes, samples)

    drawn = [named(axes, name) for name in samples]
    for (_, values), each in zip(samples.items(), drawn, strict=True):
        heights, edges, _ = each.get_data()
        assert (edges[0], edges[-1]) == pytest.approx((values.min(), np.quantile(values, 0.995)))
        assert (heights * np.diff(edges)).sum() == pytest.approx(1)
        assert len({edge_colour(other) for other in drawn}) == 3
        assert 1 < each.get_linewidth() < 2.5
    assert len({each.get_linestyle() for each in drawn}) == 3
    # Many draws bear finer steps; few would show their own accidents.
    n_steps = [len(each.get_data()[0]) for each in drawn]
    assert n_steps == [24, 59, 24]


def test_an_outline_begins_at_the_bound_of_its_values(axes):
    charts.outlines(axes, {"sd": np.array([1.0, 2.0, 4.0])}, low=0.5)

    assert named(axes, "sd").get_data()[1][0] == 0.5


def test_a_ribbon_is_a_line_in_a_paler_band_of_its_colour(axes):
    table = rising([1.0, 2.0, 5.0])

    charts.ribbon(axes, table, label="the model", colour=charts.ORANGE, line="--")

    line, (around,) = named(axes, "the model"), axes.collections
    assert points(line) == list(table["middle"].items())
    assert band(around) == {x: (row["low"], row["high"]) for x, row in table.iterrows()}
    assert colour(line) == colour(around) == charts.ORANGE
    assert line.get_linestyle() == "--"
    assert around.get_alpha() < 0.3  # two bands can be seen one through the other
    assert list(around.get_linewidth()) == [0]  # and have no line that could be taken for a curve


def test_ribbons_lie_apart_by_width_where_one_would_hide_the_other(axes):
    charts.ribbon(axes, rising([0.0, 1.0]), width=5, label="wide")
    charts.ribbon(axes, rising([0.0, 1.0]), label="usual")

    assert named(axes, "wide").get_linewidth() == 5
    assert 1 < named(axes, "usual").get_linewidth() < 2.5
    assert named(axes, "usual").get_linestyle() == "-"
    assert colour(named(axes, "usual")) == charts.BLUE


def test_a_reliability_curve_is_drawn_over_what_calibrated_predictions_would_give(axes):
    curve = rising(np.linspace(0, 1, 101), observed=np.linspace(0.1, 0.9, 101))

    charts.reliability_curve(axes, curve)

    around = named(axes, "if calibrated, 95 %")
    predicted, recalibrated = named(axes, "predicted"), named(axes, "recalibrated")
    inner = curve.iloc[1:-1]  # 98 of 100 clients
    assert points(predicted) == [(x, x) for x in inner.index]
    assert points(recalibrated) == list(inner["observed"].items())
    assert band(around) == {x: (row["low"], row["high"]) for x, row in inner.iterrows()}
    assert [colour(each) for each in (around, predicted, recalibrated)] == [
        charts.PALE,
        charts.GREY,
        charts.BLUE,
    ]
    assert (predicted.get_linestyle(), recalibrated.get_linestyle()) == ("--", "-")
    assert predicted.get_linewidth() < recalibrated.get_linewidth() < 2.5
    assert list(around.get_linewidth()) == [0]
    for axis in (axes.xaxis, axes.yaxis):
        assert all(text.endswith(" %") for text in ticks(axis).values())


def by_year(values, *years):
    table = pd.DataFrame(values, index=range(1, 13), columns=list(years), dtype=float)
    charts.by_year(table, "sales, thousands")
    return plt.gcf().axes[0]


def test_years_are_lines_over_the_calendar_that_differ_in_more_than_colour():
    values = np.arange(60).reshape(12, 5) + 10

    axes = by_year(values, 2018, 2019, 2020, 2021, 2022)

    lines = [named(axes, str(year)) for year in range(2018, 2023)]
    assert [line.get_ydata().tolist() for line in lines] == values.T.tolist()
    assert [label.get_text() for label in axes.get_xticklabels()] == [*MONTHS]
    assert len({(line.get_marker(), line.get_linestyle()) for line in lines[:4]}) == 4
    assert all(3 <= line.get_markersize() <= 6 for line in lines)
    assert axes.get_ylabel() == "sales, thousands"
    assert legends(axes) == ["2018", "2019", "2020", "2021", "2022"]
    assert figure_of(axes).get_size_inches().tolist() == pytest.approx([charts.WIDTH, 2.3], abs=0.5)


@pytest.mark.parametrize(
    ("values", "low"), [([30.0] * 12, 0), ([30.0] * 11 + [-5.0], -5), ([np.nan] * 2 + [3.0] * 10, 0)]
)
def test_sales_are_drawn_from_zero_or_from_the_lowest_if_some_were_returned(values, low):
    axes = by_year(np.array([values]).T, 2020)

    bottom, top = axes.get_ylim()
    assert bottom == low
    assert top >= np.nanmax(values)
