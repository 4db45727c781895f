"""What a row about an optimizer says, of whatever library: the scheme that it is, its numbers, how regimes carry them.

`parameters` are those of the scheme at the step gamma, in the regime's units or not; from them `make` builds the optimizer,
and `place` puts the scheme's memory in its state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import isfinite
from typing import Any

from derive.errors import UsageError
from derive.language import Arithmetic, Call, Expression, Name, Operation, interpret
from derive.scheme import Configuration

Tree = Any
Numbers = Mapping[str, Any]
FAR = 10**7  # steps taken before: bias corrections are one in float64
ADAM = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
SLOW_MOMENTS = {"memory": {}, "inertial": {"beta1": "1 - lam1*gamma", "beta2": "1 - lam2*gamma"}}


@dataclass(frozen=True)
class Optimizer:
    """An optimizer, its scheme, the numbers that people use, and how each regime carries them.

    gamma, count  a step and a number of steps at which the truncations can be told apart
    slow_rates    by name of a regime: its rates as functions of the scheme's own parameters and gamma
    averages      by name of a memory variable that is an average: of which function of the gradient
    place         memory by name of the scheme's variables -> entries of the library's state
    maps          the maps that the scheme declares
    matrices      whether it is that scheme for matrices alone
    regimes       settings of the parameters for regimes that are the scheme's own in no file
    """

    name: str
    scheme: str
    defaults: Mapping[str, float]
    gamma: float
    make: Callable[..., Any]
    slow_rates: Mapping[str, Callable[[Numbers], dict[str, Any]]] = field(default_factory=lambda: {"": lambda p: {}})
    place: Callable[[Mapping[str, Tree], Numbers], dict[str, Any]] = lambda memory, p: {}
    maps: Mapping[str, Callable[[Tree], Tree]] = field(default_factory=dict)
    needs_gradients: bool = False
    averages: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    regimes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    count: int = 8
    matrices: bool = False


def moments_forget(p: Numbers) -> dict[str, Any]:
    gamma = p["gamma"]
    return {"lam1": (1 - p["beta1"]) / gamma, "lam2": (1 - p["beta2"]) / gamma}


def second_forgets(p: Numbers) -> dict[str, Any]:
    return {"lam2": (1 - p["beta2"]) / p["gamma"]}


def inertial(p: Numbers) -> dict[str, Any]:
    """gamma and lam with alpha = gamma^2, beta = 1 - lam gamma."""
    gamma = p["gamma"] ** 0.5
    return {"lam": (1 - p["beta"]) / gamma, "gamma": gamma}


def leapfrog(p: Numbers) -> dict[str, Any]:
    """gamma and lam with alpha = gamma^2/(1 + lam gamma/2), beta = (1 - lam gamma/2)/(1 + lam gamma/2).

    So 2 alpha/(1 + beta) = gamma^2.
    """
    gamma = (2 * p["gamma"] / (1 + p["beta"])) ** 0.5
    return {"lam": 2 * (1 - p["beta"]) / (1 + p["beta"]) / gamma, "gamma": gamma}


def squares_forget(p: Numbers) -> dict[str, Any]:
    return {"lam": (1 - p["rho"]) / p["gamma"]}


def same(p: Numbers) -> dict[str, Any]:
    return {}


def row_of(rows: Mapping[str, Optimizer], name: str) -> Optimizer:
    if name not in rows:
        raise UsageError(f"no optimizer {name} here (known: {', '.join(rows)})")
    return rows[name]


def given(hyper: Numbers | None, gamma: float | None) -> dict[str, float]:
    """What is set, in one table.

    >>> given({"beta": 0.5}, 0.1), given(None, None)
    ({'beta': 0.5, 'gamma': 0.1}, {})
    """
    return {**(hyper or {}), **({} if gamma is None else {"gamma": gamma})}


def settings_of(row: Optimizer, given: Numbers) -> dict[str, float]:
    """The learning rate and every hyperparameter of the optimizer."""
    known = {"gamma": row.gamma, **row.defaults}
    for name, value in given.items():
        if name not in known:
            raise UsageError(f"{row.name} has no hyperparameter {name} (it has {', '.join(known)})")
        if not isfinite(value) or (name == "gamma" and value <= 0):
            raise UsageError(f"{name} = {value}: a finite number, and the learning rate is above zero")
    return {**known, **{n: float(v) for n, v in given.items()}}


class _Floats(Arithmetic):
    def __init__(self, values: Numbers) -> None:
        self.values = values

    def number(self, value: Fraction) -> float:
        return float(value)

    def name(self, node: Name) -> Any:
        return self.values[node.id]

    def exponent(self, node: Expression) -> Any:
        return interpret(node, self)

    def power(self, base: Any, exponent: Any, node: Operation) -> Any:
        return base**exponent

    def call(self, node: Call, args: list[Any]) -> Any:
        raise UsageError(f"{node.function} stands in a regime; optimizers are run in regimes of plain arithmetic")


def scheme_parameters(c: Configuration, free: Numbers) -> dict[str, Any]:
    """Every parameter of the scheme as a number: those that are free, gamma, and what the regime says of the others."""
    values = dict(free)
    for name, expression in c.bindings.items():
        values[name] = interpret(expression, _Floats(values))
    return values


def carried_units(c: Configuration, values: Numbers) -> dict[str, Any]:
    """By name of a memory variable, what it is in units of the variable that the regime carries: v = gamma*eta has gamma."""
    return {v: interpret(r.factor, _Floats(values)) for v, r in c.rescaled.items()}
