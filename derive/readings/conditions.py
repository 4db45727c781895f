"""Where an equation holds: what stands under negative or fractional powers, roots or bars may not vanish.

A factor f^e of a term asks for
    f != 0   if e is a negative integer or has an odd denominator,      f > 0   if its denominator is even
    x != 0   for |x|, and for the norm of x to a power that is no even whole number
    c != 0   for a denominator c of a coefficient
in every component where f is a vector, and of some component for a norm.  What the parameters' ranges grant is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from derive.algebra.coefficients import Ratio
from derive.algebra.sums import Sum
from derive.algebra.terms import Exponent, Factor, Term
from derive.equation import ModifiedEquation
from derive.readings.signs import Signs, sums_of

Body = tuple[tuple[Term, Ratio], ...]


@dataclass(frozen=True)
class Condition:
    """`body` (a sum) is > 0 or != 0: of every component of a vector, or of some component."""

    body: Body
    op: str  # '>' or '!='
    scope: str  # 'scalar', 'every' component, 'some' component

    @property
    def key(self) -> tuple[object, ...]:
        return tuple((t.key, str(c)) for t, c in self.body), self.op, self.scope


def conditions(equation: ModifiedEquation, sums: Iterable[Sum] = ()) -> tuple[Condition, ...]:
    """What an equation (and further sums of its algebra) asks for, each condition once.

    >>> from derive.equation import modified_equation
    >>> [(c.op, c.scope, str(c.body[0][0])) for c in conditions(modified_equation("adagrad", 1))]
    [('>', 'every', 'S')]
    >>> [(c.op, c.scope, str(c.body[0][0])) for c in conditions(modified_equation("sam-normalised", 1))]
    [('!=', 'some', 'grad')]
    >>> conditions(modified_equation("momentum", 2)), conditions(modified_equation("adam-inside", 0))
    ((), ())
    """
    reader = _Reader(equation)
    poles = (Condition(((equation.algebra.unit, f),), "!=", "scalar") for f in reader.signs.poles())
    found: dict[object, Condition] = {c.key: c for c in poles}
    for total in (*sums_of(equation), *sums):
        for term in total:
            for c in reader.of(term):
                found.setdefault(c.key, c)
    return tuple(c for c in found.values() if c.op == ">" or Condition(c.body, ">", c.scope).key not in found)


def is_positive(equation: ModifiedEquation, total: Sum) -> bool:
    """Whether every term of a sum is >= 0 and one > 0, in every component, where its own conditions hold.

    >>> from derive.equation import modified_equation
    >>> from derive.readings.loss import loss_of
    >>> [is_positive(e, loss_of(e).preconditioner.sum) for e in (modified_equation("adam", 1),)]
    [True]
    """
    return _Reader(equation).positive(tuple(total.items()))


class _Reader:
    """Walks over terms, each once."""

    def __init__(self, equation: ModifiedEquation) -> None:
        self.algebra, self.signs = equation.algebra, Signs(equation)
        self.done: set[Term] = set()

    def of(self, term: Term) -> Iterator[Condition]:
        if term in self.done:
            return
        self.done.add(term)
        for f, e in term.factors:
            yield from self.asked(f, e)
            for t in (*f.children, *(t for t, _ in f.body)):
                yield from self.of(t)

    def asked(self, f: Factor, e: Exponent) -> Iterator[Condition]:
        if f.kind == "abs":
            yield self.condition(self.alone(f.children[0]), "!=", f.scalar)
        elif f.kind == "root":
            yield from self.of_parameters(f.body[0][1], absolute=f.label == "abs")
        elif e < 0 or Fraction(e).denominator > 1:
            op = "!=" if Fraction(e).denominator % 2 else ">"
            inner = f.children[0].factors if f.kind == "sum" else ()
            if len(inner) == 1 and inner[0][1] == 2:
                yield Condition(self.alone(_single(inner[0][0])), "!=", "some")
            elif f.kind != "base" or not self.positive(f.body):
                yield self.condition(f.body if f.kind == "base" else self.alone(_single(f)), op, f.scalar)

    def of_parameters(self, value: Ratio, absolute: bool) -> Iterator[Condition]:
        """Under a root of parameters; `Signs` takes roots as positive, so the ranges alone are asked here."""
        if not self.granted(value):
            yield Condition(((self.algebra.unit, value),), "!=" if absolute else ">", "scalar")

    def granted(self, value: Ratio) -> bool:
        return value.is_number or self.signs.in_ranges(value)

    def alone(self, term: Term) -> Body:
        return ((term, self.algebra.ring.one),)

    def condition(self, body: Body, op: str, scalar: bool) -> Condition:
        return Condition(body, op, "scalar" if scalar else "every")

    def positive(self, body: Body) -> bool:
        """A sum of terms that are >= 0, one of them > 0, where what they contain fulfils its own conditions."""
        return all(self.signs.of(c) == 1 and all(self.nonnegative(f, e) for f, e in t.factors) for t, c in body) and any(
            self.signs.is_positive(c) and all(self.nonzero(f, e) for f, e in t.factors) for t, c in body
        )

    def nonnegative(self, f: Factor, e: Exponent) -> bool:
        """f^e >= 0 wherever it is defined by its own condition."""
        return _nonnegative(f, e) or (f.kind == "base" and self.positive(f.body))

    def nonzero(self, f: Factor, e: Exponent) -> bool:
        """f^e != 0 there: what stands under a negative power or a bar, and what is positive."""
        norm = f.kind == "sum" and Fraction(e).denominator > 1
        return e < 0 or norm or f.kind in ("abs", "root") or (f.kind == "base" and self.positive(f.body))


def _single(f: Factor) -> Term:
    return Term(((f, 1),))


def _nonnegative(f: Factor, e: Exponent) -> bool:
    """f^e >= 0 wherever it is defined by its own condition."""
    even = isinstance(e, int) and e % 2 == 0
    square = f.kind == "sum" and all(isinstance(k, int) and k % 2 == 0 for _, k in f.children[0].factors)
    return even or Fraction(e).denominator % 2 == 0 or square or f.kind in ("abs", "root")
