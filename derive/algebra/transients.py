"""Sequences that are sums of c n^a zeta^n, zeta a product of relaxation factors: the difference equations with initial values.

The ring carries one symbol z_i = rho_i^n for each factor, with the shift z_i(n+1) = rho_i z_i(n).  For n^d zeta^n on the right:

    sum         P(n+1) - P(n) = R,   P(0) = 0          P = zeta^n Q - Q(0),  zeta Q(n+1) - Q(n) = n^d      (zeta != 1)
    relaxation  P(n+1) - a P(n) = R,  P(0) given       P = zeta^n Q + C a^n, zeta Q(n+1) - a Q(n) = n^d;   zeta = a: a sum
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.sequences import SequenceSolver, shift, value_at

Powers = tuple[int, ...]  # exponents of z_1, z_2, ...


class TransientSolver:
    """Solutions over a ring with the symbols `names` standing for rho_1^n, rho_2^n, ...; no factor may be 0 or 1.

    >>> ring = Ring(["beta", "z"]); beta = ring.symbol("beta")
    >>> solver = TransientSolver(ring, ["z"], [beta])
    >>> str(solver.relax(beta, -ring.one, ring.zero)), str(solver.sum(ring.symbol("z")))
    ('-(1 - z)/(1 - beta)', '(1 - z)/(1 - beta)')
    """

    def __init__(self, ring: Ring, names: Sequence[str], factors: Sequence[Ratio]) -> None:
        self.ring, self.factors = ring, list(factors)
        self.symbols = [ring.symbol(n) for n in names]
        self.positions = [1 + ring.symbols.index(n) for n in names]
        self.polynomials = SequenceSolver(ring)

    def parts(self, sequence: Ratio) -> dict[Powers, Ratio]:
        """Exponents of the z_i -> the coefficient, a polynomial in n."""
        groups: dict[Powers, dict[tuple[int, ...], Any]] = {}
        for exponents, coefficient in sequence.num.to_dict().items():
            key = tuple(int(exponents[i]) for i in self.positions)
            rest = tuple(0 if i in self.positions else e for i, e in enumerate(exponents))
            groups.setdefault(key, {})[rest] = coefficient
        context = self.ring.context
        return {key: Ratio(self.ring, context.from_dict(group), sequence.den) for key, group in groups.items()}

    def _power(self, bases: Sequence[Ratio], key: Powers) -> Ratio:
        result = self.ring.one
        for base, e in zip(bases, key, strict=True):
            if e:
                result = result * base**e
        return result.reduced()

    def shift(self, sequence: Ratio) -> Ratio:
        """P(n+1)."""
        total = self.ring.zero
        for key, part in self.parts(sequence).items():
            total = total + shift(part) * self._power(self.factors, key) * self._power(self.symbols, key)
        return total.reduced()

    def sum(self, right: Ratio) -> Ratio:
        """P with P(n+1) - P(n) = right, P(0) = 0."""
        total = self.ring.zero
        for key, part in self.parts(right).items():
            zeta = self._power(self.factors, key)
            if zeta == self.ring.one:
                total = total + self.polynomials.sum(part) * self._power(self.symbols, key)
                continue
            inverse = zeta.inverse()
            q = self.polynomials.relax(inverse.reduced(), part * inverse)
            total = total + q * self._power(self.symbols, key) - value_at(q, 0)
        return total.reduced()

    def relax(self, a: Ratio, right: Ratio, start: Ratio) -> Ratio:
        """P with P(n+1) - a P(n) = right, P(0) = start; a is one of the factors."""
        total = self.ring.zero
        for key, part in self.parts(right).items():
            zeta = self._power(self.factors, key)
            inverse = zeta.inverse()
            if zeta == a:
                q = self.polynomials.sum((part * inverse).reduced())
            else:
                q = self.polynomials.relax((a * inverse).reduced(), part * inverse)
            total = total + q * self._power(self.symbols, key)
        own = self.symbols[next(i for i, f in enumerate(self.factors) if f == a)]
        return (total + (start - self.at_zero(total)) * own).reduced()

    def at_zero(self, sequence: Ratio) -> Ratio:
        """P(0): n = 0 and every z_i = 1."""
        return sum((value_at(part, 0) for part in self.parts(sequence).values()), self.ring.zero).reduced()

    def settled(self, sequence: Ratio) -> Ratio:
        """The part without any z_i: what is left once the transient has died out."""
        return self.parts(sequence).get((0,) * len(self.symbols), self.ring.zero).reduced()

    def moving(self, sequence: Ratio) -> Ratio:
        """The transient: everything with some z_i."""
        return (sequence - self.settled(sequence)).reduced()

    def has_transient(self, sequence: Ratio) -> bool:
        return any(any(key) for key in self.parts(sequence.reduced()))
