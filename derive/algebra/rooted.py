"""Rooted trees as terms: their symmetry, and the free tree that a rooted tree is a rooting of."""

from __future__ import annotations

from math import factorial

from derive.algebra.calculus import loss_term
from derive.algebra.coefficients import Ratio
from derive.algebra.sums import Algebra, Sum
from derive.algebra.terms import Term, space_of


def symmetry(tree: Term) -> int:
    """sigma(tau) = prod over distinct children of multiplicity! sigma(child)^multiplicity.

    >>> from derive.equation import modified_equation
    >>> {str(t): symmetry(t) for _, t in modified_equation("gd", order=2)["theta"][2]}
    {'d3(grad, grad)': 2, 'hess(hess(grad))': 1}
    """
    ((node, _),) = tree.factors
    result = 1
    for child in dict.fromkeys(node.children):
        multiplicity = node.children.count(child)
        result *= factorial(multiplicity) * symmetry(child) ** multiplicity
    return result


def rooting_value(algebra: Algebra, tree: Term) -> Ratio:
    """sigma(tau) as a coefficient: b = coefficient * sigma."""
    return algebra.ring.constant(symmetry(tree))


def free_tree(algebra: Algebra, tree: Term) -> Sum:
    """The scalar that a tree becomes when its root's index is closed: L for grad, |grad|^2 for hess(grad), ...

    Of declared losses, the index that the root's first child fills is free in the root's place: <grad_y f, grad_y g> for
    grad_x,y f [grad_y g].
    """
    ((node, _),) = tree.factors
    if not node.children:
        return loss_term(algebra, node.label)
    first, *rest = node.children
    function = algebra.functions[node.label]
    label = function.at(function.slot(space_of(first)))
    return algebra.contract(algebra.product({first: algebra.ring.one}, algebra.node(label, tuple(rest))))


def rooted_trees(algebra: Algebra, size: int, *labels: str) -> list[Term]:
    """Every rooted tree with `size` nodes, all derivatives of the functions `labels` (L where none is given), as terms.

    A child stands at a node of a function that depends on the unknown in whose space it lies.

    >>> from derive.algebra.coefficients import Ring; from derive.algebra.functions import gradients
    >>> a = Algebra(Ring(), gradients({"f": ("x", "y"), "g": ("y",)}), {"x": "x", "y": "y"})
    >>> [len(rooted_trees(a, n, "f.x", "f.y", "g.y")) for n in (1, 2)]
    [3, 8]
    """
    known: list[list[Term]] = [[]]
    for n in range(1, size + 1):
        known.append([
            next(iter(algebra.node(label, children)))
            for label in labels or ("L",) for children in _forests(_fitting(algebra, known, label), n - 1, None)
        ])  # fmt: skip
    return known[size]


def _fitting(algebra: Algebra, known: list[list[Term]], label: str) -> list[list[Term]]:
    """The trees that may stand at a node of this function."""
    function = algebra.functions[label]
    return [[t for t in trees if (space_of(t) or function.point) in function.slots] for trees in known]


def _forests(known: list[list[Term]], nodes: int, below: tuple[int, int] | None) -> list[tuple[Term, ...]]:
    """Multisets of known trees with a total number of nodes, no tree after `below` = (size, index)."""
    if not nodes:
        return [()]
    result = []
    for size in range(min(nodes, below[0] if below else nodes), 0, -1):
        for index, tree in enumerate(known[size]):
            if below and (size, index) > below:
                continue
            result += [(tree, *rest) for rest in _forests(known, nodes - size, (size, index))]
    return result
