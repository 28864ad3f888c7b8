"""Reading formulae's calls as functions of columns and contrasts; refusing all others with a remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from formulae.terms.call_resolver import LazyCall, LazyOperator, LazyValue, LazyVariable

from data_science.errors import SpecificationError
from data_science.formula.encoding import Level
from data_science.formula.expressions import OPERATIONS, Call, Column, Expression, Number, Operation
from data_science.formula.functions import FUNCTIONS, NUMPY, function_named
from data_science.formula.training import learned

_TRIAL = np.linspace(0.1, 0.9, 64)  # numbers on which a function with arguments is tried
_ADD = "Add the computed column to the table instead"
_ARITHMETIC = "write arithmetic of numeric columns with + - * / ** inside I(...) or {...}"
_KNOWN = ", ".join(name for name in FUNCTIONS if name != "I")
_NEAREST: Mapping[str, str] = {
    "ns": "write bs(x, df=...), a B-spline",
    "cr": "write bs(x, df=...), a B-spline",
    "s": "write bs(x, df=...), a B-spline",
    "te": "write bs(x, df=...):bs(z, df=...), a tensor product of B-splines",
    "hsgp": "a smooth of chosen stiffness is not fitted; write bs(x, df=...) with enough df",
    "B": "write C(column)",
    "binary": "write C(column)",
    "p": "p(successes, trials) is a response",
    "prop": "prop(successes, trials) is a response",
    "proportion": "proportion(successes, trials) is a response",
    "weighted": "repeat the rows, or give successes and trials by p(successes, trials)",
}


@dataclass(frozen=True, slots=True)
class Contrast:
    """How a categorical column is coded, if not against its first level.

    Attributes
    ----------
    kind : {"Treatment", "Sum"}
    level : str, int, float, bool or None
        The reference, or the level that is left out; None for the first, or the last.
    """

    kind: str
    level: Level | None = None


def is_offset(term: Any) -> bool:
    """Whether one of formulae's terms is an offset by itself."""
    components: list[Any] = getattr(term, "components", [])
    return [getattr(getattr(c, "call", None), "callee", "") for c in components] == ["offset"]


def contrast_of(call: LazyCall, name: str) -> tuple[str, Contrast | None] | None:
    """Read C(), T() or S(): the column, and its contrast if it is not the default; None for another call.

    Parameters
    ----------
    call : LazyCall
    name : str
        Of the call and its formula, in errors.
    """
    if call.callee not in ("C", "T", "S"):
        return None
    column = call.args[0] if call.args else None
    if not isinstance(column, LazyVariable):
        raise SpecificationError(f"{name} takes a column; {_ADD}")
    given = dict(zip(_PARAMETERS[call.callee], call.args[1:], strict=False)) | dict(call.kwargs)
    unread = [key for key in given if key not in _PARAMETERS[call.callee][:1]]
    if len(call.args) > 2 or unread:
        raise SpecificationError(
            f"{name} states levels or more than one contrast; give the column an ordered category dtype "
            "instead: its order is that of the levels"
        )
    if not given:
        return column.name, Contrast("Sum") if call.callee == "S" else None
    (value,) = given.values()
    if call.callee == "C":
        return column.name, _stated(value, name)
    return column.name, Contrast("Sum" if call.callee == "S" else "Treatment", _level(value, name))


_PARAMETERS = {"C": ("contrast", "levels"), "T": ("ref", "levels"), "S": ("omit", "levels")}


def _stated(value: Any, name: str) -> Contrast | None:
    """Read the contrast of C(): Treatment or Sum, with or without a level."""
    if isinstance(value, LazyVariable) and value.name in ("Treatment", "Sum"):
        return Contrast(value.name) if value.name == "Sum" else None
    if isinstance(value, LazyCall) and value.callee in ("Treatment", "Sum"):
        levels = [*value.args, *value.kwargs.values()]
        keys = {*value.kwargs} <= {"reference", "omit"}
        if len(levels) <= 1 and keys:
            level = _level(levels[0], name) if levels else None
            return Contrast(value.callee, level) if level is not None or value.callee == "Sum" else None
    raise SpecificationError(
        f"{name} has a contrast that is not known; expected Treatment, Treatment('level'), Sum or "
        "Sum('level')"
    )


def _level(value: Any, name: str) -> Level | None:
    if isinstance(value, LazyValue) and (value.value is None or isinstance(value.value, str | int | float)):
        return value.value
    raise SpecificationError(f"{name} names a level by {value}; expected the level itself, such as 'a' or 2")


def function_of(call: LazyCall, name: str) -> Call:
    """Read a call as a function of numeric columns.

    Parameters
    ----------
    call : LazyCall
    name : str
        Of the call and its formula, in errors.

    Raises
    ------
    SpecificationError
        With the reason and the nearest thing that works.
    """
    expression = _call(call, name)
    if not expression.columns:
        raise SpecificationError(f"{name} reads no column: it is a constant, as the intercept is")
    return expression


def _read(lazy: Any, name: str, *, inside: bool) -> Expression:
    match lazy:
        case LazyVariable():
            return Column(lazy.name)
        case LazyValue() if isinstance(lazy.value, int | float) and np.isfinite(lazy.value):
            return Number(float(lazy.value))
        case LazyOperator() if lazy.symbol in OPERATIONS:
            return Operation(lazy.symbol, tuple(_read(arg, name, inside=True) for arg in lazy.args))
        case LazyCall():
            found = _call(lazy, name)
            if inside and isinstance(found, Call) and FUNCTIONS[found.name].is_basis:
                raise SpecificationError(
                    f"{name} computes with the columns of {found.name}(): make it a term of its own"
                )
            return found
    raise SpecificationError(f"{str(lazy)!r} in {name} is no arithmetic: {_ARITHMETIC}. {_ADD}")


def _call(call: LazyCall, name: str) -> Call:
    function = function_named(call.callee)
    if function is None:
        raise SpecificationError(_unknown(call.callee, name))
    key = call.callee.removeprefix("np.")
    if not call.args or len(call.args) > 1 + len(function.arguments):
        raise SpecificationError(f"{name} gives {call.callee}() {len(call.args)} arguments; {_usage(key)}")
    arguments = dict(zip(function.arguments, call.args[1:], strict=False))
    if doubled := {*arguments} & {*call.kwargs} or {*call.kwargs} - {*function.arguments}:
        raise SpecificationError(f"{name} gives {call.callee}() {sorted(doubled)}; {_usage(key)}")
    constants = {k: _constant(v, name) for k, v in (arguments | call.kwargs).items()}
    found = Call(key, _read(call.args[0], name, inside=True), tuple(constants.items()))
    if constants or function.is_basis:
        _try(found, name)
    return found


def _try(call: Call, name: str) -> None:
    """Refuse arguments that formulae refuses, before there are any data."""
    bounds = {key: value for key, value in call.arguments if key.endswith("_bound")}
    low, high = bounds.get("lower_bound"), bounds.get("upper_bound")
    try:
        start = 0.1 if low is None else low
        rows = start + (1.0 if high is None else high - start) * _TRIAL
        with np.errstate(all="ignore"):
            learned(Call(call.name, Column(""), call.arguments), {"": rows}).evaluate({"": rows})
    except Exception as error:
        raise SpecificationError(f"{name} cannot be computed ({error}); {_usage(call.name)}") from error


def _constant(lazy: Any, name: str) -> Any:
    if isinstance(lazy, LazyValue):
        return lazy.value
    if isinstance(lazy, LazyOperator) and lazy.symbol in "+-" and len(lazy.args) == 1:
        value = _constant(lazy.args[0], name)
        return -value if lazy.symbol == "-" else value
    raise SpecificationError(f"{str(lazy)!r} in {name} is not a constant; expected a number, True or False")


def _usage(key: str) -> str:
    arguments = "".join(f", {argument}=..." for argument in FUNCTIONS[key].arguments)
    return f"expected {key}(column{arguments})"


def _unknown(callee: str, name: str) -> str:
    bare = callee.removeprefix("np.")
    if callee in _NEAREST:
        return f"{name} is not fitted: {_NEAREST[callee]}"
    if bare.split(".")[-1] in NUMPY:
        return f"{callee!r} in {name} is not known; write np.{bare.split('.')[-1]}"
    return f"{callee!r} in {name} is not a function that can be served; expected one of {_KNOWN}. {_ADD}"
