"""Terms at a free index, as verification sees them, and the rules that make equal ones equal.

A term is a product at one index of

    symbols       grad (or field), theta, slow vectors, scalars such as t or r(t), and bases, each to a whole power
    nodes         d^(k+1)L[m_1, ..., m_k] of terms m_1, ..., m_k, k >= 1
    sums          sum over the index of a term (dot products)

held as nested tuples (symbols, nodes, sums).  A base is a symbol w for something under a root or in a denominator:

    w^q = b,   b a combination of terms;   c p + rest = b   gives   p -> (w^q - rest)/c     for one chosen p of b.

For q = 1 (denominators such as |g| + eps) positive powers of w are multiplied out and partial fractions separate w from p.
These rules only ever replace a term by an equal combination.  That the terms that remain are independent is not
assumed anywhere: the rank on concrete losses shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from flint import fmpq

Term = tuple[tuple[tuple[str, int], ...], tuple["Node", ...], tuple["Term", ...]]
Node = tuple[str, tuple[Term, ...]]
Combination = dict[Term, fmpq]

ONE: Term = ((), (), ())


class NotEnumerable(Exception):
    """The terms of this scheme cannot be listed by this method (the message says why)."""


def symbol(name: str, power: int = 1) -> Term:
    """The term that is one symbol.

    >>> symbol("grad")
    ((('grad', 1),), (), ())
    """
    return (((name, power),), (), ())


@dataclass(frozen=True)
class Base:
    """w^q = content; `pivot` (with coefficient `lead`) is the part of the content that is rewritten."""

    name: str
    q: int
    content: tuple[tuple[Term, fmpq], ...]
    pivot: Term
    lead: fmpq
    scalar: bool
    always: bool = False

    @property
    def rest(self) -> list[tuple[Term, fmpq]]:
        return [(t, c) for t, c in self.content if t != self.pivot]


def joined(a: Term, b: Term) -> Term:
    """a*b at the index, as it stands."""
    if a == ONE:
        return b
    if b == ONE:
        return a
    powers = dict(a[0])
    for s, e in b[0]:
        powers[s] = powers.get(s, 0) + e
    symbols = tuple(sorted((s, e) for s, e in powers.items() if e))
    return (symbols, tuple(sorted(a[1] + b[1])), tuple(sorted(a[2] + b[2])))


def without(term: Term, pivot: Term) -> Term | None:
    """term / pivot, if the positive powers of the pivot are contained in the term."""
    powers = dict(term[0])
    if any(e > 0 and powers.get(s, 0) < e for s, e in pivot[0]):
        return None
    sums, nodes = list(term[2]), list(term[1])
    for part, pool in ((pivot[2], sums), (pivot[1], nodes)):
        for item in part:
            if item not in pool:
                return None
            pool.remove(item)  # type: ignore[arg-type]
    for s, e in pivot[0]:
        powers[s] = powers.get(s, 0) - e
    return (tuple(sorted((s, e) for s, e in powers.items() if e)), tuple(nodes), tuple(sums))


def height(term: Term) -> tuple[bool, int, tuple[tuple[str, int], ...]]:
    """Pivots: powers of the gradient first, pure powers before mixed ones."""
    names = [s for s, _ in term[0]]
    return (names in (["grad"], ["field"]), -len(names), term[0])


def collect(items: Iterable[tuple[Term, fmpq]]) -> Combination:
    """Sum of (term, coefficient) pairs, zeros left out."""
    total: Combination = {}
    for t, c in items:
        x = total.get(t)
        total[t] = c if x is None else x + c
    return {t: c for t, c in total.items() if c != 0}


def add(a: Mapping[Term, fmpq], b: Mapping[Term, fmpq], factor: int = 1) -> Combination:
    """a + factor*b."""
    return collect([*a.items(), *((t, c * factor) for t, c in b.items())])


def symbols_of(term: Term) -> Iterator[str]:
    """Every symbol in the term, at any depth."""
    yield from (s for s, _ in term[0])
    for _, children in term[1]:
        for child in children:
            yield from symbols_of(child)
    for inner in term[2]:
        yield from symbols_of(inner)
