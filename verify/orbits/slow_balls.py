"""Orbits on the slow manifold, found from the scheme's step alone.

After the transients have died out an orbit is smooth in t = n gamma, so that every difference in n brings a power of
gamma; a transient a^n w does not:

    Delta^K X_n = O(gamma^K) on the slow manifold,        Delta^K (a^n w) = (a - 1)^K a^n w.

The memory that belongs to a point is therefore the solution of Delta^K(memory) = 0 with the slow variables held at the
point; it is right through gamma^(K-1).  It is found by Newton's method with the matrix (B - 1)^K, B the derivative of the
step by differences.  A run-in of the scheme would need log(accuracy)/log(a) steps (a thousand at a = 0.999 for half a
digit) and would move the point; this needs K steps a sweep for every a, and no derived expansion of the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import ceil, exp, log
from typing import Any

from flint import arb, arb_mat, ctx

from verify.numbers.precision import precision
from verify.numbers.recurrences import number
from verify.numbers.tape import Program, Tape

Step = Callable[[Sequence[Any], Any], Sequence[Any]]
Leads = Callable[[Sequence[Any]], Sequence[Any]]
Fields = Callable[[Sequence[Any]], Sequence[Sequence[Any]]]
Vector = list[Any]
RUN_IN = 40  # steps before a point, and three for each halving of gamma


class NumericError(ArithmeticError):
    """A numerical route cannot run on this loss, point or scheme; the message says why and what to change."""


@dataclass(frozen=True)
class System:
    """A scheme on a loss with numbers for its parameters, as a map of coordinates.

    The state is a list: `slow_size` slow coordinates (theta, eta, ..., and last the time t where the scheme reads it),
    then the memory.  `step(state, gamma)` is one step: on nodes of a tape, or on balls if `implicit`; `fields(slow)` lists
    f_0, ..., f_N at a point, with t' = 1 in f_0.  `start` is where runs begin and `rest` the memory users start with.
    `leads(slow)` is the memory claimed at gamma = 0: where Newton's method begins if the memory is `curved`, so that its step may
    have several fixed points, or is not found from rest.  Where the step is one branch of a text, `real` is the text with its
    comparisons.  Expansions are in h, gamma = h^`root`, and that is what the step and its `gamma` are given.
    """

    step: Step
    fields: Fields
    start: tuple[Fraction, ...]
    rest: tuple[Fraction, ...]
    names: tuple[str, ...]
    order: int
    implicit: bool = False
    leads: Leads | None = None
    curved: bool = False
    real: Step | None = None
    root: int = 1

    @property
    def slow_size(self) -> int:
        return len(self.start)

    @cached_property
    def fast_step(self) -> Step:
        """The step on balls, as a recorded program where that is possible."""
        return self._recorded(self.step)

    @cached_property
    def running_step(self) -> Step:
        """The step by which orbits are run: that of the text itself."""
        return self.fast_step if self.real is None else self._recorded(self.real)

    def _recorded(self, step: Step) -> Step:
        if self.implicit:
            return step
        tape = Tape(self.slow_size + len(self.rest) + 1)
        outputs = [tape.lift(x) for x in step(tape.inputs[:-1], tape.inputs[-1])]
        program = Program(tape, outputs)
        return lambda state, gamma: program([*state, gamma])

    def at(self, start: tuple[Fraction, ...], rest: tuple[Fraction, ...]) -> System:
        """The same scheme from another point; its step is recorded once for all of them."""
        real = None if self.real is None else self.running_step
        return replace(self, step=self.fast_step, real=real, implicit=True, start=start, rest=rest)

    @cached_property
    def claimed(self) -> Leads | None:
        """`leads` on balls, as a recorded program."""
        if self.leads is None:
            return None
        tape = Tape(self.slow_size)
        return Program(tape, [tape.lift(x) for x in self.leads(tape.inputs)])

    def orbit(self, state: Sequence[Any], gamma: Any, steps: int) -> list[Vector]:
        """The state and its next `steps` iterates."""
        return _iterated(self.fast_step, state, gamma, steps)

    def run(self, state: Sequence[Any], gamma: Any, steps: int) -> list[Vector]:
        """The same by the text itself."""
        return _iterated(self.running_step, state, gamma, steps)


def _iterated(step: Step, state: Sequence[Any], gamma: Any, steps: int) -> list[Vector]:
    states = [list(state)]
    for _ in range(steps):
        states.append(list(step(states[-1], gamma)))
    return states


def differences(values: Sequence[Vector]) -> list[Vector]:
    """Delta^j X_0 for j = 0, 1, ..., len(values) - 1, componentwise.

    >>> differences([[0], [1], [4], [9]])
    [[0], [1], [2], [0]]
    """
    rows = [list(v) for v in values]
    found = []
    while rows:
        found.append(rows[0])
        rows = [[b - a for a, b in zip(x, y, strict=True)] for x, y in pairwise(rows)]
    return found


def _size(values: Sequence[Any]) -> float:
    return max((abs(float(v.mid())) for v in values), default=0.0)


def derivative(system: System, state: Vector, gamma: Any) -> Any:
    """The matrix B - 1 of the step at a state, by differences of half the working precision."""
    small = arb(2) ** (-(ctx.prec // 2))
    base = system.fast_step(state, gamma)
    columns = []
    for j in range(len(state)):
        moved = system.fast_step([x + small if i == j else x for i, x in enumerate(state)], gamma)
        columns.append([((b - a) / small).mid() for a, b in zip(base, moved, strict=True)])
    size = len(state)
    return arb_mat([[columns[j][i] - (1 if i == j else 0) for j in range(size)] for i in range(size)])


def newton_matrix(system: System, state: Vector, gamma: Any, width: int) -> Any:
    """The inverse of the memory's block of (B - 1)^width at a state.

    Raises NumericError where a relaxation factor is 1.
    """
    power = derivative(system, state, gamma)
    result = power
    for _ in range(width - 1):
        result = _middle(result * power)
    low = system.slow_size
    block = arb_mat([[result[i, j] for j in range(low, len(state))] for i in range(low, len(state))])
    try:
        return _middle(block.inv())
    except ZeroDivisionError:
        raise NumericError("the memory does not relax: a relaxation factor is 1; rescale that variable by a regime") from None


def _middle(matrix: Any) -> Any:
    return arb_mat([[matrix[i, j].mid() for j in range(matrix.ncols())] for i in range(matrix.nrows())])


def relaxed(system: System, slow: Vector, near: Any, steps: int = 6) -> Vector:
    """Memory on the slow manifold at gamma -> 0: a few steps with the slow variables held, then Newton on m = M(m).

    Where the relaxation is linear there, Newton's method ends at once; the steps keep it away from where M does not exist.  Where
    M has the root of something that vanishes as gamma -> 0 it does not exist there: then run in at the gamma `near`.
    """
    try:
        memory = _at_rest(system, slow, steps)
        entries = [*memory, *derivative(system, [*slow, *memory], near).entries()]
    except ArithmeticError:  # no matrix can be inverted there, or a sign is that of zero
        return _run_in(system, slow, near)
    return memory if all(x.is_finite() for x in entries) else _run_in(system, slow, near)


def _run_in(system: System, slow: Vector, gamma: Any) -> Vector:
    """The memory after steps that end near a point, from an earlier one.

    A transient a^n is then far below gamma^2 for |a| up to a half or so, and what is under a root is positive on every run.
    """
    steps, low, start = RUN_IN - 3 * ceil(log(float(gamma), 2)), system.slow_size, list(slow)
    for _ in range(6):
        end = [*start, *(number(x) for x in system.rest)]
        for _ in range(steps):  # on midpoints: where two averages cancel the balls would grow
            end = [x.mid() for x in system.fast_step(end, gamma)]
        start = [(x + wanted - found).mid() for x, wanted, found in zip(start, slow, end[:low], strict=True)]
    return end[low:]


def _at_rest(system: System, slow: Vector, steps: int) -> Vector:
    low, gamma = system.slow_size, arb(2) ** (-(ctx.prec // (3 * system.root)))
    memory = [number(x) for x in system.rest]
    for _ in range(0 if system.curved else steps):
        memory = [x.mid() for x in system.fast_step([*slow, *memory], gamma)[low:]]
    if system.claimed and (system.curved or not all(m.is_finite() for m in memory)):
        memory = [x.mid() for x in system.claimed(slow)]
    for _ in range(3):
        change = newton_matrix(system, [*slow, *memory], gamma, 1)
        moved = system.fast_step([*slow, *memory], gamma)[low:]
        change = change * arb_mat(len(memory), 1, [b - a for a, b in zip(memory, moved, strict=True)])
        memory = [(m - change[i, 0]).mid() for i, m in enumerate(memory)]
    return memory


def relaxation_factor(system: System) -> float:
    """The largest modulus of the memory's relaxation factors at gamma = 0; zero without memory."""
    return _spectral_radius(_relaxation(system)) if system.rest else 0.0


def memory_length(system: System) -> float:
    """How many steps the memory reaches back: the largest 1/|1 - a| of its relaxation factors, at least one."""
    if not system.rest:
        return 1.0
    with precision(400):
        matrix = _relaxation(system)
        size = matrix.nrows()
        rest = arb_mat([[arb(int(i == j)) - matrix[i, j] for j in range(size)] for i in range(size)])
        return max(1.0, _spectral_radius(_middle(rest.inv())))


def _relaxation(system: System) -> Any:
    """The memory's block of the step's derivative at gamma -> 0."""
    low, size = system.slow_size, system.slow_size + len(system.rest)
    with precision(400):
        slow, gamma = [number(x) for x in system.start], arb(2) ** -(60 // system.root)
        matrix = derivative(system, [*slow, *relaxed(system, slow, gamma)], gamma)
        return arb_mat([[(matrix[i, j] + int(i == j)).mid() for j in range(low, size)] for i in range(low, size)])


def _spectral_radius(power: Any) -> float:
    """|A^(2^k)|^(1/2^k) for k = 8."""
    scale = 0.0
    for _ in range(8):
        power = _middle(power * power)
        largest = max(abs(float(power[i, j])) for i in range(power.nrows()) for j in range(power.ncols()))
        if largest == 0:
            return 0.0
        power, scale = power / arb(largest), 2 * scale + log(largest)
    return exp(scale / 2**8)


def slow_memory(
    system: System,
    slow: Vector,
    gamma: Any,
    width: int,
    accuracy: Any,
    guess: Vector | None = None,
    sweeps: int = 80,
    inverse: Any = None,
) -> Vector:
    """The memory on the slow manifold at a point, up to O(gamma^width) and to `accuracy`, at the present precision.

    `inverse` is the Newton matrix of a gamma nearby, where there is one.  A sweep whose change was c_i after c_(i-1) leaves about
    c_i^2/c_(i-1), as the matrix is not renewed while it serves well.

    Raises NumericError when Newton's method does not settle: gamma is too large for this point.
    """
    if not system.rest:
        return []
    if system.root > 1:
        return _in_stages(system, slow, gamma, width, accuracy, guess, sweeps)
    low = system.slow_size
    memory = guess or relaxed(system, slow, gamma)
    last = float("inf")
    for _ in range(sweeps):
        if inverse is None:
            inverse = newton_matrix(system, [*slow, *memory], gamma, width)
        residual = differences(system.orbit([*slow, *memory], gamma, width))[width][low:]
        change = inverse * arb_mat(len(residual), 1, residual)
        change = [change[i, 0].mid() for i in range(len(residual))]
        memory = [(m - c).mid() for m, c in zip(memory, change, strict=True)]
        size = _size(change)
        if not all(m.is_finite() for m in memory):
            break
        left = size * min(1.0, size / last) if last < float("inf") else size
        if left <= float(accuracy) * max(1e-300, _size(memory)):
            return memory
        inverse = inverse if size < last / 64 else None
        last = size
    raise NumericError("the slow manifold was not found; take a smaller gamma or another point")


def _in_stages(
    system: System, slow: Vector, gamma: Any, width: int, accuracy: Any, guess: Vector | None, sweeps: int
) -> Vector:
    """The same where memory relaxes by h^p a step, p < root, and `gamma` is h: Delta^K(memory) = 0 is solved for K = 1, 2, ....

    Delta^K multiplies such a transient by h^(p K) and fast ones by 1, so these must be gone as far before: at K - 1 they are.
    """
    slow, gamma = [x.mid() for x in slow], gamma.mid()  # wide balls would round what more digits are carried for
    lost = 2 * width * (system.root - 1) * max(0, ceil(-log(float(gamma), 2)))
    with precision(ctx.prec + lost):
        memory = guess or relaxed(system, slow, gamma)
        for k in range(1, width + 1):
            memory = _stage(system, slow, gamma, k, accuracy, memory, sweeps)
        return memory


def _stage(system: System, slow: Vector, gamma: Any, width: int, accuracy: Any, memory: Vector, sweeps: int) -> Vector:
    """Newton's method, with the derivative of Delta^width by differences."""
    small, size = arb(2) ** (-(ctx.prec // 2)), len(memory)

    def remains(memory: Vector) -> Vector:
        return [x.mid() for x in differences(system.orbit([*slow, *memory], gamma, width))[width][system.slow_size :]]

    for _ in range(sweeps):
        base = remains(memory)
        columns = [remains([m + small if i == j else m for i, m in enumerate(memory)]) for j in range(size)]
        matrix = arb_mat([[(columns[j][i] - base[i]) / small for j in range(size)] for i in range(size)])
        try:
            change = _middle(matrix).solve(arb_mat(size, 1, base))
        except ZeroDivisionError:
            raise NumericError("the memory does not relax: a relaxation factor is 1; rescale that variable by a regime") from None
        steps = [change[i, 0].mid() for i in range(size)]
        memory = [(m - c).mid() for m, c in zip(memory, steps, strict=True)]
        if not all(m.is_finite() for m in memory):
            break
        if _size(steps) <= float(accuracy) * max(1e-300, _size(memory)):
            return memory
    raise NumericError("the slow manifold was not found; take a smaller gamma or another point")


def slow_orbit(
    system: System, slow: Vector, gamma: Any, width: int, accuracy: Any, steps: int, guess: Vector | None = None
) -> list[Vector]:
    """`steps` steps along the slow manifold from a point."""
    memory = slow_memory(system, slow, gamma, width, accuracy, guess)
    return system.orbit([*slow, *memory], gamma, steps)
