"""The range of the parameters in pieces, with the interval of q that is proved on each (`positive` says what is proved).

Formulas are proposed at a point of a range and proved on all of it.  Where one fails at another point, the range is cut in
three by the sign of a separator that tells the points apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise

from derive.readings.bounds import Separator, end_texts, separators
from derive.readings.domain import Range
from derive.readings.positive import Positive, prove_interval
from derive.readings.regions import Region, range_text, simplified
from derive.reals import (
    TRUE,
    All,
    Budget,
    Compare,
    Either,
    End,
    Formula,
    Not,
    Proved,
    Refuted,
    Undecided,
    Verdict,
    end_of,
    example,
    holds,
)
from derive.reals.formula import Value
from derive.reals.reading import numeric

_CASES = 60  # ranges looked at before the search is given up
PROVED = "proved"


@dataclass(frozen=True)
class Piece:
    """What is proved on a range of the parameters: the interval (None: no q > 0 at all), and whether stable q follow
    beyond it for some of the parameters (None: undecided).

    `range` is a text of comparisons joined by 'and' and 'or', empty where there is no restriction; `proof` is "proved" or
    "undecided: " and the reason (then `interval` is None); `instances` are then values of the parameters and of q with and
    without stability.
    """

    range: str
    interval: tuple[str, str] | None
    proof: str = PROVED
    further: bool | None = False
    instances: tuple[Mapping[str, str], ...] = ()
    formula: Formula = field(default=TRUE, compare=False)  # `range`, as a statement

    @property
    def proved(self) -> bool:
        return self.proof == PROVED

    def to_json(self) -> dict[str, object]:
        return {
            "range": self.range, "interval": list(self.interval) if self.interval else None, "proof": self.proof,
            "further_intervals": self.further,
        } | ({"instances": [dict(i) for i in self.instances]} if self.instances else {})  # fmt: skip


def pieces(s: Positive, ranges: Sequence[Range], budget: Budget | None = None) -> tuple[Piece, ...]:
    """The range of the parameters in pieces, each with what is proved on it; intervals first."""
    search = _Search(s, ranges, budget)
    whole = Region(tuple(ranges), ())
    groups: dict[object, tuple[_Outcome, list[Region]]] = {}
    for region, outcome in search.explored(whole, ()):
        groups.setdefault(outcome.key, (outcome, []))[1].append(region)
    found = [search.piece(outcome, simplified(regions)) for outcome, regions in groups.values()]
    return tuple(sorted(found, key=lambda p: (p.interval is None, not p.proved)))


@dataclass(frozen=True, eq=False)
class _Outcome:
    ends: tuple[End, End] | None
    reason: str = ""

    @property
    def key(self) -> object:
        return (self.reason, self.ends and (self.ends[0].text, self.ends[1].text))


_NEVER = _Outcome(None)


class _Search:
    def __init__(self, s: Positive, ranges: Sequence[Range], budget: Budget | None) -> None:
        self.s, self.ranges, self.budget = s, ranges, budget
        used = {n for c in (*s.conditions, *s.domain) for n in c.symbols()} | {n for r in ranges for n in r.names}
        self.parameters = sorted(used - {s.q})
        texts, self.without = end_texts([*s.conditions, *s.domain], s.q)
        self.ends = [end_of(t, (*self.parameters, s.q)) for t in dict.fromkeys(["0", *texts])]
        self.cuts = separators([*s.conditions, *s.domain], s.q) if self.parameters else []
        self.away = All(tuple(All((cut.given, Compare(cut.value, "!="))) for cut in self.cuts))
        self.cases = 0

    # ------------------------------------------------------------------ cutting the range

    def explored(self, region: Region, seeds: Sequence[_Outcome]) -> list[tuple[Region, _Outcome]]:
        self.cases += 1
        if self.cases > _CASES:
            return [(region, _Outcome(None, "too many cases"))]
        point = self.sample(region)
        if point is None:
            return []
        if isinstance(point, Undecided):
            return [(region, _Outcome(None, point.reason))]
        reason, failed = "", []
        own = list(self.candidates(point))
        for k, outcome in enumerate([*seeds, *own]):
            verdict = self.prove(region, outcome)
            if isinstance(verdict, Proved):
                return [(region, outcome)]
            if isinstance(verdict, Undecided):
                reason = verdict.reason
            elif k >= len(seeds):
                generic = prove_interval(self.s, All((region.formula, self.away)), outcome.ends, self.budget)
                failed.append((outcome, generic.values if isinstance(generic, Refuted) else verdict.values))
        if not failed:
            return [(region, _Outcome(None, reason or self._missing()))]
        return self.cut(region, point, failed)

    def prove(self, region: Region, outcome: _Outcome) -> Verdict:
        return prove_interval(self.s, region.formula, outcome.ends, self.budget)

    def cut(self, region: Region, point: Mapping[str, Fraction], failed: Sequence[_Failure]) -> list[tuple[Region, _Outcome]]:
        """The region in three by the sign of a separator, one that leaves a part where the formula holds if there is one."""
        choices = [(cut, outcome) for outcome, counter in failed for cut in self.cuts if _side(cut, point) != _side(cut, counter)]
        if not choices:
            return [(region, _Outcome(None, self._missing()))]
        for cut, outcome in choices:
            known = {_side(cut, point): [(region.with_sign(cut, _side(cut, point)), outcome)]}
            if isinstance(self.prove(known[_side(cut, point)][0][0], outcome), Proved):
                break
        else:
            cut, known = choices[0][0], {}
        for sign in (1, -1):
            if sign not in known:
                known[sign] = self.explored(region.with_sign(cut, sign), ())
        sides = [x for found in known.values() for x in found]
        seeds = {o.key: o for _, o in sides if not o.reason}
        return sides if 0 in known else sides + self.explored(region.with_sign(cut, 0), (*seeds.values(), _NEVER))

    def _missing(self) -> str:
        if self.without:
            return f"an end may be a root of {self.without[0]} in {self.s.q}, which has no short closed form"
        return "no formula was found that holds on the whole range"

    # ------------------------------------------------------------------ proposals

    def sample(self, region: Region) -> Mapping[str, Fraction] | Undecided | None:
        """Parameters in the region, off the separators where it allows that."""
        for extra in (self.away, All(())):
            found = example(All((region.formula, extra)), self.budget)
            if isinstance(found, Mapping):
                return {p: _rational(found.get(p, Fraction(1, 3))) for p in self.parameters}
            result = found
        return result

    def candidates(self, point: Mapping[str, Fraction]) -> Iterator[_Outcome]:
        """What holds at a point, in every way in which the ends can be written."""
        places: dict[Fraction, list[End]] = {}
        for end in self.ends:
            if (x := numeric(end, point)) is not None:
                places.setdefault(x, []).append(end)
        xs = sorted(places)
        segments = list(pairwise([None, *xs, None]))
        good = [self.stable(point, _middle(a, b)) for a, b in segments]
        start = next((k for k, (_, b) in enumerate(segments) if (b is None or b > 0) and good[k]), None)
        if start is None:
            yield _NEVER
            return
        stop = start
        while stop + 1 < len(good) and good[stop + 1] and self.stable(point, segments[stop][1]):
            stop += 1
        while start > 0 and good[start - 1] and self.stable(point, segments[start][0]):
            start -= 1
        a, b = segments[start][0], segments[stop][1]
        for low in places[a] if a is not None else [End("-oo", None)]:
            for high in places[b] if b is not None else [End("oo", None)]:
                yield _Outcome((low, high))

    def stable(self, point: Mapping[str, Fraction], q: Fraction | None) -> bool:
        return holds(self.s.inside, {**point, self.s.q: q or Fraction(0)}) is True

    # ------------------------------------------------------------------ results

    def piece(self, outcome: _Outcome, regions: Sequence[Region]) -> Piece:
        formula: Formula = Either(tuple(r.formula for r in regions)) if len(regions) != 1 else regions[0].formula
        made = Piece(range_text(self.ranges, regions, self.parameters), None, formula=formula)
        if outcome.reason:
            return replace(made, proof=f"undecided: {outcome.reason}", instances=tuple(self.instances(formula)))
        if outcome.ends is None:
            return made
        low, high = outcome.ends
        return replace(made, interval=(low.text, high.text), further=high.value is not None and self.further(formula, high))

    def further(self, formula: Formula, high: End) -> bool | None:
        """Whether some q beyond the end is stable for some parameters; None: undecided."""
        beyond = example(All((formula, high.given, self.s.q_compared(">", high), self.s.inside)), self.budget)
        return None if isinstance(beyond, Undecided) else beyond is not None

    def instances(self, formula: Formula) -> Iterator[Mapping[str, str]]:
        """Parameters and q > 0 with stability and without."""
        for kind, wanted in (("stable", self.s.inside), ("unstable", Not(self.s.inside))):
            found = example(All((formula, self.s.above_zero(), wanted)), self.budget)
            if isinstance(found, Mapping):
                names = [*self.parameters, self.s.q]
                yield {"kind": kind} | {n: str(found.get(n, Fraction(0))) for n in names}


_Failure = tuple[_Outcome, Mapping[str, Value]]  # a formula, and where it fails


def _middle(a: Fraction | None, b: Fraction | None) -> Fraction:
    if a is None:
        return Fraction(0) if b is None else b - 1
    return a + 1 if b is None else (a + b) / 2


def _rational(x: Value) -> Fraction:
    return x if isinstance(x, Fraction) else x.within(Fraction(1, 10**60)).low


def _side(cut: Separator, values: Mapping[str, Value]) -> int:
    """The sign of a separator, by sixty digits: it only says where to cut."""
    near = {n: _rational(v) for n, v in values.items()}
    if cut.place is not None:
        (name,) = [n for n in cut.value.ring.symbols if n.isidentifier()]
        x = near.get(name, Fraction(0)) - _rational(cut.place)
    else:
        x = cut.value.at({n: near.get(n, Fraction(0)) for n in cut.value.symbols()}, Fraction)
    return 0 if abs(x) < Fraction(1, 10**40) else 1 if x > 0 else -1

