"""What the source tables hold, and whether the derived tables follow from them.

Changes with the data engineers' tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from data_science.data.provenance import recognised
from data_science.sources.postgres.feature_store import COMMENT

#: Key columns of each table; a table without a key of its own has all its columns here.
KEYS: Mapping[str, tuple[str, ...]] = {
    "feature_store": ("idx",),
    "customer_profiles": ("idx",),
    "customer_activity": ("idx", "valid_from"),
    "labels": ("idx",),
    "stores": ("idx",),
    "sales": ("idx",),
    "monthly_sales": ("store_idx", "sale_month"),
}
_COPY = "copy of its key"
#: What the data engineers make the derived tables from; the others say themselves where they come from.
DERIVED: Mapping[str, str] = {
    "feature_store": "customer_profiles, customer_activity, labels",
    "monthly_sales": "sales, stores",
}
_DIGEST = re.compile(r"([0-9a-f]{12})[0-9a-f]{52}")
#: Columns in which a missing value means something.
MEANINGFUL_NULLS = {("customer_activity", "valid_to")}


def rebuild_feature_store(
    profiles: pd.DataFrame, activity: pd.DataFrame, labels: pd.DataFrame
) -> pd.DataFrame:
    """Join the sources as `feature_store` is defined: one row per client, its current activity only."""
    current = activity[activity["valid_to"].isna()]
    joined = profiles.merge(current, on="idx").merge(labels, on="idx")
    return joined[["idx", "attr_a", "attr_b", "scd_a", "scd_b", "label"]]


def lost(profiles: pd.DataFrame, activity: pd.DataFrame, labels: pd.DataFrame) -> pd.Series[int]:
    """Count the clients with a profile that the join leaves out, by what they lack."""
    current = activity.loc[activity["valid_to"].isna(), "idx"]
    found = {"without a current activity": current, "without a label": labels["idx"]}
    return pd.Series({reason: int((~profiles["idx"].isin(ids)).sum()) for reason, ids in found.items()})


def rebuild_monthly_sales(sales: pd.DataFrame, stores: pd.DataFrame) -> pd.DataFrame:
    """Sum the sales of each store and month."""
    month = sales["date"].dt.to_period("M").dt.to_timestamp()
    named = sales.assign(sale_month=month).merge(stores, left_on="store_idx", right_on="idx")
    summed = named.groupby(["store_idx", "location", "sale_month"])["value"].sum(min_count=1)
    return summed.reset_index()


def disagreements(
    rebuilt: pd.DataFrame, stored: pd.DataFrame, key: tuple[str, ...], relative: float = 0.0
) -> pd.DataFrame:
    """Compare two versions of a table row by row.

    Parameters
    ----------
    rebuilt, stored : DataFrame
        The columns of ``rebuilt`` are compared.
    key : tuple of str
        Columns that identify a row.
    relative : float
        Relative difference up to which numbers count as equal; sums of floats depend on their order.

    Returns
    -------
    DataFrame
        One row per cell that differs: the key, ``column``, ``rebuilt``, ``stored``. A row that only one
        version has differs in ``(row)``.
    """
    rebuilt, stored = (
        table.assign(**{_COPY: table.groupby(list(key)).cumcount()}) for table in (rebuilt, stored)
    )
    matching = [*key, _COPY]  # a key that is there twice is two rows
    both = rebuilt.merge(stored, on=matching, how="outer", suffixes=(" rebuilt", " stored"), indicator=True)
    lone = both[both["_merge"] != "both"]
    presence = lone.assign(
        column="(row)", rebuilt=lone["_merge"] == "left_only", stored=lone["_merge"] == "right_only"
    )
    matched = both[both["_merge"] == "both"]
    parts = [presence]
    for column in rebuilt.columns.difference(matching, sort=False):
        left, right = matched[f"{column} rebuilt"], matched[f"{column} stored"]
        differs = ~_equal(left, right, relative)
        parts.append(matched[differs].assign(column=column, rebuilt=left[differs], stored=right[differs]))
    wanted = [*key, "column", "rebuilt", "stored"]
    return pd.concat([part[wanted].astype({"rebuilt": object, "stored": object}) for part in parts])


def store_names(sales: pd.DataFrame) -> pd.Series[str]:
    """Name the store of each row: its location, with its number where stores share one."""
    shared = sales.groupby("location")["store_idx"].transform("nunique") > 1
    return sales["location"].where(~shared, sales["location"] + " (" + sales["store_idx"].astype(str) + ")")


def stores_by_sales(sales: pd.DataFrame) -> pd.Series[float]:
    """Mean sales in a month of each store, the largest first."""
    return sales.groupby(store_names(sales))["value"].mean().sort_values(ascending=False)


def whole_months(monthly: pd.DataFrame, days: pd.Series[pd.Timestamp]) -> pd.DataFrame:
    """Leave out the first and the last month if sales began or ended within it; all others are whole."""
    ends = monthly["sale_month"] + pd.offsets.MonthEnd(1)
    whole = monthly[(monthly["sale_month"] >= days.min()) & (ends <= days.max())]
    return monthly if whole.empty else whole


def by_month(sales: pd.DataFrame) -> pd.DataFrame:
    """Sales of all stores by calendar month, 1 to 12 (rows), and year (columns)."""
    dated = sales.assign(year=sales["sale_month"].dt.year, month=sales["sale_month"].dt.month)
    table = dated.pivot_table(index="month", columns="year", values="value", aggfunc="sum")
    return table.reindex(range(1, 13))


def inventory(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Rows, missing values and repeated keys of each table.

    Returns
    -------
    DataFrame
        Indexed by table: ``rows``, ``missing`` (nulls that mean nothing), ``repeated`` (rows whose key came
        before), ``comes from`` (of a source table what its comment states, checksums cut to 12 digits).
    """
    found = {
        name: {
            "rows": len(table),
            "missing": int(table.drop(columns=_meaningful(name)).isna().sum().sum()),
            "repeated": int(table.duplicated(list(KEYS[name])).sum()),
            "comes from": DERIVED.get(name) or _origin(table),
        }
        for name, table in tables.items()
    }
    return pd.DataFrame.from_dict(found, orient="index")


def history_faults(activity: pd.DataFrame) -> pd.Series[int]:
    """Count what must not be in histories ``[valid_from, valid_to)`` of which one spell is current."""
    ordered = activity.sort_values(["idx", "valid_from"])
    following = ordered.groupby("idx")["valid_from"].shift(-1)
    ends, has_next = ordered["valid_to"], following.notna()
    n_current = ordered["valid_to"].isna().groupby(ordered["idx"]).sum()
    return pd.Series(
        {
            "clients without a current spell": int((n_current == 0).sum()),
            "clients with several current spells": int((n_current > 1).sum()),
            "spells that end before they start": int((ends <= ordered["valid_from"]).sum()),
            "gaps between spells": int((has_next & (ends < following)).sum()),
            "overlaps of spells": int((has_next & ((ends > following) | ends.isna())).sum()),
        }
    )


def spells_per_client(activity: pd.DataFrame) -> pd.Series[int]:
    """Count clients by the number of their spells."""
    return activity.groupby("idx").size().value_counts().sort_index()


def _origin(table: pd.DataFrame) -> str:
    return _DIGEST.sub("\\1\N{HORIZONTAL ELLIPSIS}", recognised(table.attrs.get(COMMENT)))


def _meaningful(table: str) -> list[str]:
    return [column for name, column in MEANINGFUL_NULLS if name == table]


def _equal(left: pd.Series[float], right: pd.Series[float], relative: float) -> pd.Series[bool]:
    same = left == right
    if relative and pd.api.types.is_numeric_dtype(left):
        same |= (left - right).abs() <= relative * right.abs()
    return same.fillna(False).astype(bool) | (left.isna() & right.isna())
