"""How formulae is asked to read a formula of any length, and what to write where it cannot read one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from keyword import iskeyword
from typing import Any

from formulae.resolver import Resolver
from formulae.scanner import Scanner
from formulae.terms import Call, Model

from data_science.errors import SpecificationError

_FEW = 64  # terms that formulae adds one by one in no time
_DEEPER = {"LEFT_PAREN": 1, "LEFT_BRACE": 1, "LEFT_BRACKET": 1}
_HIGHER = {"RIGHT_PAREN": -1, "RIGHT_BRACE": -1, "RIGHT_BRACKET": -1}
_WORDS = re.compile(r"`[^`]*`|'[^']*'|\"[^\"]*\"|[^\s`'\"+\-*/:|~()\[\]{},%=<>!]+")
_PLAIN = re.compile(r"[`'\"].*|[^\W\d_][\w.]*|[0-9]*\.?[0-9]+")  # in quotes, a name, a number


_QUOTED = re.compile(r"`[^`]*`|'[^']*'|\"[^\"]*\"")
_POINT = re.compile(r"(?<![\w.])\.(?![\w.])")
GROUPS_IN_PARENTHESES = ". Effects of groups stand in parentheses: (1 | g), (x | g)"
_NAME = re.compile(r"[^\W\d_][\w.]*")


def quoted(column: str) -> str:
    """Write a column's name as formulas need it: in backticks unless it is a plain name."""
    return column if _NAME.fullmatch(column) and not iskeyword(column) else f"`{column}`"


def describe(tree: Any, formula: str) -> Any:
    """Return formulae's description of what its parser made of a formula.

    Raises
    ------
    SpecificationError
        If formulae would leave a part of it out: the power of a single term, or a term that is taken away
        under another name.
    """
    found = _Terms(tree, formula).resolve()
    return found if isinstance(found, Model) else Model(found)


class _Terms(Resolver):  # type: ignore[misc]  # formulae has no types
    def __init__(self, tree: Any, formula: str) -> None:
        super().__init__(tree)
        self._formula = formula

    def visitBinaryExpr(self, expr: Any) -> Any:  # noqa: N802 - formulae's name
        if expr.operator.kind not in {"STAR_STAR", "MINUS"}:
            return super().visitBinaryExpr(expr)
        left = expr.left.accept(self)  # once: sides are nested deeply
        if expr.operator.kind == "STAR_STAR":
            self._require_sum(left)
            return left ** expr.right.accept(self)
        right = expr.right.accept(self)
        self._require_found(left, right)
        return left - right

    def _require_sum(self, term: Any) -> None:
        """Refuse the power of a single term, which formulae would take for the term itself."""
        if isinstance(term, Model):
            return
        components: Sequence[Any] = getattr(term, "components", ())
        x = getattr(term, "name", str(term))
        if len(components) == 1 and not isinstance(components[0], Call):
            x = quoted(str(components[0].name))
        raise SpecificationError(
            f"{x}**... in {self._formula!r} means {x} itself, since a power is one of terms; "
            f"{_power_of(components)}"
        )

    def _require_found(self, kept: Any, taken: Any) -> None:
        """Refuse to take away ``b:a`` where ``a:b`` stands: formulae would leave it."""
        names = {frozenset(term.components): term.name for term in _interactions(kept)}
        for term in _interactions(taken):
            name = names.get(frozenset(term.components), term.name)
            if name != term.name:
                raise SpecificationError(
                    f"{self._formula!r} takes away {term.name!r}, which stands there as {name!r}: write that"
                )


def _interactions(found: Any) -> list[Any]:
    terms = found.common_terms if isinstance(found, Model) else [found]
    return [term for term in terms if len(getattr(term, "components", ())) > 1]


def _power_of(components: Sequence[Any]) -> str:
    """Say how the square of a term's values is written."""
    factors = []
    for one in components:
        if not isinstance(one, Call):
            factors.append(quoted(str(one.name)))
        elif one.call.callee == "I":
            factors.append(f"({one.name[2:-1]})")
        elif one.call.callee not in ("C", "T", "S", "offset", "bs", "poly"):
            factors.append(one.name)
    if not components or len(factors) < len(components):
        return "it has no values to take a power of, so leave it out"
    values = factors[0] if len(factors) == 1 else f"({' * '.join(factors)})"
    return f"for the power of its values write I({values}**2)"


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
    if re.search(r"\^", _QUOTED.sub("", formula)):
        return ". A power is written **: (a + b)**2 of terms, I(a**2) of a column's values"
    if _POINT.search(_QUOTED.sub("", formula)):
        return ". A point does not stand for all columns: write their names"
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
