"""Whether two maps that are set undo each other:  Q(P(x)) = x and P(Q(x)) = x at points at which both exist.

Balls at rational points: one that does not contain x is a proof that it is another number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from random import Random
from typing import Any

from flint import arb, ctx, fmpq

from derive.errors import UsageError
from derive.language import Arithmetic, Call, Name, Operation, interpret
from derive.scheme.map_settings import MapFormula

POINTS, PRECISION, RADIUS = 24, 200, 2.0**-60


def check_pairs(maps: Mapping[str, MapFormula], inverses: Mapping[str, str]) -> None:
    """Raises UsageError where both of a pair are set and do not undo each other, with a point."""
    for label, other in inverses.items():
        if label in maps and other in maps:
            _check(label, maps[label], other, maps[other])


def _check(label: str, p: MapFormula, other: str, q: MapFormula) -> None:
    size = len(p.variables)
    if len(q.variables) != size:
        raise UsageError(f"{label} has {size} components and its inverse {other} has {len(q.variables)}")
    with ctx.workprec(PRECISION):
        found = [(point, there) for point in _points(size) if _known(there := _value(q, _value(p, [_ball(x) for x in point])))]
        for point, there in found:
            if not all(y.contains(_ball(x)) for x, y in zip(point, there, strict=True)):
                at = ", ".join(f"{v} = {x}" for v, x in zip(p.variables, point, strict=True))
                image, letters = ", ".join(y.str(8, radius=False) for y in there), ", ".join(p.variables)
                raise UsageError(f"{other} does not undo {label}: {other}({label}({letters})) = {image} at {at}; {_RULE}")
    if not found:
        raise UsageError(f"{other}({label}(u)) exists at none of the {POINTS} points tried; {_RULE}")


_RULE = "set a map and its inverse"


def _known(values: Sequence[arb]) -> bool:
    return all(x.is_finite() and x.rad() < RADIUS for x in values)


def _points(size: int) -> Iterator[tuple[Fraction, ...]]:
    """Rational points, one half of them between 0 and 1, where logarithms and such maps as u/(1 - u) exist."""
    source = Random(1)
    for n in range(POINTS):
        low, high = ((1, 15), (-47, 47))[n % 2]
        yield tuple(Fraction(source.randint(low, high), 16) for _ in range(size))


def _ball(x: Fraction) -> arb:
    return arb(fmpq(x.numerator, x.denominator))


def _value(p: MapFormula, point: Sequence[arb]) -> list[arb]:
    names = dict(zip(p.variables, point, strict=True))
    return [interpret(e, _Balls(names)) for e in p.components]


class _Balls(Arithmetic):
    """Real numbers as balls; what does not exist is not finite."""

    def __init__(self, names: Mapping[str, arb]) -> None:
        self.names = names

    def number(self, value: Fraction) -> Any:
        return _ball(value)

    def name(self, node: Name) -> Any:
        return self.names[node.id]

    def power(self, base: arb, exponent: Fraction | None, node: Operation) -> Any:
        if exponent is None:
            return base ** interpret(node.args[1], self)
        if exponent.denominator == 1:
            return base ** int(exponent)
        if exponent.denominator % 2 and base < 0:
            return (-base) ** _ball(exponent) * (-1) ** exponent.numerator
        return base ** _ball(exponent)

    def call(self, node: Call, args: list[arb]) -> Any:
        return getattr(args[0], node.function)()
