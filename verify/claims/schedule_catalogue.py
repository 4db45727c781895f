"""The pieces of a schedule against derive's schedule of the same name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from derive.errors import UsageError
from derive.reals import All, Compare, Either, Formula, Not, Ratio, Refuted, Undecided, compare, decide, ratio_of
from derive.scheme.schedule import Schedule, load_schedule, schedule_parameters

if TYPE_CHECKING:
    from verify.claims.kinds.schedule import Statement


def compare_with_catalogue(s: Statement) -> None:
    """The pieces against derive's schedule: the same clocks, and equal values wherever a piece of each holds."""
    if not s.data.catalogue:
        return
    names = schedule_parameters(s.data.catalogue)
    unknown = [n for n in names if n not in s.parameters] + [n for n in s.parameters if n not in names]
    if unknown:
        raise UsageError(f"catalogue: '{unknown[0]}' does not occur in both the pieces and derive's schedule")
    theirs = load_schedule(s.data.catalogue, [Fraction(0)] * len(names))
    if not theirs.straight:
        s.doubts.append(f"derive's schedule '{s.data.catalogue}' has pieces that are not straight, which are not compared")
        return
    difference = _at_times(s, names)
    if difference:
        s.wrong.append(difference)
    elif isinstance(verdict := decide(_agreement(s, theirs), s.given), Refuted | Undecided):
        reason = verdict.reason if isinstance(verdict, Undecided) else "their pieces differ"
        s.doubts.append(f"not decided whether derive's schedule '{s.data.catalogue}' is the same: {reason}")
    else:
        s.evidence.append(f"derive's schedule '{s.data.catalogue}' has the same values at all times")


def _agreement(s: Statement, theirs: Schedule) -> Formula:
    """For all t >= 0 and all 0 <= s < modulus."""
    zero = s.ring.zero
    t, clock = s.ring.symbol("t"), s.ring.symbol("s")
    times: list[Formula] = [compare(t, ">=", zero)]
    clocks: list[Formula] = []
    if theirs.period is not None and s.data.modulus:
        modulus = s.text(s.data.modulus)
        offset = ratio_of(theirs.offset, s.ring) if theirs.offset is not None else zero
        clocks = [compare(modulus, "==", ratio_of(theirs.period, s.ring)), compare(s.text(s.data.offset), "==", offset)]
        times += [compare(clock, ">=", zero), compare(clock, "<", modulus)]
    cases = [Not(All((own, other, compare(a, "!=", b)))) for own, a in _own(s) for other, b in _derived(s, theirs)]
    return All((*clocks, Either((Not(All(tuple(times))), All(tuple(cases))))))


def _first(conditions: list[tuple[Formula, Ratio]]) -> Iterator[tuple[Formula, Ratio]]:
    """Pieces are tried in order."""
    for k, (condition, value) in enumerate(conditions):
        yield All((condition, *(Not(earlier) for earlier, _ in conditions[:k]))), value


def _own(s: Statement) -> Iterator[tuple[Formula, Ratio]]:
    found: list[tuple[Formula, Ratio]] = []
    for p in s.data.pieces:
        clock = s.ring.symbol(p.clock)
        parts = [compare(s.text(p.start), "<=", clock)] + ([compare(clock, "<=", s.text(p.end))] if p.end else [])
        found.append((All(tuple(parts)), s.text(p.value)))
    return _first(found)


def _derived(s: Statement, theirs: Schedule) -> Iterator[tuple[Formula, Ratio]]:
    found: list[tuple[Formula, Ratio]] = []
    for p in theirs.pieces:
        parts = [Compare(ratio_of(a, s.ring) - ratio_of(b, s.ring), op) for a, op, b in p.comparisons]
        found.append((All(tuple(parts)), ratio_of(p.value, s.ring)))
    return _first(found)


def _at_times(s: Statement, names: tuple[str, ...]) -> str:
    """A time at which they differ, among 59 times with breakpoints 2, 5, 7, 11, ..., or ''."""
    times = iter((2, 5, 7, 11, 13))
    values = {n: Fraction(1, 10) if n in s.data.bounds else Fraction(next(times)) for n in names}
    schedule = load_schedule(s.data.catalogue, list(values.values()))
    for k in range(1, 60):
        t = Fraction(k, 2)
        own, theirs = _value(s, t, values), schedule.value(t)
        if own != theirs:
            at = ", ".join(f"{n} = {v}" for n, v in values.items())
            return f"at t = {t}, {at}: {own} by these pieces, {theirs} by derive's schedule {s.data.catalogue}"
    return ""


def _value(s: Statement, t: Fraction, values: Mapping[str, Fraction]) -> Fraction | None:
    def number(text: str, **clock: Fraction) -> Fraction:
        found: Fraction = s.text(text).at({**values, **clock}, Fraction)
        return found

    clocks = {"t": t}
    if s.data.modulus:
        shifted, modulus = t - number(s.data.offset), number(s.data.modulus)
        clocks["s"] = shifted - (shifted // modulus) * modulus
    for p in s.data.pieces:
        clock = clocks[p.clock]
        if number(p.start) <= clock and (not p.end or clock <= number(p.end)):
            return number(p.value, **{p.clock: clock})
    return None


