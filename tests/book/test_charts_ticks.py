"""The marks of an axis are few, round, and written as a reader would say them."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from book import charts
from tests.book.drawing import ticks

pytestmark = pytest.mark.usefixtures("formats")

MINUS = "\N{MINUS SIGN}"


def panel(low, high, n_columns=1, which="x"):
    """The first of some panels, with an axis that reaches from low to high."""
    _, axes = charts.canvas(2.0, n_columns)
    (axes[0].set_xlim if which == "x" else axes[0].set_ylim)(low, high)
    return axes[0]


def dated(*days):
    _, axes = plt.subplots(figsize=(charts.WIDTH, 2))
    axes.plot(pd.to_datetime(list(days)), np.arange(len(days)), ".")
    return axes


@pytest.mark.parametrize(
    ("low", "high", "written"),
    [
        (0, 1, ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]),
        (0, 0.25, ["0 %", "5 %", "10 %", "15 %", "20 %", "25 %"]),
        (0, 0.125, ["0 %", "2.5 %", "5 %", "7.5 %", "10 %", "12.5 %"]),
        (0, 0.05, ["0 %", "1 %", "2 %", "3 %", "4 %", "5 %"]),
        (0, 0.06, ["0 %", "2 %", "4 %", "6 %"]),  # six steps would be too many
        (-0.02, 0.02, [f"{MINUS}2 %", f"{MINUS}1 %", "0 %", "1 %", "2 %"]),
        (0.09, 0.092, ["9 %", "9.05 %", "9.1 %", "9.15 %", "9.2 %"]),
    ],
)
def test_shares_are_marked_in_round_percentages_that_are_told_apart(low, high, written):
    axes = panel(low, high)

    charts.as_percent(axes)

    found = ticks(axes.xaxis)
    assert list(found.values()) == written
    said = [float(text.removesuffix(" %").replace(MINUS, "-")) / 100 for text in written]
    assert said == pytest.approx(list(found))


def test_several_panels_are_marked_alike_and_the_other_axis_stays_as_it_is():
    _, axes = charts.canvas(2.0, 2)

    charts.as_percent(*axes)

    for each in axes:
        assert list(ticks(each.xaxis).values()) == ["0 %", "50 %", "100 %"]
        assert "%" not in "".join(ticks(each.yaxis).values())


def test_shares_on_the_upright_axis_are_marked_there_only():
    axes = panel(0, 1, which="y")

    charts.as_percent(axes, which="y")

    assert list(ticks(axes.yaxis).values()) == ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]
    assert "%" not in "".join(ticks(axes.xaxis).values())


@pytest.mark.parametrize(
    ("high", "marks"),
    [
        (5, [0, 1, 2, 3, 4, 5]),
        (6, [0, 2, 4, 6]),  # six steps would be too many
        (10, [0, 2, 4, 6, 8, 10]),
        (12.5, [0, 5, 10]),
        (25, [0, 5, 10, 15, 20, 25]),
        (50, [0, 10, 20, 30, 40, 50]),
    ],
)
def test_numbers_are_marked_in_steps_of_one_two_or_five(high, marks):
    axes = panel(0, high)

    charts.round_ticks(axes)

    assert list(ticks(axes.xaxis)) == pytest.approx(marks)


def test_a_panel_beside_others_has_room_for_three_steps():
    axes, percents = panel(0, 4, 2), panel(0, 0.04, 3)

    charts.round_ticks(axes)
    charts.as_percent(percents)

    assert list(ticks(axes.xaxis)) == pytest.approx([0, 2, 4])
    assert list(ticks(percents.xaxis).values()) == ["0 %", "2 %", "4 %"]


def test_panels_below_each_other_have_the_room_of_one():
    _, (upper, _) = plt.subplots(2, 1)
    upper.set_xlim(0, 5)

    charts.round_ticks(upper)

    assert list(ticks(upper.xaxis)) == pytest.approx([0, 1, 2, 3, 4, 5])


def test_axes_that_were_placed_by_hand_have_the_room_of_one_panel():
    axes = plt.figure().add_axes((0.1, 0.1, 0.8, 0.8))
    axes.set_xlim(0, 5)

    charts.round_ticks(axes)

    assert list(ticks(axes.xaxis)) == pytest.approx([0, 1, 2, 3, 4, 5])


def test_a_logarithmic_axis_is_marked_in_plain_numbers():
    axes = panel(0.1, 20)
    axes.set_xscale("log")

    charts.plain_ticks(axes)

    assert list(ticks(axes.xaxis).values()) == ["0.1", "0.2", "0.5", "1", "2", "5", "10", "20"]
    assert list(axes.xaxis.get_minorticklocs()) == []


@pytest.mark.parametrize("n_days", [1, 40, 61, 100, 300, 500, 729, 731, 900, 1_200, 1_700, 2_000, 9_000])
def test_dates_over_any_span_are_marked_a_few_times_and_without_a_warning(n_days):
    begins = date(2020, 2, 10)
    axes = dated(begins, begins + timedelta(n_days))

    charts.months(axes)

    assert 2 <= len(ticks(axes.xaxis)) <= 6


def test_months_have_names_and_the_year_is_said_where_it_begins():
    axes = dated("2020-05-20", "2021-06-10")

    charts.months(axes)

    assert list(ticks(axes.xaxis).values()) == ["Jul", "Oct", "2021", "Apr"]


@pytest.mark.parametrize(
    ("days", "written"),
    [
        (["2019-06-01", "2020-06-01"], ["2019", "2020"]),
        (["2018-02-01", "2021-10-01"], ["2018", "2020"]),
        (["2018-02-01", "2022-10-01"], ["2018", "2020", "2022"]),
        (["2010-02-01", "2020-10-01"], ["2010", "2015", "2020"]),
    ],
)
def test_years_are_few_enough_for_a_small_panel(days, written):
    axes = dated(*days)
    axes.set_xlim(date(int(days[0][:4]), 1, 1), date(int(days[-1][:4]), 12, 1))

    charts.years(axes)

    assert list(ticks(axes.xaxis).values()) == written


@pytest.mark.parametrize("days", [["2021-05-01"], ["2021-02-01", "2021-11-01"], ["2021-01-02", "2021-12-31"]])
def test_less_than_a_year_stands_in_the_middle_of_a_year_that_is_named(days):
    axes = dated(*days)

    charts.years(axes)

    begins, ends = axes.get_xlim()
    assert list(ticks(axes.xaxis).values()) in (["2021"], ["2022"], ["2021", "2022"])
    assert (begins + ends) / 2 == pytest.approx(sum(axes.dataLim.intervalx) / 2)
    assert ends - begins == pytest.approx(366)


def test_a_year_or_more_keeps_its_own_span():
    axes = dated("2021-02-01", "2022-02-02")
    before = axes.get_xlim()

    charts.years(axes)

    assert axes.get_xlim() == before
