"""Power series in gamma, cut off, whose coefficients are rational functions of the parameters and polynomials in n."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from flint import fmpq

from derive.algebra.coefficients import Ratio, Ring


@dataclass(frozen=True, eq=False)
class Series:
    """c_0 + c_1 gamma + ... + c_K gamma^K + O(gamma^(K+1)).

    >>> from fractions import Fraction
    >>> ring = Ring(["a"]); gamma = monomial(ring, ring.one, 1, 3); one = monomial(ring, ring.one, 0, 3)
    >>> [str(c) for c in (one / (one - gamma.scaled(ring.symbol("a")))).coefficients]
    ['1', 'a', 'a**2', 'a**3']
    """

    coefficients: tuple[Ratio, ...]

    @property
    def ring(self) -> Ring:
        return self.coefficients[0].ring

    @property
    def order(self) -> int | None:
        """The power of gamma with which it begins; None where it is zero."""
        return self.terms[0][0] if self.terms else None

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __add__(self, other: Series) -> Series:
        return Series(tuple((a + b).reduced() for a, b in zip(self.coefficients, other.coefficients, strict=True)))

    def __neg__(self) -> Series:
        return Series(tuple(-c for c in self.coefficients))

    def __sub__(self, other: Series) -> Series:
        return self + -other

    @cached_property
    def terms(self) -> tuple[tuple[int, Ratio], ...]:
        """Powers of gamma with what stands before them."""
        return tuple((k, c) for k, c in enumerate(self.coefficients) if c)

    @cached_property
    def is_one(self) -> bool:
        return len(self.terms) == 1 and self.terms[0][0] == 0 and self.terms[0][1] == self.ring.one

    def __mul__(self, other: Series) -> Series:
        if self.is_one or other.is_one:
            return other if self.is_one else self
        found = [self.ring.zero] * len(self.coefficients)
        for j, a in self.terms:
            for k, b in other.terms:
                if j + k < len(found):
                    found[j + k] = found[j + k] + a * b
        return Series(tuple(c.reduced() if c else c for c in found))

    def __truediv__(self, other: Series) -> Series:
        """ZeroDivisionError where the divisor vanishes with gamma."""
        first, found = other.coefficients[0].inverse(), list[Ratio]()
        for k, c in enumerate(self.coefficients):
            for j, q in enumerate(found):
                c = c - q * other.coefficients[k - j]
            found.append((c * first).reduced())
        return Series(tuple(found))

    def __pow__(self, exponent: int) -> Series:
        found = monomial(self.ring, self.ring.one, 0, len(self.coefficients) - 1)
        for _ in range(abs(exponent)):
            found = found * self
        return found if exponent >= 0 else monomial(self.ring, self.ring.one, 0, len(self.coefficients) - 1) / found

    def scaled(self, factor: Ratio) -> Series:
        return Series(tuple((c * factor).reduced() for c in self.coefficients))

    def exp(self) -> Series:
        """exp of a series that begins with gamma: k e_k = sum_j j s_j e_(k-j)."""
        found = [self.ring.one]
        for k in range(1, len(self.coefficients)):
            terms = (self.coefficients[j].scaled(j) * found[k - j] for j in range(1, k + 1))
            found.append(sum(terms, self.ring.zero).scaled(fmpq(1, k)).reduced())
        return Series(tuple(found))


def monomial(ring: Ring, coefficient: Ratio, power: int, order: int) -> Series:
    """coefficient gamma^power, to that order."""
    return Series(tuple(coefficient if k == power else ring.zero for k in range(order + 1)))


@dataclass(frozen=True)
class Expansion:
    """An element of the ring as a power series in its symbol gamma; `analytic` are symbols that stand for series.

    Calling it raises ZeroDivisionError where a denominator vanishes with gamma.
    """

    ring: Ring
    order: int
    analytic: Mapping[str, Series]

    def __call__(self, c: Ratio) -> Series:
        ring, order = self.ring, self.order
        values = {s: monomial(ring, ring.symbol(s), 0, order) for s in c.symbols() - {"gamma"}} | dict(self.analytic)
        values["gamma"] = monomial(ring, ring.one, 1, order)
        found: Series = c.at(values, lambda q: monomial(ring, ring.constant(q), 0, order))
        return found
