"""Whether a sum of terms vanishes identically, proved: by normal form, else as a rational function of its factors.

Terms whose denominators are one power written in two ways, (|g| + eps)^2 and g^2 + 2 eps |g| + eps^2, do not cancel in normal
form.  With every factor that is no base an independent symbol, except that x^2 = |x|^2, they do.  What is found to vanish does;
what is not need not differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.fold import Fold, terms_within, within
from derive.algebra.sums import Algebra, Sum
from derive.algebra.terms import Exponent, Factor, Term
from derive.errors import UndecidedError
from derive.readings.bounds import by_powers


def vanishes(algebra: Algebra, total: Sum) -> bool:
    """Whether the sum is proved to be zero.

    >>> a = Algebra(Ring(["eps"])); g, eps = a.absolute(a.node_sum("L", [])), a.constant(a.ring.symbol("eps"))
    >>> root, one = a.add(g, eps), a.constant(a.ring.one)
    >>> square = a.add(a.product(g, g), a.add(a.scale(a.product(g, eps), a.ring.constant(2)), a.product(eps, eps)))
    >>> first, second = a.power(root, Fraction(-2)), a.power(square, Fraction(-1))
    >>> difference = a.add(first, {t: -c for t, c in second.items()})
    >>> vanishes(a, difference), vanishes(a, first)
    (True, False)
    """
    if algebra.is_zero(total):
        return True
    if not any(f.kind == "base" for t in total for f, _ in t.factors):
        return False
    symbols = _Symbols(algebra, total)
    try:
        parts = [symbols.total(total.items()).reduced()]
    except ZeroDivisionError:
        raise UndecidedError("a denominator vanishes identically, though the normal form of its terms does not show it") from None
    for x, absolute in symbols.pairs:
        parts = [half for p in parts for half in _halves(p, x, absolute)]
    return not any(parts)


def _halves(value: Ratio, x: str, absolute: str) -> tuple[Ratio, Ratio]:
    """p, q with numerator = p + q x, powers of x rewritten with x^2 = |x|^2."""
    ring = value.ring
    square, parts = ring.symbol(absolute) ** 2, [ring.zero, ring.zero]
    for k, c in enumerate(by_powers(value.num, ring, x)):
        parts[k % 2] = parts[k % 2] + c * square ** (k // 2)
    return parts[0], parts[1]


class _Symbols(Fold[Ratio]):
    """Terms as rational functions; `pairs` are the symbols of (x, |x|)."""

    def __init__(self, algebra: Algebra, total: Sum) -> None:
        super().__init__()
        factors = {f for t in total for f in within(t)}
        self.names: dict[tuple[Factor, int], str] = {}
        letter = algebra.ring.fresh("x")
        roots = {Fraction(e).denominator for term in total for t in terms_within(term) for _, e in t.factors}
        for f in factors:
            for root in roots | {1}:
                self.names[f, root] = f"{letter}_{len(self.names)}"
        self.ring = Ring((*algebra.ring.symbols, *self.names.values()))
        self.pairs: list[tuple[str, str]] = []

    def total(self, items: Iterable[tuple[Term, Ratio]]) -> Ratio:
        result = self.ring.zero
        for t, c in items:
            result = result + self.term(t) * c.substitute({}, self.ring)
        return result

    def symbol(self, f: Factor, root: int = 1) -> Ratio:
        return self.ring.symbol(self.names[f, root])

    def one(self) -> Ratio:
        return self.ring.one

    def times(self, a: Ratio, b: Ratio) -> Ratio:
        return a * b

    def power(self, value: Ratio, exponent: Exponent, f: Factor) -> Ratio:
        e = Fraction(exponent)
        return value ** int(e) if e.denominator == 1 else self.symbol(f, e.denominator) ** e.numerator

    def state(self, f: Factor) -> Ratio:
        return self.symbol(f)

    node = contraction = root = map = moved = word = state

    def absolute(self, f: Factor) -> Ratio:
        inner = f.children[0].factors
        if len(inner) == 1 and inner[0][1] == 1 and inner[0][0].kind != "base":
            self.pairs.append((self.names[inner[0][0], 1], self.names[f, 1]))
        return self.symbol(f)

    def base(self, f: Factor) -> Ratio:
        return self.total(f.body)
