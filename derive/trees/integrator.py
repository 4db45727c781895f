"""The modifying integrator: the field whose numerical solution by the method is the exact flow of f.

Let fhat = sum gamma^(|s|-1) c(s)/sigma(s) F(s).  In fhat(Y_l) the tree tau has the coefficient

    Q_l(tau) = sum over subtrees s of tau that contain its root  c(s) * prod of Y_l over the branches cut off,

where s = tau enters as c(tau) times one.  The method maps Q linearly to theta, and the requirement

    (one step from the slow manifold) theta(n) = n^|tau| / gamma(tau)  for all n,

is one linear equation for c(tau): its linear coefficient in n is 1 for the single node and 0 for every other tree.
The sums over subtrees make this dearer than the modified field: the cost grows by a factor of about 5 a node.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from itertools import pairwise
from math import comb, lcm
from typing import Any

import numpy as np
from flint import fmpq

from derive.errors import ReductionError, UsageError
from derive.trees.enumeration import check_order, enumerate_trees, tree_counts
from derive.trees.method import Colour, TreeMethod
from derive.trees.operators import summation_weights
from derive.trees.series import TreeSeries
from derive.trees.shape import Tree

#: the sums over subtrees are kept for every tree; 8000 trees take some 30 s and 1 GiB
MOST_TREES = 8000

Vector = list[fmpq]  # values at n = 0 ... K-1
Vectors = list[Vector]  # one for each point


class ExactColour:
    """The operators of one colour on values at n = 0 ... K-1, over the rationals."""

    def __init__(self, colour: Colour, values: int) -> None:
        def numbers(row: list[Any]) -> list[fmpq]:
            return [fmpq(f.numerator, f.denominator) for f in (x.number() for x in row)]

        self.values = values
        self.stages = [numbers(r) for r in colour.stages]
        self.weights, self.head = numbers(colour.weights), numbers(colour.head)
        self.out, self.inputs = [numbers(r) for r in colour.out], [numbers(r) for r in colour.inputs]
        self.relaxation = [numbers(r) for r in colour.relaxation]

    def _combine(self, weights: list[fmpq], q: Vectors) -> Vector:
        return [sum((w * v[n] for w, v in zip(weights, q, strict=True)), fmpq(0)) for n in range(self.values)]

    def _memory(self, q: Vectors) -> Vectors:
        """Newton coefficients of y, y_j = sum_k (-1)^k (1-W)^-(k+1) K B a_{j+k}, by Horner's rule from the top."""
        forced = [_newton(self._combine(row, q)) for row in self.inputs]
        size = len(self.head)
        result: Vectors = [[fmpq(0)] * self.values for _ in range(size)]
        after = [fmpq(0)] * size
        for j in range(self.values - 1, -1, -1):
            # (1 - W) y_j = K B a_j - y_{j+1}
            right = [forced[a][j] - after[a] for a in range(size)]
            after = [sum((r * x for r, x in zip(row, right, strict=True)), fmpq(0)) for row in self.relaxation]
            for a in range(size):
                result[a][j] = after[a]
        return result

    def linear(self, q: Vectors) -> fmpq:
        """Linear coefficient in n of theta."""
        weights = [fmpq(w.numerator, w.denominator) for w in summation_weights(self.values)]
        total = sum((w * x for w, x in zip(weights, self._combine(self.weights, q), strict=True)), fmpq(0))
        for h, y in zip(self.head, self._memory(q) if self.head else [], strict=True):
            total += h * sum((fmpq((-1) ** (j - 1), j) * y[j] for j in range(1, self.values)), fmpq(0))
        return total

    def points(self, q: Vectors) -> Vectors:
        """Y of every point."""
        summed, running = [], fmpq(0)
        for x in self._combine(self.weights, q):
            summed.append(running)
            running += x
        memory = self._memory(q) if self.head else []
        start = sum((h * y[0] for h, y in zip(self.head, memory, strict=True)), fmpq(0))
        outputs = [_values(y) for y in memory]
        result = []
        for row, out in zip(self.stages, self.out, strict=True):
            own = self._combine(row, q)
            remembered = self._combine(out, outputs) if outputs else [fmpq(0)] * self.values
            result.append([a + b + c - start for a, b, c in zip(summed, own, remembered, strict=True)])
        return result


def _newton(values: Vector) -> Vector:
    result, row = [], list(values)
    while row:
        result.append(row[0])
        row = [b - a for a, b in pairwise(row)]
    return result


def _values(newton: Vector) -> Vector:
    return [sum((comb(n, j) * c for j, c in enumerate(newton[: n + 1])), fmpq(0)) for n in range(len(newton))]


@lru_cache(maxsize=100_000)
def _attached(parent: Tree, child: Tree) -> Tree:
    return Tree.of((*parent.children, child), parent.colour)


class _Substitution:
    """Q(tau) for a field with the coefficients found so far."""

    def __init__(self, method: TreeMethod, values: int) -> None:
        self.colours = [ExactColour(c, values) for c in method.colours]
        self.unit: Vectors = [[fmpq(1)] * values for _ in range(method.stages)]
        self.coefficients: dict[Tree, fmpq] = {}
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

    def solve(self, tree: Tree) -> fmpq:
        """The coefficient c(tree) that makes theta's linear coefficient exact."""
        colour = self.colours[tree.colour]
        known = [[fmpq(0)] * len(v) for v in self.unit]
        for kept, factor in self.prune(tree).items():
            if kept != tree:
                c = self.coefficients[kept]
                if c:
                    known = [[a + c * b for a, b in zip(x, y, strict=True)] for x, y in zip(known, factor, strict=True)]
        unit = colour.linear(self.unit)
        wanted = fmpq(1) if tree.nodes == 1 else fmpq(0)
        value = (wanted - colour.linear(known)) / unit
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

    Raises UsageError for symbolic hyperparameters or more than 8000 trees, ReductionError for a method that does not
    move along f.  Explicit Euler has c = 1/density, the exact flow after one step:

    >>> from derive.trees.method import runge_kutta
    >>> series = modifying_integrator(runge_kutta([[0]], [1]), 3)
    >>> [str(c) for _, c in series.items()]
    ['1', '1/2', '1/6', '1/3']
    """
    if method.symbols:
        raise UsageError(f"the modifying integrator needs numbers: give {', '.join(method.symbols)} with --set")
    colours = len(method.colours)
    check_order(order, colours)
    count = colours * sum(tree_counts(order, colours))
    if count > MOST_TREES:
        raise UsageError(f"the modifying integrator is computed for at most {MOST_TREES} trees; {order} nodes make {count}")
    solver = _Substitution(method, order)
    if any(not c.linear(solver.unit) for c in solver.colours):
        raise ReductionError(f"{method.name}: the weights sum to zero, so no field makes it follow a flow")
    trees = enumerate_trees(order, colours)
    found: dict[int, list[fmpq]] = defaultdict(list)
    for m in range(1, order + 1):
        for levels, paints in zip(trees.level_sequences(m).tolist(), trees.colour_sequences(m).tolist(), strict=True):
            found[m] += [solver.solve(Tree.from_levels(levels, paint)) for paint in paints]
    numerators: list[Any] = [np.zeros((0, colours), object)]
    denominators = [1]
    for m in range(1, order + 1):
        common = lcm(*(int(c.q) for c in found[m]))
        denominators.append(common)
        numbers = [int(c.p) * (common // int(c.q)) for c in found[m]]
        numerators.append(np.array(numbers, object).reshape(-1, colours))
    factors = ((),) * (order + 1)
    return TreeSeries(method, trees, "integrator", tuple(numerators), tuple(denominators), factors)


