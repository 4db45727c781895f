"""Truncated Laurent series in gamma over a ring:  gamma^v (c_0 + c_1 gamma + ... ) + O(gamma^(v + len c)).

The relative precision travels with the series: v = gamma*eta is known one power further than eta, and v/gamma gives it back.
An exact series is a polynomial with no error term (numbers, parameters, gamma itself).

A ring has zero, constant, is_zero, add, neg, scale (by a fraction), inner (sum of products), product (of polynomials), power,
sign; see `field`, `degrees` and `balls`.  In the last two a coefficient that cancels is not seen to be zero, so the leading power
of everything under a root, sign or denominator is read off the run over a prime field (`Algebra.leading`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import Any

from verify.proof.errors import FractionalPower, Rejected, ShortPrecision, Undecided
from verify.proof.taylor import taylor

EXACT = 10**9
ONE = Fraction(1)


@dataclass
class Algebra:
    """A ring, the number of coefficients kept, and what is known or noted of leading coefficients.

    `leading`   key -> power of gamma at which the series under this root, sign or denominator begins, if it is given
    `noted`     (key, component) -> (power, leading coefficient) of what stands under a root, sign or denominator
    `found`     key -> (power, leading coefficient) of scalar products
    `roots`     (step, key, component) -> what a root or sign of something that vanishes at gamma = 0 was
    `held`      the same, given from another run: it is not taken again (`verify.proof.vanishing`)
    """

    ring: Any
    length: int
    leading: dict[Hashable, int] | None = None
    noted: dict[tuple[Hashable, int | None], tuple[int, Any]] = field(default_factory=dict)
    found: dict[Hashable, tuple[int, Any]] = field(default_factory=dict)
    notes: bool = False
    roots: dict[Hashable, Series] = field(default_factory=dict)
    held: Mapping[Hashable, Series] = field(default_factory=dict)
    last: tuple[Series, Hashable, Fraction, Series] | None = None  # a series, the key and power of it that was found, and that
    step: int = 0
    cuts: bool = False  # whether series end where derivatives that they need are not known: factors of gamma are still to come

    def constant(self, value: Fraction | int) -> Series:
        return self.element(self.ring.constant(Fraction(value)))

    def element(self, x: Any) -> Series:
        """A number of the ring as an exact series."""
        return Series(self, 0, [x], True)

    @property
    def gamma(self) -> Series:
        return Series(self, 1, [self.ring.constant(ONE)], True)

    def note(self, key: Hashable, component: int | None, power: int, lead: Any) -> None:
        """The leading coefficient under a root, sign or denominator may not change from step to step."""
        if not self.notes or self.leading is not None:
            return
        if self.noted.setdefault((key, component), (power, lead)) != (power, lead):
            raise Undecided("what stands under a root, sign or denominator changes at leading order from step to step")


@lru_cache(maxsize=4096)
def _factor(numerator: int, denominator: int, k: int, i: int) -> Fraction:
    """(r (k - i) - i)/k, by which b_i a_(k-i) enters k a_0 b_k; see `Series.power`."""
    return (Fraction(numerator, denominator) * (k - i) - i) / k


class Products:
    """Products of lists of numbers, by the ring's operations."""

    zero: Any
    inner: Callable[..., Any]
    scale: Callable[..., Any]

    def scaled(self, rows: Sequence[Sequence[Any]], factors: Sequence[Fraction]) -> list[list[Any]]:
        """Every column times its factor; rows may end early."""
        return [[self.scale(x, q) for x, q in zip(row, factors)] for row in rows]

    def product(self, a: Sequence[Any], b: Sequence[Any], n: int) -> list[Any]:
        """c_k = sum_i a_i b_(k-i), k < n."""
        found, back, la, lb = [], b[::-1], len(a), len(b)
        for k in range(n):
            low, high = max(0, k - lb + 1), min(k + 1, la)
            found.append(self.inner(a[low:high], back[lb - 1 - k + low : lb - 1 - k + high]) if low < high else self.zero)
        return found


class Series:
    """See the module."""

    __slots__ = ("a", "c", "exact", "v")

    def __init__(self, algebra: Algebra, v: int, c: Sequence[Any], exact: bool = False) -> None:
        self.a, self.exact, skip = algebra, exact, 0
        is_zero = algebra.ring.is_zero
        while skip < len(c) and is_zero(c[skip]):
            skip += 1
        self.c = list(c[skip:]) if skip else list(c)
        self.v = v + skip if self.c or not exact else 0

    # ------------------------------------------------------------------------------------------ reading

    @property
    def precision(self) -> int:
        """The series is known below this power of gamma."""
        return EXACT if self.exact else self.v + len(self.c)

    def at(self, k: int) -> Any:
        """The coefficient of gamma^k; ShortPrecision if it is not known."""
        if self.v <= k < self.v + len(self.c):
            return self.c[k - self.v]
        if k >= self.precision:
            raise ShortPrecision
        return self.a.ring.zero

    def cut(self, precision: int) -> Series:
        """The same series, known below gamma^precision only."""
        if self.precision <= precision:
            return self
        return Series(self.a, min(self.v, precision), self._padded(min(self.v, precision), precision))

    def _padded(self, low: int, high: int) -> list[Any]:
        """Coefficients of gamma^low .. gamma^(high - 1), low <= v."""
        zero = self.a.ring.zero
        c = [zero] * (self.v - low) + self.c
        return (c + [zero] * (high - low - len(c)))[: high - low]

    # ------------------------------------------------------------------------------------------ roots of gamma

    def refined(self, fine: Algebra, grain: int) -> Series:
        """The same series in delta, gamma = delta^grain."""
        zeros = [self.a.ring.zero] * (grain - 1)
        return Series(fine, self.v * grain, [x for c in self.c for x in (c, *zeros)], self.exact)

    def coarsened(self, algebra: Algebra, grain: int) -> Series:
        """The same series in gamma = delta^grain; FractionalPower where it has other powers of delta."""
        low = -(-self.v // grain)
        if self.a.leading is None and not all(self.a.ring.is_zero(x) for j, x in enumerate(self.c, self.v) if j % grain):
            raise FractionalPower("a variable has a fractional power of gamma")
        return Series(algebra, low, self.c[low * grain - self.v :: grain], self.exact)

    # ------------------------------------------------------------------------------------------ arithmetic

    def __add__(self, other: Series) -> Series:
        if self.exact and not self.c:
            return other
        if other.exact and not other.c:
            return self
        add = self.a.ring.add
        if self.v == other.v and len(self.c) == len(other.c) and self.exact == other.exact:
            return Series(self.a, self.v, list(map(add, self.c, other.c)), self.exact)
        high = min(self.precision, other.precision)
        exact = high == EXACT
        if exact:
            high = max(self.v + len(self.c), other.v + len(other.c))
        low = min(self.v, other.v, high)
        c = [add(x, y) for x, y in zip(self._padded(low, high), other._padded(low, high))]
        return Series(self.a, low, c, exact)

    def __neg__(self) -> Series:
        return Series(self.a, self.v, [self.a.ring.neg(x) for x in self.c], self.exact)

    def __sub__(self, other: Series) -> Series:
        return self + (-other)

    def __mul__(self, other: Series) -> Series:
        a, b = self.c, other.c
        n = min(EXACT if self.exact else len(a), EXACT if other.exact else len(b))
        exact = n == EXACT
        if exact:
            n = len(a) + len(b) - 1 if a and b else 0
            if n > self.a.length:
                n, exact = self.a.length, False
        elif (self.exact and not a) or (other.exact and not b):
            return self if self.exact and not a else other
        return Series(self.a, self.v + other.v, self.a.ring.product(a, b, n), exact)

    def increment(self, base: Any, refusal: str) -> Series:
        """The series less its value `base` at gamma^0; Undecided if it does not tend to it."""
        rest = self - self.a.element(base)
        if rest.v < 1 and rest.c:
            if self.a.leading is None:
                raise Undecided(refusal)
            rest = Series(self.a, 1, rest._padded(rest.v, max(rest.v + len(rest.c), 1))[1 - rest.v :], rest.exact)
        return rest

    # ------------------------------------------------------------------------------------------ roots and signs

    def _leading(self, key: Hashable, component: int | None) -> Series:
        """The series from its first non-zero coefficient on; without any where none is known."""
        given = self.a.leading
        series = self
        if given is not None and key in given and given[key] > self.v:
            series = Series(self.a, given[key], self.c[given[key] - self.v :], self.exact)
        if not series.c:
            if series.exact:
                raise ZeroDivisionError
            return series
        self.a.note(key, component, series.v, series.c[0])
        return series

    def power(self, r: Fraction, key: Hashable, component: int | None = None) -> Series:
        """a^r.  From a b' = r a' b:  k a_0 b_k = sum_(i<k) (r (k - i) - i) b_i a_(k-i)."""
        if r.denominator == 1 and r >= 0:
            result = self.a.constant(1)
            for _ in range(int(r)):
                result = result * self
            return result
        return self._root(("power", key, r), component, lambda: self._power(r, key, component))

    def _root(self, key: tuple[Any, ...], component: int | None, taken: Callable[[], Series]) -> Series:
        """What is taken of the series; where the series vanishes at gamma = 0, it is kept, or given from another run."""
        place, a = (self.a.step, key, component), self.a
        if place in a.held:
            return a.held[place]
        result = taken()
        if not self.exact and (self._start(key[1]) > 0 or not self.c):
            a.roots[place] = result
        return result

    def _start(self, key: Hashable) -> int:
        return (self.a.leading or {}).get(key, self.v)

    def _power(self, r: Fraction, key: Hashable, component: int | None) -> Series:
        base = self._leading(key, component)
        if (last := self.a.last) and last[0] is self and last[1] == key and last[2] == r:  # one number for many components
            return last[3]
        found = self._power_of(base, r, key, component)
        self.a.last = (self, key, r, found)
        return found

    def _power_of(self, base: Series, r: Fraction, key: Hashable, component: int | None) -> Series:
        """The power of the series, which begins with the first coefficient of `base`."""
        if not base.c and r > 0:  # O(gamma^v)
            return Series(self.a, ceil(base.v * r), [])
        if not base.c:
            raise ShortPrecision
        v = base.v * r
        if v.denominator != 1:
            raise FractionalPower("a root brings a fractional power of gamma")
        ring, a = self.a.ring, base.c
        try:
            lead = ring.power(a[0], r, key)
        except Rejected as error:
            raise Rejected(str(error), component, key) from None
        if base.exact and len(a) == 1:
            return Series(self.a, int(v), [lead], True)
        n = self.a.length if base.exact else len(a)
        b = [lead]
        inverse = lead if r == -1 else ring.power(a[0], Fraction(-1), key) if n > 1 else None
        for k in range(1, n):
            terms = range(max(0, k - len(a) + 1), k)
            left = [ring.scale(b[i], _factor(r.numerator, r.denominator, k, i)) for i in terms]
            b.append(ring.inner([ring.inner(left, [a[k - i] for i in terms])], [inverse]))
        return Series(self.a, int(v), b)

    def known(self, name: str, key: Hashable, component: int | None = None) -> Series:
        """f(a) for a known function f: its Taylor polynomial at a_0 in a - a_0."""
        if self.v < 0 and self.c:
            raise Undecided(f"{name} is taken of what grows as gamma tends to 0")
        a, ring = self.a, self.a.ring
        start = self.at(0)
        a.note((key, name), component, 0, start)
        try:
            length = 1 if self.exact and len(self.c) + self.v <= 1 else min(self.precision, a.length)
            t = taylor(name, start, length, lambda f: ring.known(f, start, key), ring, key)
        except Rejected as error:
            raise Rejected(str(error), component, key) from None
        if length == 1:
            return a.element(t[0]) if self.exact else Series(a, 0, [t[0]])
        delta = Series(a, 1, [self.at(k) for k in range(1, length)])
        result = a.element(t[-1])
        for c in reversed(t[:-1]):
            result = result * delta + a.element(c)
        return result.cut(length)

    def sign(self, key: Hashable, component: int | None = None) -> Series:
        """The sign for small positive gamma: that of the leading coefficient."""
        return self._root(("sign", key), component, lambda: self._sign(key, component))

    def _sign(self, key: Hashable, component: int | None) -> Series:
        base = self._leading(key, component)
        if not base.c:
            return Series(self.a, 0, [])
        try:
            return self.a.element(self.a.ring.sign(base.c[0], key))
        except Rejected as error:
            raise Rejected(str(error), component, key) from None
