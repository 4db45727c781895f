"""Numbers on which an update text is run: polynomials of a `Ring` times a power, perhaps negative, of its unit u."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derive.errors import UndecidedError
from verify.sde.ring import Ring
from verify.sde.scalars import Array, Scalars

EXACT = 1 << 30


@dataclass(frozen=True, eq=False)
class Element:
    """u^offset times a polynomial; `known` through that total degree, beyond it anything, or EXACT."""

    ring: Ring
    values: Array
    offset: int = 0
    known: int = EXACT

    @property
    def low(self) -> int:
        """The smallest total degree that occurs."""
        return self.ring.lowest(self.values) + self.offset

    @property
    def through(self) -> int:
        """The total degree through which it is known and written down."""
        return EXACT if self.known == EXACT else min(self.known, self.ring.degree + self.offset)

    def at_offset(self, offset: int) -> Element:
        """The same with a smaller offset, or a larger one if powers of u can be taken out."""
        by = self.offset - offset
        if by < 0:
            return Element(self.ring, self.ring.lowered(self.values, -by), offset, self.through)
        if by == 0:
            return self
        whole = self.known == EXACT and self.ring.highest(self.values) + by <= self.ring.degree
        known = EXACT if whole else min(self.known, self.ring.degree + offset)
        return Element(self.ring, self.ring.raised(self.values, by), offset, known)

    def primitive(self) -> Element | None:
        """The same with every power of u in the offset; None for zero."""
        k = self.ring.valuation(self.values)
        return None if k > self.ring.degree else self.at_offset(self.offset + k)

    def plain(self) -> Element:
        """The same with offset 0.  Raises UndecidedError where it grows without bound as u -> 0."""
        if self.offset < 0 and self.ring.valuation(self.values) < -self.offset:
            raise UndecidedError("a step grows without bound as gamma -> 0")
        return self.at_offset(0)

    def __add__(self, other: Element) -> Element:
        low = min(self.offset, other.offset)
        a, b = self.at_offset(low), other.at_offset(low)
        return Element(self.ring, self.ring.scalars.reduced(a.values + b.values), low, min(a.known, b.known))

    def __sub__(self, other: Element) -> Element:
        return self + -other

    def __neg__(self) -> Element:
        return Element(self.ring, self.ring.scalars.reduced(-self.values), self.offset, self.known)

    def __mul__(self, other: Element) -> Element:
        """Powers of u are taken out first, so that they cost nothing at the upper end."""
        ring, a, b = self.ring, self.primitive(), other.primitive()
        known = min(self.through + other.low, other.through + self.low, EXACT)
        if a is None or b is None:
            exact = (a is None and self.known == EXACT) or (b is None and other.known == EXACT)
            shape = np.broadcast_shapes(self.values.shape, other.values.shape)
            return Element(ring, ring.zeros(*shape[:-1]), 0, EXACT if exact else known)
        offset = a.offset + b.offset
        if known < EXACT or ring.highest(a.values) + ring.highest(b.values) > ring.degree:
            known = min(known, ring.degree + offset)
        return Element(ring, ring.multiply(a.values, b.values), offset, known)

    def __truediv__(self, other: Element) -> Element:
        return self * other.power(Fraction(-1))

    def shifted(self, by: int) -> Element:
        """u^by times it."""
        return Element(self.ring, self.values, self.offset + by, self.known if self.known == EXACT else self.known + by)

    def power(self, r: Fraction) -> Element:
        """(u^k c (1 + x))^r, c a number, by the binomial series in x.

        Raises UndecidedError where the leading part is not of this form, Rejected where c is no square under an even root.
        """
        if r.denominator == 1 and r >= 0:
            half = self.power(Fraction(int(r) // 2)) if r else Element(self.ring, self.ring.constant(1))
            square = half * half  # x^r = (x^(r//2))^2 x^(r mod 2)
            return square * self if int(r) % 2 else square
        a = self.primitive()
        if a is None:
            raise ZeroDivisionError
        lead, scalars = a.values[..., 0], self.ring.scalars
        power = a.offset * r
        if power.denominator != 1 or not (lead != 0).all():
            raise UndecidedError("a denominator or root is of what is not, to leading order, a constant times a power of gamma")
        x = scalars.reduced(a.values * _each(scalars, lead, scalars.inverse)[..., None])
        x[..., 0] = 0
        root = _each(scalars, lead, lambda c: scalars.power(c, r))
        known = EXACT if a.known == EXACT and not (x != 0).any() else min(a.through - a.offset, self.ring.degree)
        return Element(self.ring, scalars.reduced(self._binomial(x, r) * root[..., None]), 0, known).shifted(int(power))

    def exp(self) -> Element:
        """By its series about the leading number."""
        a, scalars = self.plain(), self.ring.scalars
        factor = _each(scalars, a.values[..., 0], scalars.exp)
        x = a.values.copy()
        x[..., 0] = 0
        term: Array = np.broadcast_to(self.ring.constant(1), x.shape)
        total = term
        for k in range(1, self.ring.degree + 1):
            term = scalars.reduced(self.ring.multiply(term, x) * scalars.lift(Fraction(1, k)))
            total = scalars.reduced(total + term)
        return Element(self.ring, scalars.reduced(total * factor[..., None]), 0, a.through)

    def sign(self) -> Element:
        """The sign of the leading part, a number."""
        a = self.primitive()
        if a is None or not (a.values[..., 0] != 0).all():
            raise UndecidedError("a sign is taken of what is not, to leading order, a constant times a power of gamma")
        signs = _each(self.ring.scalars, a.values[..., 0], self.ring.scalars.sign)
        return Element(self.ring, self.ring.scalars.reduced(self.ring.constant(1) * signs[..., None]))

    def _binomial(self, x: Array, r: Fraction) -> Array:
        scalars, one = self.ring.scalars, self.ring.constant(1)
        result = term = np.broadcast_to(one, x.shape)
        factor = Fraction(1)
        for k in range(1, self.ring.degree + 1):
            term, factor = self.ring.multiply(term, x), factor * (r - k + 1) / k
            result = scalars.reduced(result + term * scalars.lift(factor))
        return result


def _each(scalars: Scalars, values: Array, f: Callable[[Any], Any]) -> Array:
    return scalars.array([f(c) for c in values.reshape(-1)]).reshape(values.shape)


@dataclass(frozen=True)
class Elements:
    """What the interpreter of an update text asks of these numbers (`verify.numbers.kinds`)."""

    ring: Ring

    def lift(self, q: Fraction) -> Element:
        return self.number(self.ring.scalars.lift(q))

    def number(self, value: Any) -> Element:
        return Element(self.ring, self.ring.constant(value))

    def variable(self, place: int) -> Element:
        return Element(self.ring, self.ring.variable(place))

    def power(self, x: Element, r: Fraction) -> Element:
        return x.power(r)

    def absolute(self, x: Element) -> Element:
        return x * x.sign()

    def sign(self, x: Element) -> Element:
        return x.sign()

    def scaled(self, x: Element, factor: Element) -> Element:
        return x * factor
