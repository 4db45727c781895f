"""Known functions, exp, log, sin, cos, tanh, sigmoid, softplus, atan, erf and erf' = derf, on every kind of number."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flint import arb_series, ctx, fmpq, fmpq_series

from verify.numbers.power_series import IrrationalRoot, Series, SingularSeries, to_fmpq

_AT_ZERO: dict[str, int | Fraction] = {"exp": 1, "sin": 0, "cos": 1, "tanh": 0, "sigmoid": Fraction(1, 2), "atan": 0, "erf": 0}


def known_function(name: str, x: Any) -> Any:
    """The function at a rational number, a ball, a node of a tape or a power series.

    Raises IrrationalRoot where rational numbers have no rational value, SingularSeries for log(0).

    >>> known_function("sigmoid", Series([fmpq(0), fmpq(1), fmpq(0), fmpq(0)])).coefficients()
    [1/2, 1/4, 0, -1/48]
    """
    if isinstance(x, fmpq | Fraction | int):
        return _of_rational(name, to_fmpq(x))
    match name:
        case "sigmoid":
            return 1 / (known_function("exp", -x) + 1)
        case "softplus":
            return known_function("log", known_function("exp", x) + 1)
        case "derf":  # 2/sqrt(pi), pi being 4 atan(1)
            return known_function("exp", -(x * x)) / _root(known_function("atan", x * 0 + 1))
        case "tanh" if isinstance(x, Series):
            return 1 - 2 / (known_function("exp", x * 2) + 1)
    if isinstance(x, Series):
        return _of_series(name, x)
    if method := getattr(x, name, None):
        return method()
    import mpmath

    return getattr(mpmath, name)(x)


def _root(x: Any) -> Any:
    if isinstance(x, Series):
        return x.power(Fraction(1, 2))
    if method := getattr(x, "sqrt", None):
        return method()
    import mpmath

    return mpmath.sqrt(x)


def _of_rational(name: str, x: fmpq) -> fmpq:
    found = _AT_ZERO.get(name) if x == 0 else 0 if name == "log" and x == 1 else None
    if found is None:
        if name == "log" and x == 0:
            raise SingularSeries("the logarithm of zero")
        raise IrrationalRoot(f"{name}({x}) is not a rational number")
    return to_fmpq(Fraction(found))


def _of_series(name: str, x: Series) -> Series:
    """By the library's series, whose length is bounded by ctx.cap."""
    before, ctx.cap = ctx.cap, max(ctx.cap, x.length)
    try:
        kind = fmpq_series if x.rational else arb_series
        method = getattr(kind(x.coefficients(), prec=x.length), name, None)
        if method is None:
            raise IrrationalRoot(f"{name} of a rational series is not rational")
        found = method()
        return Series([found[k] for k in range(x.length)])
    except ValueError:
        raise IrrationalRoot(f"{name}({x[0]}) is not a rational number") from None
    finally:
        ctx.cap = before
