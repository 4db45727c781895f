"""Degrees in the number k of a repeat of everything that a step computes, without solving anything.

At every power of gamma the variables of a body obey Q(j+1) - Q(j) = R(j): a sum over the steps raises the degree by one, and
what is left at j = k - 1 keeps it.  The state obeys X(n+1) - A X(n) = R(n), whose solution has the degrees of R if A has none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from derive.language import Assignment, Expression, Name, Repeat, Statement, assignments, carried, interpret, unparse
from derive.scheme import Configuration
from derive.scheme.names import ahead, previous
from verify.proof.count_degrees import FREE, ITSELF, Degree, Entry, Factor, Value, hull, plus, require_known
from verify.proof.errors import Undecided


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
            require_known(factors)
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
        """The variables of the body after its last step, at j = k - 1.

        A variable is its start plus D(j), D(0) = 0.  At the power that is being solved both are kept apart: D by a tag, the
        start by what it owes to variables outside, and what else it is by another tag.
        """
        self.loops += 1
        parts = {x: _Carried(x, self.loops, names[x]) for x in carried(repeat)}
        for q in range(self.through):
            inner = {x: p.value(q, self.length) for x, p in parts.items()}
            after = self._body(repeat, names, inner, parts.values() if q == 0 else ())
            right: dict[str, Entry] = {}
            for x, part in parts.items():
                change = self._difference(after[x], inner[x])
                require_known(change)
                if part.moved in change:
                    k = unparse(repeat.count)
                    raise Undecided(f"{x} is not seen to be a polynomial in the number of steps of repeat {k}")
                owed = [plus(change[y.start][1], y.initial.entries[q]) for y in parts.values() if y.start in change]
                right[part.moved] = self._summed(repeat, hull(after[x].entries[q], *owed))
                part.owe({t: (None, self._summed(repeat, d) or d) for t, (_, d) in change.items()})
            found = settled(right, {p.moved: p.owed for p in parts.values()})
            for part in parts.values():
                part.entries.append(found[part.moved])
        _require_order(parts, repeat)
        outside = self._outside(parts)
        return self._body(repeat, names, {x: p.result(outside[x], self.length) for x, p in parts.items()}, ())

    def _difference(self, a: Value, b: Value) -> Mapping[str, Factor]:
        meaning = Degree(self.count, self.length, {}, ())
        return meaning.plus(a, meaning.negate(b)).linear

    def _body(
        self, repeat: Repeat, names: Mapping[str, Value], inner: Mapping[str, Value], opened: Iterable[_Carried]
    ) -> dict[str, Value]:
        """What one step of the body leaves; what is `opened` is not known at gamma^0."""
        local, before = {**names, **inner}, set(self.open)
        self.open |= {tag for part in opened for tag in (part.start, part.moved)}
        self.execute(repeat.body, local)
        self.open = before
        return {a.target: local[a.target] for a in assignments(repeat.body)}

    def _summed(self, repeat: Repeat, entry: Entry) -> Entry:
        """A sum over the steps: one degree more where there are k of them."""
        assert isinstance(repeat.count, Name)
        own = self.configuration.bindings[repeat.count.id] == Name(self.count)
        return None if entry is None else (entry[0], entry[1] + own)

    def _outside(self, parts: Mapping[str, _Carried]) -> dict[str, dict[str, Factor]]:
        """What D owes to variables outside of the body, at the same power of gamma."""
        found: dict[str, dict[str, Factor]] = {x: {} for x in parts}
        inside = {p.moved: found[x] for x, p in parts.items()} | {p.start: p.covered for p in parts.values()}
        for _ in parts:
            for x, part in parts.items():
                for t, (_, d) in part.owed.items():
                    own = {u: (None, plus(d, e) or d) for u, (_, e) in inside[t].items()} if t in inside else {t: (None, d)}
                    found[x].update(joined(found[x], own))
        return found


class _Carried:
    """A variable of a body; `owed` is what D owes to others at the same power of gamma."""

    def __init__(self, name: str, loop: int, initial: Value) -> None:
        self.start, self.moved, self.initial = f"{name} before repeat {loop}", f"{name} in repeat {loop}", initial
        exact = all(f is not None for f, _ in initial.linear.values())
        self.kept = dict(initial.linear) if exact else {}
        self.covered = {} if exact else dict(initial.linear)  # what the tag of the start stands for
        self.entries: list[Entry] = []
        self.owed: dict[str, Factor] = {}

    def value(self, q: int, length: int) -> Value:
        """While gamma^q is being solved."""
        known = tuple(map(hull, self.initial.entries, self.entries))[:q]
        return Value((*known, *[None] * (length - len(known))), {**self.kept, self.start: ITSELF, self.moved: ITSELF})

    def owe(self, factors: Mapping[str, Factor]) -> None:
        self.owed = joined(self.owed, factors)

    def result(self, outside: Mapping[str, Factor], length: int) -> Value:
        moved = (*self.entries, *[None] * length)[:length]
        return Value(tuple(map(hull, self.initial.entries, moved)), joined(self.initial.linear, outside))


def _require_order(parts: Mapping[str, _Carried], repeat: Repeat) -> None:
    """Each D is a sum over D before it: in a circle, x = x + y; y = y + x, they would grow like powers of the number of steps."""
    waiting = dict(parts)
    while ready := [x for x, p in waiting.items() if not any(y.moved in p.owed for y in waiting.values())]:
        for x in ready:
            del waiting[x]
    if waiting:
        names, k = ", ".join(waiting), unparse(repeat.count)
        raise Undecided(f"{names} are not seen to be polynomials in the number of steps of repeat {k}")


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
