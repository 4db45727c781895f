"""The value of a term at a point, once, over numbers of any kind: exact and balls, expressions, floats.

    d^(k+1)L[m_1, ..., m_k]_i = sum over j_1, ..., j_k of  d_i d_j1 ... d_jk L  m_1(j_1) ... m_k(j_k)

The right side is collected by multi-index: the product of the linear forms sum_j m(j) X_j is a polynomial in X, whose
coefficients are paired with the derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any, Protocol

from derive.algebra.coefficients import Ratio
from derive.algebra.fold import Fold
from derive.algebra.functions import variable_of
from derive.algebra.known import SLOPES
from derive.algebra.terms import Exponent, Factor, Term, arguments, space_of
from derive.errors import UsageError
from derive.language.layers import LAYER, ROW
from derive.language.maps import map_of
from derive.scheme.map_programs import MapProgram
from derive.scheme.map_settings import MapFormula, examples
from derive.scheme.shapes import lines_of

Number = Any
Vector = list[Number]  # one number a component; a scalar is the same number at each
Index = tuple[int, ...]  # how often each variable is differentiated


class Numbers(Protocol):
    """A kind of number, and what a point is in it: the state variables and the derivatives there.

    `size` is the number of components; 1 where unknowns have their own, `spans` of a `Point`, and single numbers go with all.
    """

    size: int

    def rational(self, value: Fraction) -> Number: ...

    def state(self, f: Factor) -> Sequence[Number]:
        """The components of a state variable."""

    def derivative(self, label: str, i: int, index: Index) -> Number:
        """d_i d^index L for the label 'L', d^index f_i for 'f'."""

    def elsewhere(self, label: str, point: Vector, degree: int) -> Callable[[int, Index], Number]:
        """`derivative` at another point, a number for every variable, for all indices through this degree."""

    def power(self, x: Number, exponent: Exponent, f: Factor) -> Number:
        """x^exponent, x the value of the factor f, which an error may name."""

    def absolute(self, x: Number) -> Number: ...

    def known(self, name: str, x: Number) -> Number:
        """exp, log, ... of x."""

    def coefficient(self, c: Ratio) -> Number: ...

    def maps(self) -> Mapping[str, MapFormula | MapProgram]:
        """The maps that have formulas or lines."""

    def map_derivatives(self, formula: MapFormula, point: Vector, degree: int) -> Callable[[int, Index], Number]:
        """(i, index) -> d^index P_i at the point, for all indices through this degree."""

    def map_along(self, program: MapProgram, point: Vector, directions: Sequence[Vector]) -> Vector:
        """d^kP(u)[v_1, ..., v_k] of a map that is stated by its lines."""


class WithoutMaps:
    """Numbers at whose points no map has a formula."""

    def maps(self) -> Mapping[str, MapFormula | MapProgram]:
        return {}

    def map_derivatives(self, formula: MapFormula, point: Vector, degree: int) -> Callable[[int, Index], Number]:
        raise AssertionError(formula)

    def map_along(self, program: MapProgram, point: Vector, directions: Sequence[Vector]) -> Vector:
        raise AssertionError(program)


class Point(Fold[Vector]):
    """Values of terms at one point; each factor is evaluated once.

    >>> from derive.algebra.coefficients import Ring; from derive.algebra.sums import Algebra
    >>> class Square(WithoutMaps):  # L = (x^2 + 3 y^2)/2 at (1, 2)
    ...     size = 2
    ...     def rational(self, value): return value
    ...     def derivative(self, label, i, index):
    ...         return {(1, 0): 1, (0, 1): 6, (2, 0): 1, (0, 2): 3}.get((index[0] + (i == 0), index[1] + (i == 1)), 0)
    ...     def power(self, x, exponent, f): return x**exponent
    >>> a = Algebra(Ring()); g = a.node_sum("L", []); (hg,) = a.node_sum("L", list(g))
    >>> [int(x) for x in Point(Square()).term(hg)]
    [1, 18]
    """

    def __init__(
        self, numbers: Numbers, spans: Mapping[str, range] | None = None, layers: Sequence[Sequence[int]] = ()
    ) -> None:
        super().__init__()
        self.numbers, self.spans, self.layers = numbers, spans or {}, layers
        self.width = sum(map(len, self.spans.values())) or numbers.size
        self.zero, self.unity = numbers.rational(Fraction(0)), numbers.rational(Fraction(1))

    def total(self, items: Iterable[tuple[Term, Ratio]]) -> Vector:
        """sum of coefficients times terms."""
        result = [self.zero] * self.numbers.size
        for term, c in items:
            number = self.numbers.coefficient(c)
            result = [a + number * x for a, x in paired(result, self.term(term))]
        return result

    def one(self) -> Vector:
        return [self.unity] * self.numbers.size

    def times(self, a: Vector, b: Vector) -> Vector:
        return [x * y for x, y in paired(a, b)]

    def power(self, value: Vector, exponent: Exponent, f: Factor) -> Vector:
        return [self.numbers.power(x, exponent, f) for x in value]

    def state(self, f: Factor) -> Vector:
        return list(self.numbers.state(f))

    def span(self, space: str) -> range:
        """The places of an unknown's components among all variables."""
        return self.spans.get(space) or range(self.width)

    def node(self, f: Factor) -> Vector:
        return self._contracted(f, partial(self.numbers.derivative, f.label))

    def moved(self, f: Factor) -> Vector:
        point = [self.zero] * self.width
        for x, part in zip(f.slots, arguments(f), strict=True):
            span = self.span(x)
            point[span.start : span.stop] = [value for value, _ in paired(self.total(part), [self.zero] * len(span))]
        return self._contracted(f, self.numbers.elsewhere(f.label, point, len(f.children)))

    def _contracted(self, f: Factor, derivative: Callable[[int, Index], Number]) -> Vector:
        """The derivative in the directions that its children are, for every component."""
        form: dict[Index, Number] = {(0,) * self.width: self.unity}
        for child in f.children:
            form = self._extended(form, self.term(child), self.span(space_of(child)).start)
        return [
            sum((v * derivative(i, index) for index, v in form.items()), self.zero) for i in self.span(variable_of(f.label))
        ]

    def _extended(self, form: dict[Index, Number], vector: Vector, start: int) -> dict[Index, Number]:
        """The form times sum_j vector_j X_(start + j)."""
        result: dict[Index, Number] = {}
        for index, value in form.items():
            for j, x in enumerate(vector, start):
                if not self.vanishes(x):
                    key = raised(index, j)
                    result[key] = result[key] + value * x if key in result else value * x
        return result

    def vanishes(self, x: Number) -> bool:
        """Whether a number is known to be zero, so that what it multiplies is not looked at."""
        return bool(x == 0)

    def contraction(self, f: Factor) -> Vector:
        values = self.term(f.children[0])
        if f.label:
            return self.over_parts(values, f.label)
        return [sum(values, self.zero)] * self.numbers.size

    def over_parts(self, values: Vector, part: str) -> Vector:
        """sum of values over the layer, the row or the column of every component."""
        parts = self.layers if part == LAYER else lines_of(len(values), part == ROW)
        if not parts:
            raise UsageError("a sum over layers has a value once it is said which components are in which layer")
        result = list(values)
        for places in parts:
            total = sum((values[i] for i in places), self.zero)
            for i in places:
                result[i] = total
        return result

    def absolute(self, f: Factor) -> Vector:
        return [self.numbers.absolute(x) for x in self.term(f.children[0])]

    def root(self, f: Factor) -> Vector:
        values = self.total(f.body)
        return [self.numbers.absolute(x) for x in values] if f.label == "abs" else values

    def base(self, f: Factor) -> Vector:
        return self.total(f.body)

    def map(self, f: Factor) -> Vector:
        """d^kP(u)[m_1, ..., m_k]_i = sum over j_1, ..., j_k of d_j1 ... d_jk P_i(u) m_1(j_1) ... m_k(j_k)."""
        if f.label in SLOPES:
            return [self.numbers.known(f.label, x) for x in self.total(f.body)]
        maps = self.numbers.maps()
        found = map_of(f.label, maps)
        if found is None:
            raise UsageError(f"{f.label} is a map without a formula here; give one: {examples(f.label)}")
        formula, rank = maps[found[0]], found[1]
        directions = [self.term(c) for c in f.children]
        point = self.total(f.body) if f.body else [self.zero] * len(directions[0])
        if isinstance(formula, MapProgram):
            if formula.kind == "componentwise":
                return [self.numbers.map_along(formula, [x], [[self.unity]] * rank)[0] for x in point]
            return self.numbers.map_along(formula, point, directions)
        if formula.kind == "componentwise":
            return [self.numbers.map_derivatives(formula, [x], rank)(0, (rank,)) for x in point]
        if len(formula.variables) != len(point):
            raise UsageError(f"the map {found[0]} has {len(formula.variables)} components, vectors here have {len(point)}")
        form: dict[Index, Number] = {(0,) * len(point): self.unity}
        for direction in directions:
            form = self._extended(form, direction, 0)
        derivative = self.numbers.map_derivatives(formula, point, len(directions))
        return [sum((v * derivative(i, index) for index, v in form.items()), self.zero) for i in range(len(point))]

    def word(self, f: Factor) -> Vector:
        raise UsageError("terms with products of matrices have no values at points here; leave out the loss and the point")


def paired(a: Vector, b: Vector) -> Iterator[tuple[Number, Number]]:
    """The components of two vectors of one space; a single number goes with every component.

    >>> list(paired([1, 2], [3]))
    [(1, 3), (2, 3)]
    """
    if len(a) != len(b):
        a, b = (a * len(b) if len(a) == 1 else a), (b * len(a) if len(b) == 1 else b)
    return zip(a, b, strict=True)


def raised(index: Index, i: int) -> Index:
    """One more derivative with respect to variable i.

    >>> raised((0, 2), 1)
    (0, 3)
    """
    return (*index[:i], index[i] + 1, *index[i + 1 :])
