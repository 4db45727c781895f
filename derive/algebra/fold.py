"""The one walk over terms: what a term contains, and its value by structural recursion.

    within(term)      every factor of the term, of its children and of its bodies
    Fold              a value for each kind of factor; shared terms and factors are visited once
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator

from derive.algebra.terms import Cases, Exponent, Factor, Term, V


def terms_within(term: Term) -> Iterator[Term]:
    """The term, and every term that stands inside of it."""
    pending = [term]
    while pending:
        yield (current := pending.pop())
        for f, _ in current.factors:
            pending += f.children
            pending += (t for t, _ in f.body)


def within(term: Term) -> Iterator[Factor]:
    """Every factor that stands anywhere in the term, once for each place, exponents not counted.

    >>> from derive.algebra.coefficients import Ring; from derive.algebra.sums import Algebra
    >>> a = Algebra(Ring()); g = a.node_sum("L", []); (t,) = a.product(g, a.node_sum("L", [next(iter(g))]))
    >>> [len(f.children) for f in within(t)]
    [0, 1, 0]
    """
    for t in terms_within(term):
        for f, _ in t.factors:
            yield f


def is_polynomial(total: Iterable[Term]) -> bool:
    """No roots, absolute values or sums in denominators in the terms: equal sums of such terms have equal normal forms."""
    return all(f.kind in ("node", "state", "sum", "word") for t in total for f in within(t))


def magnitudes(term: Term) -> tuple[list[tuple[Factor, int, Exponent]], list[tuple[Factor, Exponent]]]:
    """The factors x^a |x|^b of a term as (x, a, a + b), to be read as sign(x)^a |x|^(a+b), and all others with their exponents.

    So x/|x| has no value zero times infinity where x is zero.
    """
    exponents = dict(term.factors)
    found: list[tuple[Factor, int, Exponent]] = []
    for size in [f for f in exponents if f.kind == "abs"]:
        inner = size.children[0].factors
        x = inner[0][0] if len(inner) == 1 and inner[0][1] == 1 else None
        if x is not None and x in exponents:
            a, b = exponents.pop(x), exponents.pop(size)
            found.append((x, int(a), a + b))
    return found, list(exponents.items())


class Fold(Cases[V]):
    """value(prod f^e) = prod power(value(f), e), with one method a kind of factor.

    A subclass gives the empty product, the product of two values, a power, and the value of each kind; methods of kinds get
    the factor itself and call `term` on its children, or `term` and a coefficient's value on its body.
    """

    def __init__(self) -> None:
        self._terms: dict[Term, V] = {}
        self._factors: dict[Factor, V] = {}

    def term(self, term: Term) -> V:
        found = self._terms.get(term)
        if found is None:
            found = self.one()
            for f, e in term.factors:
                found = self.times(found, self.power(self.factor(f), e, f))
            self._terms[term] = found
        return found

    def factor(self, f: Factor) -> V:
        found = self._factors.get(f)
        if found is None:
            found = self._factors[f] = self.of_kind(f)
        return found

    @abstractmethod
    def one(self) -> V: ...

    @abstractmethod
    def times(self, a: V, b: V) -> V: ...

    @abstractmethod
    def power(self, value: V, exponent: Exponent, f: Factor) -> V: ...
