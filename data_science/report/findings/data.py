"""What is said about the data before any model: where they come from, and what their groups show."""

from __future__ import annotations

from calendar import month_name
from collections.abc import Mapping
from typing import Protocol

import pandas as pd

from data_science.arrays import Floats
from data_science.report.wording import CROSS, count, listed, percent, rough


class Screen(Protocol):
    """The largest deviation of any group's rate from the overall rate, beside what shuffled labels show."""

    @property
    def table(self) -> pd.DataFrame:
        """One row per margin, with its number of groups, and the level and deviation of the farthest."""
        ...

    @property
    def observed(self) -> float:
        """The largest deviation over all margins, in standard deviations."""
        ...

    @property
    def shuffled(self) -> Floats:
        """The same of each shuffled label."""
        ...


def follows_from_sources(table: str, differences: pd.DataFrame, n_rows: int) -> str:
    """Say whether a derived table follows from its sources."""
    if differences.empty:
        return f"{table} follows from its sources in all of its {count(n_rows, 'row')}"
    first, keys = differences.iloc[0], differences.columns[: differences.columns.get_loc("column")]
    where = ", ".join(f"{name} {first[name]}" for name in keys)
    what = f"in {first['column']} of" if first["column"] != "(row)" else "in whether it has a row for"
    return (
        f"{table} differs from what its sources imply in {count(len(differences), 'place')}, first {what} "
        f"{where}"
    )


def clients_lost(lost: pd.Series[int], n_profiles: int) -> str:
    """Say whether every client of the profiles has come through the join."""
    missing = [f"{n:,} {reason}" for reason, n in lost.items() if n]
    if not missing:
        return f"it contains every one of the {n_profiles:,} clients"
    return f"of {n_profiles:,} clients with a profile, {listed(missing)} are left out"


def data_faults(inventory: pd.DataFrame, history: pd.Series[int]) -> str:
    """Say what was found by looking for missing values, repeated keys and broken histories."""
    counts = {
        "missing value": int(inventory["missing"].sum()),
        "repeated key": int(inventory["repeated"].sum()),
        "fault in the histories": int(history.sum()),
    }
    found = [
        count(n, name, name.replace("fault", "faults") if "fault" in name else None)
        for name, n in counts.items()
        if n
    ]
    return f"the checks found {listed(found)}" if found else f"no {', no '.join(counts)}"


def commonest(shares: Mapping[str, pd.Series[float]]) -> str:
    """Say which level of each feature most clients have."""
    said = [f"{name} = {values.idxmax()} ({percent(values.max(), 0)})" for name, values in shares.items()]
    return f"the most common levels are {listed(said)}"


def stores_seen(means: pd.Series[float]) -> str:
    """Say which store sells most."""
    if means.empty:
        return "there are no sales"
    top, bottom = means.index[0], means.index[-1]
    if len(means) == 1:
        return f"the only store is {top}"
    times = f", {means.iloc[0] / means.iloc[-1]:.1f} times what {bottom} sells" if means.iloc[-1] > 0 else ""
    return f"of {len(means)} stores, {top} sells most in a month{times}"


def months_seen(by_month: pd.DataFrame) -> str:
    """Say which calendar months are the strongest and the weakest, on average over the years."""
    typical = by_month.mean(axis=1).dropna()
    if len(typical) < 2:
        return "there are too few months to compare"
    strong, weak = (month_name[int(str(month))] for month in (typical.idxmax(), typical.idxmin()))
    times = f"{typical.max() / typical.min():.1f} times" if typical.min() > 0 else "above"
    return f"{strong} is the strongest month, {times} {weak}, the weakest"


def intervals_seen(n_groups: int, n_without: int, by_chance: Floats) -> str:
    """Say how many intervals exclude the overall rate, beside how many do if the label is shuffled."""
    share = float((by_chance >= n_without).mean())
    return (
        f"{n_without or 'none'} of {n_groups} intervals {'excludes' if n_without == 1 else 'exclude'} the "
        f"overall rate; with a shuffled label there are {rough(float(by_chance.mean()))} on average, and at "
        "least as "
        f"many in {percent(share, 0)} of shuffles"
    )


def farthest_group(found: Screen) -> str:
    """Say how far the group is that is farthest out, beside what shuffled labels show."""
    if not found.table["groups"].sum():
        return "no group is large enough to be looked at"
    name = str(found.table["deviation"].idxmax())
    group = _group(name, str(found.table.loc[name, "level"]))
    return (
        f"of {int(found.table['groups'].sum())} groups the one farthest from the overall rate is "
        f"{group}, by {found.observed:.1f} standard deviations, and {screened(found)}"
    )


def screened(found: Screen) -> str:
    """Say how often shuffled labels have a group as far out as the data."""
    n_as_far = int((found.shuffled >= found.observed).sum())
    verb = "has" if n_as_far == 1 else "have"
    return (
        f"{n_as_far or 'none'} of {len(found.shuffled)} data sets with a shuffled label {verb} one as far out"
    )


def _group(margin: str, level: str) -> str:
    """Name a group of clients: "attr_a = 4 and attr_b = c"."""
    features, levels = margin.split(CROSS), level.split(CROSS)
    if len(features) != len(levels):  # a level has the sign in its own name
        return f"{level} of {margin}"
    return " and ".join(f"{feature} = {value}" for feature, value in zip(features, levels, strict=True))
