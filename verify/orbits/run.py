"""The update text of a scheme, executed on any kind of number (`verify.numbers.kinds`).

    state at step n  --program-->  state at step n + 1

Vectors are lists.  State variables go by the names of the result: with v = gamma*eta the state holds eta, and v is put
together before the step and taken apart after it.  The previous point is held as the difference theta_prev - theta, of every
unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from derive.errors import UsageError
from derive.language import Expression, names_of
from derive.language.calls import partial_of
from derive.language.layers import summed_call
from derive.language.samples import is_noise
from derive.scheme import Configuration, Scheme
from derive.scheme.names import ahead, previous
from derive.scheme.shapes import shaped
from verify.numbers.evaluation import COMBINE, componentwise, elementary, evaluate, mapped, summed
from verify.numbers.kinds import EXACT, Numbers
from verify.problems.maps import ConcreteMaps, maps_of
from verify.problems.matrices import is_of_matrices, of_matrices, size_of

State = dict[str, Any]  # name -> number, or list of numbers
Gradient = Callable[..., Any]
TimeFunction = Callable[[Any], Any]


class StepError(ArithmeticError):
    """The step cannot be executed: an implicit step did not settle, or a name has no value."""


def reads_ahead(scheme: Scheme) -> bool:
    """Whether the scheme is implicit."""
    return any(ahead(x) in names_of(a.value) for a in scheme.program for x in scheme.unknowns)


def space_of(scheme: Scheme, name: str) -> str:
    """The unknown that a vector has as many components as."""
    return scheme.spaces.get(name) or next(iter(scheme.unknowns))


def sizes_of(configuration: Configuration, sizes: Mapping[str, int]) -> dict[str, int | None]:
    """State variable, as the result names it -> how many components it has where the unknowns have `sizes`; None for a number.

    >>> from derive import configure, load_scheme
    >>> sizes_of(configure(load_scheme("momentum")), {"theta": 3})
    {'theta': 3, 'v': 3}
    """
    scheme = configuration.scheme
    vectors = {s for s in scheme.states if scheme.kinds.get(s) == "vector"}
    return {
        configuration.symbol(s): size_of(scheme, s, sizes[space_of(scheme, s)]) if s in vectors else None for s in scheme.states
    }


@dataclass(frozen=True)
class Runner:
    """A configuration with numbers for its free parameters and a gradient, ready to step.

    gradient   grad L, or the field for schemes written with field(x): list -> list;
               of declared losses: which derivative, the point and the directions -> list, or the value of a loss there
               (see `verify.problems.game`)
    values     a number for every free parameter
    functions  the declared time functions, as functions of a number
    problem    what a text with the loss itself, with derivatives of the gradient or with sums over components needs beside it:
               `value(theta)`, `tensor(theta, directions, monomials(theta))`, `layers` as `verify.problems.problem` has them
    passes     how often an implicit step is iterated; for power series each pass settles one more power of gamma
    settled    stops the iteration early: settled(old, new) -> bool
    noise      what the text draws at random, by its call (`derive.language.samples`) and the arguments -> list
    """

    configuration: Configuration
    gradient: Gradient
    values: Mapping[str, Any]
    numbers: Numbers = EXACT
    functions: Mapping[str, TimeFunction] = field(default_factory=dict)
    passes: int = 12
    problem: Any = None
    settled: Callable[[list[Any], list[Any]], bool] | None = None
    noise: Callable[[str, list[Any]], list[Any]] | None = None

    @cached_property
    def memory(self) -> tuple[str, ...]:
        """Names of the state variables besides the unknowns, as the result names them."""
        c = self.configuration
        return tuple(c.symbol(s) for s in c.scheme.states if s not in c.scheme.unknowns)

    @cached_property
    def maps(self) -> ConcreteMaps:
        return maps_of(self.configuration, self.values)

    @cached_property
    def program(self) -> tuple[tuple[str, Expression], ...]:
        """The assignments of one step; products of matrices tell the shapes of their arguments."""
        scheme = self.configuration.scheme
        shapes = scheme.shapes if scheme.of_matrices else None
        return tuple((a.target, a.value if shapes is None else shaped(a.value, shapes)) for a in scheme.program)

    @cached_property
    def implicit(self) -> bool:
        return reads_ahead(self.configuration.scheme)

    @cached_property
    def previous(self) -> Mapping[str, str]:
        """theta_prev -> theta, for every unknown."""
        return {previous(x): x for x in self.configuration.scheme.unknowns}

    def parameters(self, gamma: Any, t: Any) -> dict[str, Any]:
        """The value of every parameter of the update text at this gamma and t."""
        names = {**self.values, "gamma": gamma, "t": t}
        return {n: evaluate(e, names, self.numbers, self._call) for n, e in self.configuration.bindings.items()}

    def factor(self, state: str, gamma: Any, t: Any) -> Any:
        """The factor of a rescaled state variable: gamma for v = gamma*eta."""
        rescaling = self.configuration.rescaled[state]
        return evaluate(rescaling.factor, {**self.values, "gamma": gamma, "t": t}, self.numbers, self._call)

    def step(self, state: Mapping[str, Any], gamma: Any, t: Any = None) -> State:
        """The state after one step of size gamma from time t."""
        names = {"gamma": gamma, "t": t, **self.parameters(gamma, t)}
        for s in self.configuration.scheme.states:
            names[s] = self._raw(s, state, gamma, t)
        if not self.implicit:
            return self._new_state(self._execute(names), state, gamma, t)
        unknowns = self.configuration.scheme.unknowns
        guess = {ahead(x): names[x] for x in unknowns}
        for _ in range(self.passes):
            result = self._execute({**names, **guess})
            if self.settled is not None and all(self.settled(guess[ahead(x)], result[x]) for x in unknowns):
                return self._new_state(result, state, gamma, t)
            guess = {ahead(x): result[x] for x in unknowns}
        if self.settled is not None:
            raise StepError(f"the implicit step did not settle within {self.passes} iterations; use a smaller gamma")
        return self._new_state(result, state, gamma, t)

    def _raw(self, s: str, state: Mapping[str, Any], gamma: Any, t: Any) -> Any:
        value = state[self.configuration.symbol(s)]
        if s in self.previous:
            return componentwise(state[self.previous[s]], value, COMBINE["+"])
        if s in self.configuration.rescaled:
            return mapped(lambda x: self.numbers.scaled(x, self.factor(s, gamma, t)), value)
        return value

    def _execute(self, names: dict[str, Any]) -> dict[str, Any]:
        scheme = self.configuration.scheme
        for target, expression in self.program:
            value = evaluate(expression, names, self.numbers, self._call)
            if scheme.kinds.get(target) == "vector" and not isinstance(value, list):
                value = [value] * size_of(scheme, target, len(names[space_of(scheme, target)]))
            names[target] = value
        return names

    def _new_state(self, names: Mapping[str, Any], old: Mapping[str, Any], gamma: Any, t: Any) -> State:
        new: State = {}
        for s in self.configuration.scheme.states:
            value = names[s]
            if s in self.previous:
                before = value if s in self.configuration.scheme.assigned else old[self.previous[s]]
                value = componentwise(before, names[self.previous[s]], COMBINE["-"])
            elif s in self.configuration.rescaled:
                after = self.factor(s, gamma, None if t is None else t + gamma)
                value = componentwise(value, after, COMBINE["/"])
            new[self.configuration.symbol(s)] = value
        return new

    def _call(self, function: str, args: list[Any]) -> Any:
        if is_noise(function) and self.noise is not None:
            return self.noise(function, args)
        if function in ("grad", "field"):
            return self.gradient(args[0])
        if partial := partial_of(function):
            if self.configuration.scheme.losses:
                return self.gradient(partial, *partial.divided(args))
            (point,), directions = partial.divided(args)
            if self.problem is None:
                raise UsageError(f"{partial.written}(...) cannot be evaluated here")
            return self.problem.tensor(point, directions, self.problem.monomials(point))
        if function == "loss" and self.problem is not None:
            return self.problem.value(args[0])
        if function in self.functions:
            return self.functions[function](args[0])
        if function in self.maps:
            return self.maps.value(function, args, max((len(a) for a in args if isinstance(a, list)), default=1), self.numbers)
        if function in self.configuration.scheme.functions:
            raise UsageError(f"the time function {function} has no value; give it with --set '{function}(t)=...'")
        if is_of_matrices(function):
            return of_matrices(function, args)
        if summed_call(function):
            return self._summed(function, args)
        return elementary(function, args, self.numbers)

    def _summed(self, function: str, args: list[Any]) -> Any:
        """A sum over components; without a problem there are no layers, and some vector says how many there are."""
        if self.problem is not None:
            return summed(function, args, self.problem.dimension, self.problem.layers, self.numbers)
        if not any(isinstance(a, list) for a in args):
            raise UsageError(f"{function}(...) of numbers alone cannot be evaluated here")
        return summed(function, args, 1, (), self.numbers)

    def at_rest(self, start: Mapping[str, Sequence[Any]], gamma: Any, t: Any = None) -> State:
        """The state that users start with, from the unknowns: memory from the scheme's [initial] table, else zero;
        theta_prev = theta."""
        scheme, state = self.configuration.scheme, {x: list(start[x]) for x in self.configuration.scheme.unknowns}
        zero = next(iter(state.values()))[0] * 0
        names = {**self.parameters(gamma, t), "gamma": gamma, "t": t, **state}
        for s in scheme.states[len(scheme.unknowns) :]:
            expression = scheme.initial.get(s)
            value = zero if expression is None else evaluate(expression, names, self.numbers, self._call) + zero
            if s in self.configuration.rescaled and expression is not None:
                value = value / self.factor(s, gamma, t)
            vector = scheme.kinds.get(s) == "vector" and not isinstance(value, list)
            size = size_of(scheme, s, len(start[space_of(scheme, s)]))
            state[self.configuration.symbol(s)] = [value] * size if vector else value
        return state
