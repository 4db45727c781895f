"""A scheme, its modified equation and a loss -> the `System` that the numerical routes run.

The scheme's own update text is executed, line by line, on the nodes of a tape; the field is read from the equation's JSON
form, its terms contracted on the loss.  Free parameters must have rational values: `chosen_parameters` gives every free
parameter a value inside its range.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial, reduce
from itertools import cycle
from operator import mul
from typing import Any

from derive.errors import UsageError
from derive.language import names_of
from derive.scheme import Configuration
from derive.scheme.names import UNKNOWNS, ahead
from derive.scheme.ranges import is_bounded
from verify.numbers.kinds import EXACT, Numbers
from verify.numbers.power_series import IrrationalRoot, to_fmpq
from verify.numbers.recurrences import number
from verify.numbers.tape import Program, Tape
from verify.numeric.formulas import field_values, memory_values, order_of, time_function, time_value
from verify.orbits.branches import on_the_same_state, real_text
from verify.orbits.run import Runner, reads_ahead, sizes_of, space_of
from verify.orbits.slow_balls import NumericError, Step, System
from verify.problems.game import Game, divided
from verify.problems.landscape import Loss
from verify.problems.matrices import positive_definite, square_states

#: for parameters with a range that ends, such as 0 <= beta < 1, and for the others, such as eps > 0
_WITHIN_ONE = [Fraction(1, 2), Fraction(1, 3), Fraction(2, 5), Fraction(3, 7), Fraction(1, 5), Fraction(2, 7), Fraction(4, 9)]
_POSITIVE = [Fraction(1, 4), Fraction(2, 3), Fraction(5, 6), Fraction(3, 2), Fraction(3, 4), Fraction(7, 12), Fraction(4, 3)]
MAX_IMPLICIT = 400


def chosen_parameters(configuration: Configuration) -> dict[str, Fraction]:
    """A rational value for every free parameter: different simple fractions, inside (0, 1) where its range ends somewhere.

    >>> from derive import configure, load_scheme
    >>> chosen_parameters(configure(load_scheme("momentum")))
    {'beta': Fraction(1, 2)}
    """
    bounded, positive = cycle(_WITHIN_ONE), cycle(_POSITIVE)
    parameters = configuration.scheme.parameters
    return {name: next(bounded if is_bounded(parameters.get(name)) else positive) for name in configuration.free}


@dataclass(frozen=True)
class Layout:
    """Where each variable's components lie in the flat state: slow variables, unknowns first, the time if it is read, memory."""

    slow: tuple[str, ...]
    memory: tuple[str, ...]
    sizes: Mapping[str, int]
    timed: bool
    unknowns: tuple[str, ...] = UNKNOWNS
    square: frozenset[str] = frozenset()  # matrices with as many rows as columns

    @property
    def slots(self) -> dict[str, tuple[int, int]]:
        place, found = 0, {}
        for name in (*self.slow, *(("t",) if self.timed else ()), *self.memory):
            size = 1 if name == "t" else self.sizes[name]
            found[name] = (place, place + size)
            place += size
        return found

    def split(self, state: Sequence[Any], vectors: set[str]) -> dict[str, Any]:
        """The flat state as variables: lists for vectors, single numbers for scalars."""
        return {
            name: list(state[low:high]) if name in vectors else state[low]
            for name, (low, high) in self.slots.items()
            if high <= len(state)
        }


class Recorder:
    """A configuration on a loss, stepping flat states of any type of number (nodes of a tape, affine forms)."""

    def __init__(
        self, configuration: Configuration, layout: Layout, loss: Loss | Game, parameters: Mapping[str, Fraction]
    ) -> None:
        if loss.is_field != (configuration.scheme.label == "f"):
            raise UsageError("a scheme written with grad(...) needs a loss, one written with field(...) a vector field")
        self.configuration, self.layout, self.loss, self.parameters = configuration, layout, loss, parameters
        self.vectors = {x for x, size in sizes_of(configuration, loss.sizes).items() if size is not None}

    def runner(self, numbers: Numbers) -> Runner:
        """The interpreter of the update text on these numbers."""
        values = {n: numbers.lift(v) for n, v in self.parameters.items()}
        functions = {n: partial(time_value, time_function(self.configuration, n)) for n in self.configuration.functions}
        return Runner(self.configuration, self.loss.gradient, values, numbers, functions, problem=self.loss)

    def step(self, state: Sequence[Any], gamma: Any, numbers: Numbers, later: Sequence[Any] | None = None) -> list[Any]:
        """The flat state after one step; `later` stands for theta_next where the update reads it, of all unknowns."""
        runner = self.runner(numbers)
        variables = self.layout.split(state, self.vectors)
        t = variables.pop("t", None)
        new: Mapping[str, Any]
        if later is None:
            new = runner.step(variables, gamma, t)
        else:
            new = _step_ahead(runner, variables, gamma, t, divided(later, self.loss.sizes))
        flat: list[Any] = []
        for symbol, (low, high) in self.layout.slots.items():
            value = t + gamma if symbol == "t" else new[symbol]
            flat += value if isinstance(value, list) else [value] * (high - low)
        return flat


def _step_ahead(
    runner: Runner, state: Mapping[str, Any], gamma: Any, t: Any, later: Mapping[str, list[Any]]
) -> Mapping[str, Any]:
    """One pass of an implicit step with theta_next given: theta comes out as a function of it."""
    names = {"gamma": gamma, "t": t, **runner.parameters(gamma, t), **{ahead(x): v for x, v in later.items()}}
    for s in runner.configuration.scheme.states:
        names[s] = runner._raw(s, state, gamma, t)
    return runner._new_state(runner._execute(names), state, gamma, t)


def layout_of(configuration: Configuration, equation: Mapping[str, Any], loss: Loss | Game) -> Layout:
    """The coordinates of a scheme: slow variables and memory as the equation names them."""
    scheme = configuration.scheme
    sizes = {s: size or 1 for s, size in sizes_of(configuration, loss.sizes).items()}
    slow = tuple(s for s in sizes if s in equation["equations"])
    memory = tuple(s for s in sizes if s not in slow)
    texts = [a.value for a in scheme.program] + list(configuration.bindings.values())
    timed = bool(configuration.functions) or any("t" in names_of(e) for e in texts)
    return Layout(slow, memory, sizes, timed, tuple(scheme.unknowns), square_states(configuration))


def starting_point(
    layout: Layout, theta: Sequence[Fraction], others: Mapping[str, Sequence[Fraction]] | None = None
) -> tuple[Fraction, ...]:
    """The unknowns as given; other slow coordinates positive fractions below one, the time one, unless given in `others`; square
    matrices are made positive definite."""
    point = list(theta)
    for name, (low, high) in layout.slots.items():
        if name not in (*layout.unknowns, *layout.memory):
            default = [Fraction(1)] if name == "t" else [Fraction(3 + i, 7 + 2 * i) for i in range(low, high)]
            numbers = list((others or {}).get(name, default))[: high - low]
            point += positive_definite(numbers) if name in layout.square else numbers
    return tuple(point)


def build_system(
    configuration: Configuration,
    equation: Mapping[str, Any],
    loss: Loss | Game,
    parameters: Mapping[str, Fraction],
    theta: Sequence[Fraction],
    others: Mapping[str, Sequence[Fraction]] | None = None,
) -> System:
    """The system of a configuration with its equation (JSON form) on a problem, started at theta, the components of all unknowns.

    Raises UsageError for a parameter without a value, a schedule that is no expression, or a loss of the wrong kind.
    """
    branch = on_the_same_state(configuration)
    layout = layout_of(branch, equation, loss)
    recorder = Recorder(branch, layout, loss, parameters)
    start = starting_point(layout, theta, others)
    implicit, root = reads_ahead(branch.scheme), branch.scheme.root
    step = _step(recorder, implicit)
    real = None if branch is configuration else _step(Recorder(real_text(configuration), layout, loss, parameters), implicit)

    def fields(point: Sequence[Any]) -> list[list[Any]]:
        return field_values(branch, equation, layout, recorder.vectors, loss, parameters, point)

    def leads(point: Sequence[Any]) -> list[Any]:
        return memory_values(branch, equation, layout, recorder.vectors, loss, parameters, point)

    names = tuple(coordinate_names(recorder, layout))
    claimed = leads if all(m in equation.get("memory", {}) for m in layout.memory) else None
    rest, order = _rest(recorder, layout, theta), order_of(equation)
    return System(step, fields, start, rest, names, order, implicit, claimed, is_curved(configuration, equation), real, root)


def is_curved(configuration: Configuration, equation: Mapping[str, Any]) -> bool:
    """Whether memory is claimed to relax otherwise than by constant factors, or its value at gamma = 0 is stated."""
    return bool(configuration.scheme.leading) or any("map" in r for r in equation.get("relaxation", ()))


def coordinate_names(recorder: Recorder, layout: Layout) -> Iterator[str]:
    """Names of the slow coordinates and of t: theta_x, eta_x of a loss in x; x1, eta_x1 of a game."""
    scheme = recorder.configuration.scheme
    space = {recorder.configuration.symbol(s): space_of(scheme, s) for s in scheme.states}
    for n in layout.slow:
        for v in recorder.loss.names[space[n]] if n in recorder.vectors else ("",):
            yield v if scheme.losses and n in layout.unknowns else f"{n}_{v}" if v else n
    if layout.timed:
        yield "t"


def build_systems(
    configuration: Configuration,
    equation: Mapping[str, Any],
    loss: Loss | Game,
    parameters: Mapping[str, Fraction],
    points: Sequence[tuple[Sequence[Fraction], Mapping[str, Sequence[Fraction]]]],
) -> list[System]:
    """The systems of one loss started at many points (theta, the other slow variables); the step is recorded once."""
    first = build_system(configuration, equation, loss, parameters, *points[0])
    branch = on_the_same_state(configuration)
    layout = layout_of(branch, equation, loss)
    recorder = Recorder(branch, layout, loss, parameters)
    return [first.at(starting_point(layout, theta, others), _rest(recorder, layout, theta)) for theta, others in points]


def _rest(recorder: Recorder, layout: Layout, theta: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """The memory users start with: [initial] of the scheme, theta itself for the previous point, else zero."""
    try:
        start = divided([to_fmpq(x) for x in theta], recorder.loss.sizes)
        state = recorder.runner(EXACT).at_rest(start, to_fmpq(Fraction(1)), to_fmpq(Fraction(1)))
    except IrrationalRoot:
        raise NumericError("the memory does not start at a rational number") from None
    values = [state[name] for name in layout.memory]
    flat = [x for value in values for x in (value if isinstance(value, list) else [value])]
    return tuple(Fraction(int(x.p), int(x.q)) for x in flat)


def _step(recorder: Recorder, implicit: bool) -> Step:
    return _implicit_step(recorder, recorder.layout) if implicit else _explicit_step(recorder)


def _explicit_step(recorder: Recorder) -> Step:
    root = recorder.configuration.scheme.root

    def step(state: Sequence[Any], small: Any) -> Sequence[Any]:
        gamma = reduce(mul, [small] * root)
        return recorder.step(state, gamma, gamma.tape.numbers)

    return step


def _implicit_step(recorder: Recorder, layout: Layout) -> Step:
    """theta_next by iteration: it enters with a factor gamma, so each round gains a power of gamma."""
    size = sum(high - low for name, (low, high) in layout.slots.items())
    count = recorder.loss.dimension
    tape = Tape(size + 1 + count)
    inputs = tape.inputs
    gamma = reduce(mul, [inputs[size]] * recorder.configuration.scheme.root)
    outputs = recorder.step(inputs[:size], gamma, tape.numbers, inputs[size + 1 :])
    program = Program(tape, [tape.lift(x) for x in outputs])

    def step(state: Sequence[Any], gamma: Any) -> Sequence[Any]:
        later = [number(x) for x in state[:count]]
        for _ in range(MAX_IMPLICIT):
            result = program([*state, gamma, *later])
            moved = [new - old for new, old in zip(result[:count], later, strict=True)]
            later = [x.mid() for x in result[:count]]
            if all(abs(m.mid()) <= 4 * m.rad() for m in moved):
                return result
        raise NumericError("the implicit step did not converge; take a smaller gamma")

    return step


__all__ = ["Layout", "Recorder", "build_system", "chosen_parameters", "layout_of", "starting_point"]
