"""Linear combinations of tied forests."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from derive.algebra.coefficients import Ratio
from derive.algebra.factored import joined
from derive.errors import UsageError, nearest
from derive.noise.forests import NORMAL, Forest, nodes, parse, text, ties
from derive.noise.generator import Generator

_LOOSE = re.compile(r"\s+(?=[\[\],])|(?<=[\[,])\s+")


@dataclass(frozen=True, repr=False)
class ForestSum:
    """A linear combination of tied forests; iterate for (coefficient, forest as text) pairs in a fixed order: few derivatives of
    the test function first, then few shared samples.

    A coefficient is divided by the symmetry of its forest.

    >>> from derive import modified_sde
    >>> g2 = modified_sde("gd", order=2)[2]
    >>> str(g2.coefficient("g1[ g ]  g1")), [f for _, f in g2][0]
    ('1/2', 'g[g,g]')
    >>> print(g2.through(2))
    1/2*(g1 g[g1]) + 1/2*(g1 g1[g])
    """

    terms: Mapping[Forest, Ratio]
    labels: frozenset[str]

    @property
    def forests(self) -> list[Forest]:
        return sorted(self.terms, key=lambda f: (len(f), len(ties(f)), f))

    def __iter__(self) -> Iterator[tuple[Ratio, str]]:
        return ((self.terms[f], text(f)) for f in self.forests)

    def __len__(self) -> int:
        return len(self.terms)

    def coefficient(self, forest: str) -> Ratio | int:
        """The coefficient of a tied forest, its trees, branches and ties in any order; 0 where it does not appear.

        Raises UsageError for what is no tied forest of this equation.
        """
        return self.terms.get(read_forest(forest, self.labels), 0)

    def through(self, *roots: int) -> ForestSum:
        """The part with so many derivatives of the test function."""
        return ForestSum({f: c for f, c in self.terms.items() if len(f) in roots}, self.labels)

    def times(self, factor: int) -> ForestSum:
        return ForestSum({f: c.scaled(factor).reduced() for f, c in self.terms.items()}, self.labels)

    def to_json(self) -> list[dict[str, str]]:
        return [{"coefficient": str(c), "forest": f} for c, f in self]

    def __str__(self) -> str:
        return joined([_signed(str(c), f) for c, f in self]) if self.terms else "0"

    def __repr__(self) -> str:
        return f"<ForestSum {self if len(self) < 4 else f'{len(self)} tied forests'}>"


def _signed(coefficient: str, forest: str) -> str:
    size = coefficient.removeprefix("-")
    shown = f"({forest})" if " " in forest else forest
    return (" - " if coefficient != size else " + ") + (shown if size == "1" else f"{size}*{shown}")


def labels_of(generator: Generator) -> frozenset[str]:
    """What nodes of its forests are called."""
    used = {t.label for power in generator.powers for f in power for t in nodes(r.tree for r in f)}
    return frozenset(used | {*generator.slow})


def read_forest(source: str, labels: Collection[str]) -> Forest:
    """A tied forest in its normal form.

    Raises UsageError for a text that is none, a label that is not known, a tie of one node, three of a normal vector.

    >>> text(read_forest(" g1 [ g ]  g1", ["g"]))
    'g1 g1[g]'
    """
    found = parse(_LOOSE.sub("", source.strip()))
    if not found:
        raise UsageError("an empty text is no tied forest; one is written like g1 g1[g]")
    for node in nodes(r.tree for r in found):
        if node.label not in labels:
            known = f"{nearest(node.label, labels)} (known: {', '.join(sorted(labels))})"
            raise UsageError(f"'{source}': no '{node.label}' in this equation{known}")
    for tie in (0, *ties(found)):
        _check_tie(source, tie, [t.label for t in nodes(r.tree for r in found) if t.tie == tie])
    return found


def _check_tie(source: str, tie: int, labels: list[str]) -> None:
    label = labels[0] if labels else ""
    if label == NORMAL and (not tie or len(labels) != 2):
        raise UsageError(f"'{source}': a normal vector stands twice, as in {label}1 {label}1")
    if tie and len(labels) == 1:
        raise UsageError(f"'{source}': nothing else is of that sample; a derivative alone is a mean and has no number, {label}")


__all__ = ["ForestSum", "labels_of", "read_forest"]
