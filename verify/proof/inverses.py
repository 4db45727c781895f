"""The inverse Q of a map P near y = P(b), from the derivatives of P at b alone (implicit functions).

    Q(y + s)                  the x with P(x) = y + s:  x <- x + dP(b)^-1 [y + s - P(x)], one more power of gamma each time
    dQ(P(x))[u]               the v with dP(x)[v] = u, in the same way
    d^kQ(P(x))[u_1, ..., u_k] -dQ(P(x))[sum over partitions of the u into j > 1 blocks B of d^jP(x)[d^|B|Q(P(x))[B], ...]]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from verify.proof.loss import Jets
from verify.proof.series import Series

T = TypeVar("T")
Vector = list[Series]


@dataclass(frozen=True)
class Inverse:
    """Of the map that has these derivatives at `jets.theta`."""

    jets: Jets

    @cached_property
    def slope(self) -> list[list[Any]]:
        """The matrix dP(b)."""
        return [[row[up[0]] for up in self.jets.table.up] for row in self.jets.rows]

    def at_series(self, y: Sequence[Series], directions: Sequence[Sequence[Series]]) -> Vector:
        """d^kQ(y) in directions that are series, y -> P(b)."""
        a = y[0].a
        base = [a.element(b) for b in self.jets.theta]
        moves = any(len(s.c) + s.v > 1 or not s.exact for s in y)
        x = self._solved(y, base, 1, self.jets.gradient) if moves else base
        return self._derived(x, directions) if directions else x

    def _derived(self, x: Vector, directions: Sequence[Sequence[Series]]) -> Vector:
        zero = x[0].a.constant(0)
        if len(directions) == 1:
            low = min((s.v for s in directions[0] if s.c), default=0)
            return self._solved(directions[0], [zero] * len(x), low, lambda v: self._derivative(x, [v]))
        total = [zero] * len(x)
        for parts in divisions(directions):
            if len(parts) > 1:
                total = [t - s for t, s in zip(total, self._derivative(x, [self._derived(x, b) for b in parts]), strict=True)]
        return self._derived(x, [total])

    def _derivative(self, x: Vector, directions: Sequence[Sequence[Series]]) -> Vector:
        """d^jP(x)."""
        every = range(len(x))
        return self.jets.directed(x, every, [every] * len(directions), directions)

    def _solved(self, wanted: Sequence[Series], found: Vector, low: int, image: Callable[[Vector], Sequence[Series]]) -> Vector:
        """The x with image(x) = wanted, known below gamma^low; the image moves by dP(b) to first order."""
        a = wanted[0].a
        high = min(a.length, *(s.precision for s in wanted))
        for k in range(low, high):
            missing = [(w - s).at(k) for w, s in zip(wanted, image(found), strict=True)]
            change = a.ring.solve(self.slope, missing)
            found = [x + Series(a, k, [c], True) for x, c in zip(found, change, strict=True)]
        return [x.cut(high) for x in found]


def divisions(items: Sequence[T]) -> Iterator[list[list[T]]]:
    """All ways to divide items into blocks.

    >>> len(list(divisions("abcd")))
    15
    """
    if not items:
        yield []
        return
    for blocks in divisions(items[1:]):
        yield [[items[0]], *blocks]
        for i, block in enumerate(blocks):
            yield [*blocks[:i], [items[0], *block], *blocks[i + 1 :]]
