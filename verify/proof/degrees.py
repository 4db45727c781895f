"""Degrees, heights and index variables of everything a run computes: the ring in which the error is bounded.

An element stands for  N / (c prod_b b^(e_b)),  N a polynomial in the random numbers and the roots, and holds bounds:

    degree    of N; a root of order q of a polynomial of degree n counts n/q
    height    log2 of the sum of the absolute values of N's coefficients
    integer   c
    poles     b -> e_b; degrees and heights of the b are kept in the ring
    indices   summation indices of N beyond the free one: one for every argument of a derivative of the loss or of a map, and
              one for every scalar product but the leading ones, which are functions of the point like the gradient itself
    slopes    matrices dP among the factors, P a map with an inverse
    undone    dQ -> (indices, slopes) of what it makes of the element, where dQ[dP[v]] = v leaves fewer than one index more
    image     (P, point) where the element is the value of one of a pair of maps there, and no other number

None is zero.  A sum takes the maximum over a common denominator, a product adds.  Components all have the same bounds, so one
stands for all, and d of them are summed; the base of a division is the product of all d of them, as a sum over components has all
of them in its denominator.  A derivative of order two or more has an index: none may be where a root, sign or
denominator is taken, and then these are functions of the point, of first derivatives, slow variables and parameters alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import comb, factorial, lcm, log2
from typing import Any, NamedTuple

from derive.language.calls import Partial
from verify.proof.errors import ShortPrecision, Undecided
from verify.proof.known import MOST_MULTIPLE
from verify.proof.loss import FAR
from verify.proof.series import Products, Series

VERTEX = "a second or higher derivative, or a derivative of a map or a linear map, stands under a root, sign or denominator"


class Slope(NamedTuple):
    """The matrix dP(b) of one of a pair of maps that undo each other, and how many slopes it adds: none for the inverse."""

    map: str
    point: int
    adds: int


@dataclass(frozen=True)
class Weight:
    degree: float = 0.0
    height: float = 0.0
    integer: int = 1
    poles: Mapping[Hashable, Fraction] = field(default_factory=dict)
    indices: int = 0
    slopes: int = 0
    undone: Mapping[Slope, tuple[int, int]] = field(default_factory=dict)
    image: tuple[str, int] | None = None

    def under(self, slope: Slope) -> tuple[int, int]:
        """(indices, slopes) of the product of this matrix and the element."""
        return self.undone.get(slope, (self.indices + 1, self.slopes + slope.adds))


Bound = Weight | None


@dataclass
class WeightRing(Products):
    """See the module.  `dimension` components; `same` names equal bases alike."""

    dimension: int
    same: Mapping[Hashable, Hashable] = field(default_factory=dict)
    bases: dict[Hashable, tuple[float, float]] = field(default_factory=dict)
    roots: dict[Hashable, int] = field(default_factory=dict)
    contractions: set[Hashable] = field(default_factory=set)
    flow: bool = False  # whether roots may read hess(f_0) (`verify.proof.vanishing`)
    known_degree: float = 0.0  # of a known function's value
    logarithm: float = 0.0  # MOST_MULTIPLE times the largest degree of a number whose logarithm was taken

    zero = None

    def constant(self, value: Fraction) -> Bound:
        return Weight(height=log2(abs(value.numerator)), integer=value.denominator) if value else None

    def is_zero(self, x: Bound) -> bool:
        return x is None

    def neg(self, x: Bound) -> Bound:
        return None if x is None else replace(x, image=None)

    def scale(self, x: Bound, factor: Fraction) -> Bound:
        if x is None or not factor:
            return None
        height, integer = x.height + log2(abs(factor.numerator)), x.integer * factor.denominator
        return replace(x, height=height, integer=integer, image=None)

    def times(self, x: Bound, y: Bound) -> Bound:
        if x is None or y is None:
            return None
        poles = dict(x.poles)
        for b, e in y.poles.items():
            poles[b] = poles.get(b, Fraction(0)) + e
        indices, slopes = x.indices + y.indices, x.slopes + y.slopes
        return Weight(x.degree + y.degree, x.height + y.height, x.integer * y.integer, poles, indices, slopes)

    def add(self, x: Bound, y: Bound) -> Bound:
        return self.total([x, y])

    def total(self, terms: Sequence[Bound]) -> Bound:
        found = [x for x in terms if x is not None]
        if len(found) < 2:
            return found[0] if found else None
        integer = lcm(*(x.integer for x in found))
        poles: dict[Hashable, Fraction] = {}
        for x in found:
            for b, e in x.poles.items():
                poles[b] = max(e, poles.get(b, e))
        sizes = [self._over(x, integer, poles) for x in found]
        height = max(h for _, h in sizes)
        height += log2(sum(2.0 ** max(h - height, -60.0) for _, h in sizes))
        undone = {s: (max(x.under(s)[0] for x in found), max(x.under(s)[1] for x in found)) for x in found for s in x.undone}
        indices, slopes = max(x.indices for x in found), max(x.slopes for x in found)
        return Weight(max(n for n, _ in sizes), height, integer, poles, indices, slopes, undone)

    def _over(self, x: Weight, integer: int, poles: Mapping[Hashable, Fraction]) -> tuple[float, float]:
        """Degree and height of the numerator over a larger denominator."""
        degree, height = x.degree, x.height + log2(integer // x.integer)
        for b, e in poles.items():
            missing = e - x.poles.get(b, 0)
            if missing:
                degree += float(missing) * self.bases[b][0]
                height += float(missing) * self.bases[b][1]
        return degree, height

    def inner(self, xs: Sequence[Bound], ys: Sequence[Bound]) -> Bound:
        return self.total([self.times(x, y) for x, y in zip(xs, ys)])

    def power(self, x: Bound, r: Fraction, where: Any) -> Bound:
        if x is None:
            if r > 0:
                return None
            raise ZeroDivisionError
        if r.denominator == 1 and r >= 0:
            return self._whole(x, int(r))
        x = self._of_point(x)
        key = self.same.get(where, where)
        if r.denominator > 1:
            x = self._root(x, r.denominator, key)
        return self._whole(x if r > 0 else self._inverse(x, (key, r.denominator)), abs(r.numerator))

    def _whole(self, x: Weight, r: int) -> Weight:
        poles = {b: e * r for b, e in x.poles.items()}
        return Weight(x.degree * r, x.height * r, x.integer**r, poles, x.indices * r, x.slopes * r)

    def _root(self, x: Weight, q: int, key: Hashable) -> Weight:
        """N/(c b^e) = N c^(q-1) / (c^q b^e)."""
        self.roots[key] = lcm(q, self.roots.get(key, 1))
        height = (x.height + (q - 1) * log2(x.integer)) / q
        return Weight(x.degree / q, height, x.integer, {b: e / q for b, e in x.poles.items()})

    def _inverse(self, x: Weight, key: Hashable) -> Weight:
        """1/x_i for x_i = N_i/(c b^e):  c b^e prod_(j != i) N_j  over the base  prod_j N_j  of all components.

        >>> ring = WeightRing(3)
        >>> inverse = ring.power(Weight(2.0), Fraction(-1), "b")
        >>> inverse.degree, *ring.bases.values()
        (4.0, (6.0, 0.0))
        """
        base, height = (key, round(x.degree, 6), round(x.height, 6)), max(x.height, 0.0)
        self.bases[base] = (self.dimension * x.degree, self.dimension * height)
        degree = (self.dimension - 1) * x.degree + sum(float(e) * self.bases[b][0] for b, e in x.poles.items())
        height = (self.dimension - 1) * height + sum(float(e) * self.bases[b][1] for b, e in x.poles.items())
        return Weight(degree, height + log2(x.integer), 1, {base: Fraction(1)})

    def known(self, name: str, x: Bound, where: Any = None) -> Bound:
        """A quotient of polynomials in numbers that are drawn for it (`known.KnownValues`)."""
        if x is not None and x.indices:
            raise Undecided(VERTEX)
        if name == "log" and x is not None:
            poles = sum(float(e) * self.bases[b][0] for b, e in x.poles.items())
            self.logarithm = max(self.logarithm, MOST_MULTIPLE * (x.degree + poles))
        self.bases["known"] = (self.known_degree, self.known_degree)  # coefficients of (1 + w^2)^k are below 2^k
        return Weight(self.known_degree, self.known_degree, 1, {"known": Fraction(1)})

    def sign(self, x: Bound, where: Any) -> Bound:
        if x is not None:
            self._of_point(x)
        return Weight()

    def _of_point(self, x: Weight) -> Weight:
        """What may stand under a root: a function of the point, and of hess(f_0) where that is one."""
        if x.indices and not self.flow:
            raise Undecided(VERTEX)
        return replace(x, indices=0, slopes=0, undone={}, image=None) if x.indices else x


VARIABLE = Weight(1.0)


@dataclass
class WeightProblem:
    """The loss of `loss.Jets`, one component for all; `places` are bounds of where it is taken."""

    ring: WeightRing
    weighted: bool
    unknowns: Sequence[str] = ("theta",)
    places: list[Bound] = field(default_factory=list)
    raises: float = 1.0  # the number of weights that raise the gradient, where any do

    dimension = 1

    @property
    def points(self) -> dict[str, list[Bound]]:
        return {x: [VARIABLE] for x in self.unknowns}

    @property
    def leaf(self) -> list[Bound]:
        return [self.jet(0)]

    def jet(self, arguments: int) -> Weight:
        return Weight(1.0 + self.raises if self.weighted else 1.0, indices=arguments)

    @property
    def height(self) -> Weight:
        """The loss itself."""
        return VARIABLE

    @property
    def heights(self) -> Mapping[str, Weight]:
        """Every declared loss."""
        return defaultdict(lambda: VARIABLE)

    def value(self, point: Sequence[Series], loss: str = "") -> Series:
        """The loss: sum_j (d^j L) (d delta)^j / j!, whose jets no weight raises."""
        return self._expanded(point, lambda j: Weight(1.0, indices=j))

    def gradient(self, point: Sequence[Series], rank: int = 0) -> list[Series]:
        """sum_j jet_j (d delta)^j / j!, delta the sum over all unknowns; with `rank` further indices, jet_(j + rank)."""
        return [self._expanded(point, lambda j: self.jet(j + rank))]

    def _expanded(self, point: Sequence[Series], jet: Callable[[int], Weight]) -> Series:
        algebra = point[0].a
        self.places += (x.at(0) for x in point)
        delta = point[0].increment(point[0].at(0), FAR)
        for x in point[1:]:
            delta = delta + x.increment(x.at(0), FAR)
        high = min(algebra.length, delta.precision)
        if high < 1:
            raise ShortPrecision
        power = Series(algebra, 0, [self.ring.constant(Fraction(1))], True)
        total = Series(algebra, high, [])
        for j in range(high):
            factor = self.ring.scale(jet(j), Fraction(self.ring.dimension**j, factorial(j)))
            total = total + (power * algebra.element(factor)).cut(high)
            power = (power * delta).cut(high)
        return total

    def derivative(
        self, partial: Partial, point: Sequence[Sequence[Series]], directions: Sequence[Sequence[Series]]
    ) -> list[Series]:
        """The bound of `game.Game.derivative`: a sum over the components of every direction."""
        (value,) = self.gradient([x for (x,) in point], len(directions))
        for (u,) in directions:
            value = value * u * u.a.element(self.ring.constant(Fraction(self.ring.dimension)))
        return [value]

    def tensor(self, arguments: Sequence[Sequence[Any]]) -> list[Bound]:
        value = self.ring.scale(self.jet(len(arguments)), Fraction(self.ring.dimension ** len(arguments)))
        for argument in arguments:
            value = self.ring.times(value, argument[0])
        return [value]

    def contracted(self, partial: Partial, point: Sequence[Sequence[Any]], directions: Sequence[Sequence[Any]]) -> list[Bound]:
        self.places += (x for (x,) in point)
        return self.tensor(directions)

    def distances(self, elsewhere: int) -> Weight:
        """The product of the differences of so many points and theta, in a component in which they differ."""
        difference = self.ring.total([*self.places, *self.places]) or Weight()
        pairs = comb(elsewhere + 1, 2)
        return replace(difference, degree=pairs * difference.degree, height=pairs * difference.height)

    def dot(self, xs: Sequence[Series], ys: Sequence[Series], key: Any) -> Series:
        """sum_i x_i y_i / u_i over the common denominator u_1 ... u_d; the leading part brings no index."""
        product, algebra, d = xs[0] * ys[0], xs[0].a, self.ring.dimension
        lead = (algebra.leading or {}).get(key, product.v)
        self.ring.bases["weights"] = (float(d), 0.0)
        factor = Weight(float(d - 1), log2(d), 1, {"weights": Fraction(1)}) if self.weighted else Weight(0.0, log2(d))
        found = []
        for k, x in enumerate(product.c, product.v):
            y = self.ring.times(x, factor)
            leading = k <= lead and (x is None or x.indices == 0)
            if leading and x is not None:
                self.ring.contractions.add(key)
            found.append(y if y is None or leading else replace(y, indices=y.indices + 1))
        return Series(algebra, product.v, found, product.exact)
