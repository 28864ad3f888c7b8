"""What a formula becomes when its form was found wrong: the specification with the term that it misses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from data_science.formula.tilde import sides
from data_science.judgement.verdict import Verdict

if TYPE_CHECKING:
    from data_science.formula.specification import ModelSpecification

_SPLINE = re.compile(r"bs\((?P<column>[^,]+), df=\d+\)")


def expanded(specification: ModelSpecification, verdict: Verdict) -> ModelSpecification | None:
    """Put what the verdict suggests into the formula; a spline replaces its column's line or stiffer spline.

    The line goes where it is a summand of its own; that of ``x * z`` or ``x - 1`` stays.

    None where the form is not wrong, or no term of formulas has what it misses.
    """
    term = verdict.form_seen.get("suggestion", "") if verdict.form == "wrong" else ""
    if not term:
        return None
    response, right = sides(specification.formula)
    kept = [part.strip() for part in _summands(right)]
    priors = dict(specification.priors)
    spline = _SPLINE.fullmatch(term)
    for part in [part for part in kept if spline and _has_line_of(part, spline["column"])]:
        kept.remove(part)
        priors.pop(part.strip("`"), None)
    formula = f"{response} ~ {' + '.join([*kept, term])}"
    return replace(specification, formula=formula, priors=priors)


def _has_line_of(part: str, column: str) -> bool:
    """Whether a summand is a column's own line, or a stiffer spline of it, which a new spline contains."""
    known = _SPLINE.fullmatch(part)
    return part == column or (known is not None and known["column"] == column)


def _summands(right: str) -> Iterator[str]:
    """Split the right-hand side of a formula at plus signs outside parentheses and backticks."""
    depth, start, is_quoted = 0, 0, False
    for place, letter in enumerate(right):
        is_quoted ^= letter == "`"
        depth += 0 if is_quoted else (letter in "([{") - (letter in ")]}")
        if letter == "+" and not depth and not is_quoted:
            yield right[start:place]
            start = place + 1
    yield right[start:]
