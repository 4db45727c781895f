"""Expansions at zero in rational powers of a variable, for formulas in sympy; what has none (log x, exp(-1/x)) is refused.

    s = sum_k c_k x**k + O(x**cutoff),      1/s, s**e = (c x**v)**e (1 + u)**e,      f(c + u) by the addition formula of f

where v is the least power and u has positive powers only.  For a variable of either sign a root is taken only of what does not
vanish at zero: sqrt(z**2) is |z|, which has no Taylor series.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import Any

from derive.errors import UndecidedError

Power = Fraction | float  # float for infinity alone
WIDEST = 128  # powers kept of one series, where leading terms cancel


@dataclass(frozen=True)
class Expansion:
    """Coefficients by power, none zero, all below `cutoff`, from which on nothing is known; an exact zero has no cutoff."""

    terms: Mapping[Fraction, Any]
    cutoff: Power

    @property
    def least(self) -> Power:
        return min(self.terms, default=self.cutoff)


def expansion_at_zero(value: Any, x: Any, depth: Power, both_sides: bool = False) -> dict[Fraction, Any]:
    """power -> coefficient of all terms below x**depth, for x > 0, or for x of either sign.

    Raises UndecidedError where there is no such expansion.

    >>> import sympy as sp
    >>> z = sp.Symbol("z")
    >>> {str(k): str(c) for k, c in expansion_at_zero(z**2/(sp.exp(z) - 1), z, 3).items()}
    {'1': '1', '2': '-1/2'}
    >>> expansion_at_zero(sp.sqrt(z), z, 3, both_sides=True)
    Traceback (most recent call last):
        ...
    derive.errors.UndecidedError: sqrt(z) has no expansion in powers of z, for z of either sign
    """
    width = Fraction(max(4, int(depth) + 4))
    while width <= WIDEST:
        found = _Reader(x, width, both_sides).read(value)
        if found.cutoff >= depth:
            return {k: found.terms[k] for k in sorted(found.terms) if k < depth}
        width *= 2
    raise UndecidedError(f"the leading {WIDEST} terms of the parts of {value} cancel")


def _normal(c: Any) -> Any:
    """The coefficient, an exact 0 where it vanishes; a product stays as it is.  Raises UndecidedError where that is not seen."""
    import sympy as sp

    if c.is_Rational or not c.is_Add:
        return c
    value = c.subs({s: sp.Rational(7 + 2 * i, 5 + i) for i, s in enumerate(sorted(c.free_symbols, key=str))})
    if (value.is_Rational and value != 0) or abs(sp.N(value, 30)) > sp.Rational(1, 10**15):
        return sp.cancel(c)
    if (short := sp.cancel(sp.together(c))) == 0 or (c.is_number and sp.simplify(short) == 0):
        return sp.Integer(0)
    if value == 0 and c.is_rational_function():
        return short
    raise UndecidedError(f"whether {c} vanishes")


class _Reader:
    """Reads one formula, keeping `width` powers of every part."""

    def __init__(self, x: Any, width: Fraction, both_sides: bool) -> None:
        self.x, self.width, self.both_sides = x, width, both_sides

    def read(self, e: Any) -> Expansion:
        import sympy as sp

        if not e.has(self.x):
            return self.made({Fraction(0): e})
        if e == self.x:
            return self.made({Fraction(1): sp.Integer(1)})
        if e.is_Add or e.is_Mul:
            parts = [self.read(a) for a in e.args]
            return self.folded(parts, self.plus if e.is_Add else self.times)
        if e.is_Pow and e.exp.is_Rational:
            return self.power(self.read(e.base), Fraction(int(e.exp.p), int(e.exp.q)), e)
        function = _FUNCTIONS.get(e.func.__name__)
        if function is None:
            raise self.refused(e)
        return function(self, self.read(e.args[0]), e)

    def refused(self, e: Any) -> UndecidedError:
        side = f", for {self.x} of either sign" if self.both_sides else ""
        return UndecidedError(f"{e} has no expansion in powers of {self.x}{side}")

    def made(self, terms: Mapping[Fraction, Any], cutoff: Power = inf) -> Expansion:
        kept = {k: c for k, t in terms.items() if k < cutoff and (c := _normal(t)) != 0}
        if not kept:
            return Expansion({}, cutoff)
        cutoff = min(cutoff, min(kept) + self.width)
        return Expansion({k: c for k, c in kept.items() if k < cutoff}, cutoff)

    def folded(self, parts: Iterable[Expansion], operation: Callable[[Expansion, Expansion], Expansion]) -> Expansion:
        first, *rest = parts
        for part in rest:
            first = operation(first, part)
        return first

    def plus(self, a: Expansion, b: Expansion) -> Expansion:
        return self.made({k: a.terms.get(k, 0) + b.terms.get(k, 0) for k in {**a.terms, **b.terms}}, min(a.cutoff, b.cutoff))

    def times(self, a: Expansion, b: Expansion) -> Expansion:
        cutoff = inf if inf in (a.least, b.least) else min(a.least + b.cutoff, b.least + a.cutoff)
        total: dict[Fraction, Any] = {}
        for i, c in a.terms.items():
            for j, d in b.terms.items():
                if i + j < cutoff:
                    total[i + j] = total.get(i + j, 0) + c * d
        return self.made(total, cutoff)

    def scaled(self, a: Expansion, factor: Any, power: Fraction = Fraction(0)) -> Expansion:
        return self.made({k + power: c * factor for k, c in a.terms.items()}, a.cutoff + power)

    def power(self, a: Expansion, e: Fraction, where: Any) -> Expansion:
        """(c x**v)**e times the binomial series of (1 + u)**e."""
        import sympy as sp

        v = a.least
        if not a.terms:
            if a.cutoff == inf and e > 0:
                return a
            raise self.refused(where)
        assert isinstance(v, Fraction)
        c = a.terms[v]
        if e.denominator > 1 and (c.is_negative or (self.both_sides and v)):
            raise self.refused(where)
        rest = Expansion({k - v: t / c for k, t in a.terms.items() if k != v}, a.cutoff - v)
        exponent = sp.Rational(e.numerator, e.denominator)
        return self.scaled(self.series(rest, lambda k: sp.binomial(exponent, k)), c**exponent, v * e)

    def series(self, u: Expansion, coefficient: Callable[[int], Any]) -> Expansion:
        """sum_k coefficient(k) u**k for u of positive powers."""
        import sympy as sp

        one = self.made({Fraction(0): sp.Integer(1)})
        total, power, k = self.scaled(one, coefficient(0)), one, 0
        while u.terms and k * u.least < self.width:
            power, k = self.times(power, u), k + 1
            total = self.plus(total, self.scaled(power, coefficient(k)))
        return Expansion({p: c for p, c in total.terms.items() if p < self.width}, min(total.cutoff, u.cutoff, self.width))

    def split(self, a: Expansion, where: Any) -> tuple[Any, Expansion]:
        """The value at zero, and the rest."""
        import sympy as sp

        if a.least < 0 or a.cutoff <= 0:
            raise self.refused(where)
        c = a.terms.get(Fraction(0), sp.Integer(0))
        return c, Expansion({k: t for k, t in a.terms.items() if k}, a.cutoff)

    def exp(self, a: Expansion, where: Any) -> Expansion:
        import sympy as sp

        c, u = self.split(a, where)
        return self.scaled(self.series(u, lambda k: 1 / sp.factorial(k)), sp.exp(c))

    def log(self, a: Expansion, where: Any) -> Expansion:
        import sympy as sp

        c, u = self.split(a, where)
        if _normal(c) == 0 or c.is_negative:
            raise self.refused(where)
        rest = self.series(self.scaled(u, 1 / c), lambda k: sp.Rational((-1) ** (k + 1), k) if k else sp.Integer(0))
        return self.plus(self.made({Fraction(0): sp.log(c)}), rest)

    def wave(self, a: Expansion, where: Any) -> tuple[Expansion, Expansion]:
        """sine and cosine, or for a hyperbolic function its two."""
        import sympy as sp

        (c, u), round_ = self.split(a, where), not where.func.__name__.endswith("h")
        sign = -1 if round_ else 1
        odd = self.series(u, lambda k: sign ** (k // 2) / sp.factorial(k) if k % 2 else sp.Integer(0))
        even = self.series(u, lambda k: sp.Integer(0) if k % 2 else sign ** (k // 2) / sp.factorial(k))
        s, t = (sp.sin(c), sp.cos(c)) if round_ else (sp.sinh(c), sp.cosh(c))
        first = self.plus(self.scaled(even, s), self.scaled(odd, t))
        return first, self.plus(self.scaled(even, t), self.scaled(odd, sign * s))

    def tangent(self, a: Expansion, where: Any) -> Expansion:
        s, c = self.wave(a, where)
        return self.times(s, self.power(c, Fraction(-1), where))

    def atan(self, a: Expansion, where: Any) -> Expansion:
        """The value at zero and the integral of a'/(1 + a**2)."""
        import sympy as sp

        c, _ = self.split(a, where)
        slope = self.made({k - 1: k * t for k, t in a.terms.items() if k}, a.cutoff - 1)
        bottom = self.plus(self.times(a, a), self.made({Fraction(0): sp.Integer(1)}))
        rate = self.times(slope, self.power(bottom, Fraction(-1), where))
        rise = self.made({k + 1: t / (k + 1) for k, t in rate.terms.items()}, rate.cutoff + 1)
        return self.plus(self.made({Fraction(0): sp.atan(c)}), rise)


_FUNCTIONS: dict[str, Callable[[_Reader, Expansion, Any], Expansion]] = {
    "exp": _Reader.exp, "log": _Reader.log, "atan": _Reader.atan, "tan": _Reader.tangent, "tanh": _Reader.tangent,
    "sin": lambda r, a, e: r.wave(a, e)[0], "cos": lambda r, a, e: r.wave(a, e)[1],
    "sinh": lambda r, a, e: r.wave(a, e)[0], "cosh": lambda r, a, e: r.wave(a, e)[1],
}  # fmt: skip
