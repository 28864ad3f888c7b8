"""The derived tables follow from their sources, or the difference is named."""

import pandas as pd
import pytest

from book import sources

PROFILES = pd.DataFrame({"idx": [0, 1, 2], "attr_a": [1, 2, 1], "attr_b": list("abc"), "attr_c": ["c00"] * 3})
LABELS = pd.DataFrame({"idx": [0, 1, 2], "label": [0, 1, 0]})


def activity(*spells: tuple[int, str, str | None, float, int]) -> pd.DataFrame:
    frame = pd.DataFrame(spells, columns=["idx", "valid_from", "valid_to", "scd_a", "scd_b"])
    return frame.assign(
        valid_from=pd.to_datetime(frame["valid_from"]), valid_to=pd.to_datetime(frame["valid_to"])
    )


SPELLS = (
    (0, "2020-01-01", "2020-06-01", 0.1, 1),
    (0, "2020-06-01", None, 0.2, 2),
    (1, "2020-03-01", None, 0.3, 3),
    (2, "2020-04-01", None, 0.4, 4),
)


def test_feature_store_has_each_client_once_with_its_current_activity():
    rebuilt = sources.rebuild_feature_store(PROFILES, activity(*SPELLS), LABELS)

    assert rebuilt["idx"].tolist() == [0, 1, 2]
    assert rebuilt["scd_a"].tolist() == [0.2, 0.3, 0.4]
    assert rebuilt.columns.tolist() == ["idx", "attr_a", "attr_b", "scd_a", "scd_b", "label"]


def test_equal_tables_have_no_disagreements_in_any_row_order():
    rebuilt = sources.rebuild_feature_store(PROFILES, activity(*SPELLS), LABELS)

    assert sources.disagreements(rebuilt, rebuilt[::-1], ("idx",)).empty


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda t: t.assign(scd_b=t["scd_b"].replace(3, 5)), [(1, "scd_b", 3, 5)]),
        (lambda t: t[t["idx"] != 2], [(2, "(row)", True, False)]),
        (
            lambda t: pd.concat([t, t.tail(1).assign(idx=9)]),
            [(9, "(row)", False, True)],
        ),
    ],
    ids=["a value", "a row too few", "a row too many"],
)
def test_what_differs_is_named_with_both_values(change, expected):
    rebuilt = sources.rebuild_feature_store(PROFILES, activity(*SPELLS), LABELS)

    found = sources.disagreements(rebuilt, change(rebuilt), ("idx",))

    assert list(found.itertuples(index=False, name=None)) == expected


def test_sums_may_differ_in_the_last_digits_only():
    stored = pd.DataFrame({"k": [1, 2, 3], "value": [0.3, 5.0, 1.0], "place": ["x", "x", "y"]})
    rebuilt = pd.DataFrame({"k": [1, 2, 3], "value": [0.1 + 0.2, 5.1, 1.0], "place": ["x", "x", "z"]})

    found = sources.disagreements(rebuilt, stored, ("k",), relative=1e-9)

    assert found[["k", "column"]].to_numpy().tolist() == [[2, "value"], [3, "place"]]


def test_monthly_sales_are_summed_by_store_and_month():
    sales = pd.DataFrame(
        {
            "idx": range(3),
            "value": [1.0, 2.0, 4.0],
            "date": pd.to_datetime(["2020-01-01", "2020-01-31", "2020-02-01"]),
            "store_idx": [7, 7, 7],
        }
    )
    stores = pd.DataFrame({"idx": [7], "location": ["Jena"]})

    monthly = sources.rebuild_monthly_sales(sales, stores)

    assert monthly["value"].tolist() == [3.0, 4.0]
    assert monthly["sale_month"].tolist() == [pd.Timestamp("2020-01-01"), pd.Timestamp("2020-02-01")]


@pytest.mark.parametrize(
    ("spells", "fault"),
    [
        (((0, "2020-01-01", "2020-06-01", 0, 1),), "clients without a current spell"),
        (
            ((0, "2020-01-01", None, 0, 1), (0, "2020-06-01", None, 0, 1)),
            "clients with several current spells",
        ),
        (
            ((0, "2020-01-01", "2019-06-01", 0, 1), (1, "2020-06-01", None, 0, 1)),
            "spells that end before they start",
        ),
        (((0, "2020-01-01", "2020-02-01", 0, 1), (0, "2020-06-01", None, 0, 1)), "gaps between spells"),
        (((0, "2020-01-01", "2020-07-01", 0, 1), (0, "2020-06-01", None, 0, 1)), "overlaps of spells"),
    ],
)
def test_each_fault_of_a_history_is_counted(spells, fault):
    assert sources.history_faults(activity(*spells))[fault] == 1


def test_a_sound_history_has_no_fault():
    assert sources.history_faults(activity(*SPELLS)).sum() == 0


def test_the_inventory_counts_missing_values_and_repeated_keys_but_not_open_spells():
    profiles = pd.concat([PROFILES, PROFILES.tail(1).assign(attr_b=None)])

    found = sources.inventory({"customer_profiles": profiles, "customer_activity": activity(*SPELLS)})

    assert found.loc["customer_profiles"].tolist() == [4, 1, 1, "not stated"]
    assert found.loc["customer_activity"].tolist() == [4, 0, 0, "not stated"]


@pytest.mark.parametrize(
    ("comment", "told"),
    [
        ("generated, seed 4, scenario signal", "generated, seed 4, scenario signal"),
        (
            f"the company's file, sha256 {'0123456789abcdef' * 4} (2 files, one after another)",
            "the company's file, sha256 0123456789ab\N{HORIZONTAL ELLIPSIS} (2 files, one after another)",
        ),
        ("<b>of clients</b>", "not stated"),
        (None, "not stated"),
    ],
)
def test_the_inventory_says_of_a_source_what_its_own_comment_states(comment, told):
    labels = LABELS.copy()
    labels.attrs["comment"] = comment

    found = sources.inventory({"labels": labels, "feature_store": labels})

    assert found["comes from"].tolist() == [told, "customer_profiles, customer_activity, labels"]


def test_clients_that_the_join_leaves_out_are_counted_by_what_they_lack():
    found = sources.lost(PROFILES, activity(*SPELLS[:3]), LABELS[:1])

    assert found.to_dict() == {"without a current activity": 1, "without a label": 2}


def test_sales_are_laid_out_by_calendar_month_and_year():
    dates = pd.to_datetime(["2020-01-01", "2020-03-01", "2021-03-01"])
    sales = pd.DataFrame(
        {"store_idx": [0, 1, 1], "location": "Lyon", "sale_month": dates, "value": [1.0, 2.0, 4.0]}
    )

    table = sources.by_month(sales)

    assert table.index.tolist() == list(range(1, 13))
    assert table.loc[3].tolist() == [2.0, 4.0]
    assert table[2020].isna().sum() == 10


def test_stores_that_share_a_location_are_told_apart():
    sales = pd.DataFrame(
        {"store_idx": [0, 1, 2], "location": ["Lyon", "Lyon", "Jena"], "value": [1.0, 2.0, 4.0]}
    )

    assert sources.stores_by_sales(sales).to_dict() == {"Jena": 4.0, "Lyon (1)": 2.0, "Lyon (0)": 1.0}


def test_a_key_that_one_version_has_twice_is_a_difference():
    rebuilt = sources.rebuild_feature_store(
        pd.concat([PROFILES, PROFILES.tail(1)]), activity(*SPELLS), LABELS
    )

    found = sources.disagreements(rebuilt, rebuilt.drop_duplicates(), ("idx",))

    assert found[["idx", "column", "rebuilt", "stored"]].to_numpy().tolist() == [[2, "(row)", True, False]]


def test_a_missing_value_is_equal_to_a_missing_value_only():
    rebuilt = pd.DataFrame({"idx": [0, 1], "value": pd.array([None, None], dtype="Int64")})
    stored = pd.DataFrame({"idx": [0, 1], "value": pd.array([None, 1], dtype="Int64")})

    for relative in (0.0, 1e-9):
        assert sources.disagreements(rebuilt, stored, ("idx",), relative)["idx"].tolist() == [1]


def test_a_month_in_which_sales_begin_or_end_is_not_compared_with_whole_ones():
    months = pd.DataFrame({"sale_month": pd.to_datetime(["2020-01-01", "2020-02-01", "2020-03-01"])})
    days = pd.Series(pd.to_datetime(["2020-01-05", "2020-03-31"]))

    assert sources.whole_months(months, days)["sale_month"].dt.month.tolist() == [2, 3]
    assert len(sources.whole_months(months[:1], days)) == 1  # all there is
