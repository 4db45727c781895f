"""Real algebraic numbers: a polynomial with integer coefficients and an interval that holds one of its roots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any

from flint import fmpq, fmpq_poly

Number = Fraction  # rational values


@dataclass(frozen=True)
class Root:
    """The only root of a square-free polynomial (coefficients from x^0 up) in the open interval (low, high); it is irrational.

    >>> two = Root((-2, 0, 1), Fraction(1), Fraction(2))
    >>> two.sign([-2, 0, 1]), two.sign([-3, 0, 1]), two.sign([-1, 1])
    (0, -1, 1)
    """

    polynomial: tuple[int, ...]
    low: Fraction
    high: Fraction

    @cached_property
    def _rising(self) -> bool:
        return value_at(self.polynomial, self.high) > 0

    def halved(self) -> Root:
        """The same number in one half of the interval."""
        middle = (self.low + self.high) / 2
        if (value_at(self.polynomial, middle) > 0) == self._rising:
            return Root(self.polynomial, self.low, middle)
        return Root(self.polynomial, middle, self.high)

    def within(self, width: Fraction) -> Root:
        """The same number in an interval no wider than `width`."""
        found = self
        while found.high - found.low > width:
            found = found.halved()
        return found

    def sign(self, polynomial: Sequence[Any]) -> int:
        """The sign of a polynomial at this number: zero exactly where a common divisor has the root, else by halving."""
        other = fmpq_poly([_fmpq(c) for c in polynomial])
        common = fmpq_poly(list(self.polynomial)).gcd(other)
        if common.degree() > 0 and roots_between(_list(common), self.low, self.high):
            return 0
        here = self
        while roots_between(_list(other), here.low, here.high) or not other(_fmpq(here.low)):
            here = here.halved()
        return 1 if other(_fmpq((here.low + here.high) / 2)) > 0 else -1

    @property
    def index(self) -> int:
        """Its place among the real roots of its polynomial, from zero."""
        below = -cauchy_bound(self.polynomial)
        return roots_between(self.polynomial, below, self.low)

    def __float__(self) -> float:
        found = self.within(Fraction(1, 10**18))
        return float((found.low + found.high) / 2)

    def __str__(self) -> str:
        """Radicals are written where they end are; here the number as our texts write it."""
        return f"CRootOf({polynomial_text(self.polynomial)}, {self.index})"


def _fmpq(value: Any) -> fmpq:
    return fmpq(value.numerator, value.denominator) if isinstance(value, Fraction) else fmpq(value)


def _list(polynomial: fmpq_poly) -> list[Fraction]:
    return [Fraction(int(c.p), int(c.q)) for c in polynomial.coeffs()]


def value_at(polynomial: Sequence[Any], x: Fraction) -> Fraction:
    """Horner's rule."""
    total = Fraction(0)
    for c in reversed(polynomial):
        total = total * x + c
    return total


def cauchy_bound(polynomial: Sequence[Any]) -> Fraction:
    """All roots are smaller in modulus."""
    sizes: list[Fraction] = [abs(Fraction(c) / polynomial[-1]) for c in polynomial]
    return Fraction(1) + max(sizes)


def roots_between(polynomial: Sequence[Any], low: Fraction, high: Fraction) -> int:
    """The number of distinct roots in (low, high], low no root, by Sturm's sequence.

    >>> roots_between([-2, 0, 1], Fraction(-2), Fraction(2)), roots_between([-2, 0, 1], Fraction(0), Fraction(2))
    (2, 1)
    """
    p = fmpq_poly([_fmpq(c) for c in polynomial])
    if p.degree() < 1:
        return 0
    chain = [p, p.derivative()]
    while chain[-1].degree() > 0:
        rest = chain[-2] % chain[-1]
        if rest.degree() < 0:
            break
        chain.append(-rest)
    return _changes(chain, low) - _changes(chain, high)


def _changes(chain: list[fmpq_poly], x: Fraction) -> int:
    signs = [v > 0 for f in chain if (v := f(_fmpq(x)))]
    return sum(a != b for a, b in pairwise(signs))


def real_roots(polynomial: Sequence[Any]) -> list[Fraction | Root]:
    """The distinct real roots in ascending order: fractions, and roots of irreducible polynomials.

    >>> real_roots([0, -2, 0, 1])
    [Root(polynomial=(-2, 0, 1), low=Fraction(-3, 1), high=Fraction(0, 1)), Fraction(0, 1), Root(polynomial=(-2, 0, 1), low=Fraction(0, 1), high=Fraction(3, 1))]
    """  # noqa: E501
    p = fmpq_poly([_fmpq(c) for c in polynomial])
    found: list[Fraction | Root] = []
    for f, _ in p.factor()[1]:
        scaled = f.numer()
        coefficients = tuple(int(c) for c in scaled.coeffs())
        if coefficients[-1] < 0:
            coefficients = tuple(-c for c in coefficients)
        if len(coefficients) == 2:
            found.append(Fraction(-coefficients[0], coefficients[1]))
        elif len(coefficients) > 2:
            bound = cauchy_bound(coefficients)
            found += _isolated(coefficients, -bound, bound)
    return sorted(found, key=_place)


def _place(x: Fraction | Root) -> Fraction:
    return x if isinstance(x, Fraction) else x.within(Fraction(1, 10**40)).low


def _isolated(polynomial: tuple[int, ...], low: Fraction, high: Fraction) -> list[Root]:
    count = roots_between(polynomial, low, high)
    if count < 2:
        return [Root(polynomial, low, high)] * count
    middle = (low + high) / 2
    return _isolated(polynomial, low, middle) + _isolated(polynomial, middle, high)


def polynomial_text(polynomial: Sequence[int]) -> str:
    """Descending powers of x, as our texts write the polynomial of a root.

    >>> polynomial_text([-24, 12, -4, 1])
    'x**3 - 4*x**2 + 12*x - 24'
    """
    pieces = []
    for k, c in reversed(list(enumerate(polynomial))):
        if c:
            power = {0: "", 1: "x"}.get(k, f"x**{k}")
            size = f"{abs(c)}*{power}" if power and abs(c) != 1 else power or str(abs(c))
            pieces.append(f" {'-' if c < 0 else '+'} {size}")
    text = "".join(pieces)
    return text[3:] if text.startswith(" + ") else "-" + text[3:]
