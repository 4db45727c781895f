"""Texts of rational functions, and of ends of intervals: with square roots and roots of polynomials as extra unknowns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derive.algebra.coefficients import Ratio, Ring
from derive.errors import ParseError, UsageError
from derive.language import (
    Arithmetic,
    Call,
    Expression,
    Name,
    Operation,
    constant,
    interpret,
    names_of,
    parse_expression,
    unparse,
)
from derive.reals.formula import TRUE, All, Formula, compare
from derive.reals.numbers import Root, real_roots

CALLS = {"CRootOf": 2, "sqrt": 1}
_WHERE = "x"  # the unknown of a polynomial in CRootOf


def without_calls(e: Expression) -> Expression:
    """Every outermost call as a name, which is its text.

    >>> list(names_of(without_calls(parse_expression("1 - beta*sqrt(mu)", "example", CALLS))))
    ['beta', 'sqrt(mu)']
    """
    match e:
        case Call():
            return Name(unparse(e), e.line, e.column)
        case Operation(op, args):
            return Operation(op, tuple(map(without_calls, args)), e.line, e.column)
    return e


class _Ratios(Arithmetic):
    """Rational functions of a ring."""

    def __init__(self, ring: Ring) -> None:
        self.ring = ring

    def number(self, value: Fraction) -> Ratio:
        return self.ring.constant(value)

    def name(self, node: Name) -> Ratio:
        return self.ring.symbol(node.id)

    def power(self, base: Ratio, exponent: Fraction | None, node: Operation) -> Ratio:
        if exponent is None or exponent.denominator != 1:
            raise UsageError(f"'{unparse(node)}' is not rational")
        return base ** int(exponent)

    def call(self, node: Call, args: list[Ratio]) -> Ratio:
        raise AssertionError(node)  # calls stand as names


def ratio_of(e: Expression, ring: Ring) -> Ratio:
    """A rational expression over a ring; calls are symbols of the ring named by their text.

    Raises UsageError for what is not rational, ZeroDivisionError for a division by zero.
    """
    value: Ratio = interpret(without_calls(e), _Ratios(ring))
    return value


@dataclass(frozen=True, eq=False)
class End:
    """An end of an interval: its text, its value (None for 'oo' and '-oo') over its names and extra unknowns, what the
    unknowns satisfy (`given`), and that they exist (`exists`: arguments of square roots are not negative)."""

    text: str
    value: Ratio | None
    given: Formula = TRUE
    exists: Formula = TRUE

    def against(self, op: str, other: Ratio) -> Formula:
        """self op other, op an order, with other over a ring whose names are among this one's."""
        if self.value is None:
            return TRUE if (self.text == "oo") == (op[0] == ">") else NEVER
        return compare(self.value, op, other.substitute({}, self.value.ring))


NEVER: Formula = compare(Ring().zero, ">", Ring().zero)


@dataclass(frozen=True, eq=False)
class Reading:
    """Several texts over one ring: names, and an extra unknown for every root in them."""

    ring: Ring
    values: Mapping[str, Ratio]
    given: Formula
    exists: Formula


def read_all(texts: Iterable[str], names: Iterable[str] = (), where: str = "interval") -> Reading:
    """Texts as elements of one ring, which also has `names`.

    Raises ParseError and UsageError for what is no rational expression in names, square roots and roots of polynomials.
    """
    parsed = {t: parse_expression(t, where, CALLS) for t in texts}
    calls = {unparse(c): c for e in parsed.values() for c in _calls(e)}
    rational = [*parsed.values(), *(c.args[0] for c in calls.values() if c.function == "sqrt")]
    used = {n for e in rational for n in names_of(without_calls(e))} - {*names, *calls}
    ring = Ring([*names, *sorted(used), *calls])
    given: list[Formula] = []
    exists: list[Formula] = []
    for name, call in calls.items():
        if call.function == "sqrt":
            s, inside = ring.symbol(name), ratio_of(call.args[0], ring)
            exists.append(compare(inside, ">=", ring.zero))
            given += [compare(s, ">=", ring.zero), compare(s * s, "==", inside)]
        else:
            given.append(located(ring.symbol(name), root_of(call)))
    return Reading(ring, {t: ratio_of(e, ring) for t, e in parsed.items()}, All(tuple(given)), All(tuple(exists)))


def end_of(text: str, names: tuple[str, ...] = ()) -> End:
    """An end from its text, over a ring of `names` and its own names.

    >>> end_of("2*(1 + beta)").value, end_of("(sqrt(1 + 8*k) - 1)/(2*k)").value.ring.symbols
    (2*(1 + beta), ('k', 'sqrt(1 + 8*k)'))
    """
    if text in ("oo", "-oo"):
        return End(text, None)
    reading = read_all([text], names)
    return End(text, reading.values[text], reading.given, reading.exists)


def ordered(first: End, op: str, second: End) -> Formula:
    """first < second, or first <= second, for ends over any rings; infinite ends as they should."""
    if first.value is None or second.value is None:
        if first.text == second.text:
            return TRUE if op == "<=" else NEVER
        return TRUE if first.text == "-oo" or second.text == "oo" else NEVER
    ring = Ring(sorted({*first.value.ring.symbols, *second.value.ring.symbols}))
    return compare(first.value.substitute({}, ring), op, second.value.substitute({}, ring))


def _calls(e: Expression) -> Iterator[Call]:
    """Square roots and roots of polynomials, inner ones first."""
    if isinstance(e, Call) and e.function == "CRootOf":
        yield e
    elif isinstance(e, Operation | Call):
        for a in e.args:
            yield from _calls(a)
        if isinstance(e, Call):
            yield e


def located(x: Ratio, root: Root | Fraction) -> Formula:
    """x is this number."""
    ring = x.ring
    if isinstance(root, Fraction):
        return compare(x, "==", ring.constant(root))
    value = sum(((x**k).scaled(c) for k, c in enumerate(root.polynomial)), ring.zero)
    low, high = ring.constant(root.low), ring.constant(root.high)
    return All((compare(value, "==", ring.zero), compare(low, "<", x), compare(x, "<", high)))


def root_of(call: Call) -> Root | Fraction:
    """CRootOf(polynomial in x, index): the real root with this place, counted from zero.

    Raises ParseError where there is none.
    """
    text, index = unparse(call), constant(call.args[1])
    try:
        polynomial = ratio_of(call.args[0], Ring([_WHERE]))
    except (ValueError, UsageError):
        raise ParseError(f"'{text}': write a polynomial in x and a number", "interval", call.line, call.column) from None
    rows = {sum(e for _, e in powers): c for c, powers in polynomial.ring.monomials(polynomial.num)}
    roots = real_roots([rows.get(k, Fraction(0)) for k in range(max(rows, default=0) + 1)]) if rows else []
    if polynomial.den or index is None or index.denominator != 1 or not 0 <= index < len(roots):
        raise ParseError(f"'{text}' has no such real root", "interval", call.line, call.column)
    return roots[int(index)]


def numeric(end: End, values: Mapping[str, Fraction], digits: int = 40) -> Fraction | None:
    """The end at rational numbers, to about `digits` digits; None where it is not real."""
    import mpmath

    if end.value is None:
        return None
    expression = parse_expression(end.text, "interval", CALLS)
    with mpmath.workdps(digits + 10):
        try:
            meaning = _Decimals(values)
            for call in _calls(expression):
                meaning.put(call)
            found: Any = interpret(without_calls(expression), meaning)
        except _NotRealError:
            return None
        return Fraction(int(mpmath.nint(found * mpmath.mpf(10) ** digits)), 10**digits)


class _NotRealError(Exception):
    """The square root of a negative number, or a division by zero."""


class _Decimals(Arithmetic):
    """mpmath's numbers at its present precision, with the values of names and calls."""

    def __init__(self, values: Mapping[str, Fraction]) -> None:
        self.values: dict[str, Any] = {n: self.number(v) for n, v in values.items()}

    def put(self, call: Call) -> None:
        """The value of a call, those inside it being known."""
        import mpmath

        if call.function == "CRootOf":
            root = root_of(call)
            value = self.number(root if isinstance(root, Fraction) else root.within(Fraction(1, 10**60)).low)
        else:
            inside = interpret(without_calls(call.args[0]), self)
            if inside < 0:
                raise _NotRealError
            value = mpmath.sqrt(inside)
        self.values[unparse(call)] = value

    def number(self, value: Fraction) -> Any:
        import mpmath

        return mpmath.mpf(value.numerator) / value.denominator

    def name(self, node: Name) -> Any:
        return self.values[node.id]

    def divide(self, a: Any, b: Any, node: Operation) -> Any:
        if abs(b) < self.number(Fraction(1, 10**45)):
            raise _NotRealError
        return a / b

    def power(self, base: Any, exponent: Fraction, node: Operation) -> Any:
        if not base and exponent < 0:
            raise _NotRealError
        return base ** int(exponent)

    def call(self, node: Call, args: list[Any]) -> Any:
        raise AssertionError(node)  # calls stand as names


__all__ = [
    "CALLS", "NEVER", "End", "Reading", "end_of", "located", "numeric", "ordered", "ratio_of", "read_all", "root_of",
    "without_calls",
]  # fmt: skip
