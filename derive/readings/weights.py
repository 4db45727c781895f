"""Trees of derivatives of L with leaves of one variable, listed by weight: what a search by grade goes through."""

from __future__ import annotations

from derive.algebra.calculus import loss_term
from derive.algebra.sums import Algebra
from derive.algebra.terms import Term


def scalars_of_weight(algebra: Algebra, variable: str, weight: int) -> list[Term]:
    """All free trees of derivatives of L with leaves eta: eta weighs 1, a derivative of L 2 (and L itself 2).

    >>> from derive.algebra.coefficients import Ring
    >>> [str(t) for t in scalars_of_weight(Algebra(Ring()), "eta", 4)]
    ['dot(grad, grad)', 'dot(eta, hess(eta))']
    """
    trees = [vectors_of_weight(algebra, variable, w) for w in range(weight)]
    found: dict[Term, None] = dict.fromkeys(loss_term(algebra)) if weight == 2 else {}
    for w in range(1, weight // 2 + 1):
        for a in trees[w]:
            for b in trees[weight - w]:
                pair = algebra.product({a: algebra.ring.one}, {b: algebra.ring.one})
                found |= dict.fromkeys(algebra.contract(pair))
    return sorted(found, key=lambda t: t.key)


def vectors_of_weight(algebra: Algebra, variable: str, weight: int, node: int = 2) -> list[Term]:
    """All rooted trees of derivatives of L, each of weight `node`, with leaves eta of weight 1.

    >>> from derive.algebra.coefficients import Ring
    >>> [str(t) for t in vectors_of_weight(Algebra(Ring()), "theta", 2, 1)]
    ['hess(theta)', 'hess(grad)']
    """
    trees: list[list[Term]] = [[]]
    for w in range(1, weight + 1):
        leaf = [next(iter(algebra.state(variable)))] if w == 1 else []
        trees.append(leaf + [t for children in _multisets(trees, w - node, w, 0) for t in algebra.node("L", children)])
    return trees[weight]


def _multisets(trees: list[list[Term]], total: int, size: int, index: int) -> list[tuple[Term, ...]]:
    """Multisets of trees of total weight, none before (size descending, index)."""
    if total <= 0:
        return [()] if not total else []
    result = []
    for w in range(min(total, size), 0, -1):
        start = index if w == size else 0
        if w >= len(trees):
            continue
        for i in range(start, len(trees[w])):
            result += [(trees[w][i], *rest) for rest in _multisets(trees, total - w, w, i)]
    return result
