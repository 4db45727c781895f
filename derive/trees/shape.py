"""One rooted tree: level sequence, bracket notation, symmetry, density, pictures.

A tree is [tau_1 ... tau_k]: a root with children.  With |tau| nodes,

    sigma([tau_1^m_1 ...]) = prod m_i! sigma(tau_i)^m_i          (symmetry)
    gamma([tau_1 ... tau_k]) = |tau| gamma(tau_1) ... gamma(tau_k)     (density)

and the elementary differential is F([tau_1 ... tau_k]) = f^(k)(F(tau_1), ..., F(tau_k)).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import factorial, prod

from derive.errors import UsageError

MAX_NODES = 20
PALETTE = ("black", "white")


Point = tuple[float, int]


@dataclass(frozen=True)
class Tree:
    """A rooted tree in canonical form: children descend (level sequence first, then colour).

    Build it with `Tree.of`, which sorts, or `Tree.from_levels`.

    >>> Tree.from_levels([1, 2, 2, 3]).levels
    (1, 2, 3, 2)
    """

    children: tuple[Tree, ...] = ()
    colour: int = 0

    @classmethod
    def of(cls, children: Iterable[Tree] = (), colour: int = 0) -> Tree:
        """The tree with these children, in any order."""
        return cls(tuple(sorted(children, key=lambda t: t.key, reverse=True)), colour)

    @classmethod
    def from_levels(cls, levels: Sequence[int], colours: Sequence[int] | None = None) -> Tree:
        """The tree of a level sequence (any labelling of the root's level; any order of children).

        Raises UsageError unless every node lies at most one level below the node before it, and below the root.
        """
        if not levels:
            raise UsageError("a level sequence has at least one entry, such as [1]")
        paint = tuple(colours) if colours is not None else (0,) * len(levels)
        if len(paint) != len(levels):
            raise UsageError(f"{len(levels)} levels and {len(paint)} colours; give one colour a node")
        for i, (a, b) in enumerate(pairwise(levels), 2):
            if not levels[0] < b <= a + 1:
                raise UsageError(f"level sequence {list(levels)}: entry {i} must lie in {levels[0] + 1} ... {a + 1}")
        # read from the right: a node adopts the finished nodes one level below it
        pending: dict[int, list[Tree]] = {}
        for level, colour in zip(reversed(levels), reversed(paint), strict=True):
            node = cls.of(pending.pop(level + 1, []), colour)
            pending.setdefault(level, []).append(node)
        return pending[levels[0]][0]

    @cached_property
    def nodes(self) -> int:
        return 1 + sum(c.nodes for c in self.children)

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """Level sequence, root at level 1: the lexicographically greatest one of this tree."""
        return (1, *(level + 1 for c in self.children for level in c.levels))

    @cached_property
    def colours(self) -> tuple[int, ...]:
        """Colours in the order of the level sequence."""
        return (self.colour, *(colour for c in self.children for colour in c.colours))

    @cached_property
    def closing_colours(self) -> tuple[int, ...]:
        """Colours in the order in which the nodes are closed: children before their parent."""
        return (*(colour for c in self.children for colour in c.closing_colours), self.colour)

    @cached_property
    def key(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Sort key: level sequence, then colours ascending."""
        return self.levels, tuple(-c for c in self.closing_colours)

    @property
    def symmetry(self) -> int:
        """Number of automorphisms.

        >>> Tree.from_levels([1, 2, 2, 2]).symmetry
        6
        """
        return prod(factorial(m) * c.symmetry**m for c, m in Counter(self.children).items())

    @property
    def density(self) -> int:
        """|tau| times the children's densities; |tau|!/density counts the monotone labellings of the nodes.

        >>> Tree.from_levels([1, 2, 3]).density
        6
        """
        return self.nodes * prod(c.density for c in self.children)

    @property
    def brackets(self) -> int:
        """The tree as 2|tau| bits, 1 where a node opens and 0 where it closes."""
        word = 1
        for c in self.children:
            word = (word << 2 * c.nodes) | c.brackets
        return word << 1

    def paint(self, width: int) -> int:
        """Colours below the root, in closing order, `width` bits each."""
        word = 0
        for colour in self.closing_colours[:-1]:
            word = (word << width) | colour
        return word

    @property
    def free_form(self) -> tuple[int, ...]:
        """Greatest level sequence over all rootings: equal exactly for rootings of the same free tree (one colour).

        >>> Tree.from_levels([1, 2, 3]).free_form == Tree.from_levels([1, 2, 2]).free_form
        True
        """
        return max(t.levels for t in self.rootings())

    def rootings(self) -> set[Tree]:
        """The trees obtained by moving the root to any node."""
        found: set[Tree] = set()
        todo = [self]
        while todo:
            tree = todo.pop()
            if tree in found:
                continue
            found.add(tree)
            for i, child in enumerate(tree.children):
                rest = Tree.of(tree.children[:i] + tree.children[i + 1 :], tree.colour)
                todo.append(Tree.of((*child.children, rest), child.colour))
        return found

    def __str__(self) -> str:
        """Bracket notation: the single node is *, a root with children [...]; colours above 0 are o, 2, 3, ...

        >>> str(Tree.from_levels([1, 2, 3, 2]))
        '[[*]*]'
        """
        mark = "*o23456789"[self.colour]
        if not self.children:
            return mark
        return f"{'' if self.colour == 0 else mark}[{''.join(map(str, self.children))}]"

    def latex(self) -> str:
        r"""Picture for TikZ, growing upwards from the root; the nodes of other colours than the first are paler.

        >>> print(Tree.from_levels([1, 2]).latex())
        \tikz[x=7pt,y=8pt]{\draw (0,0)--(0,1);\filldraw (0,0) circle(1.5pt) (0,1) circle(1.5pt);}
        """
        places, edges, _ = self._layout(0.0, 0)
        lines = " ".join(f"({x:g},{y})--({u:g},{v})" for (x, y), (u, v) in edges)
        marks = []
        for colour in sorted({c for c, _, _ in places}):
            circles = " ".join(f"({x:g},{y}) circle(1.5pt)" for c, x, y in places if c == colour)
            fill = "" if colour == 0 else f"[fill={PALETTE[1] if colour == 1 else f'black!{20 * colour}'}]"
            marks.append(rf"\filldraw{fill} {circles};")
        pieces = [rf"\draw {lines};"] * bool(lines) + marks
        return rf"\tikz[x=7pt,y=8pt]{{{''.join(pieces)}}}"

    def _layout(self, left: float, depth: int) -> tuple[list[tuple[int, float, int]], list[tuple[Point, Point]], float]:
        """Nodes (colour, x, y) with the root first, edges, width: leaves side by side, a parent over their middle."""
        places: list[tuple[int, float, int]] = []
        edges: list[tuple[Point, Point]] = []
        width, tops = 0.0, []
        for child in self.children:
            inner, lines, size = child._layout(left + width, depth + 1)
            places, edges, width = [*places, *inner], [*edges, *lines], width + size
            tops.append((inner[0][1], inner[0][2]))
        x = left if not tops else (tops[0][0] + tops[-1][0]) / 2
        root = (x, depth)
        return [(self.colour, x, depth), *places], [*((root, top) for top in tops), *edges], max(width, 1.0)

    def differential(self, fields: Sequence[str] = ("f",)) -> str:
        """Elementary differential in prime notation.

        >>> Tree.from_levels([1, 2, 2, 3]).differential()
        "f''(f'f, f)"
        """
        name = fields[self.colour] if self.colour < len(fields) else f"f{self.colour + 1}"
        inner = [c.differential(fields) for c in self.children]
        order = "'" * len(inner) if len(inner) <= 3 else f"^({len(inner)})"
        return name + order + (f"({', '.join(inner)})" if len(inner) > 1 else "".join(inner))


def parse_tree(text: str) -> Tree:
    """A tree from bracket notation, as `str` prints it, or from a level sequence '1,2,3'.

    >>> parse_tree("[[*]*]") == parse_tree("1,2,2,3")
    True
    """
    compact = "".join(text.split())
    if compact and all(c in "0123456789,-" for c in compact) and compact not in "23456789":
        try:
            return Tree.from_levels([int(c) for c in compact.split(",")])
        except ValueError:
            raise UsageError(f"'{text}' is no level sequence; write for example '1,2,3'") from None
    tree, end = _read(compact, 0, text)
    if end != len(compact):
        raise UsageError(f"tree '{text}': '{compact[end]}' after the tree is complete (column {end + 1})")
    return tree


def _read(text: str, at: int, source: str) -> tuple[Tree, int]:
    marks = "*o23456789"
    colour, marked = 0, at < len(text) and text[at] in marks
    if marked:
        colour, at = marks.index(text[at]), at + 1
    if at >= len(text) or text[at] != "[":
        if marked:
            return Tree((), colour), at
        raise UsageError(f"tree '{source}': expected '*' or '[' at column {at + 1}; write for example '[[*]*]'")
    children: list[Tree] = []
    at += 1
    while at < len(text) and text[at] != "]":
        if len(children) > MAX_NODES or at > 4 * MAX_NODES:
            raise UsageError(f"tree '{source}': more than {MAX_NODES} nodes")
        child, at = _read(text, at, source)
        children.append(child)
    if at >= len(text):
        raise UsageError(f"tree '{source}': a ']' is missing")
    return Tree.of(children, colour), at + 1
