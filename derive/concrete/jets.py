"""Numbers at a point, and truncated Taylor series over them.

A jet {multi-index: coefficient} is a series in d variables through a total degree; numbers are rational where they are exact,
else balls, or rational functions of symbols (`derive.concrete.symbols`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import factorial
from typing import Any

from flint import arb, fmpq, fmpz

from derive.errors import SingularPointError

Value = Any  # fmpq where exact, arb otherwise
Jet = dict[tuple[int, ...], Value]  # multi-index -> Taylor coefficient


def exact(value: Fraction | int) -> fmpq:
    value = Fraction(value)
    return fmpq(value.numerator, value.denominator)


# ---------------------------------------------------------------------------------------------- numbers


def is_zero(x: Value) -> bool:
    """Exactly zero (a ball is never exactly zero unless it has no radius)."""
    return bool(x == 0)


def real_power(x: Value, e: Fraction) -> Value:
    """x^e, rational where it is rational.  Raises SingularPointError at 0^negative and for even roots of negatives."""
    if e.denominator == 1:
        if is_zero(x) and e < 0:
            raise SingularPointError("division by zero")
        return x ** int(e)
    if isinstance(x, fmpq):
        if x == 0:
            if e < 0:
                raise SingularPointError("division by zero")
            return x
        if x < 0 and e.denominator % 2 == 0:
            raise SingularPointError(f"an even root of the negative number {x}")
        sign = -1 if x < 0 and e.numerator % 2 else 1
        size = abs(x)
        top, bottom = (_whole_root(fmpz(part), e.denominator) for part in (size.p, size.q))
        if top is not None and bottom is not None:
            return fmpq(top, bottom) ** int(e.numerator) * sign
        return arb(size) ** arb(fmpq(e.numerator, e.denominator)) * sign
    if not x > 0:
        raise SingularPointError("a root of a number that is not positive")
    return x ** arb(fmpq(e.numerator, e.denominator))


def _whole_root(x: fmpz, degree: int) -> fmpz | None:
    root = x.root(degree)
    return root if root**degree == x else None


# ---------------------------------------------------------------------------------------------- jets


def axis(i: int, d: int, x: Value) -> Jet:
    unit = tuple(1 if j == i else 0 for j in range(d))
    return {(0,) * d: x, unit: fmpq(1)}


def plus(a: Jet, b: Jet, sign: int = 1) -> Jet:
    result = dict(a)
    for k, v in b.items():
        result[k] = result[k] + sign * v if k in result else sign * v
    return result


def times(a: Jet, b: Jet, degree: int) -> Jet:
    result: Jet = {}
    for k, v in a.items():
        left = degree - sum(k)
        for m, w in b.items():
            if sum(m) <= left:
                key = tuple(i + j for i, j in zip(k, m, strict=True))
                result[key] = result[key] + v * w if key in result else v * w
    return result


def compose(coefficients: Sequence[Value], x: Jet, degree: int) -> Jet:
    """sum_k c_k (x - x_0)^k by Horner's rule."""
    zero = next(iter(x))
    zero = (0,) * len(zero)
    delta = {k: v for k, v in x.items() if k != zero}
    result: Jet = {zero: coefficients[-1]}
    for c in reversed(coefficients[:-1]):
        result = plus(times(result, delta, degree), {zero: c})
    return result


def power(x: Jet, e: Fraction, degree: int, zero: tuple[int, ...]) -> Jet:
    if e.denominator == 1 and e >= 0:
        half = power(x, Fraction(int(e) // 2), degree, zero) if e else {zero: fmpq(1)}  # x^e = (x^(e//2))^2 x^(e mod 2)
        square = times(half, half, degree) if e else half
        return times(square, x, degree) if int(e) % 2 else square
    centre = x.get(zero, fmpq(0))
    if not isinstance(centre, fmpq) and centre.contains(0):
        raise SingularPointError("the loss is singular at this point")
    if is_zero(centre):
        raise SingularPointError("the loss is singular at this point: zero under a root or in a denominator")
    first, coefficients = real_power(centre, e), []
    factor = fmpq(1)
    for k in range(degree + 1):  # binomial(e, k) c^(e-k)
        coefficients.append(first * factor / centre**k)
        factor = factor * fmpq((e - k).numerator, (e - k).denominator * (k + 1))
    return compose(coefficients, x, degree)


def _inexact(x: Value) -> Value:
    return arb(x) if isinstance(x, fmpq) else x


def taylor(function: str, a: Value, degree: int) -> list[Value]:
    """Taylor coefficients of an elementary function at a, through a degree; rational ones stay exact."""
    if function in ("exp", "sin", "cos", "sinh", "cosh"):
        return [_cyclic(function, a, k) / factorial(k) for k in range(degree + 1)]
    if function == "log":
        if not a > 0:
            raise SingularPointError("the loss is singular at this point: the logarithm of a number that is not positive")
        head = fmpq(0) if a == 1 else _inexact(a).log()
        return [head, *(fmpq((-1) ** (k + 1), k) / a**k for k in range(1, degree + 1))]
    if function == "atan":
        head = fmpq(0) if is_zero(a) else _inexact(a).atan()
        denominator: Jet = {(0,): 1 + a * a, (1,): 2 * a, (2,): fmpq(1)}
        slope = power(denominator, Fraction(-1), degree, (0,))
        return [head, *(slope.get((k - 1,), fmpq(0)) / k for k in range(1, degree + 1))]
    # tan' = 1 + tan^2, tanh' = 1 - tanh^2
    sign = 1 if function == "tan" else -1
    head = fmpq(0) if is_zero(a) else _inexact(a).tan() if function == "tan" else _inexact(a).tanh()
    y = [head]
    for k in range(degree):
        square = sum((y[i] * y[k - i] for i in range(k + 1)), fmpq(0))
        y.append(((1 if k == 0 else 0) + sign * square) / (k + 1))
    return y


def known_value(name: str, x: Value) -> Value:
    """A known function of the scheme language at x; rational where it is seen to be.

    >>> known_value("sigmoid", fmpq(0)), known_value("erf", fmpq(0)), known_value("softplus", fmpq(0)).str(3)
    (1/2, 0, '[0.693 +/- 1.48e-4]')
    """
    match name:
        case "sigmoid":
            return fmpq(1, 2) if is_zero(x) else 1 / (1 + (-_inexact(x)).exp())
        case "softplus":
            return (1 + _inexact(x).exp()).log()
        case "erf":
            return fmpq(0) if is_zero(x) else _inexact(x).erf()
        case "derf":
            return 2 * (-_inexact(x) ** 2).exp() / arb.pi().sqrt()
    return taylor(name, x, 0)[0]


def _cyclic(function: str, a: Value, k: int) -> Value:
    """The k-th derivative of exp, sin, cos, sinh or cosh at a."""
    derivatives: dict[str, tuple[tuple[int, str], ...]] = {
        "exp": ((1, "exp"),),
        "sin": ((1, "sin"), (1, "cos"), (-1, "sin"), (-1, "cos")),
        "cos": ((1, "cos"), (-1, "sin"), (-1, "cos"), (1, "sin")),
        "sinh": ((1, "sinh"), (1, "cosh")),
        "cosh": ((1, "cosh"), (1, "sinh")),
    }
    cycle = derivatives[function]
    sign, name = cycle[k % len(cycle)]
    if is_zero(a):
        return fmpq(sign if name in ("exp", "cos", "cosh") else 0)
    method: Callable[[], Value] = getattr(_inexact(a), name)
    return sign * method()
