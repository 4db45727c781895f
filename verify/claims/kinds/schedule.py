"""Kind schedule: piecewise-linear learning rates with symbolic breakpoints.

A piece is value on start <= clock <= end, clock t or s = (t - offset) mod modulus, 0 <= s < modulus, and the earlier of two
pieces counts at a common end; or its condition is given as printed, when = "0 < s <= t1", and ends count as it says.  A linear
piece takes its extreme values at its ends, so continuity and range are statements about values there; each is decided for all
positive parameters within their bounds for which every piece ends after it starts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from derive.errors import UsageError
from derive.language import Call, Name, Operation, names_of, parse_expression
from derive.readings.domain import stated
from derive.readings.formula import limited
from derive.reals import All, Either, Formula, Ratio, Refuted, Undecided, compare, decide, example
from derive.reals.reading import CALLS, Reading, read_all
from verify.claims.judgment import Judgment, Kind, Stated, proved, refuted, undecided
from verify.claims.schedule_catalogue import compare_with_catalogue

CLOCKS = ("t", "s")
CHAIN = re.compile(r"(?P<start>[^<>=]+)(?P<first><=?)\s*(?P<clock>[ts])\s*((?P<last><=?)(?P<end>[^<>=]+))?")


@dataclass(frozen=True)
class PieceData:
    """value (in t or s) from `start` to `end`; `end` left out: for ever.  Or `when`: one chain of comparisons for the clock."""

    value: str
    start: str = ""
    end: str = ""
    clock: str = "t"
    when: str = ""

    def __post_init__(self) -> None:
        if bool(self.when) == bool(self.start) or (self.when and self.end):
            raise UsageError("piece: give either 'start' (with 'end' and 'clock'), or 'when'")
        if self.when:
            for key, text in zip(("start", "clock", "end"), self._chain(), strict=True):
                object.__setattr__(self, key, text)
        if self.clock not in CLOCKS:
            raise UsageError(f"clock: write \"t\" or \"s\" (time within a period), not \"{self.clock}\"")
        for text in self.texts:
            limited(parse_expression(text, "piece", CALLS))
        value = read_all([self.value], (self.clock,), "value").values[self.value]
        if value.derivative(self.clock).derivative(self.clock) or _under_a_root(self.value, self.clock):
            raise UsageError(f"value: '{self.value}' is not linear in {self.clock}; pieces must be")

    def _chain(self) -> tuple[str, str, str]:
        found = CHAIN.fullmatch(self.when)
        if found is None:
            raise UsageError(f"when: write 'a < t <= b' or 'a < s', not '{self.when}'")
        return found["start"].strip(), found["clock"], (found["end"] or "").strip()

    def includes(self, end: str) -> bool:
        """Whether the piece holds at its 'start' or its 'end'."""
        found = CHAIN.fullmatch(self.when)
        return found is None or found["first" if end == "start" else "last"] == "<="

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(x for x in (self.start, self.value, self.end) if x)


def _under_a_root(text: str, clock: str) -> bool:
    def inside(e: Any, under: bool) -> bool:
        if isinstance(e, Name):
            return under and e.id == clock
        return isinstance(e, Operation | Call) and any(inside(a, under or isinstance(e, Call)) for a in e.args)

    return inside(parse_expression(text, "value", CALLS), False)


@dataclass(frozen=True)
class ScheduleClaim:
    """The pieces as printed, and what is claimed of them: continuous, range, period.  [lowest, highest] are
    infimum and supremum: an end that a piece leaves out is approached.

    bounds: parameters between two numbers, {rmin = ["0", "1"]};  catalogue: derive's schedule of the same name must agree.
    """

    pieces: tuple[PieceData, ...]
    continuous: bool
    range: tuple[str, ...]
    bounds: Mapping[str, tuple[str, ...]]
    modulus: str = ""
    offset: str = "0"
    period: str = ""
    catalogue: str = ""


    def __post_init__(self) -> None:
        if any(len(ends) != 2 for ends in self.bounds.values()):
            raise UsageError("bounds: a parameter needs two numbers, {rmin = [\"0\", \"1\"]}")
        used = {n for t in _texts(self) for n in names_of(parse_expression(t, "claim", CALLS))}
        for name in self.bounds:
            if name not in used or name in CLOCKS:
                raise UsageError(f"bounds: '{name}' is no parameter of the pieces")
        if not any(p.clock == "s" for p in self.pieces) and (self.modulus or self.offset != "0"):
            raise UsageError("modulus, offset: no piece is in s = (t - offset) mod modulus")

    @property
    def covers_all_times(self) -> bool:
        """Whether the pieces say from 0 on for ever what the rate is."""
        last = self.pieces[-1]
        return self.pieces[0].start == "0" and self.pieces[0].includes("start") and (last.clock == "s" or not last.end)


def states_schedule(data: ScheduleClaim) -> Stated:
    """What is stated."""
    pieces = (f"{p.value} on {p.when or f'{p.start} <= {p.clock}' + (f' <= {p.end}' if p.end else '')}" for p in data.pieces)
    clock = f"s = (t - ({data.offset})) mod ({data.modulus})" if data.modulus else ""
    bounds = ", ".join(f"{a} < {n} < {b}" for n, (a, b) in data.bounds.items())
    parts = ["continuous" if data.continuous else "not continuous for all of these parameters"]
    parts += [f"with range [{', '.join(data.range)}], its ends taken, or approached where a piece leaves its end out"]
    parts += [f"of period {data.period}"] if data.period else []
    parts += [f"equal to derive's schedule {data.catalogue}"] if data.catalogue else []
    times = "" if not data.pieces or data.covers_all_times else "at the times of these pieces alone"
    hypotheses = (*pieces, times, clock, bounds, "positive parameters for which every piece ends after it starts")
    return Stated(f"the rate is {', '.join(parts)}", tuple(h for h in hypotheses if h))


class Statement:
    """The claim's texts over one ring, and the assumptions on its parameters."""

    def __init__(self, data: ScheduleClaim) -> None:
        self.data = data
        self.reading: Reading = read_all(sorted(_texts(data)), _names(data), "schedule")
        self.ring = self.reading.ring
        self.parameters = tuple(n for n in self.ring.symbols if n.isidentifier() and n not in CLOCKS)
        self.given = All((self.reading.given, *self._bounds(), *self._orders()))
        if example(self.given) is None:
            raise UsageError("pieces: for no positive parameters within the bounds does every piece end after it starts")
        self.wrong: list[str] = []
        self.evidence: list[str] = []
        self.doubts: list[str] = []

    def _bounds(self) -> Iterator[Formula]:
        for name, bounds in self.data.bounds.items():
            if any(names_of(parse_expression(b, "bounds")) for b in bounds):
                raise UsageError(f"bounds: write two numbers, [\"0\", \"1\"], not {' and '.join(bounds)}")
            yield from (r.formula for r in stated({name: bounds}, "bounds"))
        yield from (compare(self.ring.symbol(n), ">", self.ring.zero) for n in self.parameters if n not in self.data.bounds)

    def _orders(self) -> Iterator[Formula]:
        for p in self.data.pieces:
            if p.end:
                yield compare(self.text(p.start), "<", self.text(p.end))

    def text(self, text: str) -> Ratio:
        return self.reading.values[text]

    def at(self, piece: PieceData, where: str) -> Ratio:
        """The value of a piece at a breakpoint."""
        return self.text(piece.value).substitute({piece.clock: self.text(where)}, self.ring)

    def check(self, claim: Formula, otherwise: str) -> bool:
        """Whether the statement is proved; else it is noted, with numbers or with the doubt."""
        verdict = decide(claim, self.given)
        if isinstance(verdict, Refuted):
            at = ", ".join(f"{n} = {v}" for n, v in verdict.values.items() if n in self.parameters)
            self.wrong.append(f"{otherwise} for {at or 'all parameters'}")
        elif isinstance(verdict, Undecided):
            self.doubts.append(f"not decided whether {otherwise}: {verdict.reason}")
        else:
            return True
        return False

    def equal(self, a: str, b: str) -> bool:
        return not isinstance(decide(compare(self.text(a), "==", self.text(b)), self.given), Refuted | Undecided)


def _texts(data: ScheduleClaim) -> set[str]:
    found = {t for p in data.pieces for t in p.texts} | {*data.range, data.modulus, data.offset, data.period, "0"}
    return {t for t in found if t}


def _names(data: ScheduleClaim) -> tuple[str, ...]:
    return (*CLOCKS, *sorted(set(data.bounds) - set(CLOCKS)))


def judge_schedule(data: ScheduleClaim) -> Judgment:
    """schedule: left and right values at every breakpoint, values at all ends against the range, the period."""
    if len(data.range) != 2 or not data.pieces:
        raise UsageError("range: write the lowest and the highest value, [\"0\", \"1\"]; pieces: give at least one")
    s = Statement(data)
    for check in (_coverage, _continuity, _range, _period, compare_with_catalogue):
        check(s)
    if s.wrong:
        return refuted("; ".join(s.wrong), *s.evidence)
    return undecided(*s.doubts, *s.evidence) if s.doubts else proved(*s.evidence)


def _joins(s: Statement) -> Iterator[tuple[str, PieceData, str, PieceData, str]]:
    """(name of the breakpoint, piece before, its clock there, piece after, its clock there)."""
    for a, b in pairwise(s.data.pieces):
        if a.clock != b.clock:
            yield f"t = {a.end}, s = {b.start}", a, a.end or "0", b, b.start
            continue
        if not a.end or not s.equal(a.end, b.start):
            raise UsageError(f"pieces: one ends at {a.end or 'no end'}, the next starts at {b.start}")
        yield f"{a.clock} = {a.end}", a, a.end, b, b.start
    periodic = [p for p in s.data.pieces if p.clock == "s"]
    if periodic:
        yield f"s = {periodic[-1].end}, back to s = 0", periodic[-1], periodic[-1].end or "0", periodic[0], periodic[0].start


def _coverage(s: Statement) -> None:
    """Every breakpoint belongs to a piece, and so does s = 0, which the clock s takes once a period."""
    for a, b in pairwise(s.data.pieces):
        if a.clock == b.clock and not a.includes("end") and not b.includes("start"):
            s.wrong.append(f"no piece has {a.clock} = {a.end}")
    periodic = [p for p in s.data.pieces if p.clock == "s"]
    if periodic and not periodic[0].includes("start"):
        s.wrong.append(f"no piece has s = {periodic[0].start}, taken once in every period: counterexample: t = {s.data.offset}")


def _continuity(s: Statement) -> None:
    jumps: list[str] = []
    joined = []
    before = s.wrong
    for name, a, x, b, y in _joins(s):
        left, right = s.at(a, x), s.at(b, y)
        s.wrong = []
        if s.check(compare(left, "==", right), f"jump at {name} from {left} to {right}"):
            joined.append(f"{name}: {left}")
        jumps += s.wrong
    s.wrong = before
    s.evidence += [f"equal values from both sides at {'; '.join(joined)}"] if joined else []
    if s.data.continuous:
        s.wrong += jumps
    elif jumps:
        s.evidence += jumps
    elif not s.doubts:
        s.wrong.append("continuous at every breakpoint")


def _range(s: Statement) -> None:
    for p in s.data.pieces:
        if not p.end and s.text(p.value).derivative(p.clock):
            s.wrong.append(f"the piece from {p.start} grows without bound")
            return
    ends = {str(v): v for p in s.data.pieces for x in (p.start, p.end or p.start) for v in [s.at(p, x).reduced()]}
    low, high = s.data.range
    good = True
    for text, value in sorted(ends.items()):
        good &= s.check(compare(s.text(low), "<=", value), f"the value {text} is below {low}")
        good &= s.check(compare(value, "<=", s.text(high)), f"the value {text} is above {high}")
    shown = ", ".join(sorted(ends))
    for x in s.data.range:
        if good:
            reached = Either(tuple(compare(s.text(x), "==", v) for v in ends.values()))
            s.check(reached, f"{x} is neither taken nor approached (values at the ends: {shown})")
    s.evidence.append(f"values at all ends: {shown}")


def _period(s: Statement) -> None:
    data = s.data
    periodic = [p for p in data.pieces if p.clock == "s"]
    if not periodic:
        s.wrong += ["not periodic"] if data.period else []
        return
    if not data.modulus:
        raise UsageError("modulus: pieces in s = (t - offset) mod modulus need it")
    if not s.equal(periodic[-1].end or "0", data.modulus) or not s.equal(periodic[0].start, "0"):
        s.wrong.append(f"the pieces cover s from {periodic[0].start} to {periodic[-1].end}, the modulus is {data.modulus}")
    before = [p for p in data.pieces if p.clock == "t"]
    if before and not s.equal(before[-1].end or "0", data.offset):
        s.wrong.append(f"the first piece ends at {before[-1].end}, s starts at t = {data.offset}")
    if not data.period or not s.equal(data.period, data.modulus):
        s.wrong.append(f"the period is {data.modulus}" + (f", not {data.period}" if data.period else ""))
    s.evidence.append(f"period {data.modulus}")


KIND = Kind("schedule", ScheduleClaim, states_schedule, judge_schedule)
