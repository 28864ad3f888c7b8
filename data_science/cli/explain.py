"""``data-science explain``: what each term adds to the answer for one row."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from data_science.errors import FeatureError, SchemaError, SettingsError

if TYPE_CHECKING:
    from data_science.formula.encoding import Encoding
    from data_science.prediction.predictor import Predictor

EQUAL = 1e-9  # up to which two ways to the same probability differ by rounding


def run(options: Namespace) -> int:
    """Show the answer, its interval, and the terms that add up to it on the logit scale."""
    from data_science.cli.output import say, say_json
    from data_science.cli.versions import loaded

    if not 0.0 < options.interval < 1.0:
        raise SettingsError(f"--interval is {options.interval!r}; expected a probability such as 0.95")
    if (options.data is None) == (options.set is None):
        raise SettingsError("expected DATA or --set COLUMN=VALUE ..., one of them")
    version = loaded(options)
    predictor = version.predictor
    row = _given(predictor, options.set) if options.data is None else _read(predictor, options)
    explained = {"version": version.path.name, **_explained(predictor, row, options.interval)}
    if options.json:
        say_json(explained)
    else:
        say(_text(explained, options.interval))
    return 0


def _explained(predictor: Predictor, row: dict[str, Any], prob: float) -> dict[str, Any]:
    from math import exp

    from data_science.likelihood.binomial import probability_of_one

    parts = predictor.explain(row)
    total = sum(parts.values())
    reads = _columns(predictor.encoding, tuple(predictor.reader.columns))
    terms = [
        {
            "term": term,
            "value": {column: row[column] for column in reads.get(term, ())} or None,
            "logit": part,
            "odds_ratio": exp(min(part, 700.0)),
        }
        for term, part in parts.items()
    ]
    averaged = predictor.averages_unseen and predictor.reader.has_unseen(row)
    corrects = predictor.correction is not None and predictor.correction.active and not averaged
    shown = predictor.predict_proba_one(row)
    return {
        "label": predictor.predict_one(row),
        "probability": shown,
        "plug_in": probability_of_one(total),  # what the terms add up to
        "decides": predictor.predict_proba_one(row, "corrected") if corrects else shown,
        "interval": list(predictor.predict_interval_one(row, prob)),
        "threshold": predictor.threshold,
        "terms": terms,
        "without": {
            term: probability_of_one(total - part) for term, part in parts.items() if term != "Intercept"
        },
    }


def _columns(encoding: Encoding, known: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return the columns of the table that each term reads."""
    derived = {name: one.reads for one in encoding.derived for name in one.columns}
    found = {}
    for term in encoding.terms:
        numeric = (*term.numeric, *(name for basis in term.bases for name in basis.columns))
        names = [column for name in numeric for column in derived.get(name, (name,))]
        names += [factor.column for factor in term.factors]
        found[term.name] = tuple(name for name in dict.fromkeys(names) if name in known)
    return found


def _given(predictor: Predictor, pairs: list[str]) -> dict[str, Any]:
    from data_science.cli.typed_rows import cell

    kinds = {column.name: column.kind for column in predictor.columns}
    row: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise SettingsError(f"--set has {pair!r}; expected COLUMN=VALUE, such as arsenic=2.36")
        row[name] = value if kinds.get(name, "text") == "text" else cell(value)
    return _checked(predictor, row)


def _read(predictor: Predictor, options: Namespace) -> dict[str, Any]:
    from data_science.cli.data_files import DataFile
    from data_science.cli.typed_rows import chunks

    data = DataFile(options.data, options.delimiter, options.encoding)
    if options.row < 1:
        raise SettingsError(f"--row is {options.row}; expected a number from 1 on")
    last = 0
    for chunk in chunks(data, predictor, []):
        last = chunk.first + len(chunk.features)
        if options.row <= last:
            values = chunk.features.iloc[[options.row - 1 - chunk.first]].to_dict("records")[0]
            return _checked(predictor, {str(name): value for name, value in values.items()})
    raise SchemaError(f"{data.name} has {last} rows; --row asks for row {options.row}")


def _checked(predictor: Predictor, row: dict[str, Any]) -> dict[str, Any]:
    """Return the values that the model reads, of types that JSON takes, or refuse the row."""
    from data_science.cli.typed_rows import is_missing

    cells = {name: "" if is_missing(value) else value for name, value in row.items()}
    try:
        predictor.reader.one(cells)
    except FeatureError as error:
        raise FeatureError(str(error).replace(" (str);", ";"), error.column) from error
    read = {name: cells[name] for name in predictor.reader.columns}
    return {name: value.item() if hasattr(value, "item") else value for name, value in read.items()}


def _apart(explained: dict[str, Any]) -> list[str]:
    """Say which other probabilities there are: what the terms add up to, and what the label follows."""
    shown, plug_in, decides = (explained[name] for name in ("probability", "plug_in", "decides"))
    lines = []
    if abs(shown - plug_in) > EQUAL:
        lines.append(
            "the probability is averaged over where an unseen level may lie; at the posterior means the "
            f"terms add up to {plug_in:.4g}, from which the last column leaves each of them out"
        )
    if decides != shown:
        lines.append(f"the label follows {decides:.4g}, corrected for what is uncertain about the terms")
    return lines


def _text(explained: dict[str, Any], prob: float) -> str:
    lower, upper = explained["interval"]
    lines = [
        f"label {explained['label']}: probability {explained['probability']:.4g} "
        f"({prob:.0%} interval {lower:.4g} to {upper:.4g}), threshold {explained['threshold']:g}",
        *_apart(explained),
        f"version {explained['version']}",
        "",
    ]
    rows = [("term", "value", "logit", "odds ratio", "without it")]
    for term in explained["terms"]:
        value = "" if term["value"] is None else ", ".join(f"{n}={v}" for n, v in term["value"].items())
        without = explained["without"].get(term["term"])
        rows.append(
            (
                term["term"], value, f"{term['logit']:+.3f}", f"{term['odds_ratio']:.3g}",
                "" if without is None else f"{without:.4g}",
            )
        )  # fmt: skip
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)
