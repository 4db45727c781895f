"""The value of tied forests on vectors of any size: sums over samples of products of directional derivatives.

    g1 g1[g]   ->   sum over the samples s of  w_s (g_s - g) (x) (H_s - H) g

A tie is a central moment here (`moments` takes cumulants apart).  It is bound at the lowest node that has all of its members
below: there stands the sum over its samples, so that what has no tie in it is computed once, outside of all sums.  Of two members
one need not be centred, E (X - EX)(Y - EY) = E X (Y - EY), and this is the upper one, so that no mean is taken for every sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import product
from math import factorial, prod
from typing import Any, NamedTuple, Protocol

from derive.concrete.tied import partitions
from derive.noise.forests import NORMAL, Forest, Tree, nodes

Vector = Any  # a tree of arrays, or an array over points
Value = Any  # what sums are made of: a vector, a number, a mapping of these
Sample = Any
Known = dict["Node", Vector]
Bound = Mapping[int, Sample]  # the sample of every tie; of negative ties, those of normal vectors, the unit vector


class Node(NamedTuple):
    """A derivative of a sample's function (of tie 0: of the mean), less the mean where it is `centred`; summed over the
    samples of the ties that it `binds`."""

    label: str
    tie: int
    centred: bool
    children: tuple[Node, ...]
    slot: str
    binds: tuple[int, ...] = ()


class Roots(NamedTuple):
    """A forest: the slots and trees below phi, and the ties that several of them share."""

    slots: tuple[str, ...]
    trees: tuple[Node, ...]
    binds: tuple[int, ...]


class Sampled(Protocol):
    """The functions of the samples at a point, and the arithmetic of vectors."""

    def state(self, label: str) -> Vector | None:
        """The value of a slow variable; None for other labels."""

    def derivative(self, label: str, sample: Sample | None, directions: Sequence[tuple[str, Vector]]) -> Vector:
        """A label's function of that sample, or its mean, differentiated along vectors, each in its slot."""

    def over_samples(self, f: Callable[[Sample], Value], weights: Any = None) -> Value:
        """sum over the samples of w_s f(s); by their probabilities, if no other weights are given."""

    def over_normal(self, f: Callable[[Vector], Value]) -> Value:
        """sum over the unit vectors e of f(e)."""

    def plus(self, a: Vector, b: Vector) -> Vector: ...

    def scaled(self, c: Any, a: Vector) -> Vector: ...

    def inner(self, a: Vector, b: Vector) -> Any: ...


# ---------------------------------------------------------------------------------------------- forests


def moments(forest: Forest) -> Iterator[tuple[int, Roots]]:
    """The forest with joint cumulants written in central moments: (factor, forest with moments at its ties).

    >>> from derive.noise.forests import parse
    >>> [(c, [t.binds for t in roots.trees], roots.binds) for c, roots in moments(parse("g[g1,g1]"))]
    [(1, [(1,)], ())]
    >>> [c for c, _ in moments(parse("g1 g1 g1 g1"))]
    [-1, -1, -1, 1]
    """
    places = _places(forest)
    for choice in product(*(list(partitions(found)) for found in places.values())):
        blocks = [(tie, b) for tie, part in zip(places, choice, strict=True) for b in part]
        factor = prod((-1) ** (len(part) - 1) * factorial(len(part) - 1) for part in choice)
        numbered = [(k if tie > 0 else -k, b) for k, (tie, b) in enumerate(blocks, 1)]
        yield factor, _tied(forest, {p: (k, k > 0 and (len(b) != 2 or p != b[0])) for k, b in numbered for p in b})


def with_all_centred(forest: Forest) -> Roots:
    """The forest with every member of its ties centred.  Raises ValueError where a cumulant is no central moment."""
    places = _places(forest)
    if any(len(found) > 3 for found in places.values()):
        raise ValueError
    return _tied(forest, {p: (tie, tie > 0) for tie, found in places.items() for p in found})


def _places(forest: Forest) -> dict[int, tuple[int, ...]]:
    """Tie -> the places of its nodes; ties of normal vectors are negative."""
    found: dict[int, tuple[int, ...]] = {}
    for place, node in enumerate(nodes(r.tree for r in forest)):
        if node.tie:
            tie = -node.tie if node.label == NORMAL else node.tie
            found[tie] = (*found.get(tie, ()), place)
    return found


def _tied(forest: Forest, tie_of: Mapping[int, tuple[int, bool]]) -> Roots:
    """The forest with the tie of every place, and whether it is centred."""
    count, place = _counts(tie_of), iter(range(len(list(nodes(r.tree for r in forest)))))

    def of(t: Tree) -> Node:
        tie, centred = tie_of.get(next(place), (0, False))
        return Node(t.label, tie, centred, tuple(map(of, t.children)), t.slot)

    trees = tuple(_binding(of(r.tree), count) for r in forest)
    inside = {tie for t in trees for tie in _bound_in(t)}
    return Roots(tuple(r.slot for r in forest), trees, tuple(k for k in sorted(count) if k not in inside))


def _counts(tie_of: Mapping[int, tuple[int, bool]]) -> dict[int, int]:
    found: dict[int, int] = {}
    for tie, _ in tie_of.values():
        found[tie] = found.get(tie, 0) + 1
    return found


def _binding(node: Node, count: Mapping[int, int]) -> Node:
    """Every tie bound at the lowest node that has all of its members below."""
    children = tuple(_binding(c, count) for c in node.children)
    node = node._replace(children=children)
    inside = {tie for c in children for tie in _bound_in(c)}
    whole = (k for k, n in _members(node).items() if n == count[k] and k not in inside)
    return node._replace(binds=tuple(sorted(whole)))


def _members(node: Node) -> dict[int, int]:
    found = {node.tie: 1} if node.tie else {}
    for c in node.children:
        for k, n in _members(c).items():
            found[k] = found.get(k, 0) + n
    return found


def _bound_in(node: Node) -> set[int]:
    return {*node.binds}.union(*map(_bound_in, node.children))


@lru_cache(maxsize=1 << 14)
def _free(node: Node) -> frozenset[int]:
    """The ties of a node that are bound above it."""
    found = frozenset({node.tie} - {0}).union(*map(_free, node.children))
    return found - {*node.binds}


# ---------------------------------------------------------------------------------------------- values


class TiedVectors:
    """Values of forests at one point.  Every node is computed once in the sum in which it stands.

    `spaces` says in which variable a node above is differentiated along the vector of a label.
    """

    def __init__(self, sampled: Sampled, spaces: Mapping[str, str]) -> None:
        self.sampled, self.spaces = sampled, spaces
        self.known: dict[Node, Vector] = {}

    def forest(self, roots: Roots, combined: Callable[[list[Vector]], Value]) -> Value:
        """The sum of `combined(vectors of the roots)` over the ties that these share."""
        return self._summed(roots.binds, roots.trees, {}, self.known, combined)

    def vector(self, node: Node, at: Bound) -> Vector:
        """The vector of a tree, its free ties bound to these samples."""
        return self._vector(node, at, dict(self.known))

    def prepare(self, node: Node) -> None:
        """What in a tree depends on no free tie: outside of sums it is computed once."""
        self._prepare(node, {}, self.known)

    def _summed(
        self, binds: Sequence[int], trees: Sequence[Node], at: Bound, known: Known, combined: Callable[[list[Vector]], Value]
    ) -> Value:
        if not binds:
            return combined([self._vector(t, at, known) for t in trees])
        for t in trees:
            self._prepare(t, at, known)
        first, *rest = binds

        def with_sample(s: Sample) -> Value:
            return self._summed(rest, trees, {**at, first: s}, dict(known), combined)

        return self.sampled.over_samples(with_sample) if first > 0 else self.sampled.over_normal(with_sample)

    def _prepare(self, node: Node, at: Bound, known: Known) -> None:
        if _free(node) <= at.keys():
            self._vector(node, at, known)
            return
        for c in node.children:
            self._prepare(c, at, known)
        if node.centred and _free(_mean(node)) <= at.keys():
            self._vector(_mean(node), at, known)

    def _vector(self, node: Node, at: Bound, known: Known) -> Vector:
        if node not in known:
            known[node] = self._found(node, at, known)
        return known[node]

    def _found(self, node: Node, at: Bound, known: Known) -> Vector:
        if node.binds:
            return self._summed(node.binds, [node._replace(binds=())], at, known, lambda vectors: vectors[0])
        if node.tie < 0:
            return at[node.tie]
        if (value := self.sampled.state(node.label)) is not None:
            return value
        directions = [(c.slot or self.spaces[c.label], self._vector(c, at, known)) for c in node.children]
        found = self.sampled.derivative(node.label, at[node.tie] if node.tie else None, directions)
        if not node.centred:
            return found
        return self.sampled.plus(found, self.sampled.scaled(-1.0, self._vector(_mean(node), at, known)))


def _mean(node: Node) -> Node:
    return node._replace(tie=0, centred=False, binds=())
