"""Combinations of inequalities between rational functions, and their truth at exact numbers.

A comparison holds only where both of its sides are defined: 1/x > -1 does not hold at x = 0, and its negation does.  So
every denominator is part of a statement and none is assumed not to vanish.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from derive.algebra.coefficients import Ratio
from derive.algebra.factored import Monomials
from derive.reals.numbers import Root

Value = Fraction | Root
OPERATORS = ("<", "<=", ">", ">=", "==", "!=")
_ALLOWED = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1), "==": (0,), "!=": (-1, 1)}


@dataclass(frozen=True)
class Compare:
    """difference op 0, and every denominator of the difference different from zero."""

    difference: Ratio
    op: str


@dataclass(frozen=True)
class All:
    """Every part holds."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True)
class Either:
    """Some part holds."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True)
class Not:
    """The part does not hold."""

    part: Formula


Formula = Compare | All | Either | Not
TRUE = All(())


def compare(left: Ratio, op: str, right: Ratio) -> Formula:
    """left op right, where both are defined; denominators that cancel in the difference still count."""
    return All((defined(left), defined(right), Compare(left - right, op)))


def implies(premise: Formula, conclusion: Formula) -> Formula:
    return Either((Not(premise), conclusion))


def defined(value: Ratio) -> Formula:
    """No denominator of the value vanishes."""
    ring = value.ring
    return All(tuple(Compare(Ratio(ring, ring.factors[i], ()), "!=") for i, _ in value.den))


def atoms(formula: Formula) -> Iterator[Compare]:
    """The comparisons of a formula."""
    match formula:
        case Compare():
            yield formula
        case Not(part):
            yield from atoms(part)
        case All(parts) | Either(parts):
            for p in parts:
                yield from atoms(p)


def names_in(formula: Formula) -> set[str]:
    """The symbols that occur."""
    found: set[str] = set()
    for a in atoms(formula):
        found |= {n for m in (a.difference.ring.monomials(a.difference.num), *_below(a)) for _, powers in m for n, _ in powers}
    return found


def _below(a: Compare) -> list[Monomials]:
    ring = a.difference.ring
    return [ring.monomials(ring.factors[i]) for i, _ in a.difference.den]


def holds(formula: Formula, values: Mapping[str, Value]) -> bool | None:
    """The truth at numbers, exactly; None where the sign of an expression in two or more irrational numbers is not found.

    >>> from derive.algebra.coefficients import Ring
    >>> ring = Ring(["x"]); x = ring.symbol("x")
    >>> above = compare(x.inverse(), ">", ring.constant(-1))
    >>> [holds(above, {"x": Fraction(v)}) for v in (1, 0, -2)], holds(Not(above), {"x": Fraction(0)})
    ([True, False, True], True)
    """
    match formula:
        case Compare():
            return _comparison(formula, values)
        case Not(part):
            inner = holds(part, values)
            return None if inner is None else not inner
        case All(parts):
            found = [holds(p, values) for p in parts]
            return False if False in found else None if None in found else True
        case Either(parts):
            found = [holds(p, values) for p in parts]
            return True if True in found else None if None in found else False


def _comparison(a: Compare, values: Mapping[str, Value]) -> bool | None:
    d = a.difference
    signs = [(sign_at(below, values), e) for below, (_, e) in zip(_below(a), d.den, strict=True)]
    if any(s == 0 for s, _ in signs):
        return False
    top = sign_at(d.ring.monomials(d.num), values)
    if top is None or any(s is None for s, _ in signs):
        return None
    for s, e in signs:
        top *= (s or 1) ** e
    return top in _ALLOWED[a.op]


def sign_at(polynomial: Monomials, values: Mapping[str, Value]) -> int | None:
    """The sign of a polynomial at numbers of which any may be rational."""
    irrational = {n for _, powers in polynomial for n, _ in powers if isinstance(values[n], Root)}
    if len(irrational) > 1:
        return _by_intervals(polynomial, values)
    coefficients: dict[int, Fraction] = {}
    for c, powers in polynomial:
        degree = 0
        for n, e in powers:
            v = values[n]
            if isinstance(v, Root):
                degree = e
            else:
                c *= v**e
        coefficients[degree] = coefficients.get(degree, Fraction(0)) + c
    if not irrational:
        total = coefficients.get(0, Fraction(0))
        return (total > 0) - (total < 0)
    row = [coefficients.get(k, Fraction(0)) for k in range(max(coefficients) + 1)]
    root = values[irrational.pop()]
    assert isinstance(root, Root)
    return root.sign(row) if any(row) else 0


def _by_intervals(polynomial: Monomials, values: Mapping[str, Value]) -> int | None:
    """The sign where interval arithmetic finds it, at most 10^-60 wide in each number."""
    for digits in (20, 60):
        width = Fraction(1, 10**digits)
        boxes = {n: _box(v, width) for n, v in values.items()}
        low = high = Fraction(0)
        for c, powers in polynomial:
            a, b = c, c
            for n, e in powers:
                for _ in range(e):
                    ends = [x * y for x in (a, b) for y in boxes[n]]
                    a, b = min(ends), max(ends)
            low, high = low + a, high + b
        if low > 0 or high < 0:
            return 1 if low > 0 else -1
    return None


def _box(v: Value, width: Fraction) -> tuple[Fraction, Fraction]:
    if isinstance(v, Fraction):
        return v, v
    near = v.within(width)
    return near.low, near.high
