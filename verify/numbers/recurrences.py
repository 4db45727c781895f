"""The recurrences of Taylor coefficients, one for every elementary operation.

    c = a b       c_k = sum_i a_i b_(k-i)
    c = a / b     c_k = (a_k - sum_(i<k) c_i b_(k-i)) / b_0
    c = a^r       c_k = (1/(k a_0)) sum_(i<k) (r(k-i) - i) c_i a_(k-i)              (a c' = r a' c)
    c = exp a     c_k = (1/k) sum_(0<j<=k) j a_j c_(k-j)                            (c' = a' c; sin and cos alike)
    c' d = a'     c_k = (a_k - (1/k) sum_(0<j<k) j c_j d_(k-j)) / d_0               (log: d = a; atan: d = 1 + a^2)

Each function takes k, the coefficients c_0..c_(k-1) found so far, those of the operands through k, and a constant as `bound`
gives it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from operator import mul
from typing import Any

from flint import arb, fmpq

Coefficients = list[Any]  # of arb; python-flint carries no types
Advance = Callable[[int, Coefficients, "tuple[Coefficients, ...]", Any], Any]


def _dot(a: Iterable[Any], b: Iterable[Any]) -> Any:
    return sum(map(mul, a, b), arb(0))


def _convolution(a: Coefficients, b: Coefficients, low: int, high: int, total: int) -> Any:
    """sum of a_i b_(total-i) over low <= i <= high."""
    return _dot(a[low : high + 1], reversed(b[total - high : total - low + 1]))


def _slopes(a: Coefficients, low: int, high: int) -> Coefficients:
    return [j * x for j, x in enumerate(a[low : high + 1], low)]


def _constant(k: int, c: Coefficients, args: tuple[Coefficients, ...], extra: Any) -> Any:
    return extra if k == 0 else arb(0)


def _sum(k: int, c: Coefficients, args: tuple[Coefficients, ...], extra: Any) -> Any:
    return args[0][k] + args[1][k]


def _scaled(k: int, c: Coefficients, args: tuple[Coefficients, ...], extra: Any) -> Any:
    return args[0][k] * extra


def _product(k: int, c: Coefficients, args: tuple[Coefficients, ...], extra: Any) -> Any:
    return _dot(args[0], reversed(args[1])) if k else args[0][0] * args[1][0]


def _quotient(k: int, c: Coefficients, args: tuple[Coefficients, ...], extra: Any) -> Any:
    a, b = args
    return (a[k] - _convolution(c, b, 0, k - 1, k)) / b[0]


def _power(k: int, c: Coefficients, args: tuple[Coefficients, ...], extra: Any) -> Any:
    a, p, q = args[0], extra.numerator, extra.denominator
    if k == 0:
        return a[0].sqrt() if extra == Fraction(1, 2) else a[0].rsqrt() if extra == Fraction(-1, 2) else a[0] ** number(extra)
    return _dot((x * (p * (k - i) - q * i) for i, x in enumerate(c)), reversed(a[1:])) / (a[0] * (q * k))


def _exponential(k: int, c: Coefficients, args: tuple[Coefficients, ...], extra: Any) -> Any:
    a = args[0]
    return a[0].exp() if k == 0 else _convolution(_slopes(a, 0, k), [*c, arb(0)], 1, k, k) / k


def _turn(k: int, c: Coefficients, args: tuple[Coefficients, ...], extra: Any) -> Any:
    """One of a pair: c' = sign a' partner; args = (a, partner), extra = (start of c, sign)."""
    a, partner = args
    start, sign = extra
    return getattr(a[0], start)() if k == 0 else sign * _convolution(_slopes(a, 0, k), [*partner[:k], arb(0)], 1, k, k) / k


def _primitive(k: int, c: Coefficients, args: tuple[Coefficients, ...], extra: Any) -> Any:
    """c' d = a'; args = (a, d), extra = name of the function that starts c."""
    a, d = args
    if k == 0:
        return getattr(a[0], extra)()
    return (a[k] - _convolution(_slopes(c, 0, k - 1), d, 1, k - 1, k) / k) / d[0]


def _sign(k: int, c: Coefficients, args: tuple[Coefficients, ...], extra: Any) -> Any:
    start = args[0][0]
    if k == 0 and not (start > 0 or start < 0):
        raise ZeroDivisionError("the sign of a number that may be zero")
    return arb(0) if k else arb(1 if start > 0 else -1)


ADVANCE: dict[str, Advance] = {
    "constant": _constant, "+": _sum, "scaled": _scaled, "*": _product, "/": _quotient, "**": _power,
    "exp": _exponential, "turn": _turn, "primitive": _primitive, "sign": _sign,
}  # fmt: skip


def bound(operation: str, extra: Any) -> Any:
    """The constant of an operation as its recurrence wants it: a ball at the working precision where it is a number."""
    return number(extra) if operation in ("constant", "scaled") else extra


def number(value: Any) -> Any:
    """The ball of an int, Fraction, fmpq, mpf, decimal text or ball, at the working precision."""
    if isinstance(value, Fraction):
        return arb(fmpq(value.numerator, value.denominator))
    if isinstance(value, int | str | arb | fmpq):
        return arb(value)
    sign, mantissa, exponent, _ = value._mpf_  # mpmath's own form of a real number: (-1)^sign mantissa 2^exponent
    return arb((-int(mantissa) if sign else int(mantissa), int(exponent)))
