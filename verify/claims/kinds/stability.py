"""Kind stability: an interval of gamma*h as claimed, or against another scheme's, decided for all parameters in their ranges."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

from derive.errors import UsageError, nearest
from derive.language import parse_expression
from derive.readings.domain import stated
from derive.readings.formula import limited
from derive.readings.pieces import Piece
from derive.readings.positive import prove_interval
from derive.readings.stability import Stability, stability
from derive.reals import All, Either, End, Formula, Not, Proved, Undecided, Verdict, decide, end_of, example, holds
from derive.reals.formula import Value
from derive.reals.reading import CALLS, numeric, ordered
from derive.scheme.game_map import game_of
from verify.claims.judgment import Judgment, Kind, Stated, proved, refuted, undecided
from verify.claims.scheme_data import SchemeData

Values = Mapping[str, Value]


@dataclass(frozen=True, kw_only=True)
class StabilityClaim(SchemeData):
    """interval: ends of the open interval of gamma*h in which all roots lie inside the unit disc, [] for none (bounded: on the
    closed disc, simple on its rim); of gamma*s on the game f = s*x*y, g = -f for a scheme of two players;
    wider_than: the interval strictly contains that of another scheme.  Both for all parameters in the ranges that the scheme
    states; `for` gives (open) ranges in their place."""

    interval: tuple[str, ...] | None = None
    bounded: tuple[str, ...] | None = None
    wider_than: SchemeData | None = None
    for_: Mapping[str, tuple[str, ...]] | None = None
    games: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if [self.interval, self.bounded, self.wider_than].count(None) != 2:
            raise UsageError("give one of 'interval', 'bounded' and 'wider_than'")
        for name, ends in (("interval", self.interval), ("bounded", self.bounded)):
            if ends is not None and len(ends) not in (0, 2):
                raise UsageError(f"{name}: write two ends, [\"0\", \"2\"], or [] for none")
        if self.wider_than is not None and self.configuration.scheme.losses:
            raise UsageError("wider_than: two schemes of one loss are compared; of a game claim its interval")
        if self.for_ is not None and not self.for_:
            raise UsageError("for: give the range of a parameter, or leave it out")
        known = [n for side in (self, self.wider_than) if side for n in (*side.configuration.free, *side.configuration.bindings)]
        for name in self.for_ or {}:
            if name not in known:
                raise UsageError(f"for: '{name}' is no parameter of the scheme{nearest(name, known)}")


def states_stability(data: StabilityClaim) -> Stated:
    """What is stated."""
    ranges = tuple(r.text for r in stated(data.for_ or {}))
    replaced = re.compile("|".join(rf"\b{n}\b" for n in data.for_ or {}) or "(?!)")
    own = tuple(h for h in data.hypotheses[:-1] if "<" not in h or not replaced.search(h))
    played = game_of(data.configuration) if data.configuration.scheme.losses else None
    letter = played.coupling if played else "h"
    problem = f"the game {', '.join(f'{f} = {e}' for f, e in played.texts.items())}" if played else "L = h*theta**2/2"
    quadratic = f"on {problem} with gamma*{letter} > 0"
    if data.wider_than is not None:
        second = f"second: {'; '.join(data.wider_than.hypotheses[:-1])}"
        wider = "the first interval of stability in gamma*h strictly contains the second's"
        return Stated(wider, (*own, second, *ranges, quadratic))
    where = "inside the unit disc" if data.bounded is None else "on the closed unit disc, simple on its rim,"
    text = f"all roots lie {where} exactly for gamma*{letter} in {_interval(data.interval or data.bounded or None)}"
    return Stated(text, (*own, *ranges, quadratic))


def judge_stability(data: StabilityClaim) -> Judgment:
    """stability: the interval of a scheme on quadratic losses, as claimed or against another scheme's."""
    own = _stability(data, data.for_ or {})
    if data.wider_than is not None:
        return _wider(own, _stability(data.wider_than, data.for_ or {}))
    return _claimed(own, data.interval or ()) if data.bounded is None else _bounded(own, data.bounded)


def _bounded(own: Stability, interval: tuple[str, ...]) -> Judgment:
    """Of two roots on the unit circle: the conditions that do not vanish."""
    if own.diverges:
        claimed = f"claimed bounded for {_product(own)} in {_interval(interval)}"
        evidence = f"some root lies outside the unit circle for every positive {_product(own)}"
        return refuted(evidence, claimed) if interval else proved(evidence)
    undamped = tuple(c for c in own.strict.conditions if c)
    if len(own.polynomial) != 3 or undamped == own.strict.conditions:
        return undecided("bounded is decided of two roots that are both on the unit circle", *_found(own))
    return _claimed(replace(own, strict=replace(own.strict, conditions=undamped)), interval)


def _product(s: Stability) -> str:
    return f"gamma*{s.game.coupling if s.game else 'h'}"


def _stability(data: SchemeData, given: Mapping[str, tuple[str, ...]]) -> Stability:
    return data.read(stability, ranges=stated(given))


def _claimed(own: Stability, interval: tuple[str, ...]) -> Judgment:
    names = (*own.parameters, own.q)
    for text in interval:
        limited(parse_expression(text, "interval", CALLS))
        end = end_of(text)
        for n in end.value.ring.symbols if end.value is not None else ():
            if n.isidentifier() and (n == own.q or n not in own.strict.ring.symbols):
                raise UsageError(f"interval: '{n}' is no parameter of the scheme{nearest(n, own.parameters)}")
    ends = (end_of(interval[0], names), end_of(interval[1], names)) if interval else None
    _require_positive(own, ends)
    verdict = prove_interval(own.strict, _given(own), ends)
    evidence = list(_found(own))
    claimed = f"claimed {_interval(interval)}"
    if isinstance(verdict, Proved) and ends:
        verdict = _nowhere_above(own, ends)
    if isinstance(verdict, Proved):
        return proved(*evidence)
    if isinstance(verdict, Undecided):
        return undecided(f"{claimed}: {verdict.reason}", *evidence)
    return refuted("; ".join(evidence), claimed, f"counterexample {_at_values(own, verdict.values, ends)}")


def _require_positive(s: Stability, ends: tuple[End, End] | None) -> None:
    if ends and ends[1].value is not None:
        positive = ends[1].against(">", s.strict.ring.zero)
        if isinstance(decide(Not(positive), All((_given(s), ends[1].given, ends[1].exists))), Proved):
            raise UsageError(f"interval: {_product(s)} is positive here; the upper end {ends[1].text} is not")


def _nowhere_above(s: Stability, ends: tuple[End, End]) -> Verdict:
    """That no gamma*h beyond the interval is stable: `prove_interval` speaks of the first interval alone."""
    if ends[1].value is None:
        return Proved()
    above = Not(All((s.strict.q_compared(">", ends[1]), s.strict.inside)))
    return decide(above, All((_given(s), *(e.given for e in ends))))


def _given(s: Stability) -> Formula:
    return All(tuple(r.formula for r in s.ranges))


def _found(s: Stability) -> Iterator[str]:
    for p in s.pieces:
        where = f" for {p.range}" if p.range else ""
        found = f"stable for {_product(s)} in {_interval(p.interval)}{where}"
        yield found if p.proved else f"no interval proved{where}: {p.proof}"
    for p in s.weak_pieces:
        where = f" for {p.range}" if p.range else ""
        yield f"roots on the closed disc, simple on its rim, for {_product(s)} in {_interval(p.interval)}{where}"
    if s.never and not s.weak_pieces:
        yield f"roots on the closed disc, simple on its rim, for {_product(s)} in no interval"


def _interval(ends: tuple[str, ...] | None) -> str:
    return f"({ends[0]}, {ends[1]})" if ends else "no interval"


def _at_values(s: Stability, values: Values, ends: tuple[End, End] | None) -> str:
    """The parameters, what is claimed there, and the signs that contradict it."""
    numbers = {n: values.get(n, Fraction(0)) for n in s.parameters}
    rational = {n: v for n, v in numbers.items() if isinstance(v, Fraction)}
    where = [f"{n} = {v}" for n, v in numbers.items()]
    claimed = [f"claimed ({', '.join(_number(e, rational) for e in ends)})"] if ends and len(rational) == len(numbers) else []
    if s.q not in values:
        return ", ".join([*where, *claimed]) or "all parameters"
    where.append(f"{_product(s)} = {values[s.q]}")
    stable = holds(s.strict.inside, {**numbers, s.q: values[s.q]})
    said = f"{', '.join(where)}: {'stable' if stable else 'not stable'}{_signs(s, {**rational, s.q: values[s.q]})}"
    return ", ".join([said, *claimed])


def _signs(s: Stability, values: Values) -> str:
    """The conditions' values, each to be positive; nothing where some number is irrational or a denominator vanishes."""
    try:
        return f" ({', '.join(f'{c} = {_short(c.at(values, Fraction))}' for c in s.conditions)})"
    except (KeyError, TypeError, ZeroDivisionError):
        return ""


def _short(value: Fraction) -> str:
    return text if len(text := str(value)) < 40 else f"{float(value):.6g}..."


def _number(end: End, values: Mapping[str, Fraction]) -> str:
    if end.value is None:
        return end.text
    try:
        return _short(end.value.at(values, Fraction))
    except KeyError:
        found = numeric(end, values)
        return "no real number" if found is None else f"{float(found):.10g}"
    except ZeroDivisionError:
        return "a division by zero"


# ---------------------------------------------------------------------------------------------- two schemes


def _wider(a: Stability, b: Stability) -> Judgment:
    evidence = [f"{which}: {line}" for which, s in (("first", a), ("second", b)) for line in _found(s)]
    doubts: list[str] = []
    for x in a.pieces:
        for y in b.pieces:
            both = All((x.formula, y.formula))
            values = example(both)
            if values is None:
                continue
            found = _contained(a, b, x, y, both, values)
            if isinstance(found, Judgment):
                return Judgment(found.verdict, (*evidence, *found.evidence), found.correct)
            doubts += [found] if found else []
    return undecided(*evidence, *doubts) if doubts else proved(*evidence)


def _contained(a: Stability, b: Stability, x: Piece, y: Piece, both: Formula, values: Values | Undecided) -> Judgment | str:
    """Whether the first's interval strictly contains the second's for all parameters of both pieces: refuted, a doubt, or ''."""
    if not (x.proved and y.proved) or isinstance(values, Undecided):
        return values.reason if isinstance(values, Undecided) else next(p.proof for p in (x, y) if not p.proved)
    names = tuple(dict.fromkeys((*a.parameters, *b.parameters)))
    if x.interval is None:
        other = _interval(y.interval)
        return refuted("the first is not strictly wider", f"counterexample {_list(names, values)}: no interval against {other}")
    if y.interval is None:
        return ""
    first, second = [end_of(e, names) for e in x.interval], [end_of(e, names) for e in y.interval]
    contains = All((ordered(first[0], "<=", second[0]), ordered(second[1], "<=", first[1])))
    strictly = Either((ordered(first[0], "<", second[0]), ordered(second[1], "<", first[1])))
    given = All((both, *(e.given for e in (*first, *second))))
    verdict = decide(All((contains, strictly)), given)
    if isinstance(verdict, Undecided):
        return verdict.reason
    if isinstance(verdict, Proved):
        return ""
    return refuted(_relation(first, second, given), f"counterexample {_sides(names, verdict.values, first, second)}")


def _relation(first: list[End], second: list[End], given: Formula) -> str:
    inside = All((ordered(second[0], "<=", first[0]), ordered(first[1], "<=", second[1])))
    equal = All((ordered(first[0], "<=", second[0]), ordered(second[1], "<=", first[1]), inside))
    if isinstance(decide(equal, given), Proved):
        return "the intervals are equal"
    shown = ", ".join(f"{which} {_interval((e[0].text, e[1].text))}" for which, e in (("first", first), ("second", second)))
    strictly = Either((ordered(second[0], "<", first[0]), ordered(first[1], "<", second[1])))
    if isinstance(decide(All((inside, strictly)), given), Proved):
        return f"the first is strictly contained in the second: {shown}"
    if isinstance(decide(inside, given), Proved):
        return f"the first is contained in the second, not strictly for all parameters: {shown}"
    contains = All((ordered(first[0], "<=", second[0]), ordered(second[1], "<=", first[1])))
    if isinstance(decide(contains, given), Proved):
        return f"the first contains the second, not strictly for all parameters: {shown}"
    return f"the first does not contain the second for all parameters: {shown}"


def _sides(names: tuple[str, ...], values: Values, first: list[End], second: list[End]) -> str:
    at = _list(names, values)
    numbers = {n: v for n in names if isinstance(v := values.get(n, Fraction(0)), Fraction)}
    if len(numbers) < len(names):
        return at
    return f"{at}: " + " against ".join(f"({_number(e[0], numbers)}, {_number(e[1], numbers)})" for e in (first, second))


def _list(names: tuple[str, ...], values: Values) -> str:
    return ", ".join(f"{n} = {values.get(n, Fraction(0))}" for n in names) or "all parameters"


KIND = Kind("stability", StabilityClaim, states_stability, judge_stability)
