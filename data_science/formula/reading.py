"""How formulae is asked to read a formula of any length, and what to write where it cannot read one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from keyword import iskeyword

from formulae.scanner import Scanner

_FEW = 64  # terms that formulae adds one by one in no time
_DEEPER = {"LEFT_PAREN": 1, "LEFT_BRACE": 1, "LEFT_BRACKET": 1}
_HIGHER = {"RIGHT_PAREN": -1, "RIGHT_BRACE": -1, "RIGHT_BRACKET": -1}
_WORDS = re.compile(r"`[^`]*`|'[^']*'|\"[^\"]*\"|[^\s`'\"+\-*/:|~()\[\]{},%=<>!]+")
_PLAIN = re.compile(r"[`'\"].*|[^\W\d_][\w.]*|[0-9]*\.?[0-9]+")  # in quotes, a name, a number


_NAME = re.compile(r"[^\W\d_][\w.]*")


def quoted(column: str) -> str:
    """Write a column's name as formulas need it: in backticks unless it is a plain name."""
    return column if _NAME.fullmatch(column) and not iskeyword(column) else f"`{column}`"


def offsets_in(formula: str) -> list[str]:
    """Return every offset as the formula writes it, with backticks and parentheses that its name lacks."""
    tokens = Scanner(formula).scan(add_intercept=False)
    found = []
    for place, token in enumerate(tokens[:-1]):
        if (token.kind, token.lexeme, tokens[place + 1].kind) != ("IDENTIFIER", "offset", "LEFT_PAREN"):
            continue
        depth, end = 1, place + 2
        while depth:
            depth += (_DEEPER | _HIGHER).get(tokens[end].kind, 0)
            end += 1
        found.append("".join(part.lexeme for part in tokens[place:end]))
    return found


def balanced(formula: str) -> str:
    """Return a formula of the same terms, in the same order, whose long sums are nested in halves.

    Formulae follows a sum from left to right by calling itself, and compares each term with all before it:
    300 terms exceed Python's limit, and time grows with the cube.
    """
    depth, sign, parts, lexemes = 0, "", [], list[str]()
    for token in Scanner(formula).scan(add_intercept=False)[:-1]:
        if depth == 0 and token.kind in {"TILDE", "PLUS", "MINUS"}:
            parts.append((sign, " ".join(lexemes)))
            sign, lexemes = token.lexeme, []
            continue
        depth += (_DEEPER | _HIGHER).get(token.kind, 0)
        lexemes.append(token.lexeme)
    parts.append((sign, " ".join(lexemes)))
    if len(parts) <= _FEW:
        return formula
    written = ""
    for may_nest, run in groupby(parts, _may_nest):
        if may_nest:
            written += f" + {_halved([text for _, text in run])}"
        else:
            written += "".join(f" {sign} {text}" for sign, text in run)
    return written.strip()


def _may_nest(part: tuple[str, str]) -> bool:
    """Whether it makes no difference if a part stands in parentheses with its neighbours.

    0 and 1 switch the intercept; what is taken away is taken from all before it; and formulae adds no
    group-specific term to a single other one.
    """
    sign, text = part
    return sign == "+" and not text.isdigit() and "|" not in text


def _halved(terms: Sequence[str]) -> str:
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2
    return f"({_halved(terms[:middle])} + {_halved(terms[middle:])})"


def hint(formula: str, reason: str = "") -> str:
    """Return what to write instead, to follow the reason for which formulae cannot read the formula."""
    if "||" in formula:
        return f". Effects of groups are independent of each other here: write {formula.replace('||', '|')!r}"
    if "'callee'" in reason:
        return ". It can compare a function of a column and one of a function in one order only: swap them"
    if "[" in formula:
        return ". Lists cannot be written: give df instead of knots, and levels by an ordered category dtype"
    odd = next((word for word in _WORDS.findall(formula) if not _PLAIN.fullmatch(word)), None)
    if odd is None:
        return ""
    return f". A name that is not letters, digits, points and _ after a letter stands in backticks: `{odd}`"
