"""Where rational functions of q and parameters change sign: ends of intervals of q, and what separates the parameters.

Everything here only proposes; what is printed is proved afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.factored import unwrapped
from derive.algebra.polynomials import factor
from derive.reals import TRUE, Formula, end_of, real_roots
from derive.reals.numbers import Root, polynomial_text

Row = list[Ratio]  # coefficients of q^0, q^1, ...


def irreducible(values: Iterable[Ratio]) -> list[Any]:
    """The irreducible factors of numerators and denominators, each once."""
    found: dict[str, Any] = {}
    for c in values:
        for side in (c.num, *(c.ring.factors[i] for i, _ in c.den)):
            if side:
                found |= {str(f): f for f, _ in factor(side)[1]}
    return list(found.values())


def by_powers(f: Any, ring: Ring, name: str) -> Row:
    """The coefficients of a polynomial in one of its symbols.

    >>> ring = Ring(["q", "b"]); q, b = ring.symbol("q"), ring.symbol("b")
    >>> by_powers((q * q * b - q + b).num, ring, "q")
    [b, -1, b]
    """
    place = 1 + ring.symbols.index(name)
    rows: dict[int, dict[tuple[int, ...], Any]] = {}
    for exponents, c in f.to_dict().items():
        rest = tuple(0 if k == place else e for k, e in enumerate(exponents))
        rows.setdefault(int(exponents[place]), {})[rest] = c
    return [Ratio(ring, ring.context.from_dict(rows.get(k, {})), ()) for k in range(max(rows, default=0) + 1)]


def end_texts(conditions: Sequence[Ratio], q: str) -> tuple[list[str], list[str]]:
    """(roots in q of the factors as texts: of degree one and two, and of any degree without parameters; the other factors).

    >>> ring = Ring(["q", "k"]); q, k = ring.symbol("q"), ring.symbol("k")
    >>> end_texts([ring.constant(2) - q - q * q * k], "q")
    (['-(sqrt(1 + 8*k) + 1)/(2*k)', '(sqrt(1 + 8*k) - 1)/(2*k)', '2'], [])
    """
    found: list[str] = []
    without: list[str] = []
    for f in irreducible(conditions):
        row = by_powers(f, conditions[0].ring, q)
        if len(row) > 3 and not all(c.is_number for c in row):
            without.append(unwrapped(str(Ratio(conditions[0].ring, f, ()))))
        while len(row) > 1:
            found += _roots(row)
            if row.pop().is_number:
                break  # where the first coefficient vanishes, the rest has its own roots
    return list(dict.fromkeys(found)), without


def _roots(row: Row) -> list[str]:
    if all(c.is_number for c in row):
        return [number_text(r) for r in real_roots([c.number() for c in row])]
    if not row[-1] or len(row) > 3:
        return []
    return [unwrapped(str((-row[0] / row[1]).reduced()))] if len(row) == 2 else quadratic_texts(row[0], row[1], row[2])


def quadratic_texts(c: Ratio, b: Ratio, a: Ratio) -> list[str]:
    """(-b + sqrt(b^2 - 4ac))/(2a) and (-b - sqrt(b^2 - 4ac))/(2a), square factors in front of the root.

    >>> ring = Ring(); number = ring.constant
    >>> quadratic_texts(number(-1), number(-2), number(1)), quadratic_texts(number(-2), number(0), number(1))
    (['sqrt(2) + 1', '-(sqrt(2) - 1)'], ['sqrt(2)', '-sqrt(2)'])
    """
    ring = a.ring
    content, factors = factor((b * b - (a * c).scaled(4)).num)
    outer, inner = ring.one, ring.one
    for f, e in factors:
        value = Ratio(ring, f, ())
        outer, inner = outer * value ** (e // 2), inner * value ** (e % 2)
    number = Fraction(int(content.p), int(content.q))
    square = _square(number.numerator * number.denominator)
    inner = inner.scaled(number.numerator * number.denominator // square**2)
    outer = outer * ring.constant(Fraction(square, number.denominator))
    # root = (sign * s + m)/d with s = sqrt(inner), d = 2a/outer, m = -b/outer
    divisor, middle = (a.scaled(2) / outer).reduced(), (-b / outer).reduced()
    return [_radical(unwrapped(str(inner)), middle, divisor, sign) for sign in (1, -1)]


def _square(n: int) -> int:
    """The largest k whose square divides n."""
    return next(k for k in range(isqrt(abs(n)), 0, -1) if n % (k * k) == 0) if abs(n) < 10**8 else 1


def _radical(inside: str, middle: Ratio, divisor: Ratio, sign: int) -> str:
    """(sign * sqrt(inside) + middle)/divisor as text, the square root first and with a plus sign."""
    if not middle:  # a fraction below goes on top
        content, _ = factor(divisor.num)
        upper = middle.ring.constant(int(content.q))
        root = f"sqrt({inside})" if upper == middle.ring.one else f"{upper}*sqrt({inside})"
        return ("-" if _negative(divisor.scaled(sign)) else "") + _quotient(root, middle, _absolute(divisor * upper))
    scale = Ratio(middle.ring, middle.ring.expand(middle.den), ())  # middle's denominators go below
    offset, divisor = (middle * scale).reduced().scaled(sign), (divisor * scale).reduced().scaled(sign)
    root = f"sqrt({inside})" if scale == middle.ring.one else f"{scale}*sqrt({inside})"
    if _negative(divisor):
        return "-" + _quotient(root, offset, -divisor)
    text = _quotient(root, offset, divisor)
    return text[1:-1] if text.startswith("(") and divisor == divisor.ring.one else text


def _quotient(root: str, offset: Ratio, divisor: Ratio) -> str:
    shown = str(-offset if _negative(offset) else offset)
    top = f"({root} {'-' if _negative(offset) else '+'} {shown})" if offset else root
    below = str(divisor)
    alone = below.isalnum() or below != unwrapped(below)
    return top if below == "1" else f"{top}/{below if alone else f'({below})'}"


def _absolute(value: Ratio) -> Ratio:
    """With the sign that makes its first coefficient positive."""
    return (-value if _negative(value) else value).reduced()


def _negative(value: Ratio) -> bool:
    return bool(value) and factor(value.num)[0] < 0


def number_text(value: Fraction | Root) -> str:
    """A real algebraic number: a fraction, radicals for degree two, else a root of its polynomial.

    >>> [number_text(r) for r in real_roots([0, -2, 0, 1])]
    ['-sqrt(2)', '0', 'sqrt(2)']
    """
    if isinstance(value, Fraction):
        return str(value)
    if len(value.polynomial) != 3:
        return f"CRootOf({polynomial_text(value.polynomial)}, {value.index})"
    ring = Ring()
    upper, lower = quadratic_texts(*(ring.constant(c) for c in value.polynomial))
    return upper if value.index == 1 else lower


# ---------------------------------------------------------------------------------------------- parameters


@dataclass(frozen=True, eq=False)
class Separator:
    """A function of the parameters on whose sign the interval may depend; `given` defines the numbers in it.

    `place` is the value of the only parameter at which it vanishes, where there is only one.
    """

    value: Ratio
    text: str
    given: Formula = TRUE
    place: Fraction | Root | None = None


def separators(conditions: Sequence[Ratio], q: str) -> list[Separator]:
    """Between two parameters that no separator separates (one parameter), the same roots in the same order bound the same signs.

    The factors of all coefficients, discriminants and pairwise resultants of the conditions as polynomials in q, and of their
    values at q = 0; for one parameter x the differences x - (a root of these).

    >>> ring = Ring(["q", "b"]); q, b = ring.symbol("q"), ring.symbol("b")
    >>> [s.text for s in separators([q, ring.constant(2) - q + b + b, ring.one - b], "q")]
    ['-1', '1']
    """
    ring = conditions[0].ring
    found = irreducible([Ratio(ring, p, ()) for p in _projection(conditions, ring, q)])
    values = [Ratio(ring, f, ()) for f in found if not f.is_constant()]
    names = {n for v in values for n in v.symbols()}
    if len(names) != 1:
        free = {str(f) for f in irreducible(conditions)}
        values.sort(key=lambda v: (str(v.num) not in free, len(v.num.to_dict()), str(v)))
        return [Separator(v, unwrapped(str(v))) for v in values]
    name = names.pop()
    rows = [[c.number() for c in by_powers(v.num, ring, name)] for v in values]
    roots = {number_text(r): r for row in rows for r in real_roots(row)}
    return [_threshold(name, text, r) for text, r in sorted(roots.items(), key=lambda item: approximate(item[1]))]


def _threshold(name: str, text: str, root: Fraction | Root) -> Separator:
    end = end_of(text, (name,))
    assert end.value is not None
    return Separator(end.value.ring.symbol(name) - end.value, text, end.given, root)


def approximate(value: Fraction | Root) -> Fraction:
    return value if isinstance(value, Fraction) else value.within(Fraction(1, 10**60)).low


def _projection(conditions: Sequence[Ratio], ring: Ring, q: str) -> Iterator[Any]:
    place = 1 + ring.symbols.index(q)
    factors = irreducible(conditions)
    moving = [f for f in factors if f.degrees()[place] > 0]
    yield from (f for f in factors if f.degrees()[place] == 0)
    for k, f in enumerate(moving):
        yield from (c.num for c in by_powers(f, ring, q) if c)
        if f.degrees()[place] > 1:
            yield f.discriminant(place)
        for g in moving[:k]:
            yield f.resultant(g, place)
