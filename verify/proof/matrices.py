"""Products of matrices at a point: a matrix is the list of its components, row by row.

    (A B)_ij = sum_k A_ik B_kj / w_k      trace A = sum_i A_ii / w_i      <A, B> = sum_ij A_ij B_ij / (w_i w_j)

Every row and every column has a weight, and the gradient is raised by the product of both.  An integer 1/w is the number of
equal copies of a row or column in a larger matrix, so that sums over different rows and columns cannot be taken for numbers, or
for each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import log2
from typing import Any, Protocol

from derive.language import Expression
from derive.scheme.shapes import THETA, Shape, Shapes, Side
from verify.proof.degrees import Weight, WeightRing
from verify.proof.series import Series

Vector = Sequence[Series]


class MatrixSpace(Protocol):
    """What an evaluator asks where products of matrices stand in a text."""

    def shape(self, node: Expression) -> Shape: ...

    def size_of(self, name: str) -> int:
        """How many components the variable has."""

    def product(self, a: Vector, b: Vector, left: Shape, right: Shape) -> list[Series]: ...

    def transposed(self, a: Vector, shape: Shape) -> list[Series]: ...

    def trace(self, a: Vector, shape: Shape) -> Series: ...

    def dot(self, a: Vector, b: Vector, shape: Shape, key: Any) -> Series: ...

    def lines(self, a: Vector, b: Vector, rows: bool, key: Any) -> list[Series]:
        """sum of a_j b_j over the row, or the column, of every component of matrices of theta's shape."""


@dataclass
class _Shaped:
    """The shapes of the trees that are evaluated, each found once."""

    names: Mapping[str, Shape]
    known: dict[int, tuple[Expression, Shape]] = field(default_factory=dict)

    def shape(self, node: Expression) -> Shape:
        """Of a matrix; a number goes with all shapes, and counts as one of theta's."""
        found = self.known.get(id(node))
        if found is None:
            found = self.known[id(node)] = node, Shapes(self.names).of(node) or THETA
        return found[1]


@dataclass
class Matrices(_Shaped):
    """Matrices of m rows and n columns over a ring; `weights` are the 1/w of rows and of columns."""

    sides: Mapping[Side, int] = field(default_factory=dict)
    weights: Mapping[Side, Sequence[Any]] = field(default_factory=dict)

    def size_of(self, name: str) -> int:
        rows, columns = self.names.get(name, THETA)
        return self.sides[rows] * self.sides[columns]

    def rows(self, a: Vector, shape: Shape) -> list[Vector]:
        n = self.sides[shape[1]]
        return [a[i * n : (i + 1) * n] for i in range(self.sides[shape[0]])]

    def product(self, a: Vector, b: Vector, left: Shape, right: Shape) -> list[Series]:
        columns = list(zip(*self.rows(b, right), strict=True))
        return [self._sum(row, column, right[0]) for row in self.rows(a, left) for column in columns]

    def _sum(self, xs: Vector, ys: Vector, side: Side) -> Series:
        algebra = xs[0].a
        terms = (x * y * algebra.element(w) for x, y, w in zip(xs, ys, self.weights[side], strict=True))
        return sum(terms, algebra.constant(0))

    def transposed(self, a: Vector, shape: Shape) -> list[Series]:
        return [x for column in zip(*self.rows(a, shape), strict=True) for x in column]

    def trace(self, a: Vector, shape: Shape) -> Series:
        diagonal = [row[i] for i, row in enumerate(self.rows(a, shape))]
        return self._sum(diagonal, [a[0].a.constant(1)] * len(diagonal), shape[0])

    def dot(self, a: Vector, b: Vector, shape: Shape, key: Any) -> Series:
        algebra = a[0].a
        sums = (self._sum(x, y, shape[1]) for x, y in zip(self.rows(a, shape), self.rows(b, shape), strict=True))
        total = self._sum(list(sums), [algebra.constant(1)] * self.sides[shape[0]], shape[0])
        if total.c:
            algebra.found.setdefault(key, (total.v, total.c[0]))
        return total


    def lines(self, a: Vector, b: Vector, rows: bool, key: Any) -> list[Series]:
        products = self.rows([x * y for x, y in zip(a, b, strict=True)], THETA)
        across = products if rows else list(zip(*products, strict=True))
        totals = [self._sum(line, [a[0].a.constant(1)] * len(line), THETA[1] if rows else THETA[0]) for line in across]
        if totals[0].c:
            a[0].a.found.setdefault(key, (totals[0].v, totals[0].c[0]))
        m, n = self.sides[THETA[0]], self.sides[THETA[1]]
        return [totals[i if rows else j] for i in range(m) for j in range(n)]


def random_matrices(
    names: Mapping[str, Shape], sides: tuple[int, int], ring: Any, draw: Callable[[], Any]
) -> tuple[Matrices, list[Any]]:
    """With random weights; and the numbers that raise the gradient's components."""
    m, n = sides
    rows, columns = ([draw() for _ in range(k)] for k in (m, n))
    inverses = [[ring.power(w, Fraction(-1), ("weight", id(ws), i)) for i, w in enumerate(ws)] for ws in (rows, columns)]
    weights: dict[Side, list[Any]] = {"m": inverses[0], "n": inverses[1]}
    return Matrices(names, sides={"m": m, "n": n}, weights=weights), [ring.inner([p], [q]) for p in rows for q in columns]


def plain_matrices(names: Mapping[str, Shape], sides: tuple[int, int], one: Any) -> Matrices:
    """With all weights one."""
    m, n = sides
    return Matrices(names, sides={"m": m, "n": n}, weights={"m": [one] * m, "n": [one] * n})


@dataclass
class WeightMatrices(_Shaped):
    """The same in the ring of degrees, one component for all.

    Every product brings an index, of a row or of a column; those of rows count where `side` is m, those of columns where it is n.
    (An argument of a derivative brings one of both.)  Its sums stand over the product of all weights.
    """

    ring: WeightRing = field(default_factory=lambda: WeightRing(1))
    side: Side = "m"

    def size_of(self, name: str) -> int:
        return 1

    def product(self, a: Vector, b: Vector, left: Shape, right: Shape) -> list[Series]:
        return [self._summed(a[0] * b[0], right[0])]

    def transposed(self, a: Vector, shape: Shape) -> list[Series]:
        return list(a)

    def trace(self, a: Vector, shape: Shape) -> Series:
        return self._summed(a[0], shape[0])

    def _factor(self) -> Weight:
        """Sums of d numbers at most, over the product of all weights of rows and columns."""
        d = self.ring.dimension
        self.ring.bases["weights"] = (2.0 * d, 0.0)
        return Weight(2.0 * d, log2(d), 1, {"weights": Fraction(1)})

    def _summed(self, x: Series, side: Side, leading: Any = None) -> Series:
        found = []
        for k, c in enumerate(x.c, x.v):
            y = self.ring.times(c, self._factor())
            plain = leading is not None and k <= leading and (c is None or not c.indices)
            found.append(y if y is None or plain or side != self.side else replace(y, indices=y.indices + 1))
        return Series(x.a, x.v, found, x.exact)

    def dot(self, a: Vector, b: Vector, shape: Shape, key: Any) -> Series:
        """The leading part of a scalar product of functions of the point brings no index."""
        product = a[0] * b[0]
        lead = (product.a.leading or {}).get(key, product.v)
        if any(c is not None and not c.indices for k, c in enumerate(product.c, product.v) if k <= lead):
            self.ring.contractions.add(key)
        return self._summed(product, self.side, lead)

    def lines(self, a: Vector, b: Vector, rows: bool, key: Any) -> list[Series]:
        """Leading parts as in `dot`; the others bring an index of a column in a row, of a row in a column."""
        product = a[0] * b[0]
        lead = (product.a.leading or {}).get(key, product.v)
        if any(c is not None and not c.indices for k, c in enumerate(product.c, product.v) if k <= lead):
            self.ring.contractions.add(key)
        return [self._summed(product, THETA[1] if rows else THETA[0], lead)]
