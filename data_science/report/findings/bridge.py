"""What is measured of two fits of the same model, and of rates before and after pooling."""

from __future__ import annotations

import pandas as pd

from data_science.report.wording import between, listed, readable


def apart(theirs: pd.DataFrame, ours: pd.DataFrame) -> str:
    """Say how far the means of two posteriors are apart, and how precisely either is known.

    Parameters
    ----------
    theirs, ours : DataFrame
        Indexed by parameter: ``mean``, ``sd`` and ``mcse_mean``.
    """
    gap = (theirs["mean"] - ours["mean"]).reindex(ours.index)
    by_sd = (gap / ours["sd"]).abs()
    by_error = (gap / (theirs["mcse_mean"] ** 2 + ours["mcse_mean"] ** 2) ** 0.5).abs()
    return (
        f"the means of the {len(ours)} parameters differ by at most {by_sd.max():.2g} of a posterior "
        f"standard deviation ({readable(str(by_sd.idxmax()))}), and by at most {by_error.max():.1f} Monte "
        "Carlo standard errors"
    )


def pulled(rates: pd.DataFrame) -> str:
    """Say how far pooling moved the rates.

    Parameters
    ----------
    rates : DataFrame
        Indexed by group: ``clients``, and the rate ``raw`` and ``pooled``.
    """
    raw, pooled = rates["raw"], rates["pooled"]
    found = rates.assign(points=100 * (pooled - raw).abs())
    said = [
        f"{row.Index}, with {row.clients} clients, moved by {row.points:.1f} points"
        for row in (*found.nlargest(1, "points").itertuples(), *found.nlargest(1, "clients").itertuples())
    ]
    return (
        f"the rates are {between(raw.min(), raw.max())} raw, {between(pooled.min(), pooled.max())} pooled; "
        f"{listed(said)}"
    )
