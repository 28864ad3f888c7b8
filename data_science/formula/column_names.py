"""Names of columns that would stand for something else too: refused by name, before anything is fitted.

Changes when formulae, Bambi or ArviZ give another name to something. Any other name works, in backticks if it
is not made of letters, digits, points and underscores after a letter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from formulae.scanner import Scanner

from data_science.errors import SpecificationError

if TYPE_CHECKING:
    from data_science.formula.specification import Component, ParsedTerm

#: What a term of this name would be taken for, in a posterior or a Bambi model.
_TAKEN = {
    "chain": "a dimension of every posterior",
    "draw": "a dimension of every posterior",
    "__obs__": "Bambi's dimension of the rows",
    "p": "Bambi's name of the probability",
}
_NAMES = {"IDENTIFIER", "BQNAME"}


def require_columns(formula: str) -> None:
    """Refuse a name on the right-hand side that formulae would take for something else than a column.

    Raises
    ------
    SpecificationError
        Naming it, and what to write or rename.
    """
    try:
        tokens: list[Any] = Scanner(formula).scan()
    except IndexError:
        raise SpecificationError(
            f"formula {formula!r} has a backtick that is not closed; a column whose name contains one cannot "
            "be written: rename it"
        ) from None
    for token, before, calls in _right_hand_side(tokens):
        name = str(token.lexeme)
        if token.kind in _NAMES and name.strip("`") in {"", "Intercept"}:
            raise SpecificationError(
                f"{name} in {formula!r} would be read as the intercept, not as a column: rename the column"
                if name.strip("`")
                else f"a column in {formula!r} has no name: rename it"
            )
        if token.kind == "PYTHON_LITERAL" and not calls:
            raise SpecificationError(f"{name} in {formula!r} is a constant; for the column write `{name}`")
        if token.kind == "LEFT_BRACKET" and calls > 1 and before.kind in _NAMES:  # formulae would ignore it
            raise SpecificationError(
                f"{before.lexeme}[...] in {formula!r} selects a level, which only a response can; for the "
                "level add a 0/1 column to the table"
            )


def require_distinct(formula: str, terms: Iterable[ParsedTerm], coded: Collection[Component]) -> None:
    """Refuse terms whose names would stand for two things in a posterior.

    Parameters
    ----------
    formula : str
    terms : iterable of ParsedTerm
    coded : collection of Component
        What is known to be read as levels, which have a dimension of their own.

    Raises
    ------
    SpecificationError
        Naming both things.
    """
    meant = dict(_TAKEN)
    for term in terms:
        for component in (*term.expression, *term.groups) if term.groups else ():
            if "|" in component.column:
                raise SpecificationError(
                    f"{component.column!r} in {formula!r} has a bar, which parts the groups in the names of "
                    "group-specific effects: rename the column"
                )
        require_variable(formula, term.name, term.reads)
        for name, thing, is_shared in _claims(term, coded):
            if name in meant and not (is_shared and meant[name] == thing):
                both = "two terms" if meant[name] == thing else f"{meant[name]} and {thing}"
                raise SpecificationError(
                    f"{name!r} would name {both} in the posterior of {formula!r}: rename the column"
                )
            meant[name] = thing


def require_variable(formula: str, name: str, columns: Collection[str]) -> None:
    """Refuse a name that no variable of a posterior can have: a slash parts paths, NUL ends text.

    Raises
    ------
    SpecificationError
        Naming the column at fault, or how to write the division.
    """
    for mark, meant in (("/", "a slash"), ("\0", "a NUL")):
        if mark in name:
            at_fault = [repr(column) for column in columns if mark in column]
            have, s = ("has", "") if len(at_fault) == 1 else ("have", "s")
            raise SpecificationError(
                f"{', '.join(at_fault)} in {formula!r} {have} {meant}, which no name in a posterior may "
                f"have: rename the column{s}"
                if at_fault
                else f"{name!r} in {formula!r} divides, and no name in a posterior may have a slash: "
                "for x / y write x * y**-1.0"
            )


def require_one_meaning(formula: str, terms: Iterable[ParsedTerm]) -> None:
    """Refuse two components of one name: formulae writes ``I((x + 1) * z)`` and ``I(x + 1 * z)`` alike.

    Raises
    ------
    SpecificationError
        Naming it.
    """
    known: dict[str, Component] = {}
    terms = tuple(terms)
    read = {column for term in terms for column in term.reads}
    for component in (c for term in terms for c in term.expression):
        name = component.name
        twice = component.function is not None and name in read  # a column of the table may have any name
        if twice or known.setdefault(name, component) != component:
            raise SpecificationError(
                f"{name!r} in {formula!r} has two meanings, which formulae, and so Bambi, cannot tell apart: "
                "expand the parentheses, or rename or add a column of the table"
            )


def require_one_name(formula: str, terms: Iterable[ParsedTerm]) -> None:
    """Refuse one term under two names: formulae keeps ``x:z`` beside ``z:x``.

    Raises
    ------
    SpecificationError
        Naming both.
    """
    first: dict[object, str] = {}
    for term in terms:
        name = first.setdefault((frozenset(term.expression), frozenset(term.groups)), term.name)
        if name != term.name:
            raise SpecificationError(f"{term.name!r} in {formula!r} is {name!r} again: write it once")


def _right_hand_side(tokens: list[Any]) -> Iterator[tuple[Any, Any, int]]:
    """Yield each token after the tilde, the one before it, and in how many calls or braces it stands."""
    tilde = next((place for place, token in enumerate(tokens) if token.kind == "TILDE"), -1)
    opened: list[bool] = []  # whether each open bracket is one of a call
    for place in range(tilde + 1, len(tokens)):
        token, before = tokens[place], tokens[place - 1]
        if token.kind in {"LEFT_PAREN", "LEFT_BRACE", "LEFT_BRACKET"}:
            opened.append(token.kind != "LEFT_PAREN" or before.kind == "IDENTIFIER")
        elif token.kind in {"RIGHT_PAREN", "RIGHT_BRACE", "RIGHT_BRACKET"} and opened:
            opened.pop()
        yield token, before, sum(opened)


def _claims(term: ParsedTerm, coded: Collection[Component]) -> Iterator[tuple[str, str, bool]]:
    """Yield the names that a term takes, what they stand for, and whether terms may share one."""
    has_levels = any(c in coded or c.function is not None for c in term.expression)
    yield term.name, f"the term {term.name!r}", False
    if not term.groups:
        if has_levels:
            yield f"{term.name}_dim", f"the levels of {term.name!r}", False
        return
    expression, factor = term.name.split("|")
    yield f"{term.name}_sigma", f"the standard deviation of {term.name!r}", False
    yield f"{term.name}_offset", f"Bambi's standardised effects of {term.name!r}", False
    if has_levels:
        yield f"{expression}__expr_dim", f"the levels of {expression!r} by group", True
    yield f"{factor}__factor_dim", f"the groups of {factor!r}", True
