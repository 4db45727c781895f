"""Orbits of a scheme on its slow manifold, as power series in gamma with exact coefficients.

On the slow manifold every variable's coefficient at gamma^k is a polynomial in the step number n of degree at most k; a
transient A^n w (A the constant matrix by which memory relaxes, 1 no eigenvalue) is not:

    Delta^(k+1) X_n^(k) = 0        against        Delta^(k+1) (A^n w) = (A - 1)^(k+1) A^n w.

So the memory that belongs to a point is found power by power: run k + 1 steps, take the difference, remove w.  Where memory and
slow variables are coupled at gamma = 0 both ways (an average of theta that theta reads), removing w moves the slow ones too:
with J the derivative of the whole step at gamma = 0, w answers to the memory's block of (J - 1)^(k+1), which is (A - 1)^(k+1)
elsewhere.  The vanishing of all these differences at n = 0 proves, by induction over k, that the orbit is the slow one, whatever
the first guess was.  The field at the point is then

    f_k = the coefficient of n^1 at gamma^(k+1) = sum_j (-1)^(j+1)/j Delta^j X_0^(k+1)

- read off the scheme alone, without the derived field and without its memory expansion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

from flint import arb, arb_mat, fmpq, fmpq_mat

from derive.language import derivative_symbol
from derive.scheme import Configuration
from verify.numbers.kinds import BALLS, EXACT, Numbers
from verify.numbers.power_series import Series, SingularSeries, gamma_series
from verify.orbits.run import Runner, State
from verify.problems.game import Game, divided
from verify.problems.maps import ConcreteMaps
from verify.problems.problem import Problem


class NotSlow(ArithmeticError):
    """No orbit of this scheme through the point is polynomial in n: there is no slow manifold of the claimed kind."""


@dataclass(frozen=True)
class Sample:
    """Where the scheme is examined: a loss, or losses, about a point, numbers for the parameters, the other slow variables and t.

    `functions[r]` are the Taylor coefficients of r about t: r(t + s) = sum_k c_k s^k.
    """

    problem: Problem | Game
    values: Mapping[str, Any]
    slow: Mapping[str, Any] = field(default_factory=dict)
    t: Any = field(default_factory=lambda: fmpq(1))
    functions: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    maps: ConcreteMaps = field(default_factory=ConcreteMaps)

    @cached_property
    def unit(self) -> Any:
        """One, in the type of the coefficients: fmpq, or arb if anything here is a ball."""
        parts = [c for p in self.problem.parts for c in p.values()] + [*self.problem.point, *self.values.values(), self.t]
        for value in self.slow.values():
            parts += value if isinstance(value, list) else [value]
        parts += [c for coefficients in self.functions.values() for c in coefficients]
        return arb(1) if any(isinstance(p, arb) for p in parts) else fmpq(1)

    @cached_property
    def points(self) -> dict[str, list[Any]]:
        """The point, as the components of each unknown."""
        return divided(self.problem.point, self.problem.sizes)

    @property
    def numbers(self) -> Numbers:
        """The numbers that texts are run on here."""
        return BALLS if isinstance(self.unit, arb) else EXACT

    def time_function(self, name: str) -> Callable[[Any], Any]:
        """r, as a function of a number or power series near t."""
        coefficients = self.functions[name]

        def r(time: Any) -> Any:
            s = time - self.t
            total = s * 0 + coefficients[-1]
            for c in reversed(coefficients[:-1]):
                total = total * s + c
            return total

        return r

    def derivative_values(self, name: str) -> dict[str, Any]:
        """r, dr, d2r, ... at t."""
        found, factor = {}, 1
        for k, c in enumerate(self.functions[name]):
            factor *= max(1, k)
            found[derivative_symbol(name, k)] = c * factor
        return found

    def names(self) -> dict[str, Any]:
        """What a formula may name at the point: parameters, slow variables, t, time functions and their derivatives."""
        found = {**self.values, **self.slow, "t": self.t}
        for name in self.functions:
            found |= self.derivative_values(name)
        return found


@dataclass(frozen=True)
class Orbit:
    """`states[n]` is the state after n steps, `fields[x][k]` the value of f_k for x (one entry a component).

    `start` is the memory on the slow manifold: name -> components, each the coefficients of its series.
    """

    states: list[State]
    fields: Mapping[str, list[list[Any]]]
    start: Mapping[str, list[list[Any]]]


class SlowOrbit:
    """Finds the slow orbit of a configuration at a sample.

    slow    names of the slow variables, the unknowns among them;   leads  the memory at gamma = 0: name -> list or number
    order   the field is wanted through f_order
    """

    def __init__(
        self, configuration: Configuration, sample: Sample, slow: Sequence[str], leads: Mapping[str, Any], order: int
    ) -> None:
        self.sample, self.order = sample, order
        functions = {f: sample.time_function(f) for f in sample.functions}
        problem = sample.problem
        self.runner = Runner(configuration, problem.gradient, sample.values, sample.numbers, functions, order + 4, problem)
        self.slow = (*sample.points, *(s for s in slow if s not in sample.points))
        self.memory = [m for m in self.runner.memory if m not in self.slow]
        self.leads = {m: leads[m] for m in self.memory}
        gamma = gamma_series(6)
        time = Series.constant(sample.t, 6)
        lost = {configuration.symbol(s): self._valuation(s, gamma, time) for s in configuration.rescaled}
        self.extra = max(lost.values(), default=0)
        self.lost = lost

    def _valuation(self, state: str, gamma: Series, time: Series) -> int:
        factor = self.runner.factor(state, gamma, time)
        return factor.valuation() if isinstance(factor, Series) else 0

    # ------------------------------------------------------------------------------------------ states

    def _length(self, name: str, length: int) -> int:
        return length + self.extra - self.lost.get(name, 0)

    def _constant(self, name: str, value: Any, length: int) -> Any:
        size, unit = self._length(name, length), self.sample.unit
        return (
            [Series.constant(v * unit, size) for v in value] if isinstance(value, list) else Series.constant(value * unit, size)
        )

    def _state(self, start: Mapping[str, list[list[Any]]], length: int) -> State:
        values = {**self.sample.slow, **self.sample.points}
        state: State = {s: self._constant(s, values[s], length) for s in self.slow}
        for m in self.memory:
            size = self._length(m, length)
            series = [self._padded(c, size) for c in start[m]]
            state[m] = series if isinstance(self.leads[m], list) else series[0]
        return state

    def _padded(self, coefficients: list[Any], size: int) -> Series:
        zero = self.sample.unit * 0
        return Series([*coefficients[:size], *[zero] * (size - len(coefficients))])

    def run(self, state: State, steps: int, length: int) -> list[State]:
        """The state after 0, 1, ..., steps steps.  Raises SingularSeries where a step loses powers of gamma."""
        size = length + 2 * self.extra + 1
        gamma = gamma_series(size)
        if self.sample.unit != fmpq(1) or isinstance(self.sample.unit, arb):
            gamma = gamma * self.sample.unit
        states = [state]
        for n in range(steps):
            time = Series.constant(self.sample.t * self.sample.unit, size) + gamma * fmpq(n)
            states.append(self.runner.step(states[-1], gamma, time))
            if any(s.length < length for x in self.sample.points for s in states[-1][x]):
                raise SingularSeries("the text divides by gamma, and every step is known to fewer powers")
        return states

    # ------------------------------------------------------------------------------------------ the slow memory

    def find(self) -> Orbit:
        """The slow orbit.  Raises NotSlow if there is none."""
        length = self.order + 2
        start = {m: [[v * self.sample.unit] for v in _listed(self.leads[m])] for m in self.memory}
        if self.memory:
            change = self._change(start)
            power = change
            for k in range(1, length + self.extra):
                power = power * change
                self._settle(start, k, self._inverse_for_memory(power))
        states = self.run(self._state(start, length), length + self.extra, length)
        self._require_polynomial(states)
        fields = {s: [self._field(states, s, k) for k in range(self.order + 1)] for s in self.slow}
        return Orbit(states, fields, start)

    def _flat(self, state: State, k: int, further: Sequence[str] = ()) -> list[Any]:
        """The coefficients of gamma^k of all memory, and of further variables."""
        return [s[k] for m in (*self.memory, *further) for s in _listed(state[m])]

    def _matrix(self, rows: Sequence[Sequence[Any]]) -> Any:
        return (arb_mat if isinstance(self.sample.unit, arb) else fmpq_mat)(rows)

    def _change(self, start: Mapping[str, list[list[Any]]]) -> Any:
        """J - 1, J the derivative of the step at gamma = 0, memory first: perturb at gamma^1 and look at gamma^1."""
        state, unit = self._state(start, 2), self.sample.unit
        base, columns = self._flat(self.run(state, 1, 2)[1], 1, self.slow), []
        for name in (*self.memory, *self.slow):
            for i in range(len(_listed(state[name]))):
                moved = [x + gamma_series(x.length) * unit if j == i else x for j, x in enumerate(_listed(state[name]))]
                after = self.run({**state, name: moved if isinstance(state[name], list) else moved[0]}, 1, 2)[1]
                columns.append([a - b for a, b in zip(self._flat(after, 1, self.slow), base, strict=True)])
        places = range(len(base))
        return self._matrix([[columns[j][i] - (unit if i == j else unit * 0) for j in places] for i in places])

    def _inverse_for_memory(self, power: Any) -> Any:
        """The inverse of the memory's block."""
        places = range(sum(len(_listed(self.leads[m])) for m in self.memory))
        try:
            return self._matrix([[power[i, j] for j in places] for i in places]).inv()
        except ZeroDivisionError:
            raise NotSlow("a memory variable does not relax: a relaxation factor is 1") from None

    def _settle(self, start: dict[str, list[list[Any]]], k: int, inverse: Any) -> None:
        """Fix the coefficient of gamma^k of the memory: `inverse` times Delta^(k+1) X^(k), w of the module.

        A memory that reads theta at the same power (an average of squared gradients) sees the transient of one that moves
        theta (a velocity): it is right once that one is, so there are as many passes as memory variables at most.
        """
        for m in self.memory:
            for c in start[m]:
                c.append(self.sample.unit * 0)
        length = max(2, k + 1 - self.extra)
        for _ in self.memory:
            rows = [self._flat(s, k) for s in self.run(self._state(start, length), k + 1, length)]
            excess = [_difference([r[i] for r in rows], k + 1) for i in range(len(rows[0]))]
            if all(_is_zero(e) for e in excess) and not isinstance(self.sample.unit, arb):
                return
            correction = inverse * self._matrix([[e] for e in excess])
            place = 0
            for m in self.memory:
                for c in start[m]:
                    c[-1] = c[-1] - correction[place, 0]
                    place += 1

    def _require_polynomial(self, states: Sequence[State]) -> None:
        for name in (*self.slow, *self.memory):
            columns = [_listed(s[name]) for s in states]
            for i in range(len(columns[0])):
                for k in range(min(columns[0][i].length, len(states) - 1)):
                    left = _difference([c[i][k] for c in columns[: k + 2]], k + 1)
                    if not _is_zero(left):
                        raise NotSlow(f"{name} at gamma^{k} is no polynomial of degree {k} in the step number")

    def _field(self, states: Sequence[State], name: str, k: int) -> list[Any]:
        result = []
        for i in range(len(_listed(states[0][name]))):
            values = [_listed(s[name])[i][k + 1] for s in states[: k + 2]]
            total = values[0] * 0
            for j in range(1, k + 2):
                total = total + _difference(values, j) * fmpq(1 if j % 2 else -1, j)
            result.append(total)
        return result


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _difference(values: Sequence[Any], order: int) -> Any:
    """Delta^order at n = 0."""
    row = list(values[: order + 1])
    for _ in range(order):
        row = [b - a for a, b in pairwise(row)]
    return row[0]


def _is_zero(x: Any) -> bool:
    return bool(x.contains(0)) if isinstance(x, arb) else bool(x == 0)
