"""Inequalities between sums of terms, up to positive factors.

    a - b > 0   <=>   q (a - b) > 0        for q > 0: a product of sizes, roots and even powers, or a positive coefficient

so that 1 - c |grad|^-1 > 0 is |grad| > c.  What is positive vanishes at single points, which are ties.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from derive.algebra.coefficients import Ratio
from derive.algebra.sums import Algebra, Sum
from derive.algebra.terms import Exponent, Factor, as_exponent, combination_text

#: +1 or -1 where something has that sign for all parameters in their ranges, 0 where it vanishes, None where that is open
Sign = Callable[[Ratio], int | None]
SignOfSum = Callable[[Sum], int | None]


@dataclass(frozen=True, eq=False)
class Inequality:
    """sum > 0, the leading part of a condition: the coefficient of gamma^power.  `componentwise`: at every component."""

    algebra: Algebra
    sum: Sum
    power: Exponent = 0
    componentwise: bool = False

    @property
    def sides(self) -> tuple[Sum, str, Sum]:
        """(left, '>' or '<', right): what depends on theta on the left, with a plus, as far as that is possible."""
        more = {t: c for t, c in self.sum.items() if not str(c).startswith("-")}
        less = {t: -c for t, c in self.sum.items() if t not in more}
        depends = [any(t.factors for t in side) for side in (more, less)]
        for side, alone, op in ((more, not depends[1], ">"), (less, not depends[0], "<")):
            if alone and any(depends):
                other = {t: c if side is less else -c for t, c in self.sum.items() if not t.factors}
                return {t: c for t, c in side.items() if t.factors}, op, other
        return (more, ">", less) if more else (less, "<", more)

    def __str__(self) -> str:
        left, op, right = self.sides
        return f"{self._text(left)} {op} {self._text(right)}"

    def _text(self, total: Sum) -> str:
        return combination_text(self.algebra.sorted(total)) if total else "0"


def sign_of_terms(total: Sum, sign: Sign) -> int | None:
    """The sign of a sum of terms wherever none of them vanishes, if its terms show one; 0 for the empty sum.

    >>> from derive.algebra.coefficients import Ring
    >>> a = Algebra(Ring()); g = a.node_sum("L", []); one = a.constant(a.ring.one)
    >>> number = lambda c: (c.number() > 0) - (c.number() < 0)
    >>> sign_of_terms(a.add(a.product(g, g), one), number), sign_of_terms(a.add(g, one), number)
    (1, None)
    """
    signs = {sign(c) if t.nonnegative else None for t, c in total.items()} - {0}
    return 0 if not signs else signs.pop() if len(signs) == 1 else None


def normal_form(algebra: Algebra, total: Sum, sign: Sign) -> Sum:
    """The sum times what is positive: without negative powers and common sizes, its last coefficient 1 or -1.

    >>> from derive.algebra.coefficients import Ring
    >>> a = Algebra(Ring()); g = a.node_sum("L", []); two = a.constant(a.ring.constant(2))
    >>> number = lambda c: (c.number() > 0) - (c.number() < 0)
    >>> str(Inequality(a, normal_form(a, a.scale(a.product(a.product(g, g), a.add(g, two)), a.ring.constant(-3)), number)))
    'grad < -2'
    """
    for f, e in _common(total).items():
        cleared = algebra.product(total, {algebra.interner.term({f: e}): algebra.ring.one})
        total = cleared if len(cleared) <= len(total) else total  # a pole meets its base: left as it is
    for _, c in algebra.sorted(total)[-1:]:
        if s := sign(c):
            total = algebra.scale(total, c.inverse().scaled(s))
    return {t: c.reduced() for t, c in total.items() if c}


def _common(total: Sum) -> dict[Factor, Exponent]:
    """The inverse of what is positive and divides every term, or stands in a denominator."""
    powers = [dict(t.factors) for t in total]
    found: dict[Factor, Exponent] = {}
    for f in dict.fromkeys(f for p in powers for f in p):
        exponents = [Fraction(p.get(f, 0)) for p in powers]
        positive = f.positive or any(e.denominator % 2 == 0 for e in exponents)  # what a root is taken of
        whole = min(exponents) if positive else Fraction(2 * floor(min(exponents) / 2))
        if whole:
            found[f] = as_exponent(-whole)
    return found


def opposed(a: Inequality, b: Inequality, sign: SignOfSum) -> bool:
    """Whether both cannot hold: a + b is not positive."""
    return sign(a.algebra.add(a.sum, b.sum)) in (0, -1)


def follows(b: Inequality, a: Inequality, sign: SignOfSum) -> bool:
    """Whether b holds where a does: b - a is not negative."""
    return sign(a.algebra.add(b.sum, a.algebra.scale(a.sum, a.algebra.ring.constant(-1)))) in (0, 1)


def independent(found: Iterable[Inequality], sign: SignOfSum) -> Iterator[Inequality]:
    """Those that do not follow from another one."""
    kept = list(found)
    for b in list(kept):
        rest = [a for a in kept if a is not b]
        if any(a.componentwise >= b.componentwise and follows(b, a, sign) for a in rest):
            kept = rest
    yield from kept


__all__ = ["Inequality", "Sign", "follows", "independent", "normal_form", "opposed", "sign_of_terms"]
