"""Smooth maps at points: nothing but the numbers of their derivatives there, drawn when a point is first met.

    map            P(b + delta)_i = sum_a (d^a P_i)(b) delta^a / a!        free numbers at every point b, symmetric in directions
    componentwise  p(b + delta) = sum_k p^(k)(b) delta^k / k!              free numbers at every number b, the same p everywhere
    linear         A(u)_i = sum_j A_ij u_j                                 free numbers A_ij, once
    inverse        q(p(c) + s) = c + s/p'(c) + ...                         no numbers but those of p, where p has that value
                   of general and linear maps: `inverses`

A map that is taken at several points has derivatives of its own at each, the same ones wherever the same point comes again.  An
identity between them holds for all smooth maps if and only if it holds for these free numbers: there is a polynomial map
with any given derivatives, through any order, at any finitely many different points (Hermite interpolation).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import factorial
from typing import Any

from derive.language.maps import MapKind
from verify.proof.inverses import Inverse
from verify.proof.loss import Jets, monomials, only
from verify.proof.series import Algebra, Series

FAR = "a map is taken at what has no limit as gamma -> 0"
Numbers = Sequence[Any]


@dataclass
class Maps:
    """The declared maps by their kinds; `degree` derivatives of a general map are known at every point."""

    kinds: Mapping[str, MapKind] = field(default_factory=dict)
    degree: int = 0
    ring: Any = None
    draw: Callable[[], Any] = int
    inverses: Mapping[str, str] = field(default_factory=dict)
    _points: dict[str, list[tuple[Numbers, Jets]]] = field(default_factory=dict)
    _numbers: dict[str, list[tuple[Any, list[Any]]]] = field(default_factory=dict)
    _matrices: dict[str, list[list[Any]]] = field(default_factory=dict)

    def at_series(self, label: str, point: Sequence[Series], directions: Sequence[Sequence[Series]]) -> list[Series]:
        """d^kP of a general map at series, in directions that are series."""
        base = [x.at(0) for x in point]
        if self.first(label) != label:
            return Inverse(self._jets(self.first(label), base, image=True)).at_series(point, directions)
        jets, places = self._jets(label, base), range(len(point))
        return jets.directed(point, places, [places] * len(directions), directions) if directions else jets.gradient(point)

    def at_numbers(self, label: str, point: Numbers, directions: Sequence[Numbers]) -> list[Any]:
        """The same of numbers; a list that comes again is recognised, and contracted once."""
        if self.first(label) == label:
            return self._jets(label, point).tensor(directions)
        lifted = [[Algebra(self.ring, 1).element(x) for x in vector] for vector in (point, *directions)]
        return [s.at(0) for s in self.at_series(label, lifted[0], lifted[1:])]

    def first(self, label: str) -> str:
        """Of a pair of maps that undo each other, the one whose numbers are drawn."""
        return min(label, self.inverses.get(label, label))

    def component(self, label: str, rank: int, x: Series) -> Series:
        """p^(rank)(x) for one component, or a scalar."""
        if (other := self.first(label)) != label:
            point, jets = self._component_point(other, x.at(0), image=True)
            inverted = self._inverted(other, point, jets, rank + x.a.length)
            return expanded(x, x.at(0), lambda k: inverted[rank + k], FAR)
        _, jets = self._component_point(label, x.at(0))
        return expanded(x, x.at(0), lambda k: self._drawn(jets, rank + k), FAR)

    def _drawn(self, jets: list[Any], k: int) -> Any:
        while len(jets) <= k:
            jets.append(self.draw())
        return jets[k]

    def _inverted(self, label: str, point: Any, jets: list[Any], count: int) -> list[Any]:
        """q, q', q'', ... at p(point), from p(c + x) - p(c) = s for a series x in s by Newton's method with the slope at c."""
        algebra = Algebra(self.ring, count + 1)
        slope = algebra.element(self.ring.power(self._drawn(jets, 1), Fraction(-1), ("slope", label)))
        s, found = algebra.gamma, algebra.element(point)
        for _ in range(count):
            there = expanded(found, point, lambda k: self._drawn(jets, k), FAR)
            found = (found - (there - algebra.element(jets[0]) - s) * slope).cut(algebra.length)
        return [self.ring.scale(found.at(k), Fraction(factorial(k))) for k in range(count + 1)]

    def linear(self, label: str, u: Sequence[Series]) -> list[Series]:
        """A u."""
        rows = self._matrix(label, len(u))
        return [_sum((x.a.element(a) * x for a, x in zip(row, u, strict=True)), u[0].a) for row in rows]

    def _matrix(self, label: str, size: int) -> list[list[Any]]:
        if label not in self._matrices:
            if (other := self.first(label)) == label:
                self._matrices[label] = [[self.draw() for _ in range(size)] for _ in range(size)]
            else:
                units = [[self.ring.constant(Fraction(i == j)) for i in range(size)] for j in range(size)]
                columns = [self.ring.solve(self._matrix(other, size), unit) for unit in units]
                self._matrices[label] = [list(row) for row in zip(*columns, strict=True)]
        return self._matrices[label]

    def reshuffled(self) -> Maps:
        """The same values, with everything that has an index besides (derivatives, matrices) drawn again."""
        points = {label: [(b, jets.reshuffled(self.draw)) for b, jets in known] for label, known in self._points.items()}
        return replace(self, _points=points, _matrices={})

    # ------------------------------------------------------------------------------------------ what is known at a point

    def _jets(self, label: str, numbers: Numbers, image: bool = False) -> Jets:
        """What is known at the point that these numbers are, or whose image they are."""
        known = self._points.setdefault(label, [])
        if found := [jets for b, jets in known if all(map(self.ring.same, jets.leaf if image else b, numbers))]:
            return only(found)
        size = len(monomials(len(numbers), self.degree).exponents)
        point = [self.draw() for _ in numbers] if image else list(numbers)
        rows = [[self.draw() for _ in range(size)] for _ in numbers]
        if image:
            rows = [[value, *row[1:]] for value, row in zip(numbers, rows, strict=True)]
        jets = Jets("f", self.degree, point, rows, self.ring)
        known.append((point, jets))
        return jets

    def _component_point(self, label: str, number: Any, image: bool = False) -> tuple[Any, list[Any]]:
        """A point and the derivatives of p there that are known: the point that is this number, or whose image it is."""
        known = self._numbers.setdefault(label, [])
        if found := [(c, jets) for c, jets in known if self.ring.same(self._drawn(jets, 0) if image else c, number)]:
            return only(found)
        new: tuple[Any, list[Any]] = (self.draw(), [number]) if image else (number, [])
        known.append(new)
        return new


def expanded(x: Series, base: Any, derivative: Callable[[int], Any], refusal: str) -> Series:
    """r(x) = sum_k r^(k)(base) s^k / k! for x = base + s, s -> 0."""
    algebra, s = x.a, x.increment(base, refusal)
    total, power = algebra.constant(0), algebra.constant(1)
    for k in range(algebra.length):
        coefficient = algebra.ring.scale(derivative(k), Fraction(1, factorial(k)))
        total, power = total + power * algebra.element(coefficient), power * s
    return total if s.exact and not s.c else total.cut(algebra.length)


def _sum(terms: Iterable[Series], algebra: Algebra) -> Series:
    return sum(terms, algebra.constant(0))
