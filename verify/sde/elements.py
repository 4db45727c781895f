"""Numbers on which an update text is run: polynomials of a `Ring` times a power, perhaps negative, of its unit u."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derive.errors import UndecidedError
from verify.proof.errors import Rejected
from verify.proof.field import jacobi
from verify.sde.ring import Array, Ring


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
        return Element(self.ring, (a.values + b.values) % self.ring.p, low, min(a.known, b.known))

    def __sub__(self, other: Element) -> Element:
        return self + -other

    def __neg__(self) -> Element:
        return Element(self.ring, -self.values % self.ring.p, self.offset, self.known)

    def __mul__(self, other: Element) -> Element:
        """Powers of u are taken out first, so that they cost nothing at the upper end."""
        ring, a, b = self.ring, self.primitive(), other.primitive()
        known = min(self.through + other.low, other.through + self.low, EXACT)
        if a is None or b is None:
            exact = (a is None and self.known == EXACT) or (b is None and other.known == EXACT)
            shape = np.broadcast_shapes(self.values.shape, other.values.shape)
            return Element(ring, np.zeros(shape, dtype=np.int64), 0, EXACT if exact else known)
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
            result = Element(self.ring, self.ring.constant(1))
            for _ in range(int(r)):
                result = result * self
            return result
        a = self.primitive()
        if a is None:
            raise ZeroDivisionError
        lead, p = a.values[..., 0], self.ring.p
        power = a.offset * r
        if power.denominator != 1 or not lead.all():
            raise UndecidedError("what stands in a denominator or under a root is not, to leading order, a constant times gamma^k")
        inverse = _each(lead, lambda c: pow(c, -1, p))
        x = a.values * inverse[..., None] % p
        x[..., 0] = 0
        root = _each(lead, lambda c: _root(c, r, p))
        known = EXACT if a.known == EXACT and not x.any() else min(a.through - a.offset, self.ring.degree)
        return Element(self.ring, self._binomial(x, r) * root[..., None] % p, 0, known).shifted(int(power))

    def _binomial(self, x: Array, r: Fraction) -> Array:
        p, total = self.ring.p, self.ring.constant(1)
        term = np.broadcast_to(total, x.shape).copy()
        result, factor = term.copy(), Fraction(1)
        for k in range(1, self.ring.degree + 1):
            term, factor = self.ring.multiply(term, x), factor * (r - k + 1) / k
            result = (result + term * residue(factor, p)) % p
        return result


def residue(q: Fraction, p: int) -> int:
    """A rational number modulo p."""
    return q.numerator * pow(q.denominator, -1, p) % p


def _each(values: Array, f: Any) -> Array:
    flat = [f(int(c)) for c in values.reshape(-1)]
    return np.array(flat, dtype=np.int64).reshape(values.shape)


def _root(c: int, r: Fraction, p: int) -> int:
    """c^r with the root that is a square itself; p is 3 modulo 4."""
    if r.denominator == 1:
        return pow(c, int(r), p)
    if r.denominator != 2:
        raise UndecidedError(f"the power {r} of a parameter: square roots are the only ones here")
    if jacobi(c, p) != 1:
        raise Rejected("no square under a root")
    return pow(pow(c, (p + 1) // 4, p), r.numerator, p)


@dataclass(frozen=True)
class Elements:
    """What the interpreter of an update text asks of these numbers (`verify.numbers.kinds`)."""

    ring: Ring

    def lift(self, q: Fraction) -> Element:
        return self.number(residue(q, self.ring.p))

    def number(self, value: int) -> Element:
        return Element(self.ring, self.ring.constant(value))

    def variable(self, place: int) -> Element:
        return Element(self.ring, self.ring.variable(place))

    def power(self, x: Element, r: Fraction) -> Element:
        return x.power(r)

    def absolute(self, x: Element) -> Element:
        raise UndecidedError("abs, sign and norm have no polynomial expectation; they are not checked here")

    sign = absolute

    def scaled(self, x: Element, factor: Element) -> Element:
        return x * factor
