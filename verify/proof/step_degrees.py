"""Degrees in the number k of a repeat of everything that a step computes, power by power of gamma.

An entry (l, h) bounds a coefficient of gamma^q: k^-l times it is a polynomial of degree h - l in k and in the indices j of the
repeats that are carried out k times.  At every power the variables of a body obey Q(j+1) - Q(j) = R(j); a sum over j raises h by
one, and what is left at j = k - 1 keeps it.  What a value owes to variables at the same power of gamma is kept apart, with
exact factors where they are numbers: Q(j+1) - Q(j) = ... is a sum only where a variable stands in its own update with factor 1.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from derive.language import (
    Assignment,
    Call,
    Expression,
    Meaning,
    Name,
    Operation,
    Repeat,
    Statement,
    assignments,
    carried,
    interpret,
    unparse,
)
from derive.language.calls import partial_of
from derive.scheme import Configuration
from derive.scheme.names import ahead, previous
from verify.proof.errors import Undecided

Degrees = tuple[int, int]
FREE: Degrees = (0, 0)
Entry = Degrees | None  # None is zero
Factor = tuple[Fraction | None, Degrees]  # None where it is no number
#: what is always evaluated near theta itself
AT_THETA = ("grad", "field")
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
        linear = dict(a.linear)
        for x, (f, d) in b.linear.items():
            g, e = linear.get(x, (Fraction(0), d))
            linear[x] = (None if f is None or g is None else f + g, hull(d, e) or d)
        kept = {x: factor for x, factor in linear.items() if factor[0] is None or factor[0]}
        number = a.number + b.number if a.number is not None and b.number is not None else None
        return Value(tuple(map(hull, a.entries, b.entries)), kept, number)

    def subtract(self, a: Value, b: Value, node: Operation) -> Value:
        return self.add(a, self.negate(b), node)

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


# ------------------------------------------------------------------------------------------ the step


class StepDegrees:
    """The run of a configuration; `states[x]` are the entries of the state variable x, by power of gamma through `length` - 1."""

    def __init__(self, configuration: Configuration, count: str, slow: Collection[str], length: int) -> None:
        if configuration.rescaled:
            raise Undecided(f"{', '.join(configuration.rescaled)}: memory in other units beside a repeat {count}")
        self.configuration, self.scheme = configuration, configuration.scheme
        self.count, self.length, self.slow = count, length, slow
        self.open: set[str] = set()
        self.loops, self.through = 0, 0
        self.states: dict[str, list[Entry]] = {s: [] for s in self.scheme.states}
        for q in range(length):
            self._solve(q)

    def _solve(self, q: int) -> None:
        """X(n+1) - A X(n) = R(n) at gamma^q: X has the degrees of R where A has none."""
        self.through = q + 1
        known = {x for x in self.states if q == 0 and x in self.slow}
        for x in known:
            self.states[x].append(FREE)
        names = {x: self._value(x, self.states[x], x not in known) for x in self.states}
        self.open = set(self.states) - known if q == 0 else set()
        after = self._after(names)
        linear = {x: after[x].linear for x in self.states if x not in known}
        for x, factors in linear.items():
            if x in factors and factors[x][1] != FREE:
                raise Undecided(f"the relaxation of {x} changes with {self.count}")
        found = settled({x: after[x].entries[q] for x in linear}, linear)
        for x, entry in found.items():
            self.states[x].append(entry)

    def _value(self, tag: str, entries: Sequence[Entry], missing: bool) -> Value:
        padded = (*entries, *[None] * self.length)[: self.length]
        return Value(padded, {tag: ITSELF} if missing else {})

    def _after(self, names: dict[str, Value]) -> dict[str, Value]:
        scheme, before = self.scheme, dict(names)
        names = names | {n: self._read(e, {}) for n, e in self.configuration.bindings.items()}
        names |= {ahead(x): before[x] for x in scheme.unknowns}
        self.execute(scheme.statements, names)
        for x in scheme.unknowns:
            if previous(x) in scheme.states and previous(x) not in scheme.assigned:
                names[previous(x)] = before[x]
        return names

    def _read(self, expression: Expression, names: Mapping[str, Value]) -> Value:
        return interpret(expression, Degree(self.count, self.length, names, self.open))

    def execute(self, statements: Iterable[Statement], names: dict[str, Value]) -> None:
        for s in statements:
            if isinstance(s, Assignment):
                names[s.target] = self._read(s.value, names)
            elif s.times is not None:
                for _ in range(s.times):
                    self.execute(s.body, names)
            else:
                names |= self._repeated(s, names)

    def _repeated(self, repeat: Repeat, names: Mapping[str, Value]) -> dict[str, Value]:
        """The variables of the body after its last step, at j = k - 1."""
        self.loops += 1
        tags = {x: f"{x} in repeat {self.loops}" for x in carried(repeat)}
        entries: dict[str, list[Entry]] = {x: [] for x in tags}
        linear: dict[str, dict[str, Factor]] = {x: {} for x in tags}
        for q in range(self.through):
            after = self._body(repeat, names, {x: self._value(tags[x], entries[x], True) for x in tags}, tags if q == 0 else {})
            for x, tag in tags.items():
                change = dict(after[x].linear)
                if change.pop(tag, None) != ITSELF:
                    k = unparse(repeat.count)
                    raise Undecided(f"{x} is not seen to be a polynomial in the number of steps of repeat {k}")
                linear[x] = joined(linear[x], {t: (None, self._summed(repeat, d)) for t, (_, d) in change.items()})
            right = {tags[x]: hull(names[x].entries[q], self._total(repeat, after[x].entries[q])) for x in tags}
            found = settled(right, {tags[x]: linear[x] for x in tags})
            for x, tag in tags.items():
                entries[x].append(found[tag])
        outside = self._outside(tags, linear, {x: names[x].linear for x in tags})
        return self._body(repeat, names, {x: replace(self._value("", entries[x], False), linear=outside[x]) for x in tags}, {})

    def _body(
        self, repeat: Repeat, names: Mapping[str, Value], inner: Mapping[str, Value], tags: Mapping[str, str]
    ) -> dict[str, Value]:
        """What one step of the body leaves; `tags` are not known at gamma^0."""
        local, before = {**names, **inner}, set(self.open)
        self.open |= set(tags.values())
        self.execute(repeat.body, local)
        self.open = before
        return {a.target: local[a.target] for a in assignments(repeat.body)}

    def _summed(self, repeat: Repeat, d: Degrees) -> Degrees:
        """A sum over the steps: one degree more where there are k of them."""
        assert isinstance(repeat.count, Name)
        own = self.configuration.bindings[repeat.count.id] == Name(self.count)
        return (d[0], d[1] + own)

    def _total(self, repeat: Repeat, entry: Entry) -> Entry:
        return None if entry is None else self._summed(repeat, entry)

    def _outside(
        self, tags: Mapping[str, str], linear: Mapping[str, Mapping[str, Factor]], start: Mapping[str, Mapping[str, Factor]]
    ) -> dict[str, dict[str, Factor]]:
        """What the variables of a body owe to variables outside of it, at the same power of gamma."""
        found: dict[str, dict[str, Factor]] = {x: dict(start[x]) for x in tags}
        for _ in tags:
            for x in tags:
                for t, (_, d) in linear[x].items():
                    inner = next((y for y, tag in tags.items() if tag == t), None)
                    own = {t: (None, d)} if inner is None else {u: (None, plus(d, e) or d) for u, (_, e) in found[inner].items()}
                    found[x] = joined(found[x], own)
        return found


def joined(a: Mapping[str, Factor], b: Mapping[str, Factor]) -> dict[str, Factor]:
    """The factors of a sum in which nothing is known to cancel."""
    result = dict(a)
    for x, (_, d) in b.items():
        result[x] = (None, hull(d, result[x][1] if x in result else None) or d)
    return result


def settled(right: Mapping[str, Entry], linear: Mapping[str, Mapping[str, Factor]]) -> dict[str, Entry]:
    """Bounds X with X_x >= right_x and X_x >= factor + X_y for all others y that x owes something to."""
    found = dict(right)
    for _ in range(len(right) + 1):
        owed = {x: [plus(d, found[y]) for y, (_, d) in linear[x].items() if y != x and y in found] for x in right}
        last, found = found, {x: hull(found[x], *owed[x]) for x in right}
        if last == found:
            return found
    raise Undecided(f"{', '.join(right)}: degrees grow in a circle")
