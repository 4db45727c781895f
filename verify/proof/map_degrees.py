"""Maps as `maps.Maps` has them, in the ring of degrees.

    value            a variable at every point
    derivative       each direction of d^kP brings an index, and so does a matrix
    inverse          dQ(P(b)) is a matrix of minors over a determinant;  d^kQ a sum over trees of k - 1 derivatives of P or fewer
                     and of 2k - 1 such matrices or fewer, k of them at its directions, with 3k - 3 indices besides
    dQ(P(b))[dP(b)[v]] = v   leaves no index: what an element has after that is kept with it (`degrees.Weight.undone`)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import comb, factorial, log2

from derive.language.maps import MapKind
from verify.proof.degrees import VARIABLE, Bound, Slope, Weight, WeightRing
from verify.proof.errors import ShortPrecision
from verify.proof.loss import FAR
from verify.proof.maps import expanded
from verify.proof.series import Algebra, Series


@dataclass
class WeightMaps:
    """See the module.

    `points` are bounds of the points at which maps are taken, by `calls` calls.  Their indices count with those of the claim, so
    that points that differ in some dimension differ in the one of the proof.
    """

    kinds: Mapping[str, MapKind]
    ring: WeightRing
    inverses: Mapping[str, str] = field(default_factory=dict)
    calls: int = 1
    points: list[Bound] = field(default_factory=list)

    def at_series(self, label: str, point: Sequence[Series], directions: Sequence[Sequence[Series]]) -> list[Series]:
        (x,) = point
        self.points.append(x.at(0))
        algebra, slope = x.a, self._slope(label, x.at(0))
        delta = x.increment(VARIABLE, FAR)
        high = min(algebra.length, delta.precision)
        if high < 1:
            raise ShortPrecision
        total = Series(algebra, high, [])
        for j in range(high):
            term = self._term(slope, [*[delta] * j, *(u for (u,) in directions)], algebra)
            total = total + (algebra.element(self.ring.constant(Fraction(1, factorial(j)))) * term if j > 1 else term).cut(high)
        return [total]

    def at_numbers(self, label: str, point: Sequence[Bound], directions: Sequence[Sequence[Bound]]) -> list[Bound]:
        algebra = Algebra(self.ring, 1, {})
        lifted = [[algebra.element(x) for x in vector] for vector in (point, *directions)]
        return [s.at(0) for s in self.at_series(label, lifted[0], lifted[1:])]

    def _term(self, slope: Slope, directions: Sequence[Series], algebra: Algebra) -> Series:
        """d^kP[u_1, ..., u_k], or of the inverse: a derivative of the matrices' products with the directions."""
        k, first = len(directions), slope.map == self._first(slope.map)
        if k == 0:
            return algebra.element(self._value(slope))
        if k == 1 or not first:
            directions = [Series(algebra, u.v, [self._turned(slope, c) for c in u.c], u.exact) for u in directions]
        if k == 1:
            return directions[0]
        result = algebra.element(self._vertex(k) if first else self._trees(slope.map, k))
        for u in directions:
            result = result * u
        return result

    def _vertex(self, k: int) -> Weight:
        """d^kP."""
        return Weight(1.0, k * log2(self.ring.dimension), indices=k)

    def _trees(self, label: str, k: int) -> Bound:
        """d^kQ without the matrices at its directions: below (2k)! trees."""
        matrices = self.ring.power(replace(self._entry(label), indices=0), Fraction(k - 1), None)
        height = log2(factorial(2 * k)) + (3 * k - 3) * log2(self.ring.dimension)
        return self.ring.times(Weight(k - 1.0, height, indices=3 * k - 3), matrices)

    def _value(self, slope: Slope) -> Bound:
        """P(b), a variable; Q(P(b)) is b, a variable or a point at which a map was taken."""
        first = slope.map == self._first(slope.map)
        found = VARIABLE if first else self.ring.total([VARIABLE, *self.points])
        assert found is not None
        return replace(found, image=(slope.map, slope.point))

    # ------------------------------------------------------------------------------------------ matrices

    def linear(self, label: str, u: Sequence[Series]) -> list[Series]:
        slope = self._slope(label)
        return [Series(x.a, x.v, [self._turned(slope, c) for c in x.c], x.exact) for x in u]

    def _first(self, label: str) -> str:
        return min(label, self.inverses.get(label, label))

    def _slope(self, label: str, point: Bound = None) -> Slope:
        """The matrix of a linear map, or of the derivative at a point: one that is P(b) is where dQ undoes dP(b)."""
        adds = int(label in self.inverses and label == self._first(label))
        if self.kinds[label] == "linear":
            return Slope(label, 0, adds)
        other, number = point.image if point and point.image else ("", 0)
        return Slope(label, number if other == self.inverses.get(label) else len(self.points), adds)

    def _turned(self, slope: Slope, x: Bound) -> Bound:
        """The product of a matrix and an element."""
        if x is None:
            return None
        indices, slopes = x.under(slope)
        product = self.ring.times(x, self._entry(slope.map))
        undone: dict[Slope, tuple[int, int]] = {}
        if other := self.inverses.get(slope.map):
            undone = {Slope(other, slope.point, 1 - slope.adds): (x.indices, x.slopes)}
        assert product is not None
        return replace(product, indices=indices, slopes=slopes, undone=undone)

    def _entry(self, label: str) -> Weight:
        """Of dP; of its inverse, a minor over the determinant, over the product of the determinants at all points."""
        d, base = self.ring.dimension, ("determinants", self._first(label))
        if label == self._first(label):
            return Weight(1.0, log2(d), indices=1)
        n = self.calls if self.kinds[label] == "map" else 1
        self.ring.bases[base] = (float(n * d), n * log2(factorial(d)))
        return Weight(n * d - 1.0, n * log2(factorial(d)) + log2(d), 1, {base: Fraction(1)}, indices=1)

    # ------------------------------------------------------------------------------------------ functions of components

    def component(self, label: str, rank: int, x: Series) -> Series:
        self.points.append(x.at(0))
        second = self._first(label) != label
        return expanded(x, x.at(0), lambda k: self._inverted(label, rank + k) if second else VARIABLE, FAR)

    def _inverted(self, label: str, k: int) -> Bound:
        """q^(k) = N/p'^(2k - 1), N of degree k - 1 in p', ..., p^(k); its coefficients, 1, 1, 4, 26 in sum, are below (2k)!."""
        if k == 0:
            return VARIABLE
        inverse = self.ring.power(VARIABLE, Fraction(1 - 2 * k), ("slope", label))
        return self.ring.times(Weight(k - 1.0, log2(factorial(2 * k))), inverse)

    def distances(self) -> Weight:
        """The product of the differences of all points, if as many calls as there are have different points."""
        ring = self.ring
        difference = ring.total([*self.points, *self.points]) or Weight()
        pairs = comb(self.calls * ring.dimension, 2)
        return replace(difference, degree=pairs * difference.degree, height=pairs * difference.height)
