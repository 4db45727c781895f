"""Coefficients as text: factored, in the scheme language's own notation, so that they can be read back."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import fmpq

from derive.algebra.coefficients import Ratio, factor

Monomials = list[tuple[Fraction, dict[str, int]]]  # ascending degree


@dataclass(frozen=True)
class Factored:
    """content * prod numerator / prod denominator, each factor a polynomial as a list of monomials with an exponent."""

    content: Fraction
    numerator: tuple[tuple[tuple[tuple[Fraction, tuple[tuple[str, int], ...]], ...], int], ...]
    denominator: tuple[tuple[tuple[tuple[Fraction, tuple[tuple[str, int], ...]], ...], int], ...]


def _monomials(polynomial: Any, names: tuple[str, ...]) -> tuple[tuple[Fraction, tuple[tuple[str, int], ...]], ...]:
    items = sorted(polynomial.to_dict().items(), key=lambda i: (sum(i[0]), [-e for e in i[0]]))
    return tuple(
        (Fraction(int(fmpq(c).p), int(fmpq(c).q)), tuple((n, e) for n, e in zip(names, exponents, strict=True) if e))
        for exponents, c in items
    )


def factored(value: Ratio) -> Factored:
    """The factorisation of a coefficient over the rationals."""
    value = value.reduced()
    names = ("n", *value.ring.symbols)
    if not value.num:
        return Factored(Fraction(0), (), ())
    content, factors = factor(value.num)
    top = sorted(((_monomials(f, names), e) for f, e in factors), key=lambda fe: (len(fe[0]), str(fe)))
    bottom = sorted(((_monomials(value.ring.factors[i], names), e) for i, e in value.den), key=lambda fe: (len(fe[0]), str(fe)))
    return Factored(Fraction(int(content.p), int(content.q)), tuple(top), tuple(bottom))


def ascii_ratio(value: Ratio) -> str:
    """The factored coefficient, readable by the expression grammar: '-(1 + beta)/(2*(1 - beta)**3)'."""
    parts = factored(value)
    top = [_power(f, e) for f, e in parts.numerator]
    bottom = [_power(f, e) for f, e in parts.denominator]
    number = abs(parts.content)
    sign = "-" if parts.content < 0 else ""
    if not top or number.numerator != 1:
        top.insert(0, str(number.numerator))
    if number.denominator != 1:
        bottom.insert(0, str(number.denominator))
    if not bottom:
        return sign + "*".join(top)
    below = bottom[0] if len(bottom) == 1 else f"({'*'.join(bottom)})"
    return f"{sign}{'*'.join(top)}/{below}"


def _power(monomials: Any, exponent: int) -> str:
    text = _polynomial(monomials)
    if len(monomials) > 1:
        text = f"({text})"
    return text if exponent == 1 else f"{text}**{exponent}"


def _polynomial(monomials: Any) -> str:
    pieces = []
    first = next((i for i, (c, _) in enumerate(monomials) if c > 0), 0)
    for coefficient, powers in (monomials[first], *monomials[:first], *monomials[first + 1 :]):
        factors = [n if e == 1 else f"{n}**{e}" for n, e in powers]
        size = abs(coefficient)
        if size != 1 or not factors:
            factors.insert(0, str(size))
        sign = "-" if coefficient < 0 else "+"
        pieces.append(f" {sign} {'*'.join(factors)}")
    text = "".join(pieces)
    return text[3:] if text.startswith(" + ") else "-" + text[3:]
