"""Order conditions, order of accuracy, effective order.

A method has order p for theta' = f when a(tau) = 1/gamma(tau) for all trees with at most p nodes: a is its value after one
step (for a Runge-Kutta method the elementary weight sum_i b_i Phi_i) and gamma the density.

It has effective order p (Butcher 1969) when it is conjugate to a method of order p: chi o method o chi^-1.  On the modified
field this is a sequence of linear equations: the terms A_m with m nodes can be removed by conjugation with the
flow of G (m - 1 nodes) exactly when [G, f] = A_m has a solution, where F(t)'F(s) = sum over nodes v of t of
F(t with s grafted to v).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from flint import fmpq, fmpq_mat

from derive.errors import UsageError
from derive.trees.method import TreeMethod
from derive.trees.series import Coefficient, TreeSeries, tree_series
from derive.trees.shape import Tree

Field = dict[Tree, fmpq]  # coefficient of F(tree): divided by the symmetry


@dataclass(frozen=True)
class Condition:
    """The order condition of one tree: weight = exact; `holds` says whether it does (for all values of the symbols)."""

    tree: Tree
    weight: Coefficient
    exact: Fraction

    @property
    def holds(self) -> bool:
        if isinstance(self.weight, Fraction):
            return self.weight == self.exact
        return self.weight == self.weight.ring.constant(self.exact)


def order_conditions(method: TreeMethod, order: int) -> list[Condition]:
    """The conditions of all trees with at most `order` nodes, in canonical order.

    >>> from derive.trees.method import runge_kutta
    >>> [str(c.tree) for c in order_conditions(runge_kutta([[0]], [1]), 3) if not c.holds]
    ['[*]', '[[*]]', '[**]']
    """
    series = tree_series(method, order, "map")
    return [Condition(tree, weight, Fraction(1, tree.density)) for tree, weight in series.items()]


def order_of_accuracy(method: TreeMethod, limit: int = 10) -> int:
    """The greatest p <= limit such that every condition with at most p nodes holds, as an approximation of theta' = f.

    >>> from derive.trees.method import runge_kutta
    >>> order_of_accuracy(runge_kutta([["1/2"]], [1]))
    2
    """
    for p in range(1, limit + 1):
        if not all(c.holds for c in order_conditions(method, p) if c.tree.nodes == p):
            return p - 1
    return limit


def effective_order(method: TreeMethod, limit: int = 6) -> int:
    """The greatest p <= limit such that the method is conjugate to one of order p.

    Raises UsageError for symbolic hyperparameters, or a limit above 8.

    >>> from derive.trees.method import runge_kutta
    >>> effective_order(runge_kutta([["1/2"]], [1]), 4)
    2
    """
    if method.symbols:
        raise UsageError(f"the effective order needs numbers: give {', '.join(method.symbols)} with --set")
    if not 1 <= limit <= 8:
        raise UsageError(f"the effective order is decided up to 8, not {limit}")
    series = tree_series(method, limit)
    field = {
        tree: fmpq(b.numerator, b.denominator) / tree.symmetry
        for tree, b in series.items()
        if isinstance(b, Fraction) and b
    }
    roots = [Tree((), c) for c in range(len(method.colours))]
    if any(field.get(t) != 1 for t in roots):
        return 0
    exact: Field = dict.fromkeys(roots, fmpq(1))
    for m in range(2, limit + 1):
        terms = {t: c for t, c in field.items() if t.nodes == m}
        if not terms:
            continue
        generator = _solve(series, exact, terms, m - 1)
        if generator is None:
            return m - 1
        field = _conjugate(field, generator, limit)
    return limit


@lru_cache(maxsize=200_000)
def grafted(tree: Tree, branch: Tree) -> tuple[tuple[Tree, int], ...]:
    """`branch` attached to every node of `tree` in turn: the derivative of F(tree) in the direction of F(branch)."""
    found: dict[Tree, int] = defaultdict(int)
    found[Tree.of((*tree.children, branch), tree.colour)] += 1
    for i, child in enumerate(tree.children):
        rest = tree.children[:i] + tree.children[i + 1 :]
        for grown, count in grafted(child, branch):
            found[Tree.of((*rest, grown), tree.colour)] += count
    return tuple(found.items())


def bracket(x: Field, y: Field, most: int) -> Field:
    """x'y - y'x, without trees of more than `most` nodes."""
    result: Field = defaultdict(fmpq)
    for s, a in x.items():
        for t, b in y.items():
            if s.nodes + t.nodes <= most:
                for tree, count in grafted(s, t):
                    result[tree] += a * b * count
                for tree, count in grafted(t, s):
                    result[tree] -= a * b * count
    return {t: c for t, c in result.items() if c}


def _conjugate(field: Field, generator: Field, most: int) -> Field:
    """exp(ad) of the generator: sum_k [generator, [... , field]]/k!; ends because every bracket adds nodes."""
    result = dict(field)
    term, k = field, 1
    while term:
        term = {t: c / k for t, c in bracket(generator, term, most).items()}
        for t, c in term.items():
            result[t] = result.get(t, fmpq(0)) + c
        k += 1
    return {t: c for t, c in result.items() if c}


def _solve(series: TreeSeries, exact: Field, terms: Field, nodes: int) -> Field | None:
    """G with `nodes` nodes and [G, f] = -terms, or None."""
    unknowns = [t for t, _ in series.items(nodes)]
    columns = [bracket({t: fmpq(1)}, exact, nodes + 1) for t in unknowns]
    rows = [t for t, _ in series.items(nodes + 1)]
    entries = [[c.get(t, fmpq(0)) for c in columns] + [-terms.get(t, fmpq(0))] for t in rows]
    reduced, rank = fmpq_mat(entries).rref()
    width, solution = len(unknowns), {}
    for i in range(rank):
        pivot = next(j for j in range(width + 1) if reduced[i, j])
        if pivot == width:
            return None
        solution[unknowns[pivot]] = fmpq(reduced[i, width])
    return {t: c for t, c in solution.items() if c}
