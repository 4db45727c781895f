"""Optimizers of optax, each with the scheme that it is, and where the scheme's memory stands in its state.

A row is enough for a new one.  `parameters` are those of the scheme at the step gamma, in the regime's units or not; from them
`make` builds the transformation, and `place` puts the memory in its state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import optax

from derive.errors import UsageError
from derive.language import Arithmetic, Call, Expression, Name, Operation, interpret
from derive.scheme import Configuration

Tree = Any
Numbers = Mapping[str, Any]
FAR = 10**7  # steps taken before: bias corrections are one in float64


@dataclass(frozen=True)
class Optimizer:
    """An optimizer, its scheme, the numbers that people use, and how each regime carries them.

    gamma, count  a step and a number of steps at which the truncations can be told apart
    slow_rates    by name of a regime: its rates as functions of the scheme's own parameters and gamma
    averages      by name of a memory variable that is an average: of which function of the gradient
    place         memory by name of the scheme's variables -> entries of optax's state
    maps          the maps that the scheme declares
    matrices      whether it is that scheme for matrices alone
    regimes       settings of the parameters for regimes that are the scheme's own in no file
    """

    name: str
    scheme: str
    defaults: Mapping[str, float]
    gamma: float
    make: Callable[[Numbers], Any]
    slow_rates: Mapping[str, Callable[[Numbers], dict[str, Any]]] = field(default_factory=lambda: {"": lambda p: {}})
    place: Callable[[Mapping[str, Tree], Numbers], dict[str, Any]] = lambda memory, p: {}
    maps: Mapping[str, Callable[[Tree], Tree]] = field(default_factory=dict)
    needs_gradients: bool = False
    averages: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    regimes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    count: int = 8
    matrices: bool = False


def _moments(memory: Mapping[str, Tree], p: Numbers) -> dict[str, Any]:
    return {"count": jnp.asarray(FAR, jnp.int32), "mu": memory["m"], "nu": memory["v"]}


def _averages(p: Numbers) -> dict[str, Any]:
    gamma = p["gamma"]
    return {"lam1": (1 - p["beta1"]) / gamma, "lam2": (1 - p["beta2"]) / gamma}


def _slow_average(p: Numbers) -> dict[str, Any]:
    return {"lam2": (1 - p["beta2"]) / p["gamma"]}


def _inertial(p: Numbers) -> dict[str, Any]:
    """gamma and lam with alpha = gamma^2, beta = 1 - lam gamma."""
    gamma = p["gamma"] ** 0.5
    return {"lam": (1 - p["beta"]) / gamma, "gamma": gamma}


def _leapfrog(p: Numbers) -> dict[str, Any]:
    """gamma and lam with alpha = gamma^2/(1 + lam gamma/2), beta = (1 - lam gamma/2)/(1 + lam gamma/2).

    So 2 alpha/(1 + beta) = gamma^2.
    """
    gamma = (2 * p["gamma"] / (1 + p["beta"])) ** 0.5
    return {"lam": 2 * (1 - p["beta"]) / (1 + p["beta"]) / gamma, "gamma": gamma}


def _trace(memory: Mapping[str, Tree], p: Numbers) -> dict[str, Any]:
    """optax accumulates gradients where the scheme has the displacement."""
    return {"trace": jax.tree.map(lambda v: -v / p["alpha"], memory["v"])}


def _polynomial_polar(u: Tree) -> Tree:
    coefficients = jnp.asarray((3.4445, -4.7750, 2.0315), jnp.result_type(*jax.tree.leaves(u)))
    return jax.tree.map(lambda x: optax.contrib._muon.orthogonalize_via_newton_schulz(x, coefficients, eps=0.0), u)


def _smoothed_lion(p: Numbers) -> Any:
    """optax.lion with c/sqrt(c^2 + eps) in the place of the sign of c."""

    def update(g: Tree, state: Any, params: Tree) -> tuple[Tree, Any]:
        c = jax.tree.map(lambda m, x: p["beta1"] * m + (1 - p["beta1"]) * x, state.mu, g)
        mu = jax.tree.map(lambda m, x: p["beta2"] * m + (1 - p["beta2"]) * x, state.mu, g)
        step = jax.tree.map(lambda x, y: -p["gamma"] * (x / jnp.sqrt(x**2 + p["eps"]) + p["lam"] * y), c, params)
        return step, optax.ScaleByLionState(count=state.count, mu=mu)

    return optax.GradientTransformation(optax.scale_by_lion(p["beta1"], p["beta2"]).init, update)


def _sam(p: Numbers) -> Any:
    adversarial = optax.chain(optax.contrib.normalize(), optax.sgd(p["rho"]))
    return optax.contrib.sam(optax.sgd(p["gamma"]), adversarial, sync_period=2, opaque_mode=True)


def _muon(p: Numbers) -> Any:
    """Every parameter a matrix, multiplied from the left."""
    matrix = optax.contrib.MuonDimensionNumbers(reduction_axis=0, output_axis=1)
    polar = optax.contrib.scale_by_muon(
        beta=p["mu"], nesterov=False, eps=0.0, weight_dimension_numbers=lambda u: jax.tree.map(lambda _: matrix, u)
    )
    return optax.chain(polar, optax.scale(-p["gamma"]))


def _same(p: Numbers) -> dict[str, Any]:
    return {}


def _gradient(g: Any) -> Any:
    return g


SLOW_MOMENTS = {"memory": {}, "inertial": {"beta1": "1 - lam1*gamma", "beta2": "1 - lam2*gamma"}}
MOMENTS = {"m": _gradient, "v": jnp.square}
ADAM = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
OPTIMIZERS: dict[str, Optimizer] = {
    o.name: o
    for o in (
        Optimizer("gd", "gd", {}, 0.1, lambda p: optax.sgd(p["gamma"])),
        Optimizer(
            "momentum", "momentum", {"beta": 0.9}, 0.005, lambda p: optax.sgd(p["alpha"], momentum=p["beta"]),
            {"memory": _same, "leapfrog": _leapfrog}, _trace,
        ),
        Optimizer(
            "nesterov", "nesterov-keras", {"beta": 0.9}, 0.003,
            lambda p: optax.sgd(p["alpha"], momentum=p["beta"], nesterov=True),
            {"memory": _same, "inertial": _inertial}, _trace,
        ),
        Optimizer(
            "rmsprop", "rmsprop", {"rho": 0.9, "eps": 1e-8}, 1e-4,
            lambda p: optax.rmsprop(p["gamma"], decay=p["rho"], eps=p["eps"], eps_in_sqrt=True),
            {"memory": _same, "inertial": lambda p: {"lam": (1 - p["rho"]) / p["gamma"]}}, lambda memory, p: {"nu": memory["G"]},
            averages={"G": jnp.square},
        ),
        Optimizer(
            "adam", "adam", ADAM, 1e-3, lambda p: optax.adam(p["gamma"], p["beta1"], p["beta2"], p["eps"]),
            {"memory": _same, "inertial": _averages}, _moments, averages=MOMENTS,
        ),
        Optimizer(
            "adamw", "adamw", {**ADAM, "lam": 1e-2}, 1e-3,
            lambda p: optax.adamw(p["gamma"], p["beta1"], p["beta2"], p["eps"], weight_decay=p["lam"]),
            {"memory": _same, "inertial": _averages}, _moments, averages=MOMENTS, regimes=SLOW_MOMENTS,
        ),
        Optimizer(
            "lion", "lion", {"beta1": 0.9, "beta2": 0.99, "eps": 1e-4, "lam": 0.0}, 1e-4, _smoothed_lion,
            {"memory": _same, "inertial": _slow_average}, lambda memory, p: {"mu": memory["m"]}, averages={"m": _gradient},
            regimes={"memory": {}, "inertial": {"beta2": "1 - lam2*gamma"}},
        ),
        Optimizer(
            "muon", "muon", {"mu": 0.95}, 1e-4,
            _muon,
            place=lambda memory, p: {
                "count": jnp.asarray(FAR, jnp.int32), "mu": jax.tree.map(lambda m: (1 - p["mu"]) * m, memory["m"]),
            },
            maps={"P": _polynomial_polar}, matrices=True,
        ),
        Optimizer(
            "sam", "sam-normalised", {"kappa": 0.5}, 0.05, _sam, {"proportional": _same}, needs_gradients=True,
        ),
    )
}  # fmt: skip


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
