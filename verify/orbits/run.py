"""The update text of a scheme, executed on any type of number.

    state at step n  --program-->  state at step n + 1

Numbers are whatever `Numbers` describes: fmpq, truncated power series in gamma, mpmath numbers, arb balls, Fractions.
Vectors are lists.  State variables go by the names of the result: with v = gamma*eta the state holds eta, and v is put
together before the step and taken apart after it.  The previous point is held as the difference theta_prev - theta.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from flint import arb

from derive.errors import UsageError, nearest
from derive.language import Call, Expression, Name, Number, Operation, constant, names_of
from derive.scheme import Configuration
from verify.numbers.power_series import Series, rational_power, to_fmpq

Value = Any
State = dict[str, Any]  # name -> number, or list of numbers
TimeFunction = Callable[[Any], Any]
Functions = Callable[[str, list[Any]], Any]


@dataclass(frozen=True)
class Numbers:
    """A type of number: how a rational becomes one, and rational powers."""

    lift: Callable[[Fraction], Any]
    power: Callable[[Any, Fraction], Any]

    def absolute(self, x: Any) -> Any:
        return self.power(x * x, Fraction(1, 2))

    def sign(self, x: Any) -> Any:
        return x / self.absolute(x)


def _lifted_power(x: Any, r: Fraction) -> Any:
    if isinstance(x, Series):
        return x.power(r)
    if isinstance(x, arb):
        return x ** int(r) if r.denominator == 1 else x ** arb(to_fmpq(r))
    return rational_power(to_fmpq(x), r)


def _mpf_lift(q: Fraction) -> Any:
    from mpmath import mpf

    return mpf(q.numerator) / q.denominator


def _mpf_power(x: Any, r: Fraction) -> Any:
    from mpmath import root

    return x ** int(r) if r.denominator == 1 else root(x, r.denominator) ** r.numerator


#: fmpq, power series over them, and arb balls
EXACT = Numbers(to_fmpq, _lifted_power)
#: Fractions (slow, dependency-free)
FRACTIONS = Numbers(lambda q: q, lambda x, r: Fraction(str(rational_power(to_fmpq(x), r))))
#: mpmath numbers at the working precision of the moment
MPMATH = Numbers(_mpf_lift, _mpf_power)
BALLS = Numbers(lambda q: arb(to_fmpq(q)), _lifted_power)


class StepError(ArithmeticError):
    """The step cannot be executed: an implicit step did not settle, or a name has no value."""


def componentwise(a: Value, b: Value, combine: Callable[[Any, Any], Any]) -> Value:
    """combine(a, b), component by component where one of them is a vector."""
    if isinstance(a, list):
        return [combine(x, y) for x, y in zip(a, b if isinstance(b, list) else [b] * len(a), strict=True)]
    return [combine(a, y) for y in b] if isinstance(b, list) else combine(a, b)


def mapped(f: Callable[[Any], Any], a: Value) -> Value:
    """f of a number, or of every component."""
    return [f(x) for x in a] if isinstance(a, list) else f(a)


def _divide(x: Any, y: Any) -> Any:
    return x / y


_COMBINE: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda x, y: x + y, "-": lambda x, y: x - y, "*": lambda x, y: x * y, "/": _divide,
}  # fmt: skip


def evaluate(expression: Expression, names: Mapping[str, Value], numbers: Numbers, call: Functions) -> Value:
    """The value of an expression; `call` does the functions.

    >>> from flint import fmpq
    >>> from flint import fmpq
    >>> from derive.language import parse_expression
    >>> evaluate(parse_expression("2*x**2 - 1/3", "example"), {"x": fmpq(1, 2)}, EXACT, lambda f, args: None)
    1/6
    """
    match expression:
        case Number(value):
            return numbers.lift(value)
        case Name(id):
            if id not in names:
                raise UsageError(f"'{id}' has no value{nearest(id, names)}; give it with --set {id}=...")
            return names[id]
        case Operation("neg", (a,)):
            return mapped(lambda x: -x, evaluate(a, names, numbers, call))
        case Operation("**", (a, b)):
            exponent = constant(b)
            if exponent is None:
                raise UsageError("an exponent must be a rational number, such as 2 or -1/2")
            return mapped(lambda x: numbers.power(x, exponent), evaluate(a, names, numbers, call))
        case Operation(op, (a, b)):
            return componentwise(evaluate(a, names, numbers, call), evaluate(b, names, numbers, call), _COMBINE[op])
        case Call(function, args):
            return call(function, [evaluate(a, names, numbers, call) for a in args])
    raise AssertionError(expression)


def elementary(function: str, args: list[Value], numbers: Numbers) -> Value:
    """sqrt, abs, sign, dot and norm."""
    match function:
        case "sqrt":
            return mapped(lambda x: numbers.power(x, Fraction(1, 2)), args[0])
        case "abs":
            return mapped(numbers.absolute, args[0])
        case "sign":
            return mapped(numbers.sign, args[0])
        case "dot" | "norm":
            products = [x * y for x, y in zip(args[0], args[-1], strict=True)]
            total = products[0]
            for p in products[1:]:
                total = total + p
            return total if function == "dot" else numbers.power(total, Fraction(1, 2))
    raise UsageError(f"function '{function}' cannot be evaluated here")


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
            return componentwise(state["theta"], value, _COMBINE["+"])
        if s in self.configuration.rescaled:
            return mapped(lambda x: rescale(x, self.factor(s, gamma, t)), value)
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
                value = componentwise(before, names["theta"], _COMBINE["-"])
            elif s in self.configuration.rescaled:
                after = self.factor(s, gamma, None if t is None else t + gamma)
                value = componentwise(value, after, _COMBINE["/"])
            new[self.configuration.symbol(s)] = value
        return new

    def _call(self, function: str, args: list[Any]) -> Any:
        if function in ("grad", "field"):
            return self.gradient(args[0])
        if function in self.functions:
            return self.functions[function](args[0])
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


def rescale(x: Any, factor: Any) -> Any:
    """factor*x; for power series without losing the powers of gamma that the factor brings."""
    if isinstance(x, Series) and isinstance(factor, Series):
        v = factor.valuation()
        return (x * factor.shifted(-v)).shifted(v)
    return x * factor
