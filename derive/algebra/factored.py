"""A factorisation as data, with its text in the scheme language's own notation, so that it can be read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

Monomial = tuple[Fraction, tuple[tuple[str, int], ...]]  # coefficient, ((symbol, exponent), ...)
Monomials = tuple[Monomial, ...]  # a polynomial, ascending degree
Factors = tuple[tuple[Monomials, int], ...]


@dataclass(frozen=True)
class Factored:
    """content * prod numerator / prod denominator, each factor a polynomial with an exponent.

    >>> one_plus = ((Fraction(1), ()), (Fraction(1), (("beta", 1),)))
    >>> str(Factored(Fraction(-1, 2), ((one_plus, 3),), ()))
    '-(1 + beta)**3/2'
    """

    content: Fraction
    numerator: Factors
    denominator: Factors

    def __str__(self) -> str:
        top = [_power(f, e) for f, e in self.numerator]
        bottom = [_power(f, e) for f, e in self.denominator]
        number = abs(self.content)
        sign = "-" if self.content < 0 else ""
        if not top or number.numerator != 1:
            top.insert(0, str(number.numerator))
        if number.denominator != 1:
            bottom.insert(0, str(number.denominator))
        if not bottom:
            return sign + "*".join(top)
        below = bottom[0] if len(bottom) == 1 else f"({'*'.join(bottom)})"
        return f"{sign}{'*'.join(top)}/{below}"

    def sympy(self, names: Mapping[str, Any], *more: Any) -> Any:
        """One product in sympy of all factors and of `more`: sympy multiplies out a number times a single sum."""
        import sympy as sp  # most runs print texts

        def product(factors: Factors) -> Any:
            return sp.Mul(*(value_of(monomials, names, sp.Rational) ** e for monomials, e in factors))

        return sp.Mul(sp.Rational(self.content), product(self.numerator), 1 / product(self.denominator), *more)


def value_of(monomials: Monomials, values: Mapping[str, Any], number: Callable[[Fraction], Any]) -> Any:
    """sum c prod x^e over numbers of any kind; `number` brings a rational into that kind.

    >>> value_of(((Fraction(1, 2), (("x", 2),)),), {"x": 3}, Fraction)
    Fraction(9, 2)
    """
    total = number(Fraction(0))
    for coefficient, powers in monomials:
        term = number(coefficient)
        for name, e in powers:
            term = term * values[name] ** e
        total = total + term
    return total


def sign_first(monomials: Monomials) -> Monomials:
    """With the first positive monomial in front, so that a polynomial does not begin with a minus sign if it need not."""
    first = next((i for i, (c, _) in enumerate(monomials) if c > 0), 0)
    return (monomials[first], *monomials[:first], *monomials[first + 1 :])


def unwrapped(text: str) -> str:
    """Without one pair of parentheses around the whole.

    >>> unwrapped("(1 + beta)"), unwrapped("(1 + beta)*(1 - beta)")
    ('1 + beta', '(1 + beta)*(1 - beta)')
    """
    return text[1:-1] if text.startswith("(") and text.endswith(")") and text.count("(") == 1 else text


def joined(pieces: list[str]) -> str:
    """' + a', ' - b', ... in one line, without a plus sign in front.

    >>> joined([" - a", " + b"]), joined([" + a"])
    ('-a + b', 'a')
    """
    text = "".join(pieces)
    return text[3:] if text.startswith(" + ") else "-" + text[3:]


def _power(monomials: Monomials, exponent: int) -> str:
    text = _polynomial(monomials)
    if len(monomials) > 1:
        text = f"({text})"
    return text if exponent == 1 else f"{text}**{exponent}"


def _polynomial(monomials: Monomials) -> str:
    pieces = []
    for coefficient, powers in sign_first(monomials):
        factors = [n if e == 1 else f"{n}**{e}" for n, e in powers]
        size = abs(coefficient)
        if size != 1 or not factors:
            factors.insert(0, str(size))
        pieces.append(f" {'-' if coefficient < 0 else '+'} {'*'.join(factors)}")
    return joined(pieces)
