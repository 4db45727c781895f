"""Ranges of parameters cut by the signs of separators, and their texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from derive.readings.bounds import Separator, approximate, number_text
from derive.readings.domain import Range
from derive.reals import All, Compare, Either, Formula, Proved, decide

Signs = frozenset[int]
_OP = {(1,): ">", (0, 1): ">=", (-1,): "<", (-1, 0): "<=", (0,): "=", (-1, 1): "!="}
_FORMULA = {1: ">", 0: "==", -1: "<"}


@dataclass(frozen=True, eq=False)
class Region:
    """The stated ranges and, for each separator that cuts them, the signs that it may have."""

    ranges: tuple[Range, ...]
    signs: tuple[tuple[Separator, Signs], ...]

    @property
    def formula(self) -> Formula:
        return All((*(r.formula for r in self.ranges), *(_signed(s, allowed) for s, allowed in self.signs)))

    def with_sign(self, cut: Separator, sign: int) -> Region:
        return Region(self.ranges, (*self.signs, (cut, frozenset((sign,)))))


def _signed(s: Separator, allowed: Signs) -> Formula:
    return All((s.given, Either(tuple(Compare(s.value, _FORMULA[k]) for k in sorted(allowed)))))


def merged(regions: Sequence[Region]) -> list[Region]:
    """The same set in fewer regions: two that differ in the signs of one separator become one.

    >>> from derive.algebra.coefficients import Ring
    >>> cut = Separator(Ring(["b"]).symbol("b"), "b")
    >>> [dict(r.signs)[cut] for r in merged([Region((), ((cut, frozenset((k,))),)) for k in (0, 1)])]
    [frozenset({0, 1})]
    """
    left = list(regions)
    while (pair := next(_joinable(left), None)) is not None:
        a, b, union = pair
        left = [r for r in left if r is not a and r is not b] + [union]
    return left


def _joinable(regions: Sequence[Region]) -> Iterator[tuple[Region, Region, Region]]:
    for k, a in enumerate(regions):
        for b in regions[:k]:
            first, second = dict(a.signs), dict(b.signs)
            if first.keys() != second.keys():
                continue
            differing = [s for s in first if first[s] != second[s]]
            if len(differing) == 1:
                both = first | {differing[0]: first[differing[0]] | second[differing[0]]}
                yield a, b, Region(a.ranges, tuple((s, signs) for s, signs in both.items() if len(signs) < 3))


def simplified(regions: Sequence[Region]) -> list[Region]:
    """The same set: each region without the conditions that its union with the others does not need."""
    found = merged(regions)
    whole = Either(tuple(r.formula for r in found))
    wider = []
    for region in found:
        for cut in region.signs:
            without = Region(region.ranges, tuple(c for c in region.signs if c is not cut))
            if isinstance(decide(whole, without.formula), Proved):
                region = without
        wider.append(region)
    for region in list(wider):
        others = tuple(r.formula for r in wider if r is not region)
        if isinstance(decide(Either(others), region.formula), Proved):
            wider.remove(region)
    return wider


# ---------------------------------------------------------------------------------------------- texts


def range_text(ranges: Sequence[Range], regions: Sequence[Region], names: Sequence[str]) -> str:
    """Comparisons joined by 'and' and 'or': '0 <= beta < 1 and 1 - beta - mu > 0'; one parameter's as intervals."""
    if len(names) == 1 and all(r.bounds is not None for r in ranges):
        return _intervals(ranges, regions, names[0])
    base = [r.text for r in ranges]
    cases = [[_condition(s, _OP[tuple(sorted(signs))]) for s, signs in r.signs] for r in regions]
    if len(cases) == 1 or not all(cases):
        return " and ".join(base + (cases[0] if all(cases) else []))
    several = " or ".join(" and ".join(c) for c in cases)
    return " and ".join([*base, f"({several})"]) if base else several


def _condition(s: Separator, op: str) -> str:
    """A separator compared with zero, or its only parameter with the place where it vanishes."""
    if s.place is None:
        return f"{s.text} {op} 0"
    (name,) = [n for n in s.value.ring.symbols if n.isidentifier()]
    return f"{name} {op} {s.text}"


def _intervals(ranges: Sequence[Range], regions: Sequence[Region], name: str) -> str:
    """The regions of a line as intervals, from their values at the cuts and between them."""
    places: dict[Fraction, str] = {}
    for r in ranges:
        places |= {x: number_text(x) for _, x in r.bounds or ()}
    for region in regions:
        places |= {approximate(s.place): s.text for s, _ in region.signs if s.place is not None}
    xs = sorted(places)
    cells = [*_cells(xs)]
    inside = [any(_contains(region, x) for region in regions) for x in cells]
    runs: list[tuple[int, int]] = []
    for k, good in enumerate(inside):
        if good and runs and runs[-1][1] == k - 1:
            runs[-1] = (runs[-1][0], k)
        elif good:
            runs.append((k, k))
    texts = [places[x] for x in xs]
    return " or ".join(_interval(a, b, texts, name) for a, b in runs if (a, b) != (0, len(cells) - 1))


def _cells(xs: Sequence[Fraction]) -> Iterator[Fraction]:
    """A point of every open piece and every cut, in order."""
    if not xs:
        yield Fraction(0)
        return
    yield xs[0] - 1
    for k, x in enumerate(xs):
        yield x
        yield (x + xs[k + 1]) / 2 if k + 1 < len(xs) else x + 1


def _contains(region: Region, x: Fraction) -> bool:
    held = {"<": lambda v: v < 0, "<=": lambda v: v <= 0, ">": lambda v: v > 0, ">=": lambda v: v >= 0,
            "!=": lambda v: v != 0}  # fmt: skip
    if not all(held[op](x - end) for r in region.ranges for op, end in r.bounds or ()):
        return False
    return all((d > 0) - (d < 0) in signs for s, signs in region.signs if s.place is not None for d in [x - approximate(s.place)])


def _interval(a: int, b: int, texts: Sequence[str], name: str) -> str:
    """Cells a to b; odd ones are the cuts themselves."""
    if a == b and a % 2:
        return f"{name} = {texts[a // 2]}"
    left = f"{texts[(a - 1) // 2]} {'<=' if a % 2 else '<'} " if a else ""
    right = f" {'<=' if b % 2 else '<'} {texts[b // 2]}" if b < 2 * len(texts) else ""
    if left and not right:
        sign = ">=" if a % 2 else ">"
        return f"{name} {sign} {texts[(a - 1) // 2]}"
    return f"{left}{name}{right}"


__all__ = ["Region", "merged", "range_text", "simplified"]
