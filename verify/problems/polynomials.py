"""Polynomials with exact coefficients, exponents -> coefficient: derivatives, products, shifts, text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flint import fmpq

from derive.language import Expression, Name, Number, Operation, constant
from verify.numbers.power_series import to_fmpq

Index = tuple[int, ...]
Polynomial = dict[Index, Any]  # exponents -> coefficient

VARIABLES = ("x", "y", "z", "w")


def raised(index: Index, axis: int, by: int = 1) -> Index:
    """The exponents with one of them raised."""
    return (*index[:axis], index[axis] + by, *index[axis + 1 :])


def derivative(p: Mapping[Index, Any], axis: int) -> Polynomial:
    """The partial derivative of a polynomial.

    >>> derivative({(2, 1): fmpq(3)}, 0)
    {(1, 1): 6}
    """
    return {raised(e, axis, -1): c * e[axis] for e, c in p.items() if e[axis]}


def multiply(p: Mapping[Index, Any], q: Mapping[Index, Any]) -> Polynomial:
    """Product of two polynomials."""
    result: Polynomial = {}
    for e, a in p.items():
        for f, b in q.items():
            key = tuple(i + j for i, j in zip(e, f, strict=True))
            result[key] = result[key] + a * b if key in result else a * b
    return result


def add(p: Mapping[Index, Any], q: Mapping[Index, Any], factor: int = 1) -> Polynomial:
    """p + factor*q."""
    result = dict(p)
    for e, c in q.items():
        result[e] = result[e] + c * factor if e in result else c * factor
    return result


def polynomial_of(expression: Expression, variables: Sequence[str]) -> Polynomial | None:
    """The polynomial an expression stands for, or None if it is none.

    >>> from derive.language import parse_expression
    >>> polynomial_of(parse_expression("(x + y)**2/2", "loss"), ("x", "y"))
    {(2, 0): 1/2, (1, 1): 1, (0, 2): 1/2}
    """
    zero = (0,) * len(variables)
    match expression:
        case Number(value):
            return {zero: to_fmpq(value)}
        case Name(id):
            return {tuple(int(v == id) for v in variables): fmpq(1)}
        case Operation("neg", (a,)):
            p = polynomial_of(a, variables)
            return None if p is None else {e: -c for e, c in p.items()}
        case Operation("**", (a, b)):
            p, exponent = polynomial_of(a, variables), constant(b)
            if p is None or exponent is None or exponent.denominator != 1 or exponent < 0:
                return None
            result: Polynomial = {zero: fmpq(1)}
            for _ in range(int(exponent)):
                result = multiply(result, p)
            return result
        case Operation(op, (a, b)):
            p, q = polynomial_of(a, variables), polynomial_of(b, variables)
            return None if p is None or q is None else _combined(op, p, q, zero)
    return None


def _combined(op: str, p: Polynomial, q: Polynomial, zero: Index) -> Polynomial | None:
    if op == "*":
        return multiply(p, q)
    if op == "/":
        c = q.get(zero, fmpq(0))
        return None if c == 0 or any(e != zero and x != 0 for e, x in q.items()) else {e: x / c for e, x in p.items()}
    return add(p, q, 1 if op == "+" else -1)


def shifted(p: Mapping[Index, Any], point: Sequence[Any]) -> Polynomial:
    """The polynomial in delta = theta - point."""
    zero = (0,) * len(point)
    result: Polynomial = {}
    powers: dict[tuple[int, int], Polynomial] = {}
    for e, c in p.items():
        term: Polynomial = {zero: c}
        for axis, exponent in enumerate(e):
            if exponent:
                if (axis, exponent) not in powers:
                    unit = tuple(int(i == axis) for i in range(len(point)))
                    powers[axis, exponent] = _binomial(unit, zero, point[axis], exponent)
                term = multiply(term, powers[axis, exponent])
        result = add(result, term)
    return {e: c for e, c in result.items() if not (isinstance(c, fmpq) and c == 0)}


def _binomial(unit: Index, zero: Index, x: Any, exponent: int) -> Polynomial:
    result: Polynomial = {zero: x * 0 + 1}
    for _ in range(exponent):
        result = multiply(result, {unit: x * 0 + 1, zero: x})
    return result


def polynomial_text(p: Mapping[Index, Any], variables: Sequence[str] = VARIABLES) -> str:
    """The polynomial in the language of losses.

    >>> polynomial_text({(2, 0): fmpq(1, 2), (0, 1): fmpq(-3)})
    '1/2*x**2 - 3*y'
    """
    pieces = []
    for e, c in p.items():
        powers = [v if k == 1 else f"{v}**{k}" for v, k in zip(variables, e, strict=False) if k]
        size = abs(c)
        factors = [str(size)] if size != 1 or not powers else []
        pieces.append((" - " if c < 0 else " + ") + "*".join([*factors, *powers]))
    text = "".join(pieces)
    return "0" if not text else text[3:] if text.startswith(" + ") else "-" + text[3:]
