"""Degrees in the number k of a repeat of the value of an expression, power by power of gamma.

An entry (l, h) bounds a coefficient of gamma^q: k^-l times it is a polynomial of degree h - l in k and in the indices j of the
repeats that are carried out k times.  What a value owes to variables at the power that is being solved is kept apart, with
exact factors where they are numbers, so that a variable can be seen to stand in its own update with the factor 1.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from derive.language import Call, Expression, Meaning, Name, Operation, unparse
from derive.language.calls import partial_of
from verify.proof.errors import Undecided

Degrees = tuple[int, int]
FREE: Degrees = (0, 0)
Entry = Degrees | None  # None is zero
Factor = tuple[Fraction | None, Degrees]  # None where it is no number
#: what is always evaluated near theta itself
AT_THETA = ("grad", "field", "loss")
ITSELF: Factor = (Fraction(1), FREE)


def hull(*entries: Entry) -> Entry:
    """Bounds for a sum."""
    found = [e for e in entries if e is not None]
    return (min(low for low, _ in found), max(high for _, high in found)) if found else None


def plus(a: Entry, b: Entry) -> Entry:
    """Bounds for a product."""
    return None if a is None or b is None else (a[0] + b[0], a[1] + b[1])


@dataclass(frozen=True)
class Value:
    """Entries by power of gamma, without what stands in `linear`: variable at the same power -> its factor."""

    entries: tuple[Entry, ...]
    linear: Mapping[str, Factor] = field(default_factory=dict)
    number: Fraction | None = None


class Degree(Meaning[Value]):
    """The degrees of an expression; `open` are variables whose part at gamma^0 is not known yet."""

    def __init__(self, count: str, length: int, names: Mapping[str, Value], opened: Collection[str]) -> None:
        self.count, self.length, self.names, self.open = count, length, names, opened

    def constant(self, entry: Entry, number: Fraction | None = None) -> Value:
        return Value((entry, *[None] * (self.length - 1)), {}, number)

    def number(self, value: Fraction) -> Value:
        return self.constant(FREE if value else None, value)

    def name(self, node: Name) -> Value:
        if node.id in self.names:
            return self.names[node.id]
        if node.id in ("gamma", "t"):
            return Value((FREE if node.id == "t" else None, FREE, *[None] * self.length)[: self.length])
        return self.constant((1, 1) if node.id == self.count else FREE)

    def negate(self, a: Value) -> Value:
        return self.scaled(a, Fraction(-1))

    def scaled(self, a: Value, c: Fraction) -> Value:
        if not c:
            return self.number(c)
        linear = {x: (None if f is None else c * f, d) for x, (f, d) in a.linear.items()}
        return Value(a.entries, linear, None if a.number is None else c * a.number)

    def add(self, a: Value, b: Value, node: Operation) -> Value:
        return self.plus(a, b)

    def plus(self, a: Value, b: Value) -> Value:
        linear = dict(a.linear)
        for x, (f, d) in b.linear.items():
            g, e = linear.get(x, (Fraction(0), d))
            linear[x] = (None if f is None or g is None else f + g, hull(d, e) or d)
        kept = {x: factor for x, factor in linear.items() if factor[0] is None or factor[0]}
        number = a.number + b.number if a.number is not None and b.number is not None else None
        return Value(tuple(map(hull, a.entries, b.entries)), kept, number)

    def subtract(self, a: Value, b: Value, node: Operation) -> Value:
        return self.plus(a, self.negate(b))

    def multiply(self, a: Value, b: Value, node: Expression) -> Value:
        if a.number is not None or b.number is not None:
            value, number = (b, a.number) if a.number is not None else (a, b.number)
            assert number is not None
            return self.scaled(value, number)
        if self.is_open(a) and self.is_open(b):
            raise Undecided(f"{unparse(node)} is not linear at gamma = 0 in a repeat")
        entries = [hull(*(plus(a.entries[i], b.entries[q - i]) for i in range(q + 1))) for q in range(self.length)]
        factors = self.opaque(a, b.entries[0]), self.opaque(b, a.entries[0])
        return Value(tuple(entries), self.merged(factors))

    def divide(self, a: Value, b: Value, node: Operation) -> Value:
        return self.multiply(a, self.raised(b, Fraction(-1), node.args[1]), node)

    def power(self, base: Value, exponent: Fraction | None, node: Operation) -> Value:
        if exponent is None:
            raise Undecided("an exponent is no rational number")
        if exponent.denominator > 1 or exponent < 0:
            return self.raised(base, exponent, node.args[0])
        result = self.number(Fraction(1))
        for _ in range(int(exponent)):
            result = self.multiply(result, base, node)
        return result

    def call(self, node: Call, args: list[Value]) -> Value:
        match node.function:
            case "sqrt":
                return self.raised(args[0], Fraction(1, 2), node)
            case "norm":
                return self.raised(self.multiply(args[0], args[0], node), Fraction(1, 2), node)
            case "dot":
                return self.multiply(args[0], args[1], node)
            case "abs":
                return self.multiply(args[0], self.sign(args[0], node), node)
            case "sign":
                return self.sign(args[0], node)
        if partial := partial_of(node.function):
            point, directions = partial.divided(args)
        else:
            point, directions = args, []
            if node.function not in AT_THETA and any(map(self.is_open, args)):
                raise Undecided(f"{unparse(node)} is taken at a point that is not known at gamma = 0")
        result = self.function(point, node)
        for u in directions:
            result = self.multiply(result, u, node)
        return result

    # ------------------------------------------------------------------------------------------ what is not linear

    def is_open(self, a: Value) -> bool:
        return any(x in self.open for x in a.linear)

    def opaque(self, a: Value, by: Entry) -> dict[str, Factor]:
        return {x: (None, d) for x, (_, e) in a.linear.items() if (d := plus(e, by)) is not None}

    def merged(self, factors: Iterable[Mapping[str, Factor]]) -> dict[str, Factor]:
        found: dict[str, Factor] = {}
        for factor in factors:
            for x, (_, d) in factor.items():
                found[x] = (None, hull(d, found[x][1] if x in found else None) or d)
        return found

    def exponentials(self, delta: Sequence[Entry]) -> list[Entry]:
        """Products of any number of delta_1, delta_2, ..., by total power of gamma."""
        result: list[Entry] = [FREE]
        for q in range(1, self.length):
            result.append(hull(*(plus(delta[i], result[q - i]) for i in range(1, q + 1))))
        return result

    def function(self, point: Sequence[Value], node: Call) -> Value:
        """A smooth function at a point that tends to one without k: by its Taylor series there."""
        if any(x.entries[0] not in (FREE, None) for x in point):
            raise Undecided(f"{unparse(node)} is taken at a point that changes with {self.count} at gamma = 0")
        delta = [hull(*(x.entries[q] for x in point)) for q in range(self.length)]
        settled = [{v: (None, d) for v, (_, d) in x.linear.items() if v not in self.open} for x in point]
        return Value(tuple(self.exponentials(delta)), self.merged(settled))

    def raised(self, x: Value, e: Fraction, node: Expression) -> Value:
        """x^e about its leading part, a power of k times something without k."""
        lead = x.entries[0]
        if self.is_open(x) or lead is None or lead[0] != lead[1] or (e.denominator > 1 and lead != FREE):
            raise Undecided(f"{unparse(node)} is not seen to begin with a power of {self.count} alone")
        m, start = lead[0], int(e * lead[0])
        shift: Degrees = (start, start)
        entries = [plus(q, shift) for q in self.exponentials([plus(d, (-m, -m)) for d in x.entries])]
        number = 1 / x.number if x.number is not None and e == -1 else None
        return Value(tuple(entries), self.opaque(x, (start - m, start - m)), number)

    def sign(self, x: Value, node: Call) -> Value:
        if self.is_open(x) or x.entries[0] != FREE:
            raise Undecided(f"{unparse(node)} is not seen to be free of {self.count} at gamma = 0")
        return self.constant(FREE)
