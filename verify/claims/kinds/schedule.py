"""Kind schedule: piecewise-linear learning rates with symbolic breakpoints.

A piece is value on from < clock <= to, clock t or s = (t - offset) mod modulus.  A linear piece takes its extreme values at its
ends, so continuity and range are decided there, for all values of the parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derive.errors import UsageError
from derive.scheme.schedule import load_schedule, schedule_parameters
from verify.claims.judgment import Judgment, Kind, proved, refuted
from verify.claims.symbolic import symbol, symbolic, text_of


@dataclass(frozen=True)
class PieceData:
    """value (in t or s) from `start` to `end`; `end` left out: for ever."""

    start: str
    value: str
    end: str = ""
    clock: str = "t"

    def __post_init__(self) -> None:
        if self.clock not in ("t", "s"):
            raise UsageError(f"clock: write \"t\" or \"s\" (time within a period), not \"{self.clock}\"")
        if symbolic(self.value, "value").diff(symbol(self.clock), 2) != 0:
            raise UsageError(f"value: '{self.value}' is not linear in {self.clock}; pieces must be")


@dataclass(frozen=True)
class ScheduleClaim:
    """The pieces as printed, and what is claimed of them: continuous, range [lowest, highest] attained, period.

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


def judge_schedule(data: ScheduleClaim) -> Judgment:
    """schedule: left and right values at every breakpoint, values at all ends against the range, the period."""
    if len(data.range) != 2 or not data.pieces:
        raise UsageError("range: write the lowest and the highest value, [\"0\", \"1\"]; pieces: give at least one")
    wrong: list[str] = []
    evidence: list[str] = []
    for check in (_continuity, _range, _period, _catalogue):
        bad, good = check(data)
        wrong += bad
        evidence += good
    if wrong:
        return refuted("; ".join(wrong), *evidence)
    return proved(*evidence)


def _at(piece: PieceData, where: str) -> Any:
    clock = symbol(piece.clock)
    return symbolic(piece.value, "value").subs(clock, symbolic(where, "breakpoint"))


def _joins(data: ScheduleClaim) -> list[tuple[str, PieceData, str, PieceData, str]]:
    """(name of the breakpoint, piece before, its clock there, piece after, its clock there)."""
    found = []
    for a, b in zip(data.pieces, data.pieces[1:], strict=False):
        if a.clock == b.clock == "t" or a.clock == b.clock == "s":
            if text_of(symbolic(a.end or "0", "end") - symbolic(b.start, "start")) != "0":
                raise UsageError(f"pieces: one ends at {a.end or 'no end'}, the next starts at {b.start}")
            found.append((f"{a.clock} = {a.end}", a, a.end, b, b.start))
        else:
            found.append((f"t = {a.end}, s = {b.start}", a, a.end, b, b.start))
    periodic = [p for p in data.pieces if p.clock == "s"]
    if periodic:
        found.append((f"s = {periodic[-1].end}, back to s = 0", periodic[-1], periodic[-1].end, periodic[0], periodic[0].start))
    return found


def _continuity(data: ScheduleClaim) -> tuple[list[str], list[str]]:
    jumps, joined = [], []
    for name, a, x, b, y in _joins(data):
        left, right = _at(a, x), _at(b, y)
        if text_of(left - right) == "0":
            joined.append(f"{name}: {text_of(left)}")
        else:
            jumps.append(f"jump at {name} from {text_of(left)} to {text_of(right)}")
    evidence = [f"equal values from both sides at {'; '.join(joined)}"] if joined else []
    if data.continuous:
        return jumps, evidence
    return ([] if jumps else ["continuous at every breakpoint"]), evidence + jumps


def _range(data: ScheduleClaim) -> tuple[list[str], list[str]]:
    ends = {text_of(_at(p, x)) for p in data.pieces for x in (p.start, p.end or p.start)}
    for p in data.pieces:
        if not p.end and symbolic(p.value, "value").has(symbol(p.clock)):
            return [f"the piece from {p.start} grows without bound"], []
    low, high = data.range
    wrong = [f"the value {e} is below {low} for {at}" for e in sorted(ends) if (at := _negative(data, e, low))]
    wrong += [f"the value {e} is above {high} for {at}" for e in sorted(ends) if (at := _negative(data, high, e))]
    wrong += [f"{x} is not attained (values at the ends: {', '.join(sorted(ends))})" for x in data.range
              if not wrong and all(text_of(symbolic(x, "range") - symbolic(e, "value")) != "0" for e in ends)]  # fmt: skip
    return wrong, [f"values at all ends: {', '.join(sorted(ends))}"]


def _negative(data: ScheduleClaim, a: str, b: str) -> str:
    """Where a - b < 0 for parameters within their bounds (a - b is linear in each), or ''."""
    from itertools import product

    difference = symbolic(a, "range") - symbolic(b, "range")
    names = sorted(str(s) for s in difference.free_symbols)
    for n in names:
        if len(data.bounds.get(n, ())) != 2:
            raise UsageError(f"bounds: '{n}' needs two bounds, {n} = [\"0\", \"1\"]")
    for corner in product((Fraction(1, 10), Fraction(9, 10)), repeat=len(names)):
        values = {symbol(n): _between(data.bounds[n], x) for n, x in zip(names, corner, strict=True)}
        if difference.subs(values) < 0:
            return ", ".join(f"{n} = {v}" for n, v in values.items()) or "all parameters"
    return ""


def _between(bounds: tuple[str, ...], x: Fraction) -> Any:
    low, high = (symbolic(b, "bounds") for b in bounds)
    if not (low.is_number and high.is_number):
        raise UsageError(f"bounds: write two numbers, [\"0\", \"1\"], not {bounds[0]} and {bounds[1]}")
    return low + (high - low) * symbolic(str(x), "bounds")


def _period(data: ScheduleClaim) -> tuple[list[str], list[str]]:
    periodic = [p for p in data.pieces if p.clock == "s"]
    if not periodic:
        return (["not periodic"], []) if data.period else ([], [])
    if not data.modulus:
        raise UsageError("modulus: pieces in s = (t - offset) mod modulus need it")
    modulus = symbolic(data.modulus, "modulus")
    wrong = []
    if text_of(symbolic(periodic[-1].end or "0", "end") - modulus) != "0" or text_of(symbolic(periodic[0].start, "start")) != "0":
        wrong.append(f"the pieces cover s from {periodic[0].start} to {periodic[-1].end}, the modulus is {data.modulus}")
    before = [p for p in data.pieces if p.clock == "t"]
    if before and text_of(symbolic(before[-1].end or "0", "end") - symbolic(data.offset, "offset")) != "0":
        wrong.append(f"the first piece ends at {before[-1].end}, s starts at t = {data.offset}")
    if not data.period or text_of(symbolic(data.period, "period") - modulus) != "0":
        wrong.append(f"the period is {data.modulus}" + (f", not {data.period}" if data.period else ""))
    return wrong, [f"period {data.modulus}"]


def _catalogue(data: ScheduleClaim) -> tuple[list[str], list[str]]:
    """The pieces against derive's schedule at breakpoints 2, 5, 7, 11, ... and times in between."""
    if not data.catalogue:
        return [], []
    names = schedule_parameters(data.catalogue)
    times = iter((2, 5, 7, 11, 13))
    values = {n: Fraction(1, 10) if n in data.bounds else Fraction(next(times)) for n in names}
    schedule = load_schedule(data.catalogue, list(values.values()))
    for k in range(1, 60):
        t = Fraction(k, 2)
        own, theirs = _value(data, t, values), schedule.value(t)
        if own != theirs:
            at = ", ".join(f"{n} = {v}" for n, v in values.items())
            return [f"at t = {t}, {at}: {own} by these pieces, {theirs} by derive's schedule {data.catalogue}"], []
    return [], [f"derive's schedule '{data.catalogue}' has the same values at 59 times"]


def _value(data: ScheduleClaim, t: Fraction, values: Mapping[str, Fraction]) -> Fraction | None:
    names = {symbol(n): symbolic(str(v), n) for n, v in values.items()}

    def number(text: str) -> Fraction:
        return _rational(symbolic(text, "piece").subs(names))

    clocks = {"t": t}
    if data.modulus:
        shifted = t - number(data.offset)
        modulus = number(data.modulus)
        clocks["s"] = shifted - (shifted // modulus) * modulus
    for p in data.pieces:
        clock = clocks[p.clock]
        if number(p.start) <= clock and (not p.end or clock <= number(p.end)):
            at = {symbol(p.clock): symbolic(str(clock), "t")}
            return _rational(symbolic(p.value, "value").subs(at).subs(names))
    return None


def _rational(value: Any) -> Fraction:
    if not value.is_Rational:
        raise UsageError(f"catalogue: the pieces contain '{value}', which derive's schedule does not have")
    return Fraction(int(value.p), int(value.q))


KIND = Kind("schedule", ScheduleClaim, judge_schedule)
