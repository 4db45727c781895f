"""Sums of terms as plain tuples, which pickle and compare, and back: terms are interned anew in the algebra they come to.

    sum       ((term, coefficient), ...)
    term      ((factor, numerator, denominator of the exponent), ...)
    factor    (kind, label, scalar, positive, children, body, place of the leading monomial in the body)

|f|, which a factor f remembers once it has been asked for, is found again by asking.  Shared parts stay shared.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from derive.algebra.coefficients import Ratio, frozen_ratio, thawed_ratio
from derive.algebra.normal import Sum
from derive.algebra.sums import Algebra
from derive.algebra.terms import Factor, Term, as_exponent

Frozen = tuple[Any, ...]


def freeze(total: Sum) -> Frozen:
    """The sum as nested tuples of numbers and texts; it need not be sorted, as terms are identified by what they contain.

    >>> from derive.algebra.coefficients import Ring
    >>> a = Algebra(Ring()); b = Algebra(Ring())
    >>> thaw(b, freeze(a.node_sum("L", []))) == b.node_sum("L", [])
    True
    """
    return _Freezer().body(total.items())


def thaw(algebra: Algebra, data: Frozen) -> Sum:
    """The sum in an algebra over a ring with the same symbols."""
    return dict(_Thawer(algebra).body(data))


class _Freezer:
    def __init__(self) -> None:
        self.terms: dict[Term, Frozen] = {}

    def body(self, items: Any) -> Frozen:
        return tuple((self.term(t), frozen_ratio(c)) for t, c in items)

    def term(self, term: Term) -> Frozen:
        found = self.terms.get(term)
        if found is None:
            exponents = ((f, Fraction(e)) for f, e in term.factors)
            found = self.terms[term] = tuple((self.factor(f), e.numerator, e.denominator) for f, e in exponents)
        return found

    def factor(self, f: Factor) -> Frozen:
        leading = None if f.leading is None else [t for t, _ in f.body].index(f.leading[0])
        return f.kind, f.label, f.scalar, f.positive, tuple(map(self.term, f.children)), self.body(f.body), leading


class _Thawer:
    def __init__(self, algebra: Algebra) -> None:
        self.ring, self.interner, self.spaces = algebra.ring, algebra.interner, algebra.spaces
        self.functions = algebra.functions
        self.terms: dict[int, Term] = {}  # by identity, so that what is shared is read once

    def body(self, data: Frozen) -> tuple[tuple[Term, Ratio], ...]:
        return tuple((self.term(t), thawed_ratio(self.ring, c)) for t, c in data)

    def term(self, data: Frozen) -> Term:
        found = self.terms.get(id(data))
        if found is None:
            exponents = {self.factor(f): as_exponent(Fraction(p, q)) for f, p, q in data}
            found = self.terms[id(data)] = self.interner.term(exponents)
        return found

    def factor(self, data: Frozen) -> Factor:
        kind, label, scalar, positive, children, inside, leading = data
        body = self.body(inside)
        f = self.interner.factor(kind, label, map(self.term, children), scalar, body, positive)
        if leading is not None:
            f.leading = body[leading]
        if kind == "state":
            f.space = self.spaces.get(label, "")
        if kind == "moved":
            f.slots = self.functions[label].slots
        return f
