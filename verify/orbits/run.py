"""The update text of a scheme, executed on any kind of number (`verify.numbers.kinds`).

    state at step n  --program-->  state at step n + 1

Vectors are lists.  State variables go by the names of the result: with v = gamma*eta the state holds eta, and v is put
together before the step and taken apart after it.  The previous point is held as the difference theta_prev - theta.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from derive.errors import UsageError
from derive.language import names_of
from derive.scheme import Configuration
from verify.numbers.evaluation import COMBINE, componentwise, elementary, evaluate, mapped
from verify.numbers.kinds import EXACT, Numbers
from verify.problems.maps import ConcreteMaps, maps_of

State = dict[str, Any]  # name -> number, or list of numbers
TimeFunction = Callable[[Any], Any]


class StepError(ArithmeticError):
    """The step cannot be executed: an implicit step did not settle, or a name has no value."""


@dataclass(frozen=True)
class Runner:
    """A configuration with numbers for its free parameters and a gradient, ready to step.

    gradient   grad L, or the field for schemes written with field(x): list -> list
    values     a number for every free parameter
    functions  the declared time functions, as functions of a number
    passes     how often an implicit step is iterated; for power series each pass settles one more power of gamma
    settled    stops the iteration early: settled(old, new) -> bool
    """

    configuration: Configuration
    gradient: Callable[[list[Any]], list[Any]]
    values: Mapping[str, Any]
    numbers: Numbers = EXACT
    functions: Mapping[str, TimeFunction] = field(default_factory=dict)
    passes: int = 12
    settled: Callable[[list[Any], list[Any]], bool] | None = None

    @cached_property
    def memory(self) -> tuple[str, ...]:
        """Names of the state variables besides theta, as the result names them."""
        c = self.configuration
        return tuple(c.symbol(s) for s in c.scheme.states if s != "theta")

    @cached_property
    def maps(self) -> ConcreteMaps:
        return maps_of(self.configuration)

    @cached_property
    def implicit(self) -> bool:
        return any("theta_next" in names_of(a.value) for a in self.configuration.scheme.program)

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
        guess = names["theta"]
        for _ in range(self.passes):
            result = self._execute({**names, "theta_next": guess})
            if self.settled is not None and self.settled(guess, result["theta"]):
                return self._new_state(result, state, gamma, t)
            guess = result["theta"]
        if self.settled is not None:
            raise StepError(f"the implicit step did not settle within {self.passes} iterations; use a smaller gamma")
        return self._new_state(result, state, gamma, t)

    def _raw(self, s: str, state: Mapping[str, Any], gamma: Any, t: Any) -> Any:
        value = state[self.configuration.symbol(s)]
        if s == "theta_prev":
            return componentwise(state["theta"], value, COMBINE["+"])
        if s in self.configuration.rescaled:
            return mapped(lambda x: self.numbers.scaled(x, self.factor(s, gamma, t)), value)
        return value

    def _execute(self, names: dict[str, Any]) -> dict[str, Any]:
        for a in self.configuration.scheme.program:
            value = evaluate(a.value, names, self.numbers, self._call)
            size = len(names["theta"])
            vector = self.configuration.scheme.kinds.get(a.target) == "vector"
            names[a.target] = [value] * size if vector and not isinstance(value, list) else value
        return names

    def _new_state(self, names: Mapping[str, Any], old: Mapping[str, Any], gamma: Any, t: Any) -> State:
        new: State = {}
        for s in self.configuration.scheme.states:
            value = names[s]
            if s == "theta_prev":
                before = value if "theta_prev" in self.configuration.scheme.assigned else old["theta"]
                value = componentwise(before, names["theta"], COMBINE["-"])
            elif s in self.configuration.rescaled:
                after = self.factor(s, gamma, None if t is None else t + gamma)
                value = componentwise(value, after, COMBINE["/"])
            new[self.configuration.symbol(s)] = value
        return new

    def _call(self, function: str, args: list[Any]) -> Any:
        if function in ("grad", "field"):
            return self.gradient(args[0])
        if function in self.functions:
            return self.functions[function](args[0])
        if function in self.maps:
            return self.maps.value(function, args, max((len(a) for a in args if isinstance(a, list)), default=1), self.numbers)
        if function in self.configuration.scheme.functions:
            raise UsageError(f"the time function {function} has no value; give it with --set '{function}(t)=...'")
        return elementary(function, args, self.numbers)

    def at_rest(self, theta: Sequence[Any], gamma: Any, t: Any = None) -> State:
        """The state that users start with: memory from the scheme's [initial] table, else zero; theta_prev = theta."""
        scheme, zero = self.configuration.scheme, theta[0] * 0
        names = {**self.parameters(gamma, t), "gamma": gamma, "t": t, "theta": list(theta)}
        state: State = {"theta": list(theta)}
        for s in scheme.states[1:]:
            expression = scheme.initial.get(s)
            value = zero if expression is None else evaluate(expression, names, self.numbers, self._call) + zero
            if s in self.configuration.rescaled and expression is not None:
                value = value / self.factor(s, gamma, t)
            vector = scheme.kinds.get(s) == "vector" and not isinstance(value, list)
            state[self.configuration.symbol(s)] = [value] * len(theta) if vector else value
        return state
