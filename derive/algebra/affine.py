"""Affine maps of sums of terms at an index, X -> A X + b, and the inverse of 1 - A.

    (A X)_i = sum_j a_ij X_j + sum_p b_p <c_p, X_j(p)>          (p with i(p) = i)

a_ij multiplies component by component; each scalar product adds a map of rank one.  (1 - A) X = R is solved by Gauss elimination
for X with the numbers s_p = <c_p, X_j(p)> left open, and then for these (Sherman, Morrison and Woodbury).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from derive.algebra.calculus import gradient
from derive.algebra.coefficients import Ratio
from derive.algebra.fold import within
from derive.algebra.sums import Algebra, Sum, accumulate, nonzero, reduced
from derive.algebra.terms import Factor

Matrix = list[list[Sum]]


@dataclass(frozen=True)
class Product:
    """b <c, X_column>, in a row."""

    row: int
    column: int
    b: Sum
    c: Sum


@dataclass(frozen=True)
class Linear:
    """A, on variables of which `scalars` says which are numbers."""

    algebra: Algebra
    matrix: Matrix
    products: tuple[Product, ...]
    scalars: tuple[bool, ...]

    @property
    def constants(self) -> list[list[Ratio]] | None:
        """A as a matrix of coefficients, where it is one."""
        zero, unit = self.algebra.ring.zero, self.algebra.unit
        if self.products or any(not a.keys() <= {unit} for row in self.matrix for a in row):
            return None
        return [[a.get(unit, zero) for a in row] for row in self.matrix]

    @property
    def constant_polynomial(self) -> list[Ratio] | None:
        """det(z - A), coefficients from z^0 up, where these are constants (Faddeev and LeVerrier, as in `linear`)."""
        algebra, size = self.algebra, len(self.matrix)
        if self.products:
            return None
        one, zero = algebra.ring.one, algebra.ring.zero
        coefficients = [one]
        product: Matrix = [[{} for _ in range(size)] for _ in range(size)]
        for k in range(1, size + 1):
            last = algebra.constant(coefficients[-1])
            shifted = [[algebra.add(a, last) if i == j else a for j, a in enumerate(row)] for i, row in enumerate(product)]
            columns = [self([row[j] for row in shifted]) for j in range(size)]
            product = [list(row) for row in zip(*columns, strict=True)]
            trace: Sum = {}
            for i in range(size):
                accumulate(trace, product[i][i])
            if not (trace := reduced(trace)).keys() <= {algebra.unit}:
                return None
            coefficients.append((-trace.get(algebra.unit, zero) / algebra.ring.constant(k)).reduced())
        return coefficients[::-1]

    def __call__(self, values: Sequence[Sum]) -> list[Sum]:
        """A X."""
        algebra = self.algebra
        result: list[Sum] = [{} for _ in self.matrix]
        for i, row in enumerate(self.matrix):
            for a, x in zip(row, values, strict=True):
                accumulate(result[i], algebra.product(a, x))
        for p in self.products:
            accumulate(result[p.row], algebra.product(p.b, algebra.contract(algebra.product(p.c, values[p.column]))))
        return [nonzero(x) for x in result]

    def resolvent(self) -> Resolvent:
        """The inverse of 1 - A.  Raises ReductionError where it has none in sums of terms."""
        return Resolvent(self)


class Resolvent:
    """R -> X with (1 - A) X = R.

    >>> from derive.algebra.coefficients import Ring
    >>> a = Algebra(Ring(["b"])); g, b, one = a.node_sum("L", []), a.constant(a.ring.symbol("b")), a.constant(a.ring.one)
    >>> squares = a.contract(a.product(g, g))
    >>> rank_one = Linear(a, [[{}]], (Product(0, 0, a.product(b, g), g),), (False,))
    >>> (x,) = rank_one.resolvent()([g])  # x - b g <g, x> = g
    >>> from derive.algebra.terms import combination_text
    >>> combination_text(a.sorted(a.product(x, a.add(one, a.scale(squares, -a.ring.symbol("b"))))))
    'grad'
    """

    def __init__(self, linear: Linear) -> None:
        self.linear, self.algebra = linear, linear.algebra
        one, count = self.algebra.constant(self.algebra.ring.one), len(linear.products)
        unit = [[one if i == j else {} for j in range(len(linear.matrix))] for i in range(len(linear.matrix))]
        rows = [[self._minus(e, a) for e, a in zip(u, row, strict=True)] for u, row in zip(unit, linear.matrix, strict=True)]
        self._inverse = inverse(self.algebra, rows, linear.scalars)
        self._responses = [self._multiplied([p.b if i == p.row else {} for i in range(len(rows))]) for p in linear.products]
        coupled = [
            [self._minus(one if p is q else {}, self._read(p, y)) for q, y in zip(linear.products, self._responses, strict=True)]
            for p in linear.products
        ]
        self._coupled = inverse(self.algebra, coupled, (True,) * count)

    def __call__(self, right: Sequence[Sum]) -> list[Sum]:
        x = self._multiplied(right)
        readings = [self._read(p, x) for p in self.linear.products]
        for response, row in zip(self._responses, self._coupled, strict=True):
            s: Sum = {}
            for a, reading in zip(row, readings, strict=True):
                accumulate(s, self.algebra.product(a, reading))
            for total, y in zip(x, response, strict=True):
                accumulate(total, self.algebra.product(s, y))
        return [reduced(total) for total in x]

    def _minus(self, a: Sum, b: Sum) -> Sum:
        return self.algebra.add(a, {t: -c for t, c in b.items()})

    def _read(self, p: Product, x: Sequence[Sum]) -> Sum:
        return self.algebra.contract(self.algebra.product(p.c, x[p.column]))

    def _multiplied(self, right: Sequence[Sum]) -> list[Sum]:
        result: list[Sum] = [{} for _ in right]
        for total, row in zip(result, self._inverse, strict=True):
            for a, r in zip(row, right, strict=True):
                accumulate(total, self.algebra.product(a, r))
        return result


def inverse(algebra: Algebra, matrix: Matrix, scalars: Sequence[bool]) -> Matrix:
    """The inverse by Gauss and Jordan; numbers are eliminated by rows of numbers.  Raises ReductionError where there is none.

    >>> from derive.algebra.coefficients import Ring
    >>> a = Algebra(Ring()); g, one = a.node_sum("L", []), a.constant(a.ring.one)
    >>> inverse(a, [[one, g], [{}, one]], (False, False))[0][1] == a.scale(g, -a.ring.one)
    True
    """
    size = len(matrix)
    one = algebra.constant(algebra.ring.one)
    rows = [[*row, *(one if i == j else {} for j in range(size))] for i, row in enumerate(matrix)]
    for column in range(size):
        below = (i for i in range(column, size) if scalars[i] == scalars[column] and not algebra.is_zero(rows[i][column]))
        pivot = next(below, column)  # a column of zeros is refused by its power
        rows[column], rows[pivot] = rows[pivot], rows[column]
        factor = algebra.power(rows[column][column], Fraction(-1))
        rows[column] = [algebra.product(factor, a) for a in rows[column]]
        for i, row in enumerate(rows):
            if i != column and row[column]:
                factor = {t: -c for t, c in row[column].items()}
                rows[i] = [algebra.add(a, algebra.product(factor, b)) for a, b in zip(row, rows[column], strict=True)]
    return [[reduced(a) for a in row[size:]] for row in rows]


def affine(algebra: Algebra, values: Sequence[Sum], variables: Sequence[Factor]) -> tuple[Linear, list[Sum]] | None:
    """A and b with values = A X + b, X the variables; None where they are not affine in them.

    >>> from derive.algebra.coefficients import Ring
    >>> a = Algebra(Ring()); g, u = a.node_sum("L", []), a.state("u"); ((symbol, _),) = next(iter(u)).factors
    >>> linear, rest = affine(a, [a.add(a.product(g, u), g)], [symbol])
    >>> linear.matrix == [[g]], rest == [g], affine(a, [a.product(u, u)], [symbol])
    (True, True, None)
    """
    matrix: Matrix = [[{} for _ in variables] for _ in values]
    products: list[Product] = []
    rest: list[Sum] = [{} for _ in values]
    for i, value in enumerate(values):
        for term, c in value.items():
            held = [(f, e) for f, e in term.factors if not _free(f, variables)]
            if not held:
                rest[i][term] = c
                continue
            ((f, e),) = held if len(held) == 1 else ((None, 0),)
            if f is None or e != 1:
                return None
            factor = {algebra.interner.term({h: k for h, k in term.factors if h is not f}): c}
            if f in variables:
                accumulate(matrix[i][variables.index(f)], factor)
            elif (found := _pairing(algebra, f, variables)) is not None:
                products.append(Product(i, found[0], factor, found[1]))
            else:
                return None
    scalars = tuple(f.scalar for f in variables)
    return Linear(algebra, matrix, tuple(products), scalars), rest


def _free(f: Factor, variables: Sequence[Factor]) -> bool:
    """Whether no variable stands in the factor."""
    return not any(g in variables for g in _factors(f))


def _factors(f: Factor) -> Iterator[Factor]:
    """The factor, and every factor inside of it."""
    yield f
    for t in (*f.children, *(t for t, _ in f.body)):
        yield from within(t)


def _pairing(algebra: Algebra, f: Factor, variables: Sequence[Factor]) -> tuple[int, Sum] | None:
    """(j, c) where the factor is <c, X_j>: c is its gradient, free of the variables."""
    held = {g for g in _factors(f) if g in variables}
    symmetric = all(algebra.functions[g.label].is_loss for g in _factors(f) if g.kind == "node")
    if f.kind != "sum" or f.label or len(held) != 1 or not symmetric:
        return None
    (x,) = held
    c = gradient(algebra, {algebra.interner.term({f: 1}): algebra.ring.one}, x.label)
    return (variables.index(x), c) if all(_free(g, variables) for t in c for g, _ in t.factors) else None
