"""Training functions of columns: formulae's own transforms learn, and what they remember is kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from formulae.transforms import TRANSFORMS

from data_science.arrays import Floats
from data_science.formula.expressions import Call, Expression, Operation
from data_science.formula.functions import FUNCTIONS


def learned(expression: Expression, values: Mapping[str, Floats]) -> Expression:
    """Return the expression with what its calls remember of the training rows.

    Parameters
    ----------
    expression : Expression
    values : mapping from column to array, shape (row,)
    """
    if isinstance(expression, Operation):
        return replace(expression, operands=tuple(learned(part, values) for part in expression.operands))
    if not isinstance(expression, Call):
        return expression
    operand = learned(expression.operand, values)
    function = FUNCTIONS[expression.name]
    if not function.transform:
        return replace(expression, operand=operand, state={})
    transform = TRANSFORMS[function.transform]()
    # the same class of data as formulae gives it, so that its sums are the same to the last bit
    transform(pd.Series(operand.evaluate(values)[0]), **dict(expression.arguments))
    state = {name: _to_json(getattr(transform, name)) for name in function.remembers}
    return replace(expression, operand=operand, state=state)


def restore(call: Any, expression: Expression) -> None:
    """Make one of formulae's calls, on other rows, remember what was learned on the training rows."""
    if isinstance(expression, Operation):
        for theirs, ours in zip(call.args, expression.operands, strict=True):
            restore(theirs, ours)
    if not isinstance(expression, Call):
        return
    restore(call.args[0], expression.operand)
    function, transform = FUNCTIONS[expression.name], call.stateful_transform
    for name in function.remembers:
        now, then = getattr(transform, name), (expression.state or {})[name]
        if isinstance(now, dict):
            then = dict(enumerate(then))
        setattr(transform, name, np.array(then) if isinstance(now, np.ndarray) else then)


def _to_json(value: Any) -> Any:
    if isinstance(value, dict):
        return [float(value[key]) for key in sorted(value)]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value
