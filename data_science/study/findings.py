"""What the numbers say, in sentences: the book's claims, each decided by the data it is about.

Changes when a chapter claims something else. A sentence states what was measured, then how it is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from data_science.formula.encoding import Floats
from data_science.judgement.comparison import SMALL, Comparison, Difference
from data_science.study.calibration import Reliability
from data_science.study.decision_curve import Strategies
from data_science.study.exploration import Screen
from data_science.study.prior_checks import SENSITIVE
from data_science.study.replication import Replication
from data_science.study.wording import between, count, listed, percent


def follows_from_sources(table: str, differences: pd.DataFrame, n_rows: int) -> str:
    """Say whether a derived table is what its sources give."""
    if differences.empty:
        return f"the table {table} is exactly what its sources give, in all of its {n_rows:,} rows"
    first = differences.iloc[0]
    return (
        f"the table {table} differs from what its sources give in {count(len(differences), 'cell')}, first "
        f"in {first['column']} of {differences.columns[0]} {first.iloc[0]}"
    )


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


def chance_explains(found: Screen) -> str:
    """Say whether the largest deviation of any group is more than shuffled labels show."""
    name = found.table["deviation"].idxmax()
    largest = (
        f"of {int(found.table['groups'].sum())} groups the one that deviates most from the overall rate is "
        f"{found.table.loc[name, 'level']} of {name}, by {found.observed:.1f} standard deviations"
    )
    share = f"{percent(found.p_value)} of data sets with a shuffled label have one at least as far out"
    if found.stands_out:
        return f"{largest}; only {share}, so that chance does not explain it"
    return f"{largest}; {share}, so that chance explains it"


def intervals_seen(table: pd.DataFrame, rate: float, n_without: int) -> str:
    """Say how many intervals leave out the overall rate, beside how many would by chance."""
    expected = 0.05 * len(table)
    return (
        f"{count(n_without, 'interval')} of {len(table)} {'leaves' if n_without == 1 else 'leave'} out the "
        f"overall rate of {percent(rate)}, where about {expected:.1g} would if no group differed"
    )


def effects(summary: pd.DataFrame) -> str:
    """Say which coefficients' 90 % intervals leave out zero."""
    clear = summary.index[(summary["q5"] > 0) | (summary["q95"] < 0)].tolist()
    if not clear:
        return f"every one of the {len(summary)} intervals contains zero"
    verb = "leaves" if len(clear) == 1 else "leave"
    return f"{len(clear)} of {len(summary)} intervals {verb} out zero: {listed(clear)}"


def pooling(found: Replication) -> str:
    """Say how far partial pooling moved the groups' rates."""
    rates = found.rates
    raw, pooled = rates["observed"], rates["middle"]
    spread, shrunk = raw.max() - raw.min(), pooled.max() - pooled.min()
    if not spread:
        return "all raw rates are equal"
    move = (raw - pooled).abs()
    return (
        f"the raw rates of the groups span {100 * spread:.1f} percentage points, the pooled ones "
        f"{100 * shrunk:.1f}; the group that moved most is {move.idxmax()}, by {100 * move.max():.2f}"
    )


def replicated(found: Sequence[Replication]) -> str:
    """Say how many groups' observed rates lie in the interval of replicated data."""
    rates = pd.concat([margin.replicated_rates for margin in found])
    inside = int(rates["observed"].between(rates["low"], rates["high"]).sum())
    return f"{inside} of {len(rates)} observed rates lie inside the 95 % interval of simulated data"


def discrepancy(found: Replication) -> str:
    """Say whether the worst group is worse than in data that the model itself made."""
    draws = found.discrepancy
    share = float((draws["replicated"] >= draws["observed"]).mean())
    verdict = (
        "the model does not describe this margin"
        if share < 0.025
        else "the model leaves nothing to see in this margin"
    )
    return f"{percent(share, 0)} of simulated data sets have a group at least as far off: {verdict}"


def calibrated(found: Reliability) -> str:
    """Say whether predicted probabilities come true."""
    verdict = "do not come true" if found.chance < 0.05 else "come true, as far as these data can tell"
    return (
        f"the predicted probabilities {verdict}: the curve leaves the band for "
        f"{percent(found.share_outside, 0)} of the clients, and so, or further, would the curves of "
        f"{percent(found.chance, 0)} of predictions that are right"
    )


def sensitivity(table: pd.DataFrame) -> str:
    """Say which parameters depend noticeably on the prior."""
    named = table.index[table["prior"] >= SENSITIVE].tolist()
    largest = f"the largest prior sensitivity is {table['prior'].max():.3f} ({table['prior'].idxmax()})"
    if not named:
        return f"{largest}, below the limit of {SENSITIVE}: no conclusion hangs on the priors"
    return f"{largest}; {listed(named)} pass the limit of {SENSITIVE}: their posterior depends on the prior"


def beats(name: str, reference: str, gain: Difference) -> str:
    """Say whether one method predicts clients better than another."""
    measured = f"{gain.elpd:+,.1f} nats (SE {gain.se:,.1f}) over {gain.n_rows:,} clients"
    if gain.is_noise:
        return f"{name} predicts no better and no worse than {reference} by any measurable amount: {measured}"
    return f"{name} predicts {'better' if gain.elpd > 0 else 'worse'} than {reference}: {measured}"


def best_method(table: pd.DataFrame, reference: str) -> str:
    """Say which methods predict measurably better or worse than the reference."""
    others = table.drop(index=reference)
    # As in comparison.py: below SMALL nats a difference is small, whatever its standard error.
    clear = others[others["difference"].abs() >= np.maximum(2 * others["se"], SMALL)]
    better = clear.index[clear["difference"] > 0].tolist()
    worse = clear.index[clear["difference"] < 0].tolist()
    parts = [
        f"{listed(better)} {'predicts' if len(better) == 1 else 'predict'} better" if better else "",
        f"{listed(worse)} {'predicts' if len(worse) == 1 else 'predict'} worse" if worse else "",
    ]
    said = listed([part for part in parts if part], nothing="no method differs by a measurable amount")
    return f"against {reference}: {said}"


def worth(found: Strategies, unit: str) -> str:
    """Say where the model is better than treating all clients alike."""
    if found.useful.empty:
        return (
            f"at no {unit} is the model better than treating all clients alike by more than chance would show"
        )
    return (
        f"the model is better than treating all clients alike at {len(found.useful)} of {len(found.gain)} "
        f"values of the {unit}, from {found.useful.min():.3g} to {found.useful.max():.3g}"
    )


def ones_predicted(probability: pd.Series[float], threshold: float) -> str:
    """Say how many clients get a 1 at a threshold, and why."""
    n_ones = int((probability > threshold).sum())
    spread = f"the predicted probabilities run from {between(probability.min(), probability.max())}"
    if not n_ones:
        return f"{spread}, all below the threshold of {percent(threshold)}: every client gets a 0"
    ones = f"{count(n_ones, 'client')} of {len(probability):,}"
    return f"{spread}; {ones} {'lies' if n_ones == 1 else 'lie'} above {percent(threshold)}, predicted as 1"


def gates(measured: Mapping[str, Any]) -> str:
    """Say what the gates measured."""
    ess = min(measured["ess_bulk_min"], measured["ess_tail_min"])
    found = [
        f"the worst r_hat is {measured['rhat_max']:.4f} (limit 1.01)",
        f"the smallest effective sample size {ess:,.0f} (limit 400)",
    ]
    if measured.get("n_divergences") is not None:
        found.append(f"there was {count(measured['n_divergences'], 'divergence')}")
    if measured.get("bfmi_min") is not None:
        found.append(f"the lowest E-BFMI is {measured['bfmi_min']:.2f} (limit 0.3)")
    return listed(found)


def commonest(shares: Mapping[str, pd.Series[float]]) -> str:
    """Say which level of each feature most clients have."""
    return listed(
        [f"{name} is {values.idxmax()} for {percent(values.max(), 0)}" for name, values in shares.items()]
    )


def beside_shuffled(n_seen: int, n_shuffled: int, n_groups: int) -> str:
    """Say how many intervals leave out the overall rate, in the data and with a shuffled label."""
    return (
        f"of {n_groups} intervals, {n_seen or 'none'} in the data and {n_shuffled or 'none'} with the "
        "shuffled label leave out the overall rate"
    )


def prior_allows(ours: Floats, wide: Floats) -> str:
    """Say what probabilities of a client two priors allow, by their shares of extreme ones."""
    extreme, extreme_wide = (float(np.mean((rates < 0.01) | (rates > 0.99))) for rates in (ours, wide))
    low, high = np.quantile(ours, [0.05, 0.95])
    return (
        f"before seeing data, the model holds any probability from {between(low, high, 0)} possible for a "
        f"client (90 % interval) and puts {percent(extreme, 0)} of its belief below 1 % or above 99 %; a "
        f"prior ten times as wide would put {percent(extreme_wide, 0)} there"
    )


def prior_spread(spread: Mapping[str, Floats]) -> str:
    """Say how far apart the prior lets the rates of groups be."""
    parts = [
        f"{between(*np.quantile(values, [0.05, 0.95]), 0)} between levels of {name}"
        for name, values in spread.items()
    ]
    return f"differences of {listed(parts)} (90 % intervals)"


def odds_ratios(table: pd.DataFrame) -> str:
    """Say each odds ratio with its interval."""
    rows = table.itertuples()
    return listed([f"{row.Index} {row.middle:.2f} ({row.low:.2f} to {row.high:.2f})" for row in rows])


def medians(draws: Mapping[str, Floats]) -> str:
    """Say the median and 90 % interval of each quantity."""
    said = []
    for name, values in draws.items():
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
        said.append(f"{name} {middle:.2f} ({low:.2f} to {high:.2f})")
    return listed(said)


def residuals(tables: Mapping[str, pd.DataFrame]) -> str:
    """Say how many residuals chance does not explain."""
    rows = pd.concat(tables.values())
    outside = int((~rows["observed"].between(rows["low"], rows["high"])).sum())
    expected = 0.05 * len(rows)
    return (
        f"{outside or 'none'} of {len(rows)} residuals {'lies' if outside == 1 else 'lie'} outside, where "
        f"about {expected:.1g} would by chance"
    )


def reliable(comparison: Comparison) -> str:
    """Say whether importance sampling can be trusted, by its k-hat."""
    worst = max(comparison.loos, key=lambda name: comparison.loos[name].khat_max)
    n_high = sum(fit.n_khat_high for fit in comparison.loos.values())
    largest = f"the largest k-hat of any client is {comparison.loos[worst].khat_max:.2f} ({worst})"
    if n_high:
        return f"{largest}, and {count(n_high, 'estimate')} above the limit of 0.7 cannot be relied on"
    return f"{largest}, below the limit of 0.7, so it can be trusted everywhere"


def best_candidate(differences: Mapping[str, Difference], reference: str) -> str:
    """Say which candidates predict measurably better or worse than the reference."""
    table = pd.DataFrame(
        {name: {"difference": gap.elpd, "se": gap.se} for name, gap in differences.items()}
    ).T
    return best_method(table, reference)


def use(gain: Difference, rate: float) -> str:
    """Say what the model is good for."""
    if gain.is_noise or gain.is_small:
        return (
            f"On these data, the model is an expensive way of saying that every client has about "
            f"{percent(rate)}: use it to know that, and to notice if it changes"
        )
    if gain.elpd < 0:
        return "On these data, the model predicts worse than the overall rate: do not use it"
    return (
        f"On these data, the model ranks clients around the overall rate of {percent(rate)} better than "
        "chance: use its probabilities, with a threshold from costs, for clients like these"
    )
