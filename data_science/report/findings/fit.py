"""What is said about model and fit: what the prior allows, the posterior shows, and the checks find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from data_science.arrays import Floats
from data_science.engines import importance
from data_science.evaluation.calibration import Reliability
from data_science.evaluation.planted import Planted
from data_science.evaluation.replication import Replication
from data_science.limits import BFMI_MIN, ESS_MIN, RHAT_MAX, SENSITIVE
from data_science.report.wording import between, count, listed, percent, readable, rough


def prior_allows(ours: Floats, observed: float) -> str:
    """Say what overall label rates the prior allows, and where the observed one lies."""
    low, high = np.quantile(ours, [0.025, 0.975])
    below = float((ours < observed).mean())
    where = "inside" if low <= observed <= high else "outside"
    return (
        f"before seeing data, the model considers any overall rate from {between(low, high, 0)} possible "
        f"(95 % interval); the observed one, {percent(observed)}, lies {where}, with {percent(below, 0)} of "
        "the prior "
        "below it"
    )


def extremes(ours: Floats, wide: Floats) -> str:
    """Say how likely two priors make it that a client's label is all but certain."""
    share, share_wide = (float(np.mean((rates < 0.01) | (rates > 0.99))) for rates in (ours, wide))
    return (
        f"a probability below 1 % or above 99 % has a chance of {percent(share, 0)}, and would have one of "
        f"{percent(share_wide, 0)} under a prior ten times as wide"
    )


def prior_spread(spread: Mapping[str, Floats]) -> str:
    """Say how far apart the prior lets the rates of groups be."""
    parts = []
    for name, values in spread.items():
        low, high = (100 * np.quantile(values, [0.025, 0.975])).round()
        parts.append(f"{low:.0f} to {high:.0f} percentage points between levels of {name}")
    return f"{listed(parts)} (95 % intervals)"


def gates(measured: Mapping[str, Any]) -> str:
    """Say what the gates measured."""
    ess = min(measured["ess_bulk_min"], measured["ess_tail_min"])
    found = [
        f"the worst r_hat is {measured['rhat_max']:.4f} (limit {RHAT_MAX:g})",
        f"the smallest effective sample size {ess:,.0f} (limit {ESS_MIN:g})",
    ]
    if measured.get("n_divergences") is not None:
        found.append(f"there was {count(measured['n_divergences'], 'divergence')}")
    if measured.get("bfmi_min") is not None:
        found.append(f"the lowest E-BFMI is {measured['bfmi_min']:.2f} (limit {BFMI_MIN:g})")
    return listed(found)


def second_opinion(agreement: Mapping[str, Any] | None, notes: str | None = None) -> str:
    """Say how far the posteriors of two engines are apart, or why there is only one."""
    if agreement is None:
        return f"there is no second opinion on this fit: {notes or 'none was asked for'}"
    by = agreement.get("by", importance.TITLE)  # older fits do not say; there was no other
    numerical = by == importance.TITLE
    described = "a second engine, which integrates numerically" if numerical else f"{by},"
    return (
        f"{described} from the same likelihood, gives the same posterior: the "
        f"largest difference is {agreement['distance_in_sds']:.3f} of a posterior standard deviation "
        f"({readable(agreement['worst'])}), {agreement['distance_in_mcse']:.1f} Monte Carlo standard errors "
        f"where up to {agreement['limit_in_mcse']:.1f} may be chance"
    )


def chains(p_values: pd.Series[float]) -> str:
    """Say whether the chains agree, by tests of their ranks."""
    worst = readable(str(p_values.idxmin()))
    found = f"the smallest of the {len(p_values)} p-values is {p_values.min():.3f} ({worst})"
    if p_values.min() < 0.01 / len(p_values):
        return f"{found}, which is a sign that they do not quite agree"
    return f"{found}, which is no sign that they disagree"


def energy(parts: Mapping[str, Floats]) -> str:
    """Say whether the energy changes from draw to draw about as much as it varies overall."""
    whole, change = (float(values.std()) for values in parts.values())
    verdict = "much narrower" if change < 0.5 * whole else "not much narrower"
    return f"the changes ({change:.1f} nats) are {verdict} than the whole ({whole:.1f}; standard deviations)"


def farthest(table: pd.DataFrame) -> str:
    """Say which effect is farthest from zero, and its interval."""
    place = int(table["middle"].abs().to_numpy().argmax())
    name, row = table.index[place], table.iloc[place]
    said = f"of {count(len(table), 'effect')}, that of {name} is farthest from zero"
    return f"{said}: {_minus(f'{row["middle"]:+.2f} ({row["low"]:.2f} to {row["high"]:.2f})')}"


def averages(table: pd.DataFrame) -> str:
    """Say by how many percentage points the average probability changes with each feature.

    Parameters
    ----------
    table : DataFrame
        Indexed by feature: ``low``, ``middle`` and ``high`` of the change, and ``start`` and ``end``, the
        values of the feature between which it changes.
    """
    parts = [
        f"{name} from {_end(row['start'])} to {_end(row['end'])}: "
        + _minus(f"{100 * row['middle']:+z.1f} points ({100 * row['low']:z.1f} to {100 * row['high']:z.1f})")
        for name, row in zip(table.index, table.to_dict("records"), strict=True)
    ]
    return "; ".join(parts)


def highest_and_lowest(tables: Mapping[str, pd.DataFrame]) -> str:
    """Say at which level of each feature the average probability is highest and lowest, with its interval."""
    parts = []
    for name, table in tables.items():
        ends = pd.concat([table.nlargest(1, "middle"), table.nsmallest(1, "middle")])
        said = [
            f"{percent(row['middle'])} ({between(row['low'], row['high'])}) at {level}"
            for level, row in ends.iterrows()
        ]
        parts.append(f"{name} {listed(said)}")
    return "; ".join(parts)


def _minus(written: str) -> str:
    """Give formatted numbers minus signs; names are not for it, which may have hyphens."""
    return written.replace("-", "\N{MINUS SIGN}")


def _end(value: Any) -> str:
    return value if isinstance(value, str) else _minus(str(value))


def seen(found: Planted) -> str:
    """Say how often planted effects were seen."""
    parts = [
        f"{_planted(size)} in {round(share * found.n_tables)} of {found.n_tables} tables"
        for size, share in found.table["seen"].items()
    ]
    return f"the fit saw {listed(parts)}"


def _planted(size: Any) -> str:
    if size == 1.0:
        return "an effect where none was planted"
    return f"an odds ratio of {size:.3g} per standard deviation"


def odds_ratios(table: pd.DataFrame) -> str:
    """Say each odds ratio with its interval."""
    rows = table.itertuples()
    return listed([f"{row.Index} {row.middle:.3f} ({row.low:.3f} to {row.high:.3f})" for row in rows])


def spreads(draws: Mapping[str, Floats]) -> str:
    """Say how large each spread is: median and 95 % interval."""
    said = []
    for name, values in draws.items():
        low, middle, high = np.quantile(values, [0.025, 0.5, 0.975])
        said.append(f"{name} {middle:.2g} ({low:.2g} to {high:.2g})")
    return listed(said)


def pooling(levels: Mapping[str, Replication]) -> str:
    """Say how far partial pooling moved the rates of the levels."""
    rates = pd.concat({name: found.rates for name, found in levels.items()})
    move = (rates["observed"] - rates["middle"]).abs()
    name, level = move.index[int(move.to_numpy().argmax())]
    said = []
    for feature, found in levels.items():
        raw, pooled = found.rates["observed"], found.rates["middle"]
        span = (100 * (values.max() - values.min()) for values in (raw, pooled))
        said.append(
            "the rates of {} span {:.1f} percentage points raw and {:.1f} pooled".format(feature, *span)
        )
    return f"{listed(said)}; {name} = {level} moved most, by {100 * move.max():.1f} points"


def replicated(found: Sequence[Replication]) -> str:
    """Say how many groups' observed rates lie in the interval of replicated data."""
    rates = pd.concat([margin.replicated_rates for margin in found])
    inside = int(rates["observed"].between(rates["low"], rates["high"]).sum())
    n_inside = f"all {inside}" if inside == len(rates) else f"{inside or 'none'} of {len(rates)}"
    verb = "lies" if inside == 1 else "lie"
    return f"{n_inside} observed rates {verb} inside the 95 % interval of simulated data"


def discrepancy(draws: pd.DataFrame) -> str:
    """Say how many data sets that the model itself made have a group as far off as the data."""
    n_as_far = int((draws["replicated"] >= draws["observed"]).sum())
    verb = "has" if n_as_far == 1 else "have"
    return (
        f"{n_as_far or 'none'} of {len(draws):,} data sets simulated from the model {verb} a group of "
        "clients as far off as the data"
    )


def residuals(tables: Mapping[str, pd.DataFrame]) -> str:
    """Say how many residuals chance does not explain."""
    rows = pd.concat(tables.values())
    outside = int((~rows["observed"].between(rows["low"], rows["high"])).sum())
    return (
        f"{outside or 'none'} of {len(rows)} residuals {'lies' if outside == 1 else 'lie'} outside, where "
        f"at most about {rough(0.05 * len(rows))} would by chance"
    )


def rates_predicted(observed: Mapping[str, pd.DataFrame], predicted: Mapping[str, pd.Series[float]]) -> str:
    """Say how many groups' intervals of the observed rate hold the rate that was predicted."""
    held = [
        bool(row["low"] <= rate <= row["high"])
        for name, table in observed.items()
        for (_, row), rate in zip(table.iterrows(), predicted[name], strict=True)
        if np.isfinite(rate)  # a tenth of a feature with ties may hold nobody
    ]
    verb = "holds" if sum(held) == 1 else "hold"
    return f"{sum(held) or 'none'} of {count(len(held), 'interval')} {verb} the predicted rate"


def recalibrated(found: Reliability) -> str:
    """Say how far the recalibrated curve strays, beside the curves of right probabilities."""
    return (
        f"the recalibrated curve leaves the band for {percent(found.share_outside, 0)} of the clients; "
        f"curves of right probabilities do so for as many in {percent(found.chance, 0)} of simulations"
    )


def sensitivity(table: pd.DataFrame) -> str:
    """Say which parameters depend noticeably on the prior."""
    named = [readable(str(name)) for name in table.index[table["prior"] >= SENSITIVE]]
    worst = readable(str(table["prior"].idxmax()))
    largest = f"the largest sensitivity to the prior is {table['prior'].max():.3f} ({worst})"
    verb = "are" if len(named) > 1 else "is"
    return f"{largest}; {listed(named)} {verb} above the limit of {SENSITIVE}"
