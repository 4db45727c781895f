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


@dataclass(frozen=True, eq=False)
class Element:
    """u^offset times a polynomial, offset <= 0; `known` through that total degree, beyond it anything."""

    ring: Ring
    values: Array
    offset: int = 0
    known: int = 1 << 30

    def __post_init__(self) -> None:
        object.__setattr__(self, "known", min(self.known, self.ring.degree + self.offset))

    @property
    def low(self) -> int:
        """The smallest total degree that occurs."""
        return self.ring.lowest(self.values) + self.offset

    def _aligned(self, other: Element) -> tuple[Array, Array, int, int]:
        low = min(self.offset, other.offset)
        a = self.ring.raised(self.values, self.offset - low)
        return a, self.ring.raised(other.values, other.offset - low), low, min(self.known, other.known)

    def __add__(self, other: Element) -> Element:
        a, b, low, known = self._aligned(other)
        return Element(self.ring, (a + b) % self.ring.p, low, known).settled()

    def __sub__(self, other: Element) -> Element:
        return self + -other

    def __neg__(self) -> Element:
        return Element(self.ring, -self.values % self.ring.p, self.offset, self.known)

    def __mul__(self, other: Element) -> Element:
        product = self.ring.multiply(self.values, other.values)
        known = min(self.known + other.low, other.known + self.low)
        return Element(self.ring, product, self.offset + other.offset, known).settled()

    def __truediv__(self, other: Element) -> Element:
        return self * other.power(Fraction(-1))

    def settled(self) -> Element:
        """The same with as much of a negative power of u taken out as can be."""
        by = min(-self.offset, self.ring.valuation(self.values))
        return Element(self.ring, self.ring.lowered(self.values, by), self.offset + by, self.known) if by else self

    def shifted(self, by: int) -> Element:
        """u^by times it."""
        offset = self.offset + by
        return Element(self.ring, self.ring.raised(self.values, max(offset, 0)), min(offset, 0), self.known + by).settled()

    def power(self, r: Fraction) -> Element:
        """(u^k c (1 + x))^r, c a number, by the binomial series in x.

        Raises UndecidedError where the leading part is not of this form, Rejected where c is no square under an even root.
        """
        if r.denominator == 1 and r >= 0:
            result = Element(self.ring, self.ring.constant(1))
            for _ in range(int(r)):
                result = result * self
            return result
        k = self.ring.valuation(self.values)
        if k > self.ring.degree:
            raise ZeroDivisionError
        values = self.ring.lowered(self.values, k)
        lead, p = values[..., 0], self.ring.p
        power = (k + self.offset) * r
        if power.denominator != 1 or not lead.all():
            raise UndecidedError("what stands in a denominator or under a root is not, to leading order, a constant times gamma^k")
        inverse = _each(lead, lambda c: pow(c, -1, p))
        x = values * inverse[..., None] % p
        x[..., 0] = 0
        root = _each(lead, lambda c: _root(c, r, p))
        known = self.known - k - self.offset
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
