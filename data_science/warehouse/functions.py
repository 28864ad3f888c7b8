"""Functions of columns in SQL: what `formula.functions` evaluates, with what training learned of each.

Where NumPy would give NaN or infinity there is NULL, which makes the row unread. That is also so where only a
part of a function is infinite, such as the quotient in ``exp(-1 / x)`` at 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import mul
from typing import Any

import ibis

from data_science.errors import SpecificationError
from data_science.formula.derived import Derived
from data_science.formula.expressions import Call, Column, Expression, Number, Operation
from data_science.warehouse.arithmetic import Arithmetic, missing, number

MOST_SPLINE_DEGREE = 5  # a piece is written out, and doubles with each degree
MOST_POLYNOMIAL_DEGREE = 8  # each degree repeats the two before it
MOST_POWER = 150.0  # decimal power up to which numbers are multiplied where overflow would raise


class Functions:
    """Writes functions in one dialect.

    Parameters
    ----------
    arithmetic : Arithmetic
        Of the dialect.
    """

    def __init__(self, arithmetic: Arithmetic) -> None:
        self.arithmetic = arithmetic

    def columns(self, derived: Derived, numbers: Mapping[str, Any]) -> list[Any]:
        """Return the columns that a function makes of columns read as numbers.

        Raises
        ------
        SpecificationError
            Naming the function, if it has no form in SQL.
        """
        try:
            return self._evaluated(derived.expression, numbers)
        except KeyError as error:
            raise SpecificationError(
                f"{derived.name} cannot be scored in the engine: {error.args[0]} has no form in SQL; use "
                "predict_batch, or a view with this column computed"
            ) from None

    def _evaluated(self, expression: Expression, numbers: Mapping[str, Any]) -> list[Any]:
        match expression:
            case Number(value):
                return [number(value)]
            case Column(name):
                return [numbers[name]]
            case Operation(sign, operands):
                values = [self._evaluated(operand, numbers)[0] for operand in operands]
                return [self._signed(sign, values[0]) if len(values) == 1 else self._combined(sign, *values)]
            case Call(name, operand, _, state):
                return self._called(name, self._evaluated(operand, numbers)[0], state or {})

    def _signed(self, sign: str, value: Any) -> Any:
        return -value if sign == "-" else value

    def _combined(self, sign: str, left: Any, right: Any) -> Any:
        match sign:
            case "+":
                return self.arithmetic.sum([left, right])
            case "-":
                return self.arithmetic.sum([left, -right])
            case "*":
                return self.arithmetic.multiply(left, right)
            case "/":
                return self.arithmetic.divide(left, right)
            case _:
                return self._power(left, right)

    def _power(self, base: Any, exponent: Any) -> Any:
        bounded = _only(exponent, exponent.abs() < number(1e15))  # whole numbers are cast to be told
        whole = (bounded == bounded.floor()).fill_null(False)
        defined = (base > 0) | ((base < 0) & whole) | ((base == 0) & (exponent >= 0))
        if not self.arithmetic.raises:
            return _only(base, defined) ** exponent
        size = ibis.ifelse(base == 0, number(1.0), base.abs()).ln() * exponent
        return ibis.cases(
            (~defined | (size > number(700.0)), missing()),
            (size < number(-700.0), number(0.0)),
            else_=_only(base, defined & size.abs().between(0, 700)) ** exponent,
        )

    def _called(self, name: str, x: Any, state: Mapping[str, Any]) -> list[Any]:
        two, ten = number(2.0), number(10.0)
        match name:
            case "scale" | "standardize":
                return [(self._factor(x) - _constant(state["mean"])) / _constant(state["std"])]
            case "center":
                return [self.arithmetic.sum([x, -_constant(state["mean"])])]
            case "I":
                return [x]
            case "abs":
                return [x.abs()]
            case "square":
                return [self.arithmetic.multiply(x, x)]
            case "sqrt":
                return [_only(x, x >= 0).sqrt()]
            case "log":
                return [_only(x, x > 0).ln()]
            case "log2":
                return [_only(x, x > 0).ln() / two.ln()]
            case "log10":
                return [_only(x, x > 0).ln() / ten.ln()]
            case "log1p":
                return [_log1p(_only(x, x > number(-1.0)))]
            case "exp":
                return [self._exponential(x)]
            case "exp2":
                return [self._exponential(x * two.ln())]
            case "expm1":
                return [_expm1(x, self._exponential(x))]
            case "bs":
                columns = _splines(self._factor(x, 2 * MOST_SPLINE_DEGREE), state["_knots"], state["_degree"])
                return columns if state["_intercept"] else columns[1:]
            case "poly":
                x = self._factor(x, 2 * max(int(state["degree"]), 1))
                if state["raw"]:
                    return [reduce(mul, [x] * power) for power in range(1, int(state["degree"]) + 1)]
                return _polynomials(x, state["alpha"], state["norms2"])
        raise KeyError(name)

    def _exponential(self, x: Any) -> Any:
        bounded = _only(x, x < number(709.7))
        if not self.arithmetic.raises:
            return bounded.exp()
        return ibis.ifelse(x < number(-700.0), number(0.0), _only(bounded, x >= number(-700.0)).exp())

    def _factor(self, x: Any, power: int = 2) -> Any:
        """Return NULL for numbers of which a product may overflow, zero for those of which it may vanish."""
        if not self.arithmetic.raises:
            return x
        limit = 10.0 ** (2 * MOST_POWER / power)
        return ibis.cases(
            (x.abs() > number(limit), missing()), (x.abs() < number(1 / limit), number(0.0)), else_=x
        )


def _constant(value: Any) -> Any:
    return number(float(value[0] if isinstance(value, Sequence) else value))


def _only(value: Any, condition: Any) -> Any:
    return ibis.ifelse(condition, value, missing())


def _log1p(x: Any) -> Any:
    """Kahan's: the rounding of 1 + x is divided out."""
    above = number(1.0) + x
    gap = above - number(1.0)
    return ibis.ifelse(gap == 0, x, above.ln() * (x / ibis.ifelse(gap == 0, number(1.0), gap)))


def _expm1(x: Any, grown: Any) -> Any:
    """Kahan's; beyond an absolute 1 there is nothing to save."""
    near = (x.abs() < number(1.0)) & (grown != number(1.0))
    inside = ibis.ifelse(near, grown, number(2.0))
    return ibis.cases(
        (grown == number(1.0), x),
        (near, (inside - number(1.0)) * (x / inside.ln())),
        else_=grown - number(1.0),
    )


def _splines(x: Any, knots: Sequence[float], degree: int) -> list[Any]:
    """Write the recurrence of `bases.b_splines` out for every piece."""
    if degree > MOST_SPLINE_DEGREE:
        raise KeyError(f"a spline of degree {degree}")
    n_functions = len(knots) - degree - 1
    pieces = [k for k in range(degree, n_functions) if k == degree or knots[k] > knots[k - 1]]
    values = {piece: _piece(x, knots, degree, _last_of(piece, knots, n_functions)) for piece in pieces}
    columns = []
    for place in range(n_functions):
        branches = []
        for piece in reversed(pieces):
            last = _last_of(piece, knots, n_functions)
            inside = place - last + degree
            value = values[piece][inside] if 0 <= inside <= degree else number(0.0)
            branches.append((x >= number(knots[piece]) if piece != degree else x.notnull(), value))
        columns.append(ibis.cases(*branches, else_=missing()))
    return columns


def _last_of(piece: int, knots: Sequence[float], n_functions: int) -> int:
    """Return the last of the equal knots that a piece begins with."""
    while piece + 1 < n_functions and knots[piece + 1] == knots[piece]:
        piece += 1
    return piece


def _piece(x: Any, knots: Sequence[float], degree: int, piece: int) -> list[Any]:
    values = [number(1.0), *(number(0.0) for _ in range(degree))]
    for order in range(1, degree + 1):
        lower, values[0] = values[:order], number(0.0)
        for i in range(order):
            right, left = knots[piece + i + 1], knots[piece + i + 1 - order]
            share = lower[i] / number(right - left) if right != left else number(0.0)
            values[i] = values[i] + share * (number(right) - x)
            values[i + 1] = share * (x - number(left))
    return values


def _polynomials(x: Any, alpha: Sequence[float], norms: Sequence[float]) -> list[Any]:
    if len(alpha) > MOST_POLYNOMIAL_DEGREE:
        raise KeyError(f"an orthogonal polynomial of degree {len(alpha)}")
    found = [number(1.0)]
    for i, centre in enumerate(alpha):
        following = (x - number(centre)) * found[i]
        if i > 0:
            following = following - number(norms[i] / norms[i - 1]) * found[i - 1]
        found.append(following)
    return [values / number(float(norm) ** 0.5) for values, norm in zip(found[1:], norms[1:], strict=True)]
