"""Losses and vector fields at points: nothing but the numbers  d^a L, |a| <= degree + 1  (or d^a f_i, |a| <= degree).

    gradient at theta + delta      g_i = u_i sum_a (d^(a + e_i) L) delta^a / a!
    d^(k+1) L[m_1, ..., m_k]       contracted one argument at a time:  (T m)_a = sum_j T_(a + e_j) m_j

The weights are those of the scalar product, dot(x, y) = sum_i x_i y_i / u_i, and u raises the index of the gradient; u = 1 in
a text without dot and norm.  An integer 1/u_i is the number of equal copies of component i in a larger dimension.

Away from theta, as in grad(theta + rho*grad(theta)), are numbers of their own, drawn when a point is first met and the same ones
wherever it comes again: there is a polynomial with any given derivatives at finitely many different points.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import combinations, product
from math import factorial, prod
from typing import Any, TypeVar

from derive.language.calls import Partial
from verify.proof.errors import Rejected, ShortPrecision, Undecided
from verify.proof.series import Series

FAR = "a gradient is taken at what has no limit as gamma -> 0"
T = TypeVar("T")


@dataclass(frozen=True)
class Monomials:
    """All exponents a in d variables with |a| <= degree, by degree.

    `up[j][n]` is the place of a + e_j for the n-th a; `parent[n]` = (place of a - e_j, j); `weight[n]` = 1/a!.
    """

    exponents: tuple[tuple[int, ...], ...]
    start: tuple[int, ...]  # start[q] is the place of the first exponent of degree q
    up: tuple[tuple[int, ...], ...]
    parent: tuple[tuple[int, int], ...]
    weight: tuple[Fraction, ...]


@lru_cache(maxsize=64)
def monomials(d: int, degree: int) -> Monomials:
    """The table for d variables.

    >>> monomials(2, 2).exponents
    ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2))
    """
    found, start = [(0,) * d], [0, 1]
    for _ in range(degree):
        layer = dict.fromkeys(_raised(a, j) for a in found[start[-2] :] for j in range(d))
        found += layer
        start.append(len(found))
    place = {a: n for n, a in enumerate(found)}
    inner = found[: start[-2]]
    up = tuple(tuple(place[_raised(a, j)] for a in inner) for j in range(d))
    parent = tuple(_parent(a, place) for a in found)
    weight = tuple(Fraction(1, prod(map(factorial, a))) for a in found)
    return Monomials(tuple(found), tuple(start), up, parent, weight)


def _raised(a: tuple[int, ...], j: int) -> tuple[int, ...]:
    return (*a[:j], a[j] + 1, *a[j + 1 :])


def _parent(a: tuple[int, ...], place: dict[tuple[int, ...], int]) -> tuple[int, int]:
    j = next((j for j, k in enumerate(a) if k), 0)
    lower = (*a[:j], a[j] - 1, *a[j + 1 :])
    return place.get(lower, 0), j


@dataclass
class Jets:
    """A loss (one list of derivatives) or a field (one list for each component) at the point theta.

    `label` is 'L' or 'f';  `jets[i]` are derivatives in the order of `monomials`, in the ring.  `others` is what is known at
    other points, where everything is drawn.
    """

    label: str
    degree: int  # derivatives of the gradient or field that are known
    theta: Sequence[Any]
    jets: Sequence[Sequence[Any]]
    ring: Any
    raising: Sequence[Any] | None = None
    draw: Callable[[], Any] | None = None
    others: list[Jets] = field(default_factory=list)
    _contracted: dict[tuple[int, ...], list[list[Any]]] = field(default_factory=dict)
    _kept: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        d = len(self.theta)
        table = monomials(d, self.degree + 1 if self.label == "L" else self.degree)
        self.table = table
        self._taylor: list[list[Any]] | None = None

    @cached_property
    def rows(self) -> list[list[Any]]:
        """Every component of the gradient (or field) with its derivatives."""
        if self.label != "L":
            return [list(row) for row in self.jets]
        rows = [[self.jets[0][n] for n in self.table.up[i]] for i in range(self.dimension)]
        if self.raising is not None:
            rows = [self.ring.product(row, [u], len(row)) for row, u in zip(rows, self.raising)]
        return rows

    @property
    def dimension(self) -> int:
        return len(self.theta)

    @property
    def points(self) -> dict[str, Sequence[Any]]:
        """The unknown, by its name."""
        return {"theta": self.theta}

    @cached_property
    def lowering(self) -> list[Any] | None:
        return lowering(self.ring, self.raising)

    @property
    def leaf(self) -> list[Any]:
        """The gradient (or field) at the point."""
        if self.label != "L":
            return [row[0] for row in self.jets]
        plain = [self.jets[0][up[0]] for up in self.table.up]
        return [self.ring.inner([x], [u]) for x, u in zip(plain, self.raising)] if self.raising is not None else plain

    @property
    def height(self) -> Any:
        """The loss at the point."""
        return self.jets[0][0]

    def taylor(self) -> list[list[Any]]:
        if self._taylor is None:
            self._taylor = self.ring.scaled(self.rows, self.table.weight)
        return self._taylor

    # ------------------------------------------------------------------------------------------ points

    def at(self, point: Sequence[Any]) -> Jets:
        """What is known at a point of numbers: theta, or another one."""
        found = [jets for jets in (self, *self.others) if all(map(self.ring.same, jets.theta, point))]
        if not found:
            if self.draw is None:
                raise Undecided("nothing is known of the loss away from theta")
            rows = [[self.draw() for _ in row] for row in self.jets]
            found = [Jets(self.label, self.degree, list(point), rows, self.ring, self.raising)]
            self.others += found
        return only(found)

    def _limit(self, point: Sequence[Series]) -> Jets:
        """What is known where these series tend to."""
        return self.at([x.at(0) for x in point])

    @property
    def elsewhere(self) -> int:
        """How many points besides theta were met."""
        return len(self.others)

    # ------------------------------------------------------------------------------------------ values and derivatives

    def gradient(self, point: Sequence[Series], wanted: range | None = None) -> list[Series]:
        """The gradient (or field) at a point, or some of its components."""
        return self._limit(point)._gradient(point, wanted)

    def _gradient(self, point: Sequence[Series], wanted: range | None) -> list[Series]:
        algebra = point[0].a
        places = range(self.dimension) if wanted is None else wanted
        columns = self._powers(point, 0)
        if columns is None:
            return [algebra.element(self.rows[i][0]) for i in places]
        taylor = self.taylor()
        return [_paired(algebra, taylor[i], columns) for i in places]

    def value(self, point: Sequence[Series]) -> Series:
        """The loss at a point."""
        return self._limit(point)._value(point)

    def _value(self, point: Sequence[Series]) -> Series:
        algebra, weight = point[0].a, self.table.weight
        columns = self._powers(point, -1)
        if columns is None:
            return algebra.element(self.height)
        return _paired(algebra, [self.ring.scale(x, weight[n]) for n, x in enumerate(self.jets[0])], columns)

    def differentiated(self, point: Sequence[Series], wanted: range, directions: Sequence[int]) -> list[Series]:
        """Components of the gradient's derivative with respect to these coordinates, at a point that tends to this theta."""
        algebra, scale, weight = point[0].a, self.ring.scale, self.table.weight
        rows = [self.rows[i] for i in wanted]
        for n, j in enumerate(directions, 1):
            if n > self.degree:
                raise ShortPrecision(f"derivative {n + 1}")
            up = self.table.up[j][: self.table.start[self.degree + 1 - n]]
            rows = [[row[m] for m in up] for row in rows]
        columns = self._powers(point, len(directions))
        if columns is None:
            return [algebra.element(row[0]) for row in rows]
        return [_paired(algebra, [scale(x, weight[n]) for n, x in enumerate(row)], columns) for row in rows]

    def directed(
        self, point: Sequence[Series], wanted: range, blocks: Sequence[range], directions: Sequence[Sequence[Series]]
    ) -> list[Series]:
        """Components of the gradient's derivative in directions that are series, each with its components at a block's places."""
        total, here = [point[0].a.constant(0)] * len(wanted), self._limit(point)
        for places, factor in _products(blocks, directions):
            rows = here.differentiated(point, wanted, places)
            total = [a + row * factor for a, row in zip(total, rows)]
        return total

    def derivative(
        self, partial: Partial, point: Sequence[Sequence[Series]], directions: Sequence[Sequence[Series]]
    ) -> list[Series]:
        """The gradient's derivative at a point, in directions that are series."""
        every = range(self.dimension)
        return self.directed(point[0], every, [every] * len(directions), directions)

    def contracted(self, partial: Partial, point: Sequence[Sequence[Any]], directions: Sequence[Sequence[Any]]) -> list[Any]:
        """The same of numbers; a list that comes again is recognised."""
        return self.at(point[0]).tensor(directions)

    def _powers(self, point: Sequence[Series], rank: int) -> list[list[Any]] | None:
        """The columns of a point's powers, as far as derivatives of the gradient with `rank` directions reach (the loss itself
        has rank -1); None at theta itself."""
        algebra = point[0].a
        deltas = [x.increment(t, FAR) for x, t in zip(point, self.theta)]
        if all(x.exact and not x.c for x in deltas):
            return None
        high = min(algebra.length, *(x.precision for x in deltas))
        if algebra.cuts:
            high = min(high, self.degree - rank + 1)
        if high < 1:
            raise ShortPrecision
        if high - 1 > self.degree - rank:
            raise ShortPrecision(f"derivative {high + rank}")
        return self._columns([x._padded(1, high) if x.v >= 1 else [] for x in deltas], high)

    def _columns(self, deltas: Sequence[Sequence[Any]], high: int) -> list[list[Any]]:
        """columns[k] = the coefficients of gamma^k in delta^a, for the a with |a| <= k."""
        ring, table = self.ring, self.table
        powers: list[list[Any]] = [[ring.constant(Fraction(1))] + [ring.zero] * (high - 1)]
        for q in range(1, high):
            for n in range(table.start[q], table.start[q + 1]):
                lower, j = table.parent[n]
                left, right = powers[lower], deltas[j][::-1]
                size = len(right)
                powers.append([ring.inner(left[: k + 1], right[size - 1 - k :]) for k in range(high - q)])
        degree = [q for q in range(high) for _ in range(table.start[q], table.start[q + 1])]
        return [[powers[n][k - degree[n]] for n in range(table.start[k + 1])] for k in range(high)]

    def tensor(self, arguments: Sequence[Sequence[Any]]) -> list[Any]:
        """d^k of the gradient (or field) at theta, contracted with k vectors of numbers."""
        if len(arguments) > self.degree:
            raise ShortPrecision(f"derivative {len(arguments) + 1}")
        rows = self._contract(tuple(sorted(arguments, key=id)), 0)
        return [row[0] for row in rows]

    def _contract(self, arguments: tuple[Sequence[Any], ...], depth: int) -> list[list[Any]]:
        """Rows of the derivatives with these arguments filled in, as far as `depth` more need; parts in common are found once."""
        if not arguments:
            return self.rows
        key, size = tuple(map(id, arguments)), self.table.start[depth + 1]
        found = self._contracted.get(key)
        if found is None or len(found[0]) < size:
            self._kept.append(arguments)
            rows, vector = self._contract(arguments[:-1], depth + 1), arguments[-1]
            inner, up = self.ring.inner, self.table.up
            ups = [tuple(column[n] for column in up) for n in range(size)]
            found = self._contracted[key] = [[inner([row[m] for m in places], vector) for places in ups] for row in rows]
        return found

    def dot(self, xs: Sequence[Series], ys: Sequence[Series], key: Any) -> Series:
        """sum_i x_i y_i / u_i."""
        return weighted_dot(self.ring, self.lowering, xs, ys, key)

    # ------------------------------------------------------------------------------------------ other samples

    def redrawn(self, again: Container[int], draw: Callable[[], Any]) -> Jets:
        """These components of the point and of the gradient (or field) drawn again."""
        theta = [draw() if j in again else x for j, x in enumerate(self.theta)]
        if self.label == "L":
            return self.replaced(theta, [up[0] for j, up in enumerate(self.table.up) if j in again], draw)
        jets = [[draw(), *row[1:]] if j in again else row for j, row in enumerate(self.jets)]
        return Jets(self.label, self.degree, theta, jets, self.ring, self.raising, self.draw)

    def replaced(self, theta: Sequence[Any], places: Sequence[int], draw: Callable[[], Any]) -> Jets:
        """The loss at another point, with the derivatives at these places drawn again."""
        numbers = list(self.jets[0])
        for n in sorted(places):
            numbers[n] = draw()
        return Jets(self.label, self.degree, theta, [numbers], self.ring, self.raising, self.draw)

    def reshuffled(self, draw: Callable[[], Any]) -> Jets:
        """All derivatives of order two and more drawn again, at every point."""
        keep = self.dimension + 1 if self.label == "L" else 1
        jets = [[x if n < keep else draw() for n, x in enumerate(row)] for row in self.jets]
        others = [other.reshuffled(draw) for other in self.others]
        return Jets(self.label, self.degree, self.theta, jets, self.ring, self.raising, self.draw, others)

    def reshuffled_beside(self, direction: Sequence[Any], draw: Callable[[], Any]) -> Jets:
        """All derivatives of order two and more drawn again, but for the Hessian (or derivative) in one direction f.

        a = f_i e_j - f_j e_i has a . f = 0, so that adding multiples of a a^T to the Hessian leaves its product with f.
        """
        other, d, ring = self.reshuffled(draw), self.dimension, self.ring
        jets = [list(row) for row in other.jets]
        for row, old in zip(jets, self.jets):
            for n in range(len(self.table.exponents)):
                if sum(self.table.exponents[n]) == (2 if self.label == "L" else 1):
                    row[n] = old[n]
        for i, j in combinations(range(d), 2):
            a = [ring.zero] * d
            a[i], a[j] = direction[j], ring.neg(direction[i])
            for row in jets:
                factor = draw()
                for p, q in product((i, j), repeat=2):
                    n = self.table.up[p][self.table.up[q][0]] if self.label == "L" else self.table.up[p][0]
                    if p <= q and (self.label == "L" or p == q):
                        term = ring.inner([a[p]], [a[q]]) if self.label == "L" else a[p]
                        row[n] = ring.add(row[n], ring.inner([term], [factor]))
        return Jets(self.label, self.degree, self.theta, jets, ring, self.raising, self.draw)



def only(found: Sequence[T]) -> T:
    """What is known at a point: balls that meet two different points tell nothing."""
    if len(found) > 1:
        raise Rejected("a ball meets two points at which a function is taken")
    return found[0]


def _products(blocks: Sequence[range], directions: Sequence[Sequence[Series]]) -> list[tuple[tuple[int, ...], Series]]:
    """Every choice of one place in each block, with the product of the directions' components there."""
    found: list[tuple[tuple[int, ...], Series]] = []
    for block, u in zip(blocks, directions, strict=True):
        if not found:
            found = [((j,), x) for j, x in zip(block, u)]
        else:
            found = [((*places, j), factor * x) for places, factor in found for j, x in zip(block, u)]
    return found


def _paired(algebra: Any, row: Sequence[Any], columns: Sequence[Sequence[Any]]) -> Series:
    inner = algebra.ring.inner
    return Series(algebra, 0, [inner(row[: len(column)], column) for column in columns])


def lowering(ring: Any, raising: Sequence[Any] | None) -> list[Any] | None:
    """1/u_i."""
    return None if raising is None else [ring.power(u, Fraction(-1), ("weight", i)) for i, u in enumerate(raising)]


def weighted_dot(ring: Any, weights: Sequence[Any] | None, xs: Sequence[Series], ys: Sequence[Series], key: Any) -> Series:
    """sum_i x_i y_i w_i; the x_i that are zero, those of other layers, take no time."""
    algebra = xs[0].a
    total = algebra.constant(0)
    for i, (x, y) in enumerate(zip(xs, ys)):
        if x.exact and not x.c:
            continue
        term = x * y
        if weights is not None:
            term = term * algebra.element(weights[i])
        total = total + term
    if total.c:
        algebra.found.setdefault(key, (total.v, total.c[0]))
    return total


def random_jets(
    label: str, degree: int, theta: Sequence[Any], ring: Any, draw: Callable[[], Any], weighted: bool | Sequence[Any]
) -> Jets:
    """Every derivative drawn at random; weights where the text has a scalar product, or as given."""
    d = len(theta)
    size = len(monomials(d, degree + 1 if label == "L" else degree).exponents)
    jets = [[draw() for _ in range(size)] for _ in range(1 if label == "L" else d)]
    raising = ([draw() for _ in range(d)] if weighted else None) if isinstance(weighted, bool) else weighted
    return Jets(label, degree, theta, jets, ring, raising, draw)
