"""Numbers in sentences: the book's prose is computed, so that it stays true whatever the data say."""

from __future__ import annotations

import re
from collections.abc import Sequence

CROSS = " \N{MULTIPLICATION SIGN} "  # between the names of a pair of features, and between their levels


def percent(value: float, digits: int = 1) -> str:
    """Write a share as a percentage: 0.0913 is "9.1 %"."""
    written = f"{100 * value:.{digits}f}"
    if 0 < value < 0.01:  # a small share is neither none nor twice itself
        written = f"{100 * value:.2g}"
    return f"{written} %"


def between(low: float, high: float, digits: int = 1) -> str:
    """Write an interval of shares: "8.9 % to 9.3 %"."""
    return f"{percent(low, digits)} to {percent(high, digits)}"


def exactly(value: float) -> str:
    """Write a chosen share with the digits that it has, three at most: 0.5 is "50 %"."""
    return f"{100 * value:.3g} %"


def rough(value: float) -> str:
    """Write an expected count: "0.55", "1.2", "12"."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def count(n: int, noun: str, plural: str | None = None) -> str:
    """Write a number of things: "no interval", "1 interval", "1,200 intervals"."""
    if n == 1:
        return f"1 {noun}"
    return f"{n:,} {plural or noun + 's'}" if n else f"no {noun}"


def listed(names: Sequence[str], nothing: str = "none") -> str:
    """Join names as prose does: "a, b and c"."""
    if len(names) < 2:
        return names[0] if names else nothing
    return f"{', '.join(names[:-1])} and {names[-1]}"


def capitalized(sentence: str) -> str:
    """Raise the first letter only; names further on stay as they are."""
    return sentence[:1].upper() + sentence[1:]


def readable(parameter: str) -> str:
    """Name a parameter of Bambi's for people: "1|attr_a[3]" is "attr_a = 3"; others stay as they are."""
    level = re.fullmatch(r"1\|([^\[]+)\[(.*)\]", parameter)
    if level:
        return f"{level[1]} = {level[2]}"
    spread = re.fullmatch(r"1\|(.+)_sigma", parameter)
    return f"spread of {spread[1]}" if spread else parameter
