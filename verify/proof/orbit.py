"""The orbit on the slow manifold, order by order.

With X_n = sum_k gamma^k X_n^(k) the states after n steps and J the Jacobian of the step at gamma^0,

    X_(n+1)^(k) = J X_n^(k) + R_n^(k),   R^(k) a polynomial in n of degree <= k once the lower orders are,

so Y_n = Delta^(k+1) X_n^(k) obeys Y_(n+1) = J Y_n:  Y_0 = 0, one check, makes X_n^(k) a polynomial of degree <= k for every n.
The memory at order k is the unique w with  [(J - 1)^(k+1)]_mm w = -(Delta^(k+1) X_0^(k))_m  found from a run with w = 0.
The coefficient of n^1 in X_n^(k+1) is f_k = sum_j (-1)^(j+1)/j Delta^j X_0^(k+1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import comb
from typing import Any

from derive.scheme.names import previous
from verify.proof.errors import Rejected, ShortPrecision, Undecided
from verify.proof.paced import find, require_no_vanishing
from verify.proof.program import Point, Stepper
from verify.proof.series import Algebra, Series
from verify.proof.statement import Statement
from verify.proof.vanishing import MOST_PASSES, Roots, settled, taken, vanishing

Leads = dict[str, list[Any]]  # memory at gamma^0, one number for each component
GUESSES = 200


@dataclass
class Orbit:
    """The orbit through a point: `fields[x][k]` and `memory[m][k]` are the true coefficients, one number for each component.

    `off` lists the (state, power) at which the orbit is no polynomial in n: these leads are no slow manifold.
    """

    claim: Statement
    point: Point
    ring: Any
    leads: Leads
    slack: int = 0
    leading: dict[Any, int] | None = None
    memory: dict[str, list[list[Any]]] = field(default_factory=dict)
    fields: dict[str, list[list[Any]]] = field(default_factory=dict)
    off: list[tuple[str, int]] = field(default_factory=list)
    last: Algebra | None = None  # of the final run, with what it noted
    most: int = MOST_PASSES
    passes: int = 1  # so often the memory was solved for at one power
    vanishing: bool = False  # whether roots, signs or denominators of what vanishes at gamma = 0 occur

    # ------------------------------------------------------------------------------------------ running

    def algebra(self, length: int, notes: bool = False) -> Algebra:
        return Algebra(self.ring, length + self.slack, self.leading, notes=notes, cuts=self.claim.root > 1)

    def start(self, algebra: Algebra, known: int) -> dict[str, Any]:
        """The states at n = 0, memory known below gamma^known."""
        lift = algebra.element
        states: dict[str, Any] = {x: [lift(v) for v in value] for x, value in self.point.problem.points.items()}
        for s, v in self.point.slow.items():
            states[s] = [lift(x) for x in v] if isinstance(v, list) else lift(v)
        for m, powers in self.memory.items():
            zero = [self.ring.zero] * len(powers[0])
            padded = [*powers, *[zero] * (known - len(powers))][:known]
            values = [Series(algebra, 0, list(c)) for c in zip(*padded)]
            states[m] = values[0] if m in self.claim.scalars else values
        return states

    def run(self, algebra: Algebra, states: Mapping[str, Any], steps: int) -> list[dict[str, Any]]:
        stepper, found = Stepper(self.claim, self.point, algebra), [dict(states)]
        for n in range(steps):
            algebra.step = n
            found.append(stepper.step(found[-1], n))
        return found

    # ------------------------------------------------------------------------------------------ solving

    def find(self) -> Orbit:
        """Solve for the memory, check every order, read the field off; nothing is read off where the leads are no fixed point."""
        top = self.claim.top
        self.memory = {m: [list(v)] for m, v in self.leads.items()}
        if self.leading is None and self._moves():
            return self
        if self.claim.lag:
            return self._find_paced()
        if self.claim.fast:
            self.prepare()
            for k in range(1, top + 1):
                self._solve(k)
        algebra = self.algebra(top + 1, notes=True)
        orbit = self.run(algebra, self.start(algebra, top + 1), top + 1)
        self.last = algebra
        for x in self.claim.states.values():
            self._read(x, [components(states[x]) for states in orbit], top)
        return self

    def _find_paced(self) -> Orbit:
        self.prepare()
        find(self)
        return self

    def relaxed(self, right: list[Any]) -> list[Any]:
        """w with M w = right, M the response of the memory's change in a step to a change of the memory."""
        try:
            return list(self.ring.solve(self.jacobian.block(1), right))
        except ZeroDivisionError:
            raise Undecided("the memory does not relax by the power of gamma by which it changes") from None

    def _moves(self) -> bool:
        """Whether one step at gamma^0 changes the leads."""
        moved = self.moved()
        self.off += [(m, 0) for m in self.leads if not all(map(self.ring.is_zero, moved[m]))]
        return bool(self.off)

    def moved(self) -> dict[str, list[Any]]:
        """(U(x) - x)/h^e at gamma^0, by which one step moves the leads, e the pace of each memory."""
        length, ring, paces = 1 + self.claim.lag, self.ring, self.claim.paces
        algebra = self.algebra(length)
        after = self.run(algebra, self.start(algebra, length), 1)[1]
        return {
            m: [ring.add(s.at(e), ring.neg(x) if not e else ring.zero) for s, x in zip(components(after[m]), lead, strict=True)]
            for m, lead in self.leads.items()
            for e in [paces.get(m, 0)]
        }

    def prepare(self) -> None:
        if self.claim.lag:
            self.jacobian = Jacobian(self)
            require_no_vanishing(self)
            return
        self.vanishing = vanishing(self)
        self.jacobian = Jacobian(self, taken(self, 1, 2, 1) if self.vanishing else {})

    def _solve(self, k: int) -> None:
        self.keep(k, settled(self, k) if self.vanishing else self.solution(k, {}))

    def keep(self, k: int, solution: Any) -> None:
        """The memory at gamma^k, one number for each component of each variable."""
        rest = iter(solution)
        for m in self.claim.fast:
            self.memory[m][k:] = [[next(rest) for _ in self.memory[m][0]]]

    def solution(self, k: int, roots: Roots) -> Any:
        """The memory at gamma^k, with these roots held."""
        for m in self.claim.fast:
            del self.memory[m][k:]
        algebra = self.algebra(k + 1)
        algebra.held = roots
        jacobian = Jacobian(self, roots) if roots else self.jacobian
        orbit = self.run(algebra, self.start(algebra, k + 1), k + 1)
        right = [
            self.ring.neg(difference(self.ring, [x.at(k) for x in column], k + 1))
            for m in self.claim.fast
            for column in zip(*(components(states[m]) for states in orbit))
        ]
        try:
            return list(self.ring.solve(jacobian.block(k + 1), right))
        except ZeroDivisionError:
            raise Undecided(
                "the memory does not relax: a variable claimed to be memory is slow, or needs another scale"
            ) from None

    def _read(self, x: str, orbit: Sequence[Sequence[Series]], top: int) -> None:
        columns = list(zip(*orbit))
        ring, zero = self.ring, self.ring.is_zero
        for k in range(top + 1):
            differences = [difference(ring, [s.at(k) for s in column], k + 1) for column in columns]
            if x in self.claim.fields and 0 < k < self.claim.root:  # a step may move it by gamma
                differences = [s.at(k) for column in columns for s in column]
            if self.leading is None and not all(map(zero, differences)):
                self.off.append((x, k))
        if x in self.claim.fields:
            rule = linear_part if self.claim.form == "flow" else first_value
            powers = range(self.claim.root, top + 1)
            self.fields[x] = [[rule(ring, [s.at(k) for s in column], k) for column in columns] for k in powers]


def components(value: Any) -> list[Series]:
    return value if isinstance(value, list) else [value]


def difference(ring: Any, values: Sequence[Any], k: int) -> Any:
    """Delta^k v_0."""
    return _combined(ring, values[: k + 1], [Fraction((-1) ** (k - j) * comb(k, j)) for j in range(k + 1)])


def linear_part(ring: Any, values: Sequence[Any], degree: int) -> Any:
    """The coefficient of n^1 of the polynomial of this degree through v_0, v_1, ...

    >>> from verify.proof.field import PrimeField
    >>> linear_part(PrimeField(101), [0, 5 + 2, 10 + 8], 2)
    5
    """
    weights = [Fraction(0)] * (degree + 1)
    for j in range(1, degree + 1):
        for i in range(j + 1):
            weights[i] += Fraction((-1) ** (j + 1) * (-1) ** (j - i) * comb(j, i), j)
    return _combined(ring, values[: degree + 1], weights)


def first_value(ring: Any, values: Sequence[Any], degree: int) -> Any:
    """The value after one step."""
    return values[1]


def _combined(ring: Any, values: Sequence[Any], weights: Sequence[Fraction]) -> Any:
    total = ring.zero
    for x, w in zip(values, weights, strict=True):
        total = ring.add(total, ring.scale(x, w))
    return total


class Jacobian:
    """J - 1 at gamma^0: the response at gamma^1 of one step to a unit change at gamma^1; of a variable that changes by h^e in a
    step, gamma = h^q, over h^e."""

    def __init__(self, orbit: Orbit, roots: Roots | None = None) -> None:
        self.ring, self.fast = orbit.ring, orbit.claim.fast
        names = list(orbit.claim.states.values())
        self.places = [(x, i) for x in names for i in range(_size(orbit, x))]
        self.paces, self.lag = orbit.claim.paces, orbit.claim.lag
        length = 2 + self.lag
        algebra = orbit.algebra(length)
        algebra.held = roots or {}
        stepper = Stepper(orbit.claim, orbit.point, algebra)
        stepper.evaluator.keeping()
        states = orbit.start(algebra, length)
        self.base = stepper.step(states, 0)
        gamma = algebra.gamma
        columns = []
        for x, i in self.places:
            moved = [s + gamma if j == i else s for j, s in enumerate(components(states[x]))]
            after = stepper.step({**states, x: moved if isinstance(states[x], list) else moved[0]}, 0)
            columns.append([self._response(y, after[y], self.base[y], j, (y, j) == (x, i)) for y, j in self.places])
        self.matrix = [list(row) for row in zip(*columns)]

    def _response(self, y: str, after: Any, before: Any, j: int, diagonal: bool) -> Any:
        pace = min(self.paces.get(y, 0), self.lag)
        x, base = components(after)[j], components(before)[j]
        if x is base and base.precision > 1 + pace and not diagonal:
            return self.ring.zero
        change = x - base
        if change.c and change.v < 1 and change.a.leading is None:
            raise Undecided("the step divides a variable by gamma")
        entry = change.at(1 + pace)
        return self.ring.add(entry, self.ring.constant(Fraction(-1))) if diagonal and not pace else entry

    def block(self, power: int) -> list[list[Any]]:
        """[(J - 1)^power]_mm."""
        memory = [n for n, (x, _) in enumerate(self.places) if x in self.fast]
        inner, matrix = self.ring.inner, self.matrix
        rows = [self.matrix[n] for n in memory]
        turned = list(zip(*matrix))
        for _ in range(power - 1):
            rows = [[inner(row, column) for column in turned] for row in rows]
        return [[row[n] for n in memory] for row in rows]


def _size(orbit: Orbit, x: str) -> int:
    return 1 if x in orbit.claim.scalars else orbit.point.size_of(x)


def newton(
    claim: Statement,
    point: Point,
    ring: Any,
    draw: Callable[[], Any],
    choose: Callable[[], bool],
    slack: int,
    leading: dict[Any, int] | None = None,
) -> Leads:
    """The memory at gamma^0 by Newton's method from a random guess; exact where memory enters in affine stages.

    Raises Undecided where as many steps as there are memories do not end at a fixed point.
    """
    reason = "no memory at gamma^0 was found: claim it"
    for attempt in range(GUESSES):
        leads = _guess(claim, point, draw, choose if attempt else None)
        try:
            for _ in range(len(claim.fast) + 1):
                orbit = Orbit(claim, point, ring, leads, slack, leading, {m: [v] for m, v in leads.items()})
                leads, moved = _newton_step(claim, orbit, leads)
                if not moved:
                    return leads
            reason = "the memory at gamma^0 does not solve affine equations in stages: claim it"
        except (Rejected, ZeroDivisionError, ShortPrecision, Undecided):
            continue  # a guess at which the text has no expansion: zero under a root, or a gradient far from theta
    raise Undecided(reason)


def _guess(claim: Statement, point: Point, draw: Callable[[], Any], choose: Callable[[], bool] | None) -> Leads:
    """First zero (displacements), then zero or anything for each memory."""
    leads: Leads = {}
    for m in claim.fast:
        size = 1 if m in claim.scalars else point.size_of(m)
        keep = choose is None or choose()
        leads[m] = [point.problem.ring.zero] * size if keep else [draw() for _ in range(size)]
    return leads | {previous(x): list(v) for x, v in point.problem.points.items() if previous(x) in leads}


def _newton_step(claim: Statement, orbit: Orbit, leads: Leads) -> tuple[Leads, bool]:
    """One step of Newton's method; whether the leads moved.  Where the gradient is taken must not depend on the guess."""
    ring, jacobian = orbit.ring, Jacobian(orbit)
    moved = orbit.moved()
    residual = [x for m in claim.fast for x in moved[m]]
    if all(map(ring.is_zero, residual)):
        return leads, False
    change = iter(ring.solve(jacobian.block(1), [ring.neg(r) for r in residual]))
    return {m: [ring.add(x, next(change)) for x in v] for m, v in leads.items()}, True
