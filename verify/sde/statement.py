"""The statement: a generator as JSON, read anew, with nothing of what wrote it.

    {"generator": [{"power": 1, "terms": [{"coefficient": "1/2", "forest": "g1 g1"}, ...]}, ...],
     "opaque": {"u": "sgrad(theta)/norm(sgrad(theta))"},
     "batch": "B"                                            every gradient is a mean over B samples,
     "batches": "m", "symbols": {"B": "beta**m"}}            or an epoch takes each of m batches once, in a random order

A forest is trees with blanks between them; a tree is a label, perhaps with a tie, and its children in brackets.  The tie follows
the letter g or n, and '#' after other labels; `eta:` before a tree names the variable in which phi, or the function of the node
above it, is differentiated there.  `opaque` says what other labels stand for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from derive.errors import UsageError
from derive.language import Expression, parse_expression

GRADIENT, FIELD, NORMAL = "g", "f", "n"
MAX_POWER, MAX_TEXT = 8, 300


@dataclass(frozen=True)
class Node:
    """A derivative of a function, its tie (0 for none), and what stands in its slots; `slot` is the variable in which the node
    above is differentiated, '' for the unknown of this node's space."""

    label: str
    tie: int = 0
    children: tuple[Node, ...] = ()
    slot: str = ""

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
    """G = sum gamma^k (powers[k]).  `opaque` says what labels stand for; `batch` is the number of samples of a gradient, or a
    symbol; `batches` that of the batches of an epoch, '' for independent samples, and `symbols` are those that it brings.
    """

    powers: tuple[tuple[Term, ...], ...]
    opaque: Mapping[str, str] = field(default_factory=dict)
    batch: str = "1"
    batches: str = ""
    symbols: Mapping[str, Expression] = field(default_factory=dict)

    @property
    def order(self) -> int:
        return len(self.powers) - 1

    @property
    def size(self) -> int:
        """The largest number of nodes of a forest."""
        return max((t.size for power in self.powers for t in power), default=0)

    @property
    def reach(self) -> int:
        """The largest number of derivatives of a loss, or of phi, in a forest: polynomials of this degree tell it from zero."""
        forests = [t.forest for power in self.powers for t in power]
        return max((max(len(f), *(len(n.children) + 1 for h in f for n in h.tree.nodes())) for f in forests if f), default=0)


def read_claim(data: Any) -> Claim:
    """The claim of JSON data.  Raises UsageError for anything else.

    >>> terms = [{"coefficient": "-1", "forest": "g"}]
    >>> read_claim({"generator": [{"power": 0, "terms": terms}]}).powers[0][0].forest
    (Hanging(slot='', tree=Node(label='g', tie=0, children=(), slot='')),)
    """
    if isinstance(data, dict) and "batch_order" in data:
        raise UsageError("the claim is an expansion in powers of 1/B; a finite world has all of them at once")
    blocks = _field(data, "generator", list)
    found: dict[int, list[Term]] = {}
    for b in blocks:
        power = _field(b, "power", int)
        if not 0 <= power <= MAX_POWER:
            raise UsageError(f"the claim has gamma^{power}; powers are from 0 to {MAX_POWER}")
        terms = _field(b, "terms", list)
        found.setdefault(power, []).extend(_term(_field(t, "coefficient", str), _field(t, "forest", str)) for t in terms)
    powers = tuple(tuple(found.get(k, ())) for k in range(1 + max(found, default=0)))
    symbols = {name: parse_expression(text, name) for name, text in _texts(data, "symbols").items()}
    batch, batches = (_number(data.get(key, default), key) for key, default in (("batch", "1"), ("batches", "")))
    return Claim(powers, _texts(data, "opaque"), batch, batches, symbols)


def _number(value: Any, key: str) -> str:
    """A positive number or a symbol, as text."""
    text = str(value)
    if text and not text.isidentifier() and not (text.isdigit() and 0 < len(text) < 10 and int(text)):
        raise UsageError(f"'{key}': {text[:60]} is no positive number and no symbol")
    return text


def _texts(data: Any, key: str) -> dict[str, str]:
    """A table of texts that may be left out."""
    table = data.get(key, {})
    return {name: _field(table, name, str) for name in table} if isinstance(table, dict) else {}


def _field(data: Any, key: str, kind: type) -> Any:
    if not isinstance(data, dict) or not isinstance(data.get(key), kind):
        raise UsageError(f"no '{key}' in {str(data)[:60]}; derive modified-sde --format json writes a claim")
    return data[key]


def _term(coefficient: str, forest: str) -> Term:
    found = read_forest(forest)
    count = Counter(n.tie for h in found for n in h.tree.nodes() if n.tie)
    if alone := [tie for tie, size in count.items() if size == 1]:
        raise UsageError(f"'{forest}': the tie {alone[0]} has one node; a tie is of two and more, and a mean has no number")
    return Term(parse_expression(coefficient, "coefficient"), found, forest)


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
        if len(text) > MAX_TEXT:
            raise UsageError(f"a forest of {len(text)} characters, more than {MAX_TEXT}")
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
        tree = self.node()
        return Hanging(tree.slot, replace(tree, slot=""))

    def node(self) -> Node:
        word = self.word()
        slot, word = (word, self.word()) if self.take(":") else ("", word)
        found = _TIED.fullmatch(word)
        label, tie = (found[1], int(found[2])) if found else (word, 0)
        if self.rest and self.rest[-1].startswith("#"):
            tie = int(self.rest.pop()[1:])
        children = []
        if self.take("["):
            children.append(self.node())
            while self.take(","):
                children.append(self.node())
            if not self.take("]"):
                raise self.fail()
        return Node(label, tie, tuple(children), slot)
