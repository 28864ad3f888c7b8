"""The verdict in words: every claim about a fit is one of these sentences, and each is read off a field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import floor, log, log10

from data_science.evaluation.evidence import Gain
from data_science.judgement.verdict import Verdict
from data_science.limits import OF_INTEREST, RARER_MIN, ROWS_MIN, SMALL_ELPD
from data_science.report.wording import capitalized, count, listed, readable

_MOST_NAMED = 3  # effects and columns in one sentence
_TOLD = 1.2  # times as long a slope is needed of a column that others tell in part
WARNING, FORM, FEATURES, SEEN, RULED_OUT, ADVICE = (
    "Warning", "Form", "Features", "Detectable", "Ruled out", "Advice",
)  # fmt: skip


def phrased(verdict: Verdict) -> Verdict:
    """Give the verdict its advice and its sentences."""
    advised = replace(verdict, advice=_advice(verdict))
    return replace(advised, sentences=tuple(f"{capitalized(text)}." for text in by_heading(advised).values()))


def by_heading(verdict: Verdict) -> dict[str, str]:
    """Return the verdict's sentences by heading, most important first."""
    found = {}
    if verdict.leaks:
        found[WARNING] = (
            f"too good to be true: {_few(verdict.leaks)} alone all but "
            f"{'determines' if len(verdict.leaks) == 1 else 'determine'} the response"
        )
    if verdict.n_copies:
        found[WARNING] = (
            f"{verdict.n_copies:,} of {verdict.n_rows:,} rows look like copies: each is equal to another in "
            "every column of the formula, and such rows differ in the response much less than chance lets "
            "them; the figures count each as a new row"
        )
    form, features = _form(verdict), _features(verdict)
    found |= {FORM: form, FEATURES: features} if verdict.form == "wrong" else {FEATURES: features, FORM: form}
    found[SEEN] = _detectable(verdict)
    if verdict.excluded:
        found[RULED_OUT] = _excluded(verdict)
    if verdict.advice:
        found[ADVICE] = "; ".join(verdict.advice)
    return found


def rate(share: float) -> str:
    """Write a rate with two significant digits at least: 0.0005 is "0.05%"."""
    digits = 1 if share >= 0.01 else 1 - floor(log10(share * 100))
    return f"{share:.{digits}%}"


def _features(verdict: Verdict) -> str:
    figures = (
        f"elpd difference {verdict.elpd_diff:z,.1f} (SE {verdict.se_diff:,.1f}) against 'intercept only'"
        f"{f' with {_few(verdict.offsets)}' if verdict.offsets else ''} over {verdict.n_rows:,} rows"
        f"{_how_measured(verdict)}"
    )
    overall = f"the overall rate is {rate(verdict.rate)}"
    if verdict.features == "add":
        each = f" of each of {verdict.n_candidates} candidates" if verdict.n_candidates > 1 else ""
        named = _few(tuple(map(readable, verdict.clear)))
        clear = f"; clear among {verdict.n_effects} effects{each}: {named}" if verdict.clear else ""
        if not Gain(verdict.elpd_diff, verdict.se_diff).is_clear(SMALL_ELPD, verdict.n_candidates):
            figures += ", which alone could be chance"
        return f"the features improve predictions: {figures}{clear}; {overall}"
    if not verdict.n_effects:
        known = f", only {_few(verdict.offsets)}" if verdict.offsets else ""
        return f"the formula has no features{known}; {overall}"
    if verdict.elpd_diff < 0:
        much = verdict.elpd_diff <= -max(2 * verdict.se_diff, SMALL_ELPD)
        figures += ", worse than without them" if much else ", no more than unused parameters may cost"
    if verdict.form == "wrong" and _is_beaten(verdict):
        return f"the features add nothing in the form of this formula: {figures}; {overall}"
    if verdict.features == "undecided":
        return f"undecided whether the features add anything: {figures}; {overall}"
    return f"nothing was found in the features: {figures}; {overall}"


def _how_measured(verdict: Verdict) -> str:
    """Say what the difference is, where it is more than one fit and its draws."""
    parts = []
    if verdict.n_candidates > 1:
        which = "the best" if verdict.elpd_diff >= 0 else "one"  # intercept only may be among them
        parts.append(f"{which} of {verdict.n_candidates} candidates, which the limit allows for")
    if verdict.n_refitted:
        parts.append(f"{count(verdict.n_refitted, 'row')} left out by refitting")
    if verdict.n_khat_high:
        parts.append(f"{count(verdict.n_khat_high, 'row')} of high k-hat, whose scores are not reliable")
    return f" ({'; '.join(parts)})" if parts else ""


def _form(verdict: Verdict) -> str:
    seen = verdict.form_seen
    if verdict.form == "not examined" and not verdict.n_effects:
        return "the model's form was not examined: the formula has no features"
    if verdict.n_copies:
        return "the model's form was not examined: another learner would know copies of what it has not seen"
    if verdict.form == "not examined" and seen:
        return (
            "the model's form was not examined: the other learner cannot take the many levels of "
            f"{_few(tuple(seen['unseen']))}"
        )
    if verdict.form == "not examined" and verdict.n_rarer >= RARER_MIN and verdict.n_rows >= ROWS_MIN:
        return (
            f"the model's form was not examined: of {verdict.n_rarer:,.0f} of the rarer response fewer than "
            f"{RARER_MIN} are in the sample of rows that another learner is given"
        )
    if verdict.form == "not examined" and verdict.n_rarer >= RARER_MIN:
        return (
            f"the model's form was not examined: {verdict.n_rows:,} rows are too few for another learner, "
            f"which needs {ROWS_MIN}"
        )
    if verdict.form == "not examined":
        return (
            f"the model's form was not examined: {verdict.n_rarer:,.0f} of the rarer response are too few "
            f"for another learner, which needs {RARER_MIN}"
        )
    figures = f"{seen['gain']:z,.1f} nats (SE {seen['gain_se']:,.1f}) on {seen['n_rows']:,} rows"
    if verdict.form == "holds":
        return (
            "the model's form holds, as far as boosted trees can see: they gain no more than chance does, "
            f"{figures}"
        )
    if not _is_beaten(verdict):
        if much := seen.get("dispersion"):
            return (
                f"the model's form is wrong: counts differ from row to row with {much:.3g} times the "
                "variance that chance gives them, so that its intervals are too narrow"
            )
        return (
            "the model's form is wrong: its probabilities do not come true, by more than chance "
            f"({seen['calibration']:.1%} of right models have so uneven a calibration curve)"
        )
    columns = tuple(seen["worst_column"])
    part = "most" if seen["worst_gain"] >= seen["gain"] / 2 else "a part"
    where = f"{part} of it is in {' and '.join(columns)}{' together' if len(columns) > 1 else ''}"
    where = where if columns else "it is in no bend of one column and in no pair of columns"
    return f"the model's form is wrong: boosted trees predict better by {figures}; {where}"


def _is_beaten(verdict: Verdict) -> bool:
    """Whether it is the other learner that shows that the form is wrong."""
    seen = verdict.form_seen
    return bool(seen["gain"] >= max(2 * seen["gain_se"], SMALL_ELPD))


def _detectable(verdict: Verdict) -> str:
    smallest = min(verdict.detectable.values())
    if verdict.n_copies:
        return f"what these rows would have shown is not known while {verdict.n_copies:,} look like copies"
    is_of_levels = {*verdict.detectable} == {"any"} and not verdict.told
    level = f", {_ratio(smallest**2)} between two halves of the rows," if is_of_levels else ""
    line = "as a straight line, " if verdict.form == "wrong" and not level else ""
    said = f"{line}an odds ratio of {_ratio(smallest)} per sd{level} would have been seen nine times in ten"
    told = {c: size for c, size in verdict.detectable.items() if log(size) > _TOLD * log(smallest)}
    for column, (found, blind) in verdict.detectable_top_tenth.items():
        if column not in told:
            said += (
                f"; of {column} it would put {_people(found)} positives into the best tenth of the rows, "
                f"where a blind tenth has {_people(blind)}"
            )
            break
    if told:
        sizes = _few(tuple(f"{_ratio(size)} of {column}" for column, size in told.items()))
        said += f"; where other columns tell much of a column it takes more: {sizes}"
    if verdict.told:
        said += f"; of {_few(verdict.told)}, which other columns tell, no number of rows would show it"
    return said


def _excluded(verdict: Verdict) -> str:
    lines = "straight lines only, since the form is wrong: " if verdict.form == "wrong" else ""
    parts = [
        f"{column} outside {_ratio(low)} to {_ratio(high)}"
        for column, (low, high) in verdict.excluded.items()
    ]
    said = f"{lines}odds ratios per sd of {_few(tuple(parts))} are ruled out (95%)"
    apart = [
        column
        for column, (low, high) in verdict.excluded.items()
        if not low <= 1 <= high and column not in verdict.clear
    ]
    if apart and verdict.n_effects > 1:
        named = _few(tuple(apart))
        return f"{said}; that 1 is outside for {named} may be chance among {verdict.n_effects} effects"
    return said


def _ratio(value: float) -> str:
    """Write an odds ratio; one that is not quite 1 does not read as 1, on which side of it matters."""
    written = f"{value:.3g}"
    return written if written != "1" or value == 1 else f"{value:.5g}"


def _advice(verdict: Verdict) -> tuple[str, ...]:
    found = []
    if verdict.leaks:
        names = _few(verdict.leaks)
        found.append(f"find out when {names} is recorded, and do not use this model before that")
    if verdict.told:
        found.append(f"leave out one of {_few(verdict.told)} before their effects are read one by one")
    if verdict.n_copies:
        found.append("keep one row of each set of copies, and fit again")
    elif verdict.form == "wrong":
        found.append(_other_form(verdict))
    elif not verdict.n_effects:
        found.append("put features into the formula")
    elif verdict.features == "undecided":
        needed = verdict.n_rows * (log(min(verdict.detectable.values())) / log(OF_INTEREST)) ** 2
        rows = f"{float(f'{needed:.1g}'):,.0f}"
        found.append(f"ask again with about {rows} rows, which would show an odds ratio of {OF_INTEREST:g}")
    elif verdict.features == "nothing found":
        blind = f"the overall rate, {rate(verdict.rate)}, for every row"
        if verdict.offsets:
            blind = f"what an intercept and {_few(verdict.offsets)} give each row"
        found.append(f"use {blind}, and look for other features")
    elif not verdict.leaks:
        found.append(f"use its probabilities with a threshold from your costs{_all_alike(verdict)}")
    return tuple(found)


def _all_alike(verdict: Verdict) -> str:
    """Say that every row gets the same label, where the present threshold gives it."""
    if not verdict.labels:
        return ""
    threshold, lowest, highest = (verdict.labels[name] for name in ("threshold", "lowest", "highest"))
    if lowest <= threshold < highest:
        return ""
    label, most = 1, f"less than {rate(lowest)}"
    if highest <= threshold:
        label, most = 0, f"more than {rate(highest)}"
    alike = f"every row that was fitted is labelled {label}: none has {most}"
    return f" (at the present one, {rate(threshold)}, {alike})"


def _other_form(verdict: Verdict) -> str:
    suggestion, columns = verdict.form_seen["suggestion"], verdict.form_seen["worst_column"]
    if not _is_beaten(verdict) and verdict.form_seen.get("dispersion"):
        return "number the rows in a column, such as row, and fit again with `(1 | row)` in the formula"
    if suggestion:
        return f"fit again with `{suggestion}` in the formula"
    if known := [column for column in columns if column in verdict.offsets]:
        return f"do not take {listed(known)} as known: put what is in it into the formula as a term"
    if columns:
        return f"add a column in which {' and '.join(columns)} can bend, such as its square, and fit again"
    if _is_beaten(verdict):
        return "look at combinations of three columns before the model is used"
    return "look at the calibration curve and at each column's residuals before the model is used"


def _few(names: tuple[str, ...]) -> str:
    more = len(names) - _MOST_NAMED
    return listed([*names[:_MOST_NAMED], *([f"{more} more"] if more > 0 else [])])


def _people(expected: float) -> str:
    return f"{expected:,.0f}" if expected >= 20 else f"{expected:.1f}"


def trouble(verdict: Verdict) -> Mapping[str, str]:
    """Sentences that must be heard before the fit is used."""
    said = by_heading(verdict)
    return {
        heading: said[heading]
        for heading in (WARNING, *((FORM,) if verdict.form == "wrong" else ()))
        if heading in said
    }
