"""Derivatives of elementary expressions."""

from __future__ import annotations

from fractions import Fraction

from derive.errors import UsageError
from derive.language import Call, Expression, Name, Number, Operation, constant


def _is(e: Expression, value: int) -> bool:
    return isinstance(e, Number) and e.value == value


def _sum(a: Expression, b: Expression, op: str = "+") -> Expression:
    if _is(b, 0):
        return a
    if _is(a, 0):
        return b if op == "+" else Operation("neg", (b,))
    return Operation(op, (a, b))


def _times(a: Expression, b: Expression) -> Expression:
    if _is(a, 0) or _is(b, 0):
        return Number(Fraction(0))
    return b if _is(a, 1) else a if _is(b, 1) else Operation("*", (a, b))


def _power(a: Expression, e: int) -> Expression:
    return Operation("**", (a, Number(Fraction(e))))


def _outer(function: str, x: Expression) -> Expression:
    """The derivative of an elementary function at x."""
    one: Expression = Number(Fraction(1))
    match function:
        case "exp":
            return Call("exp", (x,))
        case "log":
            return _power(x, -1)
        case "sin" | "sinh":
            return Call("cos" if function == "sin" else "cosh", (x,))
        case "cos":
            return Operation("neg", (Call("sin", (x,)),))
        case "cosh":
            return Call("sinh", (x,))
        case "tan" | "tanh":
            return Operation("+" if function == "tan" else "-", (one, _power(Call(function, (x,)), 2)))
        case "atan":
            return _power(Operation("+", (one, _power(x, 2))), -1)
    return Operation("/", (Number(Fraction(1, 2)), Call("sqrt", (x,))))


def differentiate(expression: Expression, name: str) -> Expression:
    """The derivative of an elementary expression.

    Raises UsageError for an exponent that is no rational number.

    >>> from derive.language import LOSS_CALLS, parse_expression, unparse
    >>> unparse(differentiate(parse_expression("x*sin(x)", "loss", LOSS_CALLS), "x"))
    'sin(x) + x*cos(x)'
    """
    match expression:
        case Name(id):
            return Number(Fraction(int(id == name)))
        case Call(function, (a,)):
            return _times(_outer(function, a), differentiate(a, name))
        case Operation("neg", (a,)):
            return _times(Number(Fraction(-1)), differentiate(a, name))
        case Operation("+" | "-", (a, b)):
            return _sum(differentiate(a, name), differentiate(b, name), expression.op)
        case Operation("*", (a, b)):
            return _sum(_times(differentiate(a, name), b), _times(a, differentiate(b, name)))
        case Operation("/", (a, b)):
            return _sum(
                _times(differentiate(a, name), _power(b, -1)), _times(a, _times(differentiate(b, name), _power(b, -2))), "-"
            )
        case Operation("**", (a, b)):
            power = constant(b)
            if power is None:
                raise UsageError("loss: an exponent must be a rational number, such as 2 or 1/2")
            return _times(_times(Number(power), Operation("**", (a, Number(power - 1)))), differentiate(a, name))
    return Number(Fraction(0))
