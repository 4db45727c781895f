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
from derive.language.calls import KNOWN_FUNCTIONS, partial_of
from verify.proof.errors import Undecided
from verify.proof.taylor import value_at_zero

Degrees = tuple[int, int]
FREE: Degrees = (0, 0)
Entry = Degrees | None  # None is zero
Factor = tuple[Fraction | None, Degrees]  # None where it is no number
#: what is always evaluated near theta itself
AT_THETA = ("grad", "field", "loss")
ITSELF: Factor = (Fraction(1), FREE)
UNKNOWN = "unknown: "  # before the reason why something is not known at gamma^0: of no bound, unless a factor gamma removes it


def hull(*entries: Entry) -> Entry:
    """Bounds for a sum."""
    found = [e for e in entries if e is not None]
    return (min(low for low, _ in found), max(high for _, high in found)) if found else None


def times(a: Fraction | None, b: Fraction | None) -> Fraction | None:
    """A product of numbers, where both are."""
    return None if a is None or b is None else a * b


def plus(a: Entry, b: Entry) -> Entry:
    """Bounds for a product."""
    return None if a is None or b is None else (a[0] + b[0], a[1] + b[1])


def require_known(linear: Iterable[str]) -> None:
    """Raise Undecided where something is owed to what is not known at gamma^0."""
    for x in linear:
        if x.startswith(UNKNOWN):
            raise Undecided(x.removeprefix(UNKNOWN))


@dataclass(frozen=True)
class Value:
    """Entries by power of gamma, without what stands in `linear`: variable at the same power -> its factor.

    `number` is the value where it is one, `lead` its part at gamma^0 where that is a number, as of exp(-gamma*grad(x)).
    """

    entries: tuple[Entry, ...]
    linear: Mapping[str, Factor] = field(default_factory=dict)
    number: Fraction | None = None
    lead: Fraction | None = None

    def __post_init__(self) -> None:
        if self.number is not None:
            object.__setattr__(self, "lead", self.number)
        elif self.entries[0] is None and not self.linear:
            object.__setattr__(self, "lead", Fraction(0))


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
        return Value(a.entries, linear, times(c, a.number), times(c, a.lead))

    def add(self, a: Value, b: Value, node: Operation) -> Value:
        return self.plus(a, b)

    def plus(self, a: Value, b: Value) -> Value:
        linear = dict(a.linear)
        for x, (f, d) in b.linear.items():
            g, e = linear.get(x, (Fraction(0), d))
            linear[x] = (None if f is None or g is None else f + g, hull(d, e) or d)
        kept = {x: factor for x, factor in linear.items() if factor[0] is None or factor[0]}
        number = a.number + b.number if a.number is not None and b.number is not None else None
        lead = a.lead + b.lead if a.lead is not None and b.lead is not None else None
        return Value(tuple(map(hull, a.entries, b.entries)), kept, number, lead)

    def subtract(self, a: Value, b: Value, node: Operation) -> Value:
        return self.plus(a, self.negate(b))

    def multiply(self, a: Value, b: Value, node: Expression) -> Value:
        if a.number is not None or b.number is not None:
            value, number = (b, a.number) if a.number is not None else (a, b.number)
            assert number is not None
            return self.scaled(value, number)
        if self.is_open(a) and self.is_open(b):
            return self.unknown(f"{unparse(node)} is not linear at gamma = 0 in a repeat")
        entries = [hull(*(plus(a.entries[i], b.entries[q - i]) for i in range(q + 1))) for q in range(self.length)]
        factors = self.opaque(a, b.entries[0], b.lead), self.opaque(b, a.entries[0], a.lead)
        return Value(tuple(entries), self.merged(factors), None, times(a.lead, b.lead))

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
                return self.unknown(f"{unparse(node)} is taken at a point that is not known at gamma = 0")
            if node.function in KNOWN_FUNCTIONS and args[0].lead == 0:
                return self.at_zero(args[0], node)
        result = self.function(point, node)
        for u in directions:
            result = self.multiply(result, u, node)
        return result

    # ------------------------------------------------------------------------------------------ what is not linear

    def unknown(self, reason: str) -> Value:
        return Value((None,) * self.length, {f"{UNKNOWN}{reason}": (None, FREE)})

    def is_open(self, a: Value) -> bool:
        return any(x in self.open or x.startswith(UNKNOWN) for x in a.linear)

    def opaque(self, a: Value, by: Entry, factor: Fraction | None = None) -> dict[str, Factor]:
        """What a owes, times something with this entry at gamma^0, there perhaps a number other than zero."""
        return {x: (times(f, factor), d) for x, (f, e) in a.linear.items() if (d := plus(e, by)) is not None and factor != 0}

    def merged(self, factors: Iterable[Mapping[str, Factor]]) -> dict[str, Factor]:
        found: dict[str, Factor] = {}
        for factor in factors:
            for x, (f, d) in factor.items():
                found[x] = (None, hull(d, found[x][1]) or d) if x in found else (f, d)
        return found

    def at_zero(self, a: Value, node: Call) -> Value:
        """A known function of what vanishes with gamma: a number at gamma^0."""
        found, lead = self.function([a], node), value_at_zero(node.function)
        start = None if lead == 0 else FREE
        return Value((start, *found.entries[1:]), found.linear, None, lead)

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
        reason = f"{unparse(node)} is not seen to begin with a power of {self.count} alone"
        if self.is_open(x):
            return self.unknown(reason)
        if lead is None or x.lead == 0 or lead[0] != lead[1] or (e.denominator > 1 and lead != FREE):
            raise Undecided(reason)
        m, start = lead[0], int(e * lead[0])
        shift: Degrees = (start, start)
        entries = [plus(q, shift) for q in self.exponentials([plus(d, (-m, -m)) for d in x.entries])]
        number, found = (1 / v if v is not None and e == -1 else None for v in (x.number, x.lead))
        return Value(tuple(entries), self.opaque(x, (start - m, start - m)), number, found)

    def sign(self, x: Value, node: Call) -> Value:
        reason = f"{unparse(node)} is not seen to be free of {self.count} at gamma = 0"
        if self.is_open(x):
            return self.unknown(reason)
        if x.entries[0] != FREE:
            raise Undecided(reason)
        return self.constant(FREE)
