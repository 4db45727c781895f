"""Sequences in the step number n: the two linear difference equations and what is read off their solutions.

A sequence is a `Ratio` whose numerator may contain n.  Both equations are linear, so they are solved once for each
power of n; the images are cached by `SequenceSolver`.

    sum         P(n+1) - P(n)   = n^d,  P(0) = 0
    relaxation  P(n+1) - a P(n) = n^d,  P polynomial      (a != 1; P is unique)
"""

from __future__ import annotations

from math import comb

from flint import fmpq

from derive.algebra.coefficients import Ratio, Ring


class SequenceSolver:
    """The polynomial solutions over one ring.

    >>> ring = Ring(["beta"]); solver = SequenceSolver(ring)
    >>> str(solver.sum(ring.n)), str(solver.relax(ring.symbol("beta"), ring.one))
    ('-n*(1 - n)/2', '1/(1 - beta)')
    """

    def __init__(self, ring: Ring) -> None:
        self.ring = ring
        self._sums: list[Ratio] = []
        self._relaxed: dict[str, list[Ratio]] = {}

    def _sum_of_power(self, d: int) -> Ratio:
        """S_d(n) = sum_{m<n} m^d from (d+1) S_d = n^(d+1) - sum_{j<d} binomial(d+1, j) S_j."""
        while len(self._sums) <= d:
            k = len(self._sums)
            total = self.ring.n ** (k + 1)
            for j, lower in enumerate(self._sums):
                total = total - lower.scaled(comb(k + 1, j))
            self._sums.append(total.scaled(fmpq(1, k + 1)))
        return self._sums[d]

    def _relaxed_power(self, a: Ratio, d: int) -> Ratio:
        """Q_d with Q_d(n+1) - a Q_d(n) = n^d: (1-a) Q_d = n^d - sum_{j<d} binomial(d, j) Q_j."""
        images = self._relaxed.setdefault(a.key, [])
        while len(images) <= d:
            k = len(images)
            total = self.ring.n**k
            for j, lower in enumerate(images):
                total = total - lower.scaled(comb(k, j))
            images.append((total / (self.ring.one - a)).reduced())
        return images[d]

    def sum(self, right: Ratio) -> Ratio:
        """P with P(n+1) - P(n) = right(n), P(0) = 0."""
        return self._combine(right, self._sum_of_power)

    def relax(self, a: Ratio, right: Ratio) -> Ratio:
        """The polynomial P with P(n+1) - a P(n) = right(n)."""
        return self._combine(right, lambda d: self._relaxed_power(a, d))

    def _combine(self, right: Ratio, image: object) -> Ratio:
        total = self.ring.zero
        for d, num in self.ring.by_powers_of_n(right.num).items():
            total = total + Ratio(self.ring, num, right.den) * image(d)  # type: ignore[operator]
        return total.reduced()


def shift(sequence: Ratio) -> Ratio:
    """P(n+1)."""
    ring = sequence.ring
    n, *rest = ring.generators
    return Ratio(ring, sequence.num.compose(n + 1, *rest, ctx=ring.context), sequence.den)


def coefficient_of_n(sequence: Ratio, power: int) -> Ratio:
    """The coefficient of n^power: of n^1 for the modified field, of n^0 for the slow manifold."""
    num = sequence.ring.by_powers_of_n(sequence.num).get(power)
    return sequence.ring.zero if num is None else Ratio(sequence.ring, num, sequence.den).reduced()


def value_at(sequence: Ratio, n: int) -> Ratio:
    """P(n) for a whole number n: n = 1 for the memoryless map."""
    ring = sequence.ring
    rest = ring.generators[1:]
    return Ratio(ring, sequence.num.compose(ring.context.constant(n), *rest, ctx=ring.context), sequence.den).reduced()
