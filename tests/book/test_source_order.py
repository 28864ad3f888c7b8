"""What is shown of the source tables is in an order that a reader expects, and whole; boundaries count as they are told."""

import pandas as pd
import pytest

from book import sources


def spells(*ends):
    """Spells by client, start and end."""
    frame = pd.DataFrame(ends, columns=["idx", "valid_from", "valid_to"])
    return frame.assign(**{name: pd.to_datetime(frame[name]) for name in ("valid_from", "valid_to")})


def test_differences_are_listed_by_column_in_the_order_of_the_table():
    rebuilt = pd.DataFrame({"idx": [1, 2], "scd_b": [1, 1], "attr_a": [1, 1], "attr_b": ["x", "x"]})
    stored = rebuilt.assign(scd_b=[1, 2], attr_a=[2, 1], attr_b=["x", "y"])

    found = sources.disagreements(rebuilt, stored, ("idx",))

    assert found[["idx", "column"]].to_numpy().tolist() == [[2, "scd_b"], [1, "attr_a"], [2, "attr_b"]]


@pytest.mark.parametrize(
    ("left", "right", "relative", "equal"),
    [
        (1.0, 2.0, 0.5, True),  # the difference may be as large
        (0.9, 2.0, 0.5, False),
        (-1.0, -2.0, 0.5, True),
        (1e6 + 1e-4, 1e6, 1e-9, True),  # it is relative to the number
        (1e-6 + 1e-9, 1e-6, 1e-9, False),
        (1.0, 1.0 + 1e-15, 0.0, False),
    ],
)
def test_numbers_count_as_equal_up_to_the_relative_difference(left, right, relative, equal):
    rebuilt, stored = (pd.DataFrame({"k": [1], "value": [value]}) for value in (left, right))

    assert sources.disagreements(rebuilt, stored, ("k",), relative).empty == equal


def test_text_is_compared_as_it_is_where_numbers_may_differ_a_little():
    rebuilt = pd.DataFrame({"k": [1, 2], "location": ["Jena", "Lyon"], "value": [0.1 + 0.2, 1.0]})
    stored = pd.DataFrame({"k": [1, 2], "location": ["Jena", "lyon"], "value": [0.3, 1.0]})

    found = sources.disagreements(rebuilt, stored, ("k",), relative=1e-9)

    assert found.to_numpy().tolist() == [[2, "location", "Lyon", "lyon"]]


def test_stores_are_listed_by_their_mean_sales_the_largest_first():
    sales = pd.DataFrame(
        {
            "store_idx": [0, 0, 1, 2],
            "location": ["Jena", "Jena", "Lyon", "Bonn"],
            "value": [1.0, 2.0, 9.0, 0.5],
        }
    )

    assert list(sources.stores_by_sales(sales).items()) == [("Lyon", 9.0), ("Jena", 1.5), ("Bonn", 0.5)]


@pytest.mark.parametrize(
    ("first", "last", "whole"),
    [
        ("2020-01-01", "2020-03-31", [1, 2, 3]),
        ("2020-01-02", "2020-03-31", [2, 3]),
        ("2020-01-01", "2020-03-30", [1, 2]),
        ("2020-01-02", "2020-03-30", [2]),
        ("2020-02-01", "2020-02-29", [2]),  # a leap year
    ],
)
def test_a_month_is_whole_from_its_first_day_to_its_last(first, last, whole):
    months = pd.DataFrame({"sale_month": pd.to_datetime(["2020-01-01", "2020-02-01", "2020-03-01"])})
    days = pd.Series(pd.to_datetime(["2020-02-10", last, first]))

    assert sources.whole_months(months, days)["sale_month"].dt.month.tolist() == whole


@pytest.mark.parametrize(
    ("ends", "fault", "count"),
    [
        ("2020-01-01", "spells that end before they start", 1),  # a spell of no day
        ("2020-01-02", "spells that end before they start", 0),
        ("2020-05-31", "gaps between spells", 1),
        ("2020-06-01", "gaps between spells", 0),
        ("2020-06-01", "overlaps of spells", 0),
        ("2020-06-02", "overlaps of spells", 1),
    ],
)
def test_a_spell_ends_where_the_next_begins(ends, fault, count):
    history = spells((0, "2020-06-01", None), (0, "2020-01-01", ends), (1, "2020-01-01", None))

    assert sources.history_faults(history)[fault] == count


def test_clients_are_counted_by_the_number_of_their_spells_the_fewest_first():
    history = spells(
        *[(client, f"2020-0{n}-01", None) for client, n in [(5, 1), (5, 2), (5, 3), (6, 1), (7, 1)]]
    )

    assert list(sources.spells_per_client(history).items()) == [(1, 2), (3, 1)]
