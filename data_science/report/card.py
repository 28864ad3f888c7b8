"""The model card: what a model is, for whom, what is held of it and how it fares, as text and as JSON.

Headings follow Mitchell et al. 2019, doi:10.1145/3287560.3287596. Both forms are of the same sections.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any

from data_science.limits import KHAT_MAX
from data_science.report.verdict import rate
from data_science.report.wording import listed

if TYPE_CHECKING:
    from data_science.evaluation.performance import Performance
    from data_science.report.summary import Report

NOT_STATED = "not stated"
_MOST_ROWS = 60  # effects listed in the card; the full table is in diagnostics.json
_FIT = ("Engine", "Convergence", "Second opinion", "Notes")
_ELPD = (  # what the table's columns are
    "elpd_loo adds up, in nats, the log probability that a fit without a row gives to that row's response: "
    "higher is better. Weight is the share in the best mixture of the candidates' predictions; where k-hat "
    f"is above {KHAT_MAX:g}, a row's score is not reliable unless it was refitted."
)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text below headings; the first column names the row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


type Part = str | tuple[str, ...] | Table  # a paragraph, a list, a table


def model_card(report: Report) -> str:
    """Write the card in Markdown."""
    body = "\n\n".join(
        f"## {title}\n\n{'\n\n'.join(map(_markdown, parts))}" for title, parts in sections(report).items()
    )
    return f"# Model card\n\n{body}\n"


def card_json(report: Report) -> dict[str, Any]:
    """Represent the same sections with JSON types only."""
    return {"title": "Model card", "sections": {t: list(map(_json, p)) for t, p in sections(report).items()}}


def sections(report: Report) -> dict[str, tuple[Part, ...]]:
    """Say what the card says, by heading."""
    specification = report.specification
    unit = "per sd of the numeric columns" if specification.standardize else "per unit"
    priors = specification.to_json()["priors"]
    return {
        "What it is": (_what_it_is(report), (f"Owner: {report.owner or NOT_STATED}", f"Made: {report.made}")),
        "Intended use": _intended(report),
        "Verdict": (report.verdict.sentences,),
        "Data": (*_origin(report), *_rows(report)),
        "Effects (logit scale, per unit)": _effects(report),
        "Performance": _performance(report.performance),
        "Calibration": (_calibration(report),),
        f"Priors ({unit})": (tuple(f"{code(name)}: {_prior(prior)}" for name, prior in priors.items()),),
        "Fit": (tuple(f"{h}: {text}" for h, text in report.by_heading(code).items() if h in _FIT),),
        "Comparison (leave one row out)": (_compared(report), _ELPD, report.comparison.sentences),
        "Numerical accuracy": (sentence(report.sentences["Plug-in"]),),
        "Limits": (_limits(report),),
        "When to retrain": (
            "When the inputs drift, when the live log score falls below the score that the model's own "
            "probabilities imply, or when what the labels mean changes. A fit that fails its checks is "
            "refused, and the version before it goes on serving.",
        ),
        "How to roll back": (
            "`data-science rollback` lets the version serve that served before, `data-science promote` any "
            "other; a service that watches the folder takes it up. A version's folder never changes, and the "
            "newest versions are kept.",
        ),
    }


def code(name: object) -> str:
    """Markdown code that shows the name whatever is in it: a level may hold anything (CommonMark, 6.1)."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(name))
    ticks = max(map(len, re.findall("`+", shown)), default=0)
    return f"`{shown}`" if not ticks else f"{'`' * (ticks + 1)} {shown} {'`' * (ticks + 1)}"


def sentence(text: str) -> str:
    """Make a finding a sentence."""
    return f"{text[0].upper()}{text[1:]}."


def number(value: float) -> str:
    """Write four significant digits, and thousands out."""
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:#.4g}"


def _what_it_is(report: Report) -> str:
    names = [code(offset.name) for offset in report.specification.offsets]
    added = "is added to the logit as it is, and every prediction needs it"
    if len(names) > 1:
        added = "are added to the logit as they are, and every prediction needs them"
    known = f" {listed(names)} {added}." if names else ""
    return (
        f"A Bayesian logistic regression, {code(report.specification.formula)}, that gives the probability "
        f"of `{report.predictor.response}`. It predicts 1 above a probability of "
        f"{report.predictor.threshold:.4g}, which minimises the expected cost.{known}"
    )


def _intended(report: Report) -> tuple[Part, ...]:
    held = report.verdict
    found = [
        "Intended: the probability of the response for rows like those it was fitted to, from the columns "
        "that its formula names, as far as the verdict goes.",
        "Excluded: statements about causes; rows of another population or another time; columns that mean "
        "something else than they did.",
    ]
    if held.leaks or held.form == "wrong" or held.features != "add":
        found.append(
            f"Excluded until the verdict is another one: decisions about single rows. {held.sentences[0]}"
        )
    return (tuple(found),)


def _origin(report: Report) -> tuple[Part, ...]:
    """Say where the rows come from, and what each table states about itself."""
    if report.source is None:
        return ("Where the rows come from was not stated when they were handed over.",)
    tables = tuple(f"{code(table)}: {text}" for table, text in report.source.tables.items())
    return (sentence(report.source.sentence(report.dataset.n_rows)), tables)


def _rows(report: Report) -> tuple[Part, ...]:
    data = report.dataset
    said = f"{data.n_rows:,} rows, {rate(data.base_rate)} positive, fingerprint {code(data.fingerprint)}."
    return (said, f"{report.compression}.")


def _performance(found: Performance | None) -> tuple[Part, ...]:
    if found is None:
        return ("Not measured.",)
    per_row, two_se = 1_000 / found.n_rows, 2 * found.gain_se
    overall = [
        (
            "log score over intercept only, nats per 1,000 rows",
            f"{found.gain * per_row:z.2f}",
            _interval(per_row * (found.gain - two_se), per_row * (found.gain + two_se), digits=2),
        )
    ]
    if found.brier is not None:
        score, saved, se = found.brier
        overall += [
            ("mean squared error of the probability (Brier score)", f"{score:.4f}", ""),
            (
                "squared error saved over intercept only",
                f"{saved:z.5f}",
                _interval(saved - 2 * se, saved + 2 * se, digits=5),
            ),
        ]
    groups = tuple(
        (
            f"{code(one.column)} {code(one.level)}",
            f"{one.n_rows:,}",
            f"{one.observed[1]:.1%} ({one.observed[0]:.1%} to {one.observed[2]:.1%})",
            "" if one.predicted is None else f"{one.predicted:.1%}",
            "" if isnan(one.gain_se) else f"{one.gain:z,.1f} ({2 * one.gain_se:,.1f})",
        )
        for one in found.groups
    )
    parts: list[Part] = [
        "Each row is predicted by leaving it out. Intervals are of 95 %, of scores two standard errors.",
        Table(("overall", "measured", "interval"), tuple(overall)),
    ]
    if groups:
        parts.append(Table(("group", "rows", "observed rate", "predicted", "nats (± 2 SE)"), groups))
    if found.merged is not None:
        parts.append(
            f"Groups of {code(found.merged)} are predicted by the fit to all rows, not by leaving each out; "
            "what that flatters the fit on average is taken off their score."
        )
    return tuple(parts)


def _calibration(report: Report) -> str:
    chance = report.verdict.form_seen.get("calibration")
    if chance is None:
        return "The calibration curve was not examined."
    return (
        f"Of models whose probabilities are right, {chance:.1%} have a calibration curve at least as uneven "
        "as this one. A model that gives every row much the same probability passes this whatever it misses: "
        "read it beside the groups above."
    )


def _effects(report: Report) -> tuple[Part, ...]:
    shown = report.summary.head(_MOST_ROWS)
    rows = tuple(
        (code(name), number(row["mean"]), _interval(row["q5"], row["q95"]))
        for name, row in zip(map(str, shown.index), shown.to_dict("records"), strict=True)
    )
    left_out = len(report.summary) - len(shown)
    table = Table(("effect", "mean", "90 % interval"), rows)
    return (table, f"{left_out} more in diagnostics.json.") if left_out else (table,)


def _compared(report: Report) -> Table:
    table = report.comparison.table
    rows = tuple(
        (
            code(name),
            number(row["elpd_loo"]),
            f"{row['elpd_diff']:z,.1f} ({row['se_diff']:,.1f})",
            f"{row['weight']:.2f}",
            f"{row['khat_max']:.2f}",
        )
        for name, row in zip(map(str, table.index), table.to_dict("records"), strict=True)
    )
    return Table(("candidate", "elpd_loo", "from best (SE)", "weight", "largest k-hat"), rows)


def _limits(report: Report) -> str:
    return (
        "It describes the rows it was trained on; it says nothing about causes. Rows count as independent: "
        f"of several rows of one client the intervals are too narrow. {_chosen(report)}Leaving out one row "
        "shows how well the others of the same time predict it, not how later ones will be predicted. "
        f"{_unseen(report)}"
    ).rstrip()


def _chosen(report: Report) -> str:
    """Say what the verdict takes for granted about how the formula was chosen."""
    n = report.verdict.n_candidates
    if n > 1:
        return f"The verdict allows for {n} formulas that were tried on these rows. "
    return (
        "The verdict takes this formula as the only one that was tried on these rows; chosen among several "
        "it would have to gain more: `fit` takes their number as `n_candidates`. "
    )


def _unseen(report: Report) -> str:
    """Sentences about levels that training has not seen, each with a space; empty if no column has levels."""
    columns = [column for column in report.predictor.columns if column.levels is not None]
    refused = [code(column.name) for column in columns if column.refuses_unseen]
    combined = [code(one.name) for one in report.predictor.combinations]
    refuses_new = report.predictor.reader.refuses_new
    found = []
    if len(refused) < len(columns) or (combined and not refuses_new):
        said = report.sentences.get("Unseen levels")
        found.append("An unseen group gets the population effect." if said is None else sentence(said))
    if refused:
        found.append(f"An unseen level of {listed(refused)} is refused.")
    if combined and refuses_new:
        found.append(f"An unseen combination of {listed(combined)} is refused.")
    return "".join(f"{one} " for one in found)


def _prior(prior: Mapping[str, Any]) -> str:
    arguments = ", ".join(f"{key}={value:g}" for key, value in prior.items() if key != "name")
    return f"{prior['name']}({arguments})"


def _interval(low: float, high: float, digits: int | None = None) -> str:
    written: Callable[[float], str] = number if digits is None else lambda value: f"{value:z.{digits}f}"
    return f"{written(low)} to {written(high)}"


def _markdown(part: Part) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, tuple):
        return "\n".join(f"- {text}" for text in part)
    lines = [part.columns, ("---", *["---:"] * (len(part.columns) - 1)), *map(_escaped, part.rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(cells: Sequence[str]) -> list[str]:
    """Escape bars, each of which ends a cell even inside code."""
    return [cell.replace("|", r"\|") for cell in cells]


def _json(part: Part) -> dict[str, Any]:
    if isinstance(part, str):
        return {"text": part}
    if isinstance(part, tuple):
        return {"list": list(part)}
    return {"table": {"columns": list(part.columns), "rows": [list(row) for row in part.rows]}}
