"""The tied forests that can arise in a step's powers through a power of gamma.

Every edge costs the least power of gamma at which lines lead from its upper end to its lower one: a forest whose edges, those
from phi included, cost more than the order together has weight zero.  Costs are counted in halves, as normal vectors bring roots
of gamma in pairs.  Ties: any nodes of sampled gradients, and normal vectors in pairs.

Where gradients are means over large batches, edges below functions may cost nothing: a gradient without branches there is what
its function fluctuates about, unless it is tied.  A tie of r nodes is of the order B^(1-r), so that as many as 2M gradients of
this kind, fluctuations, matter through B^-M.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import TypeVar

from derive.errors import LimitError
from derive.noise.forests import NORMAL, Forest, Root, Tree, canonical, nodes
from derive.noise.series import Series
from derive.noise.steps import Line, Step, labels

_OPEN = "?"  # behind the label of a node whose tie is not yet chosen
MAX_FORESTS = 40_000
T = TypeVar("T")


Cost = tuple[int, int]  # in halves of powers of gamma; fluctuations


class Enumeration:
    """Forests of a step by their costs: those in one piece, where they must be `whole`; with ties through B^-`inverse`."""

    def __init__(self, step: Step, whole: bool = True, inverse: int | None = None) -> None:
        self.step, self.whole, self.inverse = step, whole, inverse
        self.labels = tuple(labels(step))
        self.from_state = self._from_states()
        self.linear = {g.label: g.linear for g in step.gradients.values()}
        self.edges = {x: self._under(x) for x in self.labels}
        self._trees: dict[tuple[str, Cost, str], list[Tree]] = {}

    def _from_states(self) -> dict[str, dict[str, int]]:
        """state -> label -> the least cost of a way from one to the other; all ways are shorter than the number of states."""
        found: dict[str, dict[str, int]] = {s: {} for s in self.step.lines}
        for _ in found:
            found = {s: self._from_line(line, found) for s, line in self.step.lines.items()}
        return found

    def _from_line(self, line: Line, states: dict[str, dict[str, int]]) -> dict[str, int]:
        found: dict[str, int] = {}

        def offer(label: str, cost: int) -> None:
            found[label] = min(cost, found.get(label, cost))

        for e, c in line.gradients.items():
            offer(self.step.gradients[e].label, 2 * _order(c))
        for (_, roots), c in line.normals.items():
            offer(NORMAL, 2 * _order(c) + _order(self.step.square(roots)))
        for s, c in line.values.items():
            offer(s, 2 * _order(c))
        for s, c in line.states.items():
            for label, cost in states[s].items():
                offer(label, 2 * _order(c) + cost)
        return found

    def _under(self, label: str) -> dict[tuple[str, str], int]:
        """(slot, label of a child) -> the cost of the edge."""
        found: dict[tuple[str, str], int] = {}
        for gradient in self.step.gradients.values():
            if gradient.label != label:
                continue
            for slot, line in gradient.point.items():
                for child, cost in self._from_line(line, self.from_state).items():
                    if self.step.spaces[child] == self.step.spaces[slot]:
                        key = "" if slot == self.step.spaces[child] else slot, child
                        found[key] = min(cost, found.get(key, cost))
        free = [slot for (slot, _), cost in found.items() if not cost and slot not in self.linear[label]]
        if any(self.inverse is None or not slot for slot in free):
            raise self.step.forms.refuse("the point of a gradient, or the argument of a function, stays at random as gamma -> 0")
        return found

    def trees(self, label: str, cost: Cost, slot: str = "") -> list[Tree]:
        """Trees with that root whose edges cost so much, ties open; memory in which a function is linear has one branch."""
        key = label, cost, slot
        if key not in self._trees:
            name = label if self._single(label) else label + _OPEN
            linear = self.linear.get(label, frozenset())
            self._trees[key] = [
                Tree(name, 0, (*branches, *rest), slot)
                for spent, branches in self._linear(label, sorted(linear), cost[0])
                for rest in _multisets(self._branches(label, linear, cost), (cost[0] - spent, cost[1]))
            ]
        return self._trees[key]

    def _branches(self, label: str, linear: frozenset[str], cost: Cost) -> dict[Cost, list[Tree]]:
        """What may hang below a node, by what it costs: something."""
        found: dict[Cost, list[Tree]] = {}
        for (slot, child), edge in self.edges[label].items():
            if slot in linear:
                continue
            for spent, noise in product(range(edge, cost[0] + 1), range(cost[1] + 1)):
                if spent or noise:
                    found.setdefault((spent, noise), []).extend(self.trees(child, (spent - edge, noise), slot))
            if not edge and cost[1] and not self._single(child):
                found.setdefault((0, 1), []).append(Tree(child + _OPEN, 0, (), slot))
        return found

    def _linear(self, label: str, slots: Sequence[str], cost: int) -> Iterator[tuple[int, tuple[Tree, ...]]]:
        """One branch for every slot, with what they cost together."""
        if not slots:
            yield 0, ()
            return
        for (slot, child), edge in self.edges[label].items():
            if slot == slots[0]:
                for own in range(cost - edge + 1):
                    for spent, rest in self._linear(label, slots[1:], cost - edge - own):
                        for t in self.trees(child, (own, 0), slot):
                            yield edge + own + spent, (t, *rest)

    def _single(self, label: str) -> bool:
        """Whether its nodes have no ties."""
        return label != NORMAL and label not in self.step.sampled

    def forests(self, cost: int) -> Iterator[Forest]:
        """Every tied forest of that cost, its roots on variables."""
        count = 0
        for noise in range(2 * (self.inverse or 0) + 1):
            items: dict[Cost, list[Root]] = {}
            for s in self.step.slow:
                for label, edge in self.from_state[s].items():
                    for c in range(edge, cost + 1):
                        for k in range(noise + 1):
                            items.setdefault((c, k), []).extend(Root(s, t) for t in self.trees(label, (c - edge, k)))
            for found in _multisets(items, (cost, noise)):
                for forest in tied(found, self.whole, self.inverse):
                    count += 1
                    if count > MAX_FORESTS:
                        raise LimitError(f"more than {MAX_FORESTS} tied forests at gamma^{cost / 2:g}; take a lower order")
                    yield forest


def _order(series: Series) -> int:
    order = series.order
    return order if order is not None else len(series.coefficients)


def _multisets(items: Mapping[Cost, Sequence[T]], total: Cost) -> Iterator[list[T]]:
    """Every multiset of items of that cost."""
    listed = [(c, item) for c in sorted(items, reverse=True) for item in items[c]]

    def extend(start: int, rest: Cost) -> Iterator[list[T]]:
        if rest == (0, 0):
            yield []
            return
        for k in range(start, len(listed)):
            (cost, noise), item = listed[k]
            if cost <= rest[0] and noise <= rest[1]:
                for more in extend(k, (rest[0] - cost, rest[1] - noise)):
                    yield [item, *more]

    yield from extend(0, total)


def tied(roots: Sequence[Root], whole: bool = True, most: int | None = None) -> Iterator[Forest]:
    """Every way to choose the open ties, each once; where it must be `whole`, those that leave the forest in one piece; with
    ties of at most so many nodes beyond one each, together.

    >>> from derive.noise.forests import text
    >>> [text(f) for f in tied([Root("", Tree("g?")), Root("", Tree("g?")), Root("", Tree("n?")), Root("", Tree("n?"))])]
    []
    >>> [text(f) for f in tied([Root("", Tree("g?", 0, (Tree("g?"),))), Root("", Tree("g?"))])]
    ['g1 g[g1]', 'g1 g1[g]', 'g1 g1[g1]']
    """
    forests, found = {canonical(roots)}, set[Forest]()
    while forests:
        closed = {f for f in forests if not any(t.label.endswith(_OPEN) for t in nodes(r.tree for r in f))}
        found |= {f for f in closed if connected(f) or not whole}
        forests = {canonical(chosen) for forest in forests - closed for chosen in _choices(forest, most)}
    yield from sorted(found)


def _choices(forest: Forest, most: int | None = None) -> Iterator[list[Root]]:
    """The forest with the first open node tied to some of the others, or to none."""
    listed = [t for r in forest for t in nodes([r.tree])]
    open_ = [k for k, t in enumerate(listed) if t.label.endswith(_OPEN)]
    first, others = open_[0], open_[1:]
    tie = 1 + max(t.tie for t in listed)
    if listed[first].label == NORMAL + _OPEN:
        blocks: list[tuple[int, ...]] = [(k,) for k in others if listed[k].label == NORMAL + _OPEN]
    else:
        free = [k for k in others if listed[k].label != NORMAL + _OPEN]
        drawn = [t.tie for t in listed if t.tie and t.label != NORMAL]
        left = len(free) if most is None else min(len(free), most - len(drawn) + len({*drawn}))
        blocks = [b for size in range(left + 1) for b in combinations(free, size)]
    for block in blocks:
        yield _with_tie(forest, {first, *block}, tie if block else 0)


def _with_tie(forest: Forest, chosen: set[int], tie: int) -> list[Root]:
    """The forest whose chosen nodes, counted from above, have that tie."""
    count = 0

    def tree(t: Tree) -> Tree:
        nonlocal count
        mine, count = count in chosen, count + 1
        children = tuple(map(tree, t.children))
        return Tree(t.label.removesuffix(_OPEN), tie, children, t.slot) if mine else t._replace(children=children)

    return [Root(r.slot, tree(r.tree)) for r in forest]


def connected(forest: Forest) -> bool:
    """Whether ties hold the trees together."""
    pieces: list[set[int]] = []
    for k, r in enumerate(forest):
        own = {t.tie for t in nodes([r.tree])} - {0} | {-k - 1}
        joined = [p for p in pieces if p & own]
        pieces = [p for p in pieces if not p & own] + [own.union(*joined)]
    return len(pieces) == 1
