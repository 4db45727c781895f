"""The B-series coefficients of a method on all trees: exact, with numbers or symbols for its hyperparameters.

    flow:  theta' = sum over trees of gamma^(|tau|-1) b(tau)/sigma(tau) F(tau)           (modified field)
    map:   theta_1 = theta_0 + sum of gamma^|tau| a(tau)/sigma(tau) F(tau)               (one step from the slow manifold)

`b` and `a` are the linear coefficient and the value at n = 1 of the polynomial in n that the tree has in the iterates.
They are *not* divided by the symmetry sigma.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.algebra.coefficients import Ratio
from derive.errors import UsageError
from derive.sizes import show
from derive.trees.arithmetic import WRAP, Residues, primes, primes_needed, reconstruct
from derive.trees.bounds import Bounds, bounds_of
from derive.trees.enumeration import TreeTable, check_order, enumerate_trees
from derive.trees.interpolation import Grid
from derive.trees.kernel import numerators
from derive.trees.memory import check_memory, predicted_bytes
from derive.trees.method import TreeMethod
from derive.trees.operators import operators_of
from derive.trees.shape import Tree

Coefficient = Fraction | Ratio
Report = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class TreeSeries:
    """Coefficients of one kind on all trees with at most `order` nodes, not divided by the symmetry.

    `numerators[m]`, shape (rows, colours) or, with symbols, (rows, colours, degree + 1, ...), are integers: int64, or
    Python integers where 64 bits may not suffice.  The denominators are `denominators[m]` times, with symbols,
    the ring's factors `factors[m]`.
    """

    method: TreeMethod
    trees: TreeTable
    kind: str
    numerators: tuple[NDArray[Any], ...]
    denominators: tuple[int, ...]
    factors: tuple[tuple[tuple[int, int], ...], ...]

    @property
    def order(self) -> int:
        return self.trees.order

    def coefficient(self, nodes: int, row: int, colour: int = 0) -> Coefficient:
        """The coefficient of one tree by its place among the trees with `nodes` nodes."""
        return self._over_denominator(self.numerators[nodes][row, colour], nodes)

    def _over_denominator(self, value: Any, nodes: int) -> Coefficient:
        """An integer, or with symbols an array of integer coefficients, over the denominators of that many nodes."""
        if not self.method.symbols:
            return Fraction(int(value), self.denominators[nodes])
        ring, entries = self.method.ring, np.argwhere(value != 0)
        terms = {(0, *(int(i) for i in at)): int(value[tuple(at)]) for at in entries}
        polynomial = ring.context.from_dict(terms) / self.denominators[nodes]
        return Ratio(ring, polynomial, self.factors[nodes]).reduced()

    def __getitem__(self, tree: Tree | tuple[int, ...]) -> Coefficient:
        """The coefficient of a tree, given as such or by a level sequence.

        >>> from derive.trees import runge_kutta, tree_series
        >>> tree_series(runge_kutta([[0]], [1]), 4)[1, 2, 3, 3]
        Fraction(-1, 6)
        """
        if not isinstance(tree, Tree):
            tree = Tree.from_levels(tree)
        row = self.trees.row_of(tree)
        return self.coefficient(tree.nodes, row - self.trees.start[tree.nodes], tree.colour)

    def items(self, nodes: int | None = None) -> Iterator[tuple[Tree, Coefficient]]:
        """Trees with their coefficients in canonical order; only those with `nodes` nodes if given."""
        for m in range(1, self.order + 1) if nodes is None else (nodes,):
            levels, colours = self.trees.level_sequences(m).tolist(), self.trees.colour_sequences(m).tolist()
            for row, (level, paints) in enumerate(zip(levels, colours, strict=True)):
                for colour, paint in enumerate(paints):
                    yield Tree.from_levels(level, paint), self.coefficient(m, row, colour)

    def total(self, nodes: int | None = None) -> Coefficient:
        """Sum of the coefficients over all trees, or over those with `nodes` nodes.

        >>> from derive.trees import runge_kutta, tree_series
        >>> tree_series(runge_kutta([[0]], [1]), 9).total()
        Fraction(143, 140)
        """
        if nodes is None:
            parts = [self.total(m) for m in range(1, self.order + 1)]
            start: Any = self.method.ring.zero if self.method.symbols else Fraction(0)
            return sum(parts, start)
        return self._over_denominator(_exact_sum(self.numerators[nodes]), nodes)


def _exact_sum(values: NDArray[Any]) -> NDArray[Any]:
    """Sum over the first two axes without overflow: 32-bit halves of fewer than 2**31 numbers."""
    if values.dtype == object:
        return np.asarray(values.sum(axis=(0, 1)), dtype=object)
    high, low = (values >> 32).sum(axis=(0, 1)), (values & 0xFFFFFFFF).sum(axis=(0, 1))
    total: NDArray[Any] = np.asarray(high, dtype=object) * 2**32 + np.asarray(low, dtype=object)
    return total


def tree_series(
    method: TreeMethod, order: int, kind: str = "flow", memory_limit: int | None = None, progress: Report | None = None
) -> TreeSeries:
    """Coefficients of a method on all trees with at most `order` nodes.

    Args: `kind` 'flow' for b (modified field) or 'map' for a (one step; for a Runge-Kutta method the elementary weights);
    `memory_limit` in bytes, by default what the machine has free; `progress(done, all)` is called now and then.

    Raises UsageError for an order out of range, or when the prediction exceeds the memory.

    >>> from derive.trees.method import runge_kutta
    >>> series = tree_series(runge_kutta([[0]], [1]), 3)
    >>> [(tree.levels, str(b)) for tree, b in series.items()]
    [((1,), '1'), ((1, 2), '-1/2'), ((1, 2, 3), '1/3'), ((1, 2, 2), '1/6')]
    """
    if kind not in ("flow", "map"):
        raise UsageError(f"kind '{kind}': write 'flow' or 'map'")
    colours = len(method.colours)
    check_order(order, colours)
    bounds = bounds_of(method, order, kind == "flow")
    plan = _Plan(method, bounds, order)
    check_memory(plan.bytes(), memory_limit, order)
    try:
        trees = enumerate_trees(order, colours)
        return _collected(method, kind, bounds, plan, trees, plan.run(trees, progress))
    except MemoryError:
        raise UsageError(f"memory ran out at {show(plan.bytes())} or less; ask for fewer nodes") from None


def _collected(
    method: TreeMethod, kind: str, bounds: Bounds, plan: _Plan, trees: TreeTable, collected: list[list[Residues]]
) -> TreeSeries:
    """The series from the residues of its numerators; these are let go of as they are used."""
    order, colours = trees.order, trees.colours
    values = [np.zeros((0, colours), np.int64)]
    for m in range(1, order + 1):
        digits = [r[m] for r in collected]
        needed = len(plan.moduli) if plan.wraps else primes_needed(bounds.bits[m])
        values.append(reconstruct(digits[:needed], plan.moduli[:needed]))
        for r in collected:
            r[m] = digits[0][:0]
    integers = (1, *(bounds.integer_denominator(m) for m in range(1, order + 1)))
    factors = ((), *(bounds.factor_denominator(m) for m in range(1, order + 1)))
    return TreeSeries(method, trees, kind, tuple(values), integers, factors)


class _Plan:
    """Which moduli and which points of the hyperparameters a run needs."""

    def __init__(self, method: TreeMethod, bounds: Bounds, order: int) -> None:
        self.method, self.bounds, self.order = method, bounds, order
        integral = bounds.multiplier.trivial and bounds.relaxation.trivial
        # |numerator| < 2**62 is what lets the machine's wrap-around stand for exact integers
        self.wraps = integral and not method.memory and not method.symbols and max(bounds.bits) < 62
        self.count = 1 if self.wraps else primes_needed(max(bounds.bits))
        self.grid = Grid([bounds.degree(s, order) for s in range(len(method.symbols))])
        self.moduli: list[int] = []

    def bytes(self) -> int:
        return predicted_bytes(
            self.order, len(self.method.colours), self.method.stages, self.count, self.grid.size, not self.wraps
        )

    def run(self, trees: TreeTable, progress: Report | None) -> list[list[Residues]]:
        """For every modulus the residues of all numerators, one array for each number of nodes."""
        collected: list[list[Residues]] = []
        total = trees.rows * self.count * self.grid.size
        for modulus in (WRAP,) if self.wraps else primes():
            done = len(collected) * trees.rows * self.grid.size
            try:
                collected.append(self._modulo(trees, modulus, done, total, progress))
            except ZeroDivisionError:
                continue  # the prime divides a denominator
            self.moduli.append(modulus)
            if len(collected) == self.count:
                return collected
        raise AssertionError("primes do not end")

    def _modulo(
        self, trees: TreeTable, modulus: int, done: int, total: int, progress: Report | None
    ) -> list[Residues]:
        colours = len(self.method.colours)
        shapes = [trees.start[m + 1] - trees.start[m] if m else 0 for m in range(trees.order + 1)]
        samples = [np.empty((rows, colours, self.grid.size), np.uint64) for rows in shapes]
        for index, point in enumerate(self.grid.points(modulus)):
            operators = operators_of(self.method, self.bounds, trees.order, point, modulus)

            def report(rows: int, before: int = done + index * trees.rows) -> None:
                if progress:
                    progress(before + rows, total)

            for nodes, rows, block in numerators(trees, operators, report):
                samples[nodes][rows, :, index] = block
        if not self.method.symbols:
            return [s[:, :, 0] for s in samples]
        return [self.grid.interpolate(s, modulus) for s in samples]
