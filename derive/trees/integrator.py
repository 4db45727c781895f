"""The modifying integrator: the field whose numerical solution by the method is the exact flow of f.

Let fhat = sum gamma^(|s|-1) c(s)/sigma(s) F(s).  In fhat(Y_l) the tree tau has the coefficient

    Q_l(tau) = sum over subtrees s of tau that contain its root  c(s) * prod of Y_l over the branches cut off,

where s = tau enters as c(tau) times one.  The method maps Q linearly to theta, and the requirement

    (one step from the slow manifold) theta(n) = n^|tau| / gamma(tau)  for all n,

is one linear equation for c(tau): its linear coefficient in n is 1 for the single node and 0 for every other tree.
The sums over subtrees make this dearer than the modified field: the cost grows by a factor of about 5 a node.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate, pairwise
from math import comb, lcm
from typing import Any, NamedTuple

import numpy as np
from flint import fmpq

from derive.algebra.coefficients import Denominator, Ratio, Ring
from derive.errors import ReductionError, UsageError
from derive.trees.bounds import common_denominator
from derive.trees.enumeration import check_order, enumerate_trees, tree_counts
from derive.trees.method import Colour, TreeMethod
from derive.trees.operators import summation_weights
from derive.trees.series import TreeSeries
from derive.trees.shape import Tree

#: the sums over subtrees are kept for every tree; 8000 trees take some 30 s and 1 GiB
MOST_TREES = 8000

Number = Any  # fmpq, or Ratio where the method has symbols
Vector = list[Number]  # values at n = 0 ... K-1
Vectors = list[Vector]  # one for each point


class Numbers:
    """The field of a method's coefficients: rationals as flint numbers, or rational functions of the symbols."""

    def __init__(self, ring: Ring) -> None:
        self.ring = ring
        self.zero, self.one = self.rational(0), self.rational(1)

    def rational(self, value: Fraction | int) -> Number:
        if self.ring.symbols:
            return self.ring.constant(value)
        return fmpq(*value.as_integer_ratio())

    def of(self, value: Ratio) -> Number:
        return value if self.ring.symbols else self.rational(value.number())

    def sum(self, terms: Iterable[Number]) -> Number:
        total = self.zero
        for term in terms:
            total = total + term
        return total

    def dot(self, x: Iterable[Number], y: Iterable[Number]) -> Number:
        return self.tidy(self.sum(a * b for a, b in zip(x, y, strict=True) if a and b))

    def tidy(self, value: Number) -> Number:
        return value.reduced() if self.ring.symbols else value


class ExactColour:
    """The operators of one colour on values at n = 0 ... K-1, over an exact field."""

    def __init__(self, colour: Colour, values: int, numbers: Numbers) -> None:
        def lift(row: list[Ratio]) -> Vector:
            return [numbers.of(x) for x in row]

        self.values, self.numbers = values, numbers
        self.stages = [lift(r) for r in colour.stages]
        self.weights, self.head = lift(colour.weights), lift(colour.head)
        self.out, self.inputs = [lift(r) for r in colour.out], [lift(r) for r in colour.inputs]
        self.relaxation = [lift(r) for r in colour.relaxation]
        self.summation = [numbers.rational(w) for w in summation_weights(values)]
        self.slope = [numbers.rational(Fraction((-1) ** (j - 1), j)) if j else numbers.zero for j in range(values)]

    def _combine(self, weights: Vector, q: Vectors) -> Vector:
        return [self.numbers.dot(weights, column) for column in zip(*q, strict=True)]

    def _memory(self, q: Vectors) -> Vectors:
        """Newton coefficients of y, (1 - W) y_j = K B a_j - y_{j+1}, from the top."""
        forced = [_newton(self._combine(row, q)) for row in self.inputs]
        after = [self.numbers.zero] * len(self.head)
        columns = []
        for j in range(self.values - 1, -1, -1):
            right = [f[j] - y for f, y in zip(forced, after, strict=True)]
            after = [self.numbers.dot(row, right) for row in self.relaxation]
            columns.append(after)
        return [list(row) for row in zip(*reversed(columns), strict=True)]

    def linear(self, q: Vectors) -> Number:
        """Linear coefficient in n of theta."""
        total = self.numbers.dot(self.summation, self._combine(self.weights, q))
        if self.head:
            total = total + self.numbers.dot(self.head, [self.numbers.dot(self.slope, y) for y in self._memory(q)])
        return self.numbers.tidy(total)

    def points(self, q: Vectors) -> Vectors:
        """Y of every point."""
        summed = [self.numbers.zero, *accumulate(self._combine(self.weights, q))][: self.values]
        result = [[a + b for a, b in zip(summed, self._combine(row, q), strict=True)] for row in self.stages]
        if self.head:
            memory = self._memory(q)
            start = self.numbers.dot(self.head, [y[0] for y in memory])
            outputs = [self._unfold(y) for y in memory]
            remembered = [self._combine(row, outputs) for row in self.out]
            result = [[a + b - start for a, b in zip(x, y, strict=True)] for x, y in zip(result, remembered, strict=True)]
        return [[self.numbers.tidy(x) for x in row] for row in result]

    def _unfold(self, newton: Vector) -> Vector:
        """Values from Newton coefficients."""
        rational = self.numbers.rational
        return [self.numbers.sum(c * rational(comb(n, j)) for j, c in enumerate(newton[: n + 1])) for n in range(len(newton))]


def _newton(values: Vector) -> Vector:
    result, row = [], list(values)
    while row:
        result.append(row[0])
        row = [b - a for a, b in pairwise(row)]
    return result


@lru_cache(maxsize=100_000)
def _attached(parent: Tree, child: Tree) -> Tree:
    return Tree.of((*parent.children, child), parent.colour)


class _Substitution:
    """Q(tau) for a field with the coefficients found so far."""

    def __init__(self, method: TreeMethod, values: int) -> None:
        self.numbers = Numbers(method.ring)
        self.colours = [ExactColour(c, values, self.numbers) for c in method.colours]
        self.unit: Vectors = [[self.numbers.one] * values for _ in range(method.stages)]
        self.coefficients: dict[Tree, Number] = {}
        self.points: dict[Tree, Vectors] = {}
        self.prunings: dict[Tree, dict[Tree, Vectors]] = {}

    def prune(self, tree: Tree) -> dict[Tree, Vectors]:
        """Subtrees at the root, each with the sum over its occurrences of the product of Y over the cut branches."""
        found = self.prunings.get(tree)
        if found is not None:
            return found
        if not tree.children:
            result = {tree: self.unit}
        else:
            child, parent = tree.children[-1], Tree(tree.children[:-1], tree.colour)
            gathered: dict[Tree, Vectors] = {}
            for kept, left in self.prune(parent).items():
                _add(gathered, kept, _times(left, self.points[child]))
                for branch, right in self.prune(child).items():
                    _add(gathered, _attached(kept, branch), _times(left, right))
            result = gathered
        self.prunings[tree] = result
        return result

    def solve(self, tree: Tree) -> Number:
        """The coefficient c(tree) that makes theta's linear coefficient exact."""
        colour = self.colours[tree.colour]
        known = [[self.numbers.zero] * len(v) for v in self.unit]
        for kept, factor in self.prune(tree).items():
            if kept != tree:
                c = self.coefficients[kept]
                if c:
                    known = [[a + c * b for a, b in zip(x, y, strict=True)] for x, y in zip(known, factor, strict=True)]
        unit = colour.linear(self.unit)
        wanted = self.numbers.one if tree.nodes == 1 else self.numbers.zero
        value = self.numbers.tidy((wanted - colour.linear(known)) / unit)
        q = [[a + value for a in x] for x in known]
        self.coefficients[tree], self.points[tree] = value, colour.points(q)
        return value


def _times(x: Vectors, y: Vectors) -> Vectors:
    return [[a * b for a, b in zip(u, v, strict=True)] for u, v in zip(x, y, strict=True)]


def _add(target: dict[Tree, Vectors], key: Tree, value: Vectors) -> None:
    old = target.get(key)
    if old is not None:
        value = [[a + b for a, b in zip(u, v, strict=True)] for u, v in zip(old, value, strict=True)]
    target[key] = value


def modifying_integrator(method: TreeMethod, order: int) -> TreeSeries:
    """Coefficients c(tau), not divided by the symmetry, of the modifying integrator; kind 'integrator'.

    Raises UsageError for more than 8000 trees, ReductionError for a method that does not move along f.  Explicit
    Euler has c = 1/density, the exact flow after one step:

    >>> from derive.trees.method import runge_kutta
    >>> series = modifying_integrator(runge_kutta([[0]], [1]), 3)
    >>> [str(c) for _, c in series.items()]
    ['1', '1/2', '1/6', '1/3']
    """
    colours = len(method.colours)
    check_order(order, colours)
    count = colours * sum(tree_counts(order, colours))
    if count > MOST_TREES:
        raise UsageError(f"the modifying integrator is computed for at most {MOST_TREES} trees; {order} nodes make {count}")
    solver = _Substitution(method, order)
    if any(not c.linear(solver.unit) for c in solver.colours):
        raise ReductionError(f"{method.name}: the weights sum to zero, so no field makes it follow a flow")
    trees = enumerate_trees(order, colours)
    packed = [_Packed(np.zeros((0, colours), object), 1, ())]
    for m in range(1, order + 1):
        found = []
        for levels, paints in zip(trees.level_sequences(m).tolist(), trees.colour_sequences(m).tolist(), strict=True):
            found.append([solver.solve(Tree.from_levels(levels, paint)) for paint in paints])
        packed.append(_symbolic(method.ring, found) if method.symbols else _rational(found))
    numerators, denominators, factors = zip(*packed, strict=True)
    return TreeSeries(method, trees, "integrator", numerators, denominators, factors)


class _Packed(NamedTuple):
    """The numbers of one order over a common denominator, as `TreeSeries` keeps them."""

    numerators: Any
    denominator: int
    factors: Denominator


def _rational(values: list[list[fmpq]]) -> _Packed:
    common = lcm(*(int(c.q) for row in values for c in row))
    return _Packed(np.array([[int(c.p) * (common // int(c.q)) for c in row] for row in values], object), common, ())


def _symbolic(ring: Ring, values: list[list[Ratio]]) -> _Packed:
    clearing = common_denominator([c for row in values for c in row], ring)
    scale = Ratio(ring, ring.expand(clearing.factors), ())
    cleared = [[(c * scale).reduced().num.to_dict() for c in row] for row in values]
    integer = lcm(*(int(fmpq(x).q) for row in cleared for terms in row for x in terms.values()))
    sizes = [1 + max((int(e[1 + s]) for row in cleared for t in row for e in t), default=0) for s in range(len(ring.symbols))]
    numerators = np.zeros((len(values), len(values[0]), *sizes), object)
    for i, row in enumerate(cleared):
        for j, terms in enumerate(row):
            for exponents, x in terms.items():
                q = fmpq(x) * integer
                numerators[(i, j, *(int(e) for e in exponents[1:]))] = int(q.p)
    return _Packed(numerators, integer, clearing.factors)
