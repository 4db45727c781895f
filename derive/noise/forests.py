"""Tied forests: derivatives of a test function phi, of sample losses and of their means, and who shares a sample.

    g1 g1[g]        d^2 phi applied to the vectors g1 and g1[g] = (Hessian of the sample's loss) (mean gradient), jointly
                    centred over the sample:  sum_ij phi_ij E (g1 - g)_i ((H1 - H) g)_j
    eta:g1          a derivative of phi in the slow variable eta; without a name, in the unknown of the vector's space
    u[g,v:g1]       the same below a node: a derivative of u(theta, v) in both
    n1 n1           both vectors are the same standard normal vector: the Laplacian of phi
    theta           a leaf with the value of a state variable

A tree is a label, a tie and its children; tie 0 is alone: a mean.  Nodes of one tie stand for the joint cumulant of their
derivative tensors.  The text of a tie follows the letter g or n, and '#' after other labels: f.x#1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby, permutations, product
from math import factorial, prod
from typing import NamedTuple

from derive.errors import UsageError

GRADIENT, NORMAL = "g", "n"


class Tree(NamedTuple):
    """A node with what is below it; `slot` is the variable in which the node above it is differentiated, as for a `Root`."""

    label: str
    tie: int = 0
    children: tuple[Tree, ...] = ()
    slot: str = ""


class Root(NamedTuple):
    """A tree under phi, and the variable in which phi is differentiated there ('': the unknown of the tree's space)."""

    slot: str
    tree: Tree


Forest = tuple[Root, ...]


def nodes(trees: Iterable[Tree]) -> Iterator[Tree]:
    for t in trees:
        yield t
        yield from nodes(t.children)


def ties(forest: Sequence[Root]) -> tuple[int, ...]:
    """The ties of a forest, sorted."""
    return tuple(sorted({t.tie for t in nodes(r.tree for r in forest)} - {0}))


def size(forest: Sequence[Root]) -> int:
    """The number of nodes."""
    return sum(1 for _ in nodes(r.tree for r in forest))


def canonical(roots: Iterable[Root]) -> Forest:
    """The same forest with small trees first and its ties numbered from 1, equal for forests that differ in these only.

    >>> text(canonical(parse("g2[g1,g] g1 g2")))
    'g1 g2 g1[g,g2]'
    >>> text(canonical(parse("g[g1] g1")))
    'g1 g[g1]'
    """
    return _canonical(tuple(roots))[0]


def symmetry(forest: Forest) -> int:
    """The number of automorphisms of the forest that map ties to ties.

    >>> [symmetry(parse(f)) for f in ("g1 g1", "g[g1,g1]", "g1[g2] g1[g2]", "g1 g1 g2 g2", "g1 g1[g]")]
    [2, 2, 2, 8, 1]
    """
    return _canonical(forest)[1]


@lru_cache(maxsize=1 << 18)
def _canonical(roots: tuple[Root, ...]) -> tuple[Forest, int]:
    found = ties(roots)
    if not found:
        forest = _sorted(roots, {})
        return forest, _fixing(forest)
    signs = _signatures(roots)
    classes = [list(same) for _, same in groupby(sorted(found, key=lambda k: signs[k]), key=lambda k: signs[k])]
    forms = [_sorted(roots, _numbers(order)) for order in product(*map(permutations, classes))]
    least = min(forms)
    return least, forms.count(least) * _fixing(least)


def _numbers(order: Iterable[Iterable[int]]) -> dict[int, int]:
    return {tie: k for k, tie in enumerate((t for same in order for t in same), 1)}


def _sorted(roots: Iterable[Root], numbers: Mapping[int, int]) -> Forest:
    def sized(t: Tree) -> tuple[int, Tree]:
        children = sorted(map(sized, t.children))
        return 1 + sum(n for n, _ in children), Tree(t.label, numbers.get(t.tie, 0), tuple(c for _, c in children), t.slot)

    trees = sorted((*sized(r.tree), r.slot) for r in roots)
    return tuple(Root(slot, t) for _, t, slot in trees)


def _signatures(roots: Iterable[Root]) -> dict[int, list[object]]:
    """Of every tie what does not depend on numbers: the places of its nodes, each with all that is above and below it."""
    found: dict[int, list[object]] = {}

    def visit(t: Tree, above: tuple[object, ...]) -> None:
        here = (*above, _shape(t))
        if t.tie:
            found.setdefault(t.tie, []).append(here)
        for c in t.children:
            visit(c, here)

    for r in roots:
        visit(r.tree, (r.slot,))
    return {k: sorted(places, key=repr) for k, places in found.items()}


@lru_cache(maxsize=1 << 16)
def _shape(t: Tree) -> Tree:
    """The tree without the numbers of its ties."""
    return Tree(t.label, min(t.tie, 1), tuple(sorted(map(_shape, t.children))), t.slot)


def _fixing(forest: Forest) -> int:
    """Automorphisms that leave every tie where it is: exchanges of equal branches."""

    def of(branches: Sequence[tuple[object, ...]]) -> int:
        return prod(factorial(len(list(same))) for _, same in groupby(branches))

    return of(forest) * prod(of(t.children) for t in nodes(r.tree for r in forest))


# ------------------------------------------------------------------------------------------------------ text

_TOKEN = re.compile(r"\s*([^\W\d]\w*:)?([^\W\d][\w.]*?)((?<=[gn])\d+|#\d+)?(?=[\s,\[\]]|$)")


def text(forest: Sequence[Root]) -> str:
    """
    >>> text((Root("", Tree("g", 1)), Root("eta", Tree("f.x", 1, (Tree("theta"),)))))
    'g1 eta:f.x#1[theta]'
    """
    return " ".join(f"{r.slot}:{tree_text(r.tree)}" if r.slot else tree_text(r.tree) for r in forest)


def tree_text(t: Tree) -> str:
    slot, mark = f"{t.slot}:" if t.slot else "", "" if t.label in (GRADIENT, NORMAL) else "#"
    tie = f"{mark}{t.tie}" if t.tie else ""
    below = f"[{','.join(map(tree_text, t.children))}]" if t.children else ""
    return f"{slot}{t.label}{tie}{below}"


def parse(source: str) -> Forest:
    """The forest of a text, in its normal form.

    Raises UsageError where the text is no forest.

    >>> text(parse("g1[g] g1")), text(parse("theta"))
    ('g1 g1[g]', 'theta')
    """
    roots, at = [], 0
    while source[at:].strip():
        slot, t, at = _tree(source, at)
        roots.append(Root(slot, t))
    return canonical(roots)


def _tree(source: str, at: int) -> tuple[str, Tree, int]:
    found = _TOKEN.match(source, at)
    if not found:
        raise UsageError(f"'{source}', column {at + 1}: no tied forest; one is written like g1 g1[g]")
    slot, label, tie = found.groups()
    at, children = found.end(), []
    if source[at : at + 1] == "[":
        while source[at] in "[,":
            under, child, at = _tree(source, at + 1)
            children.append(child._replace(slot=under))
            if source[at : at + 1] not in (",", "]"):
                raise UsageError(f"'{source}', column {at + 1}: a bracket is not closed")
        at += 1
    return (slot or "")[:-1], Tree(label, int((tie or "0").lstrip("#")), tuple(children)), at
