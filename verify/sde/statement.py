"""The statement: a generator as JSON, read anew, with nothing of what wrote it.

    {"generator": [{"power": 1, "terms": [{"coefficient": "1/2", "forest": "g1 g1"}, ...]}, ...]}

A forest is trees with blanks between them; a tree is a label, perhaps with a tie, and its children in brackets.  The tie follows
the letter g or n, and '#' after other labels; `eta:` before a tree names the variable in which phi is differentiated there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from derive.errors import UsageError
from derive.language import Expression, parse_expression

GRADIENT, FIELD, NORMAL = "g", "f", "n"


@dataclass(frozen=True)
class Node:
    """A derivative of a function, its tie (0 for none), and what stands in its slots."""

    label: str
    tie: int = 0
    children: tuple[Node, ...] = ()

    def nodes(self) -> Iterator[Node]:
        yield self
        for c in self.children:
            yield from c.nodes()


@dataclass(frozen=True)
class Hanging:
    """A tree under phi, and the variable in which phi is differentiated there; '' for the unknown of the tree's space."""

    slot: str
    tree: Node


@dataclass(frozen=True)
class Term:
    coefficient: Expression
    forest: tuple[Hanging, ...]
    text: str

    @property
    def size(self) -> int:
        """The number of nodes; two of one normal vector count as one."""
        nodes = [n for h in self.forest for n in h.tree.nodes()]
        normal = sum(n.label == NORMAL for n in nodes)
        return len(nodes) - normal + (normal + 1) // 2


@dataclass(frozen=True)
class Claim:
    """G = sum gamma^k (powers[k])."""

    powers: tuple[tuple[Term, ...], ...]

    @property
    def order(self) -> int:
        return len(self.powers) - 1

    @property
    def size(self) -> int:
        """The largest number of nodes of a forest."""
        return max((t.size for power in self.powers for t in power), default=0)


def read_claim(data: Mapping[str, Any]) -> Claim:
    """
    >>> terms = [{"coefficient": "-1", "forest": "g"}]
    >>> read_claim({"generator": [{"power": 0, "terms": terms}]}).powers[0][0].forest
    (Hanging(slot='', tree=Node(label='g', tie=0, children=())),)
    """
    blocks = data["generator"]
    powers: list[tuple[Term, ...]] = [()] * (1 + max((int(b["power"]) for b in blocks), default=0))
    for b in blocks:
        powers[int(b["power"])] += tuple(_term(t["coefficient"], t["forest"]) for t in b["terms"])
    return Claim(tuple(powers))


def _term(coefficient: str, forest: str) -> Term:
    return Term(parse_expression(coefficient, "coefficient"), read_forest(forest), forest)


_PART = re.compile(r"\s*([^\W\d][\w.]*|#\d+|[:\[\],])")
_TIED = re.compile(rf"([{GRADIENT}{NORMAL}])(\d+)")


def read_forest(text: str) -> tuple[Hanging, ...]:
    """
    >>> [(h.slot, h.tree.label, h.tree.tie, len(h.tree.children)) for h in read_forest("g12[g,n3] eta:f.x#1")]
    [('', 'g', 12, 2), ('eta', 'f.x', 1, 0)]
    """
    reader = _Forest(text)
    found = []
    while reader.rest:
        found.append(reader.hanging())
    return tuple(found)


class _Forest:
    """Reads from left to right; `rest` is what is left, the next part last."""

    def __init__(self, text: str) -> None:
        self.text, self.rest, at = text, list[str](), 0
        while text[at:].strip():
            found = _PART.match(text, at)
            if not found:
                raise self.fail()
            self.rest.append(found[1])
            at = found.end()
        self.rest.reverse()

    def fail(self) -> UsageError:
        return UsageError(f"'{self.text}' is no forest of trees such as g1 g1[g]")

    def take(self, *wanted: str) -> bool:
        """Whether the next part is one of these; it is taken then."""
        if self.rest and self.rest[-1] in wanted:
            self.rest.pop()
            return True
        return False

    def word(self) -> str:
        if not self.rest or self.rest[-1][0] in ":[],#":
            raise self.fail()
        return self.rest.pop()

    def hanging(self) -> Hanging:
        word = self.word()
        return Hanging(word, self.node(self.word())) if self.take(":") else Hanging("", self.node(word))

    def node(self, word: str) -> Node:
        found = _TIED.fullmatch(word)
        label, tie = (found[1], int(found[2])) if found else (word, 0)
        if self.rest and self.rest[-1].startswith("#"):
            tie = int(self.rest.pop()[1:])
        children = []
        if self.take("["):
            children.append(self.node(self.word()))
            while self.take(","):
                children.append(self.node(self.word()))
            if not self.take("]"):
                raise self.fail()
        return Node(label, tie, tuple(children))
