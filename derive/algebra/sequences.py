"""Sequences in the step number n: sums of c n^a zeta^n, zeta a product of relaxation factors; polynomials where there are none.

A sequence is a `Ratio` whose numerator may contain n and, for each factor rho, a symbol z that stands for rho^n, with the shift
z(n+1) = rho z(n).  Both difference equations are linear, so they are solved once for each n^d zeta^n on the right:

    sum         P(n+1) - P(n) = R,    P(0) = 0        P = zeta^n Q - Q(0),    zeta Q(n+1) - Q(n) = n^d          (zeta != 1)
    relaxation  P(n+1) - a P(n) = R                   P = zeta^n Q,           zeta Q(n+1) - a Q(n) = n^d;       zeta = a: a sum

The relaxation's solution is unique among sequences without a^n (the slow manifold); with P(0) given, C a^n is added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from math import comb
from typing import Any

from flint import fmpq

from derive.algebra.coefficients import Ratio, Ring
from derive.errors import ReductionError

Powers = tuple[int, ...]  # exponents of the symbols that stand for rho^n


class NoClosedSum(ReductionError):
    """A sequence with n or some rho^n in its denominator: it is not summed."""


class Sequences:
    """The solutions over one ring; `factors` maps the symbol of the ring that stands for rho^n to rho (neither 0 nor 1).

    >>> ring = Ring(["beta"]); polynomials = Sequences(ring)
    >>> str(polynomials.sum(ring.n)), str(polynomials.relax(ring.symbol("beta"), ring.one))
    ('-n*(1 - n)/2', '1/(1 - beta)')
    >>> ring = Ring(["beta", "z"]); beta = ring.symbol("beta"); decaying = Sequences(ring, {"z": beta})
    >>> str(decaying.relax(beta, -ring.one, ring.zero)), str(decaying.sum(ring.symbol("z")))
    ('-(1 - z)/(1 - beta)', '(1 - z)/(1 - beta)')
    """

    def __init__(self, ring: Ring, factors: Mapping[str, Ratio] | None = None) -> None:
        self.ring = ring
        self.factors = dict(factors or {})
        self._symbols = [ring.symbol(name) for name in self.factors]
        self._positions = [1 + ring.symbols.index(name) for name in self.factors]
        self._settled = (0,) * len(self.factors)
        self._sums: list[Ratio] = []
        self._relaxed: dict[str, list[Ratio]] = {}

    # ------------------------------------------------------------------ the two equations

    def sum(self, right: Ratio) -> Ratio:
        """P with P(n+1) - P(n) = right(n), P(0) = 0."""
        if not self.factors:
            return self._image(right, self._sums, self._next_sum)
        total = self.ring.zero
        for key, part in self._parts(self._whole(right)).items():
            zeta = self._power(self.factors.values(), key)
            if not any(key) or zeta == self.ring.one:
                total = total + self._image(part, self._sums, self._next_sum) * self._power(self._symbols, key)
            else:
                q = self._scaled_relaxation(self.ring.one, zeta, part)
                total = total + q * self._power(self._symbols, key) - value_at(q, 0)
        return total.reduced()

    def relax(self, a: Ratio, right: Ratio, start: Ratio | None = None) -> Ratio:
        """P with P(n+1) - a P(n) = right(n): the one without a^n, or with P(0) = start, where a is one of the factors."""
        if not self.factors:
            return self._scaled_relaxation(a, self.ring.one, right)
        total = self.ring.zero
        for key, part in self._parts(self._whole(right)).items():
            zeta = self._power(self.factors.values(), key)
            if any(key) and zeta == a:
                q = self._image((part * zeta.inverse()).reduced(), self._sums, self._next_sum)
            else:
                q = self._scaled_relaxation(a, zeta, part)
            total = total + q * self._power(self._symbols, key)
        if start is None:
            return total.reduced()
        own = next(z for z, rho in zip(self._symbols, self.factors.values(), strict=True) if rho == a)
        return (total + (start - self.at_zero(total)) * own).reduced()

    def _scaled_relaxation(self, a: Ratio, zeta: Ratio, right: Ratio) -> Ratio:
        """The polynomial Q with zeta Q(n+1) - a Q(n) = right(n)."""
        if zeta is not self.ring.one:
            inverse = zeta.inverse()
            a, right = (a * inverse).reduced(), right * inverse
        return self._image(right, self._relaxed.setdefault(a.key, []), partial(self._next_relaxed, a))

    def _image(self, right: Ratio, images: list[Ratio], following: Callable[[list[Ratio]], Ratio]) -> Ratio:
        """The solution for right = sum_d c_d n^d from those for n^d, images[d]; `following` finds the next of these."""
        total = self.ring.zero
        for d, num in self.ring.by_powers_of_n(right.num).items():
            while len(images) <= d:
                images.append(following(images))
            total = total + Ratio(self.ring, num, right.den) * images[d]
        return total.reduced()

    def _next_sum(self, sums: list[Ratio]) -> Ratio:
        """S_k(n) = sum_{m<n} m^k from (k+1) S_k = n^(k+1) - sum_{j<k} binomial(k+1, j) S_j."""
        k = len(sums)
        total = self.ring.n ** (k + 1)
        for j, lower in enumerate(sums):
            total = total - lower.scaled(comb(k + 1, j))
        return total.scaled(fmpq(1, k + 1))

    def _next_relaxed(self, a: Ratio, images: list[Ratio]) -> Ratio:
        """Q_k with Q_k(n+1) - a Q_k(n) = n^k: (1-a) Q_k = n^k - sum_{j<k} binomial(k, j) Q_j."""
        k = len(images)
        total = self.ring.n**k
        for j, lower in enumerate(images):
            total = total - lower.scaled(comb(k, j))
        return (total / (self.ring.one - a)).reduced()

    # ------------------------------------------------------------------ transients

    def _parts(self, sequence: Ratio) -> Mapping[Powers, Ratio]:
        """Exponents of the symbols rho^n -> the coefficient, a polynomial in n."""
        if not self.factors:
            return {(): sequence}
        groups: dict[Powers, dict[tuple[int, ...], Any]] = {}
        for exponents, coefficient in sequence.num.to_dict().items():
            key = tuple(int(exponents[i]) for i in self._positions)
            rest = tuple(0 if i in self._positions else e for i, e in enumerate(exponents))
            groups.setdefault(key, {})[rest] = coefficient
        context = self.ring.context
        return {key: Ratio(self.ring, context.from_dict(group), sequence.den) for key, group in groups.items()}

    def _whole(self, sequence: Ratio) -> Ratio:
        """The sequence with common factors cancelled; NoClosedSum where n or some rho^n is left in its denominator."""
        value = sequence.reduced()
        moving = {self.ring.names[0], *self.factors}
        if moving & Ratio(self.ring, self.ring.one.num, value.den).symbols():
            raise NoClosedSum(f"{value} is no sum of n^a rho^(b n), and neither is its sum over n")
        return value

    def _power(self, bases: Iterable[Ratio], key: Powers) -> Ratio:
        if not any(key):
            return self.ring.one
        result = self.ring.one
        for base, e in zip(bases, key, strict=True):
            if e:
                result = result * base**e
        return result.reduced()

    def shift(self, sequence: Ratio) -> Ratio:
        """P(n+1)."""
        if not self.factors:
            return _shifted(sequence)
        total = self.ring.zero
        for key, part in self._parts(sequence).items():
            total = total + _shifted(part) * self._power(self.factors.values(), key) * self._power(self._symbols, key)
        return total.reduced()

    def at_zero(self, sequence: Ratio) -> Ratio:
        """P(0): n = 0 and every rho^n = 1."""
        return sum((value_at(part, 0) for part in self._parts(sequence).values()), self.ring.zero).reduced()

    def settled(self, sequence: Ratio) -> Ratio:
        """The part without any rho^n: what is left once the transient has died out."""
        return self._parts(sequence).get(self._settled, self.ring.zero).reduced()

    def moving(self, sequence: Ratio) -> Ratio:
        """The transient: everything with some rho^n."""
        return (sequence - self.settled(sequence)).reduced()

    def has_transient(self, sequence: Ratio) -> bool:
        return bool(self.factors) and any(any(key) for key in self._parts(sequence.reduced()))


class Flowing(Sequences):
    """The same where a step moves n by a power of the small parameter: what leads of P(n + h) - P(n), over h, is P'(n).

        sum         P' = R,    P(0) = 0                         relaxation  P' + (1 - a) P = R

    >>> ring = Ring(["beta"]); flowing = Flowing(ring)
    >>> str(flowing.sum(ring.n)), str(flowing.relax(ring.symbol("beta"), ring.n)), str(flowing.shift(ring.n * ring.n))
    ('n**2/2', '-(1 - n + n*beta)/(1 - beta)**2', 'n*(2 + n)')
    """

    def _next_sum(self, sums: list[Ratio]) -> Ratio:
        k = len(sums)
        return (self.ring.n ** (k + 1)).scaled(fmpq(1, k + 1))

    def _next_relaxed(self, a: Ratio, images: list[Ratio]) -> Ratio:
        """Q_k with Q_k' + (1 - a) Q_k = n^k: (1-a) Q_k = n^k - k Q_(k-1)."""
        k = len(images)
        total = self.ring.n**k - images[-1].scaled(k) if images else self.ring.one
        return (total / (self.ring.one - a)).reduced()

    def shift(self, sequence: Ratio) -> Ratio:
        """P + P'."""
        return (sequence + rate(sequence)).reduced()


class Standing(Flowing):
    """The same where nothing leads: P(n + h) - P(n) is smaller than what the memory relaxes by, and (1 - a) P = R."""

    def _next_relaxed(self, a: Ratio, images: list[Ratio]) -> Ratio:
        return (self.ring.n ** len(images) / (self.ring.one - a)).reduced()

    def shift(self, sequence: Ratio) -> Ratio:
        return sequence


def _shifted(sequence: Ratio) -> Ratio:
    """P(n+1) = sum_k P^(k)(n)/k!."""
    total, term, k = sequence.num, sequence.num.derivative(0), 1
    while term:
        total, term, k = total + term, term.derivative(0) / (k + 1), k + 1
    return Ratio(sequence.ring, total, sequence.den)


def rate(sequence: Ratio) -> Ratio:
    """P'(n), of a sequence without n in its denominator."""
    return Ratio(sequence.ring, sequence.num.derivative(0), sequence.den)


def coefficient_of_n(sequence: Ratio, power: int) -> Ratio:
    """The coefficient of n^power: of n^1 for the modified field, of n^0 for the slow manifold."""
    num = sequence.num
    for k in range(power):
        num = num.derivative(0) / (k + 1)
    return value_at(Ratio(sequence.ring, num, sequence.den), 0)


def value_at(sequence: Ratio, n: int) -> Ratio:
    """P(n) of a polynomial for a whole number n: n = 1 for the memoryless map."""
    return Ratio(sequence.ring, sequence.num.subs({"n": n}), sequence.den).reduced()
