"""Signs of coefficients and of sums of terms, for every loss and all parameters in their ranges.

    sum_t c_t(p) t > 0 ?

Terms whose signs show are looked at first.  Else every factor of the terms becomes a real number of its own, with what is known
of it: a size is positive and |x|^2 = x^2, a root r of B is positive and r^q = B; what remains is a statement about polynomials.
Single points at which a factor vanishes are ties, and are left out: factors of theta are not zero here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from math import lcm

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.fold import terms_within
from derive.algebra.inequalities import sign_of_terms
from derive.algebra.sums import Sum
from derive.algebra.terms import Factor, Term
from derive.errors import DeriveError
from derive.language import parse_expression
from derive.reals import TRUE, All, Budget, Compare, Formula, Proved, compare, decide, ratio_of
from derive.reals.formula import names_in
from derive.scheme import Configuration
from derive.scheme.ranges import comparisons

MOST_FACTORS = 8
_BUDGET = Budget(steps=100_000, seconds=1)


class Signs:
    """+1 or -1 where something has that sign for all parameters that satisfy `given`, 0 where it vanishes, else None."""

    def __init__(self, given: Formula = TRUE, positive: Collection[str] = ()) -> None:
        self.given, self.positive = given, frozenset(positive)
        self.names = names_in(given)
        self.known: dict[str, int | None] = {}

    def __call__(self, c: Ratio) -> int | None:
        """The sign of a coefficient."""
        if c.is_number:
            return (c.number() > 0) - (c.number() < 0)
        text = str(c)
        if text not in self.known:
            self.known[text] = self._of_monomials(c) or (None if self._is_free(c) else self._decided(c, self.given))
        return self.known[text]

    def _of_monomials(self, c: Ratio) -> int | None:
        """The sign of a quotient of monomials in positive parameters, which needs no search; None for others."""
        sign = 1
        for p in (c.num, *(c.ring.factors[i] for i, e in c.den if e % 2)):
            monomials = c.ring.monomials(p)
            if len(monomials) != 1 or not all(n in self.positive for n, _ in monomials[0][1]):
                return None
            sign *= 1 if monomials[0][0] > 0 else -1
        return sign

    def _is_free(self, c: Ratio) -> bool:
        """Whether it is an odd power of a parameter of which nothing is known, times others."""
        monomials = c.ring.monomials(c.num)
        return len(monomials) == 1 and not c.den and any(e % 2 and n not in self.names for n, e in monomials[0][1])

    def of(self, total: Sum) -> int | None:
        """The sign of a sum of terms wherever none of its factors vanishes."""
        shown = sign_of_terms(total, self)
        if shown is not None:
            return shown
        if _unbounded(total):
            return None
        numbers = _Numbers(total)
        if len(total) < 2 or len(numbers.places) > MOST_FACTORS:
            return None
        return self._decided(numbers.value(total), All((self.given, *numbers.known())))

    @staticmethod
    def _decided(c: Ratio, given: Formula) -> int | None:
        found = (s for s, op in ((1, ">"), (-1, "<")) if isinstance(decide(compare(c, op, c.ring.zero), given, _BUDGET), Proved))
        return next(found, None)


def _unbounded(total: Sum) -> bool:
    """Whether one term alone has a factor that is free of all others and makes the sum take both signs: x in x + 5."""
    factors = [(f, e) for t in total for f, e in t.factors]
    for f, e in factors:
        others = {a for other, _ in factors if other is not f for a in _atoms(other)}
        alone = sum(other is f for other, _ in factors) == 1 and not others.intersection(_atoms(f))
        if alone and (len(total) == 2 if f.positive or e % 1 else e % 2):
            return True
    return False


def _atoms(f: Factor) -> set[Factor]:
    """What a factor is made of."""
    if f.kind not in ("base", "abs", "root"):
        return {f}
    inside = (*(t for t, _ in f.body), *f.children)
    return {a for t in inside for g, _ in t.factors for a in _atoms(g)}


class _Numbers:
    """Every factor of a sum as a number of its own, over one ring with the parameters."""

    def __init__(self, total: Sum) -> None:
        parts: dict[Factor, int] = {}  # the common denominator of the exponents of each
        for t in total:
            for inner in terms_within(t):
                for f, e in inner.factors:
                    parts[f] = lcm(parts.get(f, 1), Fraction(e).denominator)
        self.parts = parts
        self.places = {f: f"x{k}" for k, f in enumerate(parts)}
        symbols = {s for c in (*total.values(), *(c for f in parts for _, c in f.body)) for s in c.symbols()}
        self.ring = Ring([*sorted(symbols), *(f"factor {x}" for x in self.places.values())])

    def number(self, f: Factor) -> Ratio:
        """What stands for f^(1/q)."""
        return self.ring.symbol(f"factor {self.places[f]}")

    def term(self, t: Term) -> Ratio:
        value = self.ring.one
        for f, e in t.factors:
            value = value * self.number(f) ** int(e * self.parts[f])
        return value

    def value(self, total: Mapping[Term, Ratio]) -> Ratio:
        return sum((c.substitute({}, self.ring) * self.term(t) for t, c in total.items()), self.ring.zero)

    def known(self) -> list[Formula]:
        """What is known of every factor."""
        found: list[Formula] = []
        for f, q in self.parts.items():
            x = self.number(f)
            found.append(Compare(x, ">" if f.positive or q % 2 == 0 else "!="))
            if f.kind in ("base", "root") and f.label != "abs":
                found.append(Compare(x**q - self.value(dict(f.body)), "=="))
            if f.kind == "abs":
                found.append(Compare(x ** (2 * q) - self.term(f.children[0]) ** 2, "=="))
        return found


def signs_of(configuration: Configuration, more: Collection[Formula] = ()) -> Signs:
    """What the scheme's file says of the parameters that are free, and more."""
    stated, ring = list(_stated(configuration)), Ring(sorted(configuration.free))
    positive = {b for a, op, b in stated if (a, op) == ("0", "<")} | {a for a, op, b in stated if (op, b) == (">", "0")}
    parts: list[Formula] = []
    for left, op, right in stated:
        with suppress(DeriveError, ValueError):  # a bound in a name that does not occur
            a, b = (ratio_of(parse_expression(side, "range"), ring) for side in (left, right))
            parts.append(compare(a, op, b))
    return Signs(All((*parts, *more)), positive)


def _stated(configuration: Configuration) -> Iterator[tuple[str, str, str]]:
    for name in configuration.free:
        if name in configuration.scheme.parameters:
            yield from comparisons(configuration.scheme.parameters[name])


__all__ = ["Signs", "signs_of"]
