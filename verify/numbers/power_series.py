"""Truncated power series in gamma with exact (or ball) coefficients.

    a = a_0 + a_1 gamma + ... + a_(K-1) gamma^(K-1) + O(gamma^K),       K = len(a)

The result of an operation is known as far as both operands are.  Quotients and powers come from the differential
equation a c' = r a' c of c = a^r, one coefficient after the other:

    c_0 = a_0^r,     c_k = (1/(k a_0)) sum_(i<k) (r (k - i) - i) c_i a_(k-i).

Coefficients are `fmpq` (kept in one `fmpq_poly`, some fifteen times faster than a list), or anything with + - * / in a
list: `arb` balls, or polynomials `fmpq_poly` in another variable.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import isqrt
from typing import Any

from flint import arb, fmpq, fmpq_poly

Coefficient = Any  # python-flint carries no types


class IrrationalRoot(ArithmeticError):
    """A root that is not a rational number was asked for in exact arithmetic."""


class SingularSeries(ArithmeticError):
    """A quotient or root whose leading coefficient vanishes."""


def to_fmpq(value: Any) -> fmpq:
    """The `fmpq` equal to an int, Fraction or fmpq."""
    return value if isinstance(value, fmpq) else fmpq(value.numerator, value.denominator)


def to_fraction(value: fmpq) -> Fraction:
    """The Fraction equal to an fmpq.

    >>> to_fraction(fmpq(-3, 4))
    Fraction(-3, 4)
    """
    return Fraction(int(value.p), int(value.q))


def integer_root(n: int, q: int) -> int | None:
    """The exact q-th root of n >= 0, or None.

    >>> integer_root(27, 3), integer_root(26, 3)
    (3, None)
    """
    if q == 2:
        root = isqrt(n)
    else:
        root = 1 << -(-n.bit_length() // q)
        while root**q > n:  # Newton from above; decreasing, so it ends
            root = ((q - 1) * root + n // root ** (q - 1)) // q
    return root if root**q == n else None


def rational_power(x: fmpq, r: Fraction) -> fmpq:
    """x**r, exact.  Raises IrrationalRoot if it is not rational, SingularSeries for a negative power of zero.

    >>> rational_power(fmpq(9, 4), Fraction(-1, 2))
    2/3
    """
    if x == 0 and r < 0:
        raise SingularSeries("a negative power of zero")
    if r.denominator == 1:
        return x ** int(r)
    top = integer_root(int(x.p), r.denominator) if x >= 0 else None
    bottom = integer_root(int(x.q), r.denominator)
    if top is None or bottom is None:
        raise IrrationalRoot(f"{x}**({r}) is not a rational number")
    return fmpq(top, bottom) ** r.numerator


def _coefficient_power(c: Coefficient, r: Fraction) -> Coefficient:
    if isinstance(c, fmpq_poly):
        if c.degree() > 0:
            raise SingularSeries("a power of a coefficient that is not constant")
        c = c[0]
    if isinstance(c, fmpq):
        return rational_power(c, r)
    if c.contains(0) and (r < 0 or r.denominator != 1):
        raise SingularSeries("a ball that contains zero under a root or in a denominator")
    return c ** int(r) if r.denominator == 1 else c ** arb(to_fmpq(r))


def _vanishes(c: Coefficient) -> bool:
    return bool(c.is_zero()) if isinstance(c, arb) else bool(c == 0)


class Series:
    """A truncated power series; `Series(coefficients)` picks the representation.

    >>> a = Series([fmpq(1), fmpq(1), fmpq(0)])
    >>> (1 / a).coefficients(), (a * a - a)[1]
    ([1, -1, 1], 1)
    """

    __slots__ = ("data", "length", "rational")

    def __init__(self, coefficients: Iterable[Coefficient]) -> None:
        items = list(coefficients)
        self.length = len(items)
        self.rational = all(isinstance(c, fmpq) for c in items)
        self.data: Any = fmpq_poly(items) if self.rational else items

    @classmethod
    def _rational(cls, poly: fmpq_poly, length: int) -> Series:
        new = object.__new__(cls)
        new.data, new.length, new.rational = poly, length, True
        return new

    @classmethod
    def _general(cls, items: list[Coefficient]) -> Series:
        new = object.__new__(cls)
        new.data, new.length, new.rational = items, len(items), False
        return new

    @classmethod
    def constant(cls, c: Coefficient, length: int) -> Series:
        """c + O(gamma^length)."""
        if isinstance(c, fmpq):
            return cls._rational(fmpq_poly([c]), length)
        return cls._general([c, *([c * 0] * (length - 1))])

    def coefficients(self) -> list[Coefficient]:
        return [self.data[k] for k in range(self.length)] if self.rational else list(self.data)

    def __getitem__(self, k: int) -> Coefficient:
        return self.data[k]

    def __len__(self) -> int:
        return self.length

    def truncated(self, length: int) -> Series:
        """The same series known to fewer terms."""
        if length >= self.length:
            return self
        if self.rational:
            return Series._rational(self.data.truncate(length), length)
        return Series._general(self.data[:length])

    def shifted(self, power: int) -> Series:
        """gamma**power times the series; a negative power needs vanishing leading coefficients."""
        if power >= 0:
            if self.rational:
                return Series._rational(self.data.left_shift(power), self.length + power)
            return Series._general([self.data[0] * 0] * power + self.data)
        if any(not _vanishes(self[k]) for k in range(-power)):
            raise SingularSeries("a negative power of gamma")
        if self.rational:
            return Series._rational(self.data.right_shift(-power), self.length + power)
        return Series._general(self.data[-power:])

    # ------------------------------------------------------------------------------------------ ring

    def _other(self, other: Any) -> Series:
        if isinstance(other, Series):
            return other
        if isinstance(other, Fraction | int):
            other = to_fmpq(other)
        if not self.rational:
            other = self.data[0] * 0 + other
        return Series.constant(other, self.length)

    def __add__(self, other: Any) -> Series:
        o = self._other(other)
        n = min(self.length, o.length)
        if self.rational and o.rational:
            total = self.data + o.data
            return Series._rational(total.truncate(n) if self.length != o.length else total, n)
        return Series._general([self[k] + o[k] for k in range(n)])

    __radd__ = __add__

    def __neg__(self) -> Series:
        return Series._rational(-self.data, self.length) if self.rational else Series._general([-c for c in self.data])

    def __sub__(self, other: Any) -> Series:
        return self.__add__(-self._other(other))

    def __rsub__(self, other: Any) -> Series:
        return self._other(other).__add__(-self)

    def __mul__(self, other: Any) -> Series:
        if not isinstance(other, Series):
            factor = to_fmpq(other) if isinstance(other, int | Fraction) else other
            if self.rational and isinstance(factor, fmpq):
                return Series._rational(self.data * factor, self.length)
            return Series._general([self[k] * factor for k in range(self.length)])
        n = min(self.length, other.length)
        if self.rational and other.rational:
            return Series._rational(self.data.mul_low(other.data, n), n)
        a, b = self.coefficients(), other.coefficients()
        low = next((i for i in range(n) if not _vanishes(a[i])), n)
        zero = a[0] * b[0] * 0
        return Series._general([sum((a[i] * b[k - i] for i in range(low, k + 1)), zero) for k in range(n)])

    __rmul__ = __mul__

    # ------------------------------------------------------------------------------------------ quotients, powers

    def valuation(self) -> int:
        """The first power whose coefficient is not known to vanish."""
        return next((k for k in range(self.length) if not _vanishes(self[k])), self.length)

    def __truediv__(self, other: Any) -> Series:
        if not isinstance(other, Series):
            inverse = 1 / to_fmpq(other) if isinstance(other, int | Fraction | fmpq) else 1 / other
            return self * inverse
        v = other.valuation()
        if v == other.length:
            raise SingularSeries("division by a series that vanishes as far as it is known")
        return self.shifted(-v) * other.shifted(-v).power(Fraction(-1))

    def __rtruediv__(self, other: Any) -> Series:
        quotient: Series = self._other(other).__truediv__(self)
        return quotient

    def __pow__(self, exponent: Any) -> Series:
        return self.power(Fraction(exponent))

    def power(self, r: Fraction) -> Series:
        """The series to a rational power; the root of its leading coefficient must exist in the coefficients."""
        if r.denominator == 1 and 0 <= r <= 3:
            result = Series.constant(self[0] * 0 + 1, self.length)
            for _ in range(int(r)):
                result = result * self
            return result
        a = self.coefficients()
        if _vanishes(a[0]):
            return self._vanishing_power(r)
        first = _coefficient_power(a[0], r)
        rate, inverse = to_fmpq(r), _coefficient_power(a[0], Fraction(-1))
        c = [first if not isinstance(a[0], fmpq_poly) else fmpq_poly([first])]
        for k in range(1, self.length):
            total = sum((c[i] * a[k - i] * (rate * (k - i) - i) for i in range(k)), a[0] * 0)
            c.append(total * inverse / k)
        return Series(c) if self.rational else Series._general(c)

    def _vanishing_power(self, r: Fraction) -> Series:
        if r.denominator != 1 or r < 0:
            raise SingularSeries("a root or negative power of a quantity that vanishes at gamma = 0")
        result: Series = self
        for _ in range(int(r) - 1):
            result = result * self
        return result


def gamma_series(length: int) -> Series:
    """The series gamma itself, known through gamma^(length-1)."""
    return Series([fmpq(k == 1) for k in range(length)])


def sum_of(values: Sequence[Any]) -> Any:
    """Their sum, without starting from a foreign zero."""
    total = values[0]
    for v in values[1:]:
        total = total + v
    return total
