"""Numbers are a parameter of verification: what the interpreter of an update text asks of them.

    lift(q)            a rational as such a number            power(x, r)   x^r for a rational r
    absolute(x), sign(x)                                      scaled(x, c)  c*x, c the factor of a rescaled state variable

Sums, products and quotients are the operators of the numbers themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from flint import arb

from verify.numbers.power_series import Series, rational_power, to_fmpq


class Numbers(Protocol):
    """A kind of number on which an update text is run."""

    def lift(self, q: Fraction, /) -> Any: ...

    def power(self, x: Any, r: Fraction, /) -> Any: ...

    def absolute(self, x: Any, /) -> Any: ...

    def sign(self, x: Any, /) -> Any: ...

    def scaled(self, x: Any, factor: Any, /) -> Any: ...


@dataclass(frozen=True)
class OrderedNumbers:
    """Numbers whose absolute value is a root: a lift and rational powers say everything.

    >>> FRACTIONS.absolute(Fraction(-2, 3)), FRACTIONS.sign(Fraction(-2, 3))
    (Fraction(2, 3), Fraction(-1, 1))
    """

    lift: Callable[[Fraction], Any]
    power: Callable[[Any, Fraction], Any]

    def absolute(self, x: Any) -> Any:
        return self.power(x * x, Fraction(1, 2))

    def sign(self, x: Any) -> Any:
        return x / self.absolute(x)

    def scaled(self, x: Any, factor: Any) -> Any:
        return x * factor


class SeriesNumbers(OrderedNumbers):
    """Power series in gamma among them: a factor gamma^v does not cost the last v powers of what it multiplies."""

    def scaled(self, x: Any, factor: Any) -> Any:
        if isinstance(x, Series) and isinstance(factor, Series):
            v = factor.valuation()
            return (x * factor.shifted(-v)).shifted(v)
        return x * factor


@dataclass(frozen=True)
class MethodNumbers:
    """Numbers whose own methods say everything: nodes of a tape, affine forms."""

    lift: Callable[[Any], Any]

    def power(self, x: Any, r: Fraction) -> Any:
        return self.lift(x) ** r

    def absolute(self, x: Any) -> Any:
        return abs(x)

    def sign(self, x: Any) -> Any:
        return x.sign()

    def scaled(self, x: Any, factor: Any) -> Any:
        return x * factor


def _exact_power(x: Any, r: Fraction) -> Any:
    if isinstance(x, Series):
        return x.power(r)
    if isinstance(x, arb):
        return x ** int(r) if r.denominator == 1 else x ** arb(to_fmpq(r))
    return rational_power(to_fmpq(x), r)


def _mpf_lift(q: Fraction) -> Any:
    from mpmath import mpf

    return mpf(q.numerator) / q.denominator


def _mpf_power(x: Any, r: Fraction) -> Any:
    from mpmath import root

    return x ** int(r) if r.denominator == 1 else root(x, r.denominator) ** r.numerator


#: fmpq, power series over them, and arb balls
EXACT: Numbers = SeriesNumbers(to_fmpq, _exact_power)
#: Fractions (slow, dependency-free)
FRACTIONS: Numbers = OrderedNumbers(lambda q: q, lambda x, r: Fraction(str(rational_power(to_fmpq(x), r))))
#: mpmath numbers at the working precision of the moment
MPMATH: Numbers = OrderedNumbers(_mpf_lift, _mpf_power)
BALLS: Numbers = SeriesNumbers(lambda q: arb(to_fmpq(q)), _exact_power)
