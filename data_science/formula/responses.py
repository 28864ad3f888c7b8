"""Left of the tilde: what a formula models; of all else it is said what to write instead."""

from __future__ import annotations

import re
from typing import Any

from formulae import model_description
from formulae.terms import Call, Variable
from formulae.terms.call_resolver import LazyVariable

from data_science.data.responses import Response
from data_science.errors import SpecificationError
from data_science.formula.tilde import sides

_PROPORTION = {"p", "prop", "proportion"}
_CLASS = "neither a 0/1 column nor p(successes, trials) of two columns nor a level, as in choice['blue']"
_WEIGHTS = (
    "weights have no likelihood here. If they count rows, sum them and write p(successes, trials). If they "
    "undo a sampling that took the share s1 of the ones and s0 of the zeros, slopes are right without them: "
    "add a column z that is log(s1 / s0) in training and 0 in what is predicted, and write offset(z)"
)
#: What to write instead, by what is found left of the tilde; the first that is found counts.
_INSTEAD = (
    (r"\bweight(s|ed)?\(", _WEIGHTS),
    (r"^(p|prop|proportion)\(", "both are columns: add the trials to the table, even if all are the same"),
    (
        r"/|\btrials\(|^c\(|^cbind\(",
        "for successes out of trials write p(successes, trials), where trials are successes and failures",
    ),
    (
        r"""\["[^"]*'[^"]*"\]|\['[^']*"[^']*'\]""",
        "a level with a quotation mark in it cannot be written: add a column that is 1 for the event and 0 "
        "otherwise",
    ),
    (
        r"\[",
        "a level is text in quotes after a plain name, as in choice['blue'] or group['2']; for any other add "
        "a column that is 1 for the event and 0 otherwise",
    ),
    (
        r"==|^(binary|B|C|T|S|factor)\(",
        "for the event that a column has one of its levels write the level: choice['blue']",
    ),
)


def response_of(component: Any, formula: str) -> Response:
    """Read the response.

    Raises
    ------
    SpecificationError
        If it is outside the class, with what to write instead.
    """
    left, _ = sides(formula)
    if isinstance(component, Variable):
        return Response(component.name, event=component.reference)
    if isinstance(component, Call) and component.call.callee in _PROPORTION and "[" not in left:
        match component.call.args:
            case [LazyVariable() as successes, LazyVariable() as trials] if not component.call.kwargs:
                return Response(successes.name, trials.name)
    raise SpecificationError(f"the response of {formula!r} is {_CLASS}: {_instead(left)}")


def require_readable(formula: str) -> None:
    """Refuse what formulae cannot read because of what is left of the tilde.

    Raises
    ------
    SpecificationError
        With what to write instead.
    """
    left, _ = sides(formula)
    if not left:
        return
    try:
        is_read = model_description(f"{left} ~ 1").response is not None
    except Exception:  # noqa: BLE001 - formulae raises whatever it runs into
        is_read = False
    if not is_read:
        raise SpecificationError(f"the response of {formula!r} is {_CLASS}: {_instead(left)}")


def _instead(left: str) -> str:
    for pattern, said in _INSTEAD:
        if re.search(pattern, left):
            return said
    return "add a column of 0 and 1 to the table, and write its name"
