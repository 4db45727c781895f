"""The ends of the runs that the slopes compare: the scheme's, and those of the truncated flows, to the digits wanted of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from flint import arb

from verify.numbers.precision import bits_of, precision
from verify.numbers.recurrences import number
from verify.orbits.integrate import GUARD, Flow
from verify.orbits.slow_balls import System, slow_memory

#: gamma -> digits, the scheme's slow coordinates at the end of its run
Ends = dict[Fraction, tuple[int, list[Any]]]


class Runs:
    """Where the scheme and the truncated flows are after one time, each kept with the digits to which it is right.

    For expansions in h, gamma = h^q with q > 1, `gamma` is h and the `time` is counted in steps: a fixed time would take h^-q.
    """

    def __init__(
        self, system: System, flow: Flow, time: Fraction, shifted: Sequence[Sequence[Any]], from_rest: bool, ends: Ends
    ) -> None:
        self.system, self.flow, self.time, self.shifted, self.from_rest = system, flow, time, shifted, from_rest
        self.ends = ends
        self.solutions: dict[tuple[int, Fraction], tuple[int, list[Any]]] = {}
        self.radius = flow.radius(system.start, 15)

    def span(self, gamma: Fraction) -> Fraction:
        """The time that passes."""
        return self.time if self.system.root == 1 else self.time * gamma**self.system.root

    def end(self, gamma: Fraction, digits: int) -> list[Any]:
        """The scheme's slow coordinates after time/gamma steps."""
        steps = int(self.span(gamma) / gamma**self.system.root)
        return _kept(self.ends, gamma, digits, lambda: _scheme_end(self.system, gamma, steps, digits, self.from_rest))

    def solution(self, gamma: Fraction, k: int, digits: int) -> list[Any]:
        """The end of the flow truncated after gamma^k; that of the limit flow does not depend on gamma."""
        key = (k, gamma if k or self.shifted or self.system.root > 1 else Fraction(0))
        return _kept(self.solutions, key, digits, lambda: self._solved(gamma, k, digits))

    def _solved(self, gamma: Fraction, k: int, digits: int) -> list[Any]:
        start = _shifted(self.system.start, self.shifted, gamma)
        return self.flow.integrate(start, number(self.span(gamma)), digits, _weights(gamma, k), self.radius)

    def error(self, gamma: Fraction, k: int, digits: int) -> Any:
        with precision(bits_of(digits) + 2 * GUARD):
            return _distance(self.end(gamma, digits), self.solution(gamma, k, digits), digits)


def _kept(found: dict[Any, tuple[int, list[Any]]], key: Any, digits: int, run: Callable[[], list[Any]]) -> list[Any]:
    if key not in found or found[key][0] < digits:
        found[key] = digits, run()
    return found[key][1]


def _weights(gamma: Fraction, k: int) -> list[Fraction]:
    return [gamma**j for j in range(k + 1)]


def _shifted(start: Sequence[Any], shifts: Sequence[Sequence[Any]], gamma: Fraction) -> list[Any]:
    point = [number(x) for x in start]
    for power, shift in enumerate(shifts, 1):
        point = [x + number(gamma) ** power * c for x, c in zip(point, shift, strict=True)]
    return point


def _scheme_end(system: System, gamma: Fraction, steps: int, digits: int, from_rest: bool) -> list[Any]:
    step = number(gamma)
    slow = [number(x) for x in system.start]
    accuracy = arb(10) ** (-digits - 5)
    memory = [number(x) for x in system.rest] if from_rest else slow_memory(system, slow, step, system.order + 4, accuracy)
    state = [*slow, *memory]
    advance = system.running_step
    for _ in range(steps):
        state = [x.mid() for x in advance(state, step)]
    return state[: system.slow_size]


def _distance(a: Sequence[Any], b: Sequence[Any], digits: int) -> Any:
    """|a - b| as a ball's midpoint; zero where it is below the accuracy of either."""
    total = sum(((x - y) * (x - y) for x, y in zip(a, b, strict=True)), arb(0))
    distance = total.mid().sqrt().mid()
    return distance if distance > arb(10) ** (4 - digits) else arb(0)
