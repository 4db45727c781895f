"""Optimizers of optax, each with the scheme that it is, and where the scheme's memory stands in its state.

A row is enough for a new one, see `verify.network.rows`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from verify.network.rows import (
    ADAM,
    FAR,
    SLOW_MOMENTS,
    Numbers,
    Optimizer,
    Tree,
    inertial,
    leapfrog,
    moments_forget,
    same,
    second_forgets,
    squares_forget,
)  # fmt: skip


def _moments(memory: Mapping[str, Tree], p: Numbers) -> dict[str, Any]:
    return {"count": jnp.asarray(FAR, jnp.int32), "mu": memory["m"], "nu": memory["v"]}


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


def _gradient(g: Any) -> Any:
    return g


MOMENTS = {"m": _gradient, "v": jnp.square}
OPTIMIZERS: dict[str, Optimizer] = {
    o.name: o
    for o in (
        Optimizer("gd", "gd", {}, 0.1, lambda p: optax.sgd(p["gamma"])),
        Optimizer(
            "momentum", "momentum", {"beta": 0.9}, 0.005, lambda p: optax.sgd(p["alpha"], momentum=p["beta"]),
            {"memory": same, "leapfrog": leapfrog}, _trace,
        ),
        Optimizer(
            "nesterov", "nesterov-keras", {"beta": 0.9}, 0.003,
            lambda p: optax.sgd(p["alpha"], momentum=p["beta"], nesterov=True),
            {"memory": same, "inertial": inertial}, _trace,
        ),
        Optimizer(
            "rmsprop", "rmsprop", {"rho": 0.9, "eps": 1e-8}, 1e-4,
            lambda p: optax.rmsprop(p["gamma"], decay=p["rho"], eps=p["eps"], eps_in_sqrt=True),
            {"memory": same, "inertial": squares_forget}, lambda memory, p: {"nu": memory["G"]},
            averages={"G": jnp.square},
        ),
        Optimizer(
            "adam", "adam", ADAM, 1e-3, lambda p: optax.adam(p["gamma"], p["beta1"], p["beta2"], p["eps"]),
            {"memory": same, "inertial": moments_forget}, _moments, averages=MOMENTS,
        ),
        Optimizer(
            "adamw", "adamw", {**ADAM, "lam": 1e-2}, 1e-3,
            lambda p: optax.adamw(p["gamma"], p["beta1"], p["beta2"], p["eps"], weight_decay=p["lam"]),
            {"memory": same, "inertial": moments_forget}, _moments, averages=MOMENTS, regimes=SLOW_MOMENTS,
        ),
        Optimizer(
            "lion", "lion", {"beta1": 0.9, "beta2": 0.99, "eps": 1e-4, "lam": 0.0}, 1e-4, _smoothed_lion,
            {"memory": same, "inertial": second_forgets}, lambda memory, p: {"mu": memory["m"]}, averages={"m": _gradient},
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
            "sam", "sam-normalised", {"kappa": 0.5}, 0.05, _sam, {"proportional": same}, needs_gradients=True,
        ),
    )
}  # fmt: skip


def _velocity(state: Any, p: Numbers) -> dict[str, Tree]:
    return {"v": jax.tree.map(lambda x: -p["alpha"] * x, optax.tree_utils.tree_get(state, "trace"))}


def _averages(state: Any, p: Numbers) -> dict[str, Tree]:
    return {"m": optax.tree_utils.tree_get(state, "mu"), "v": optax.tree_utils.tree_get(state, "nu")}


#: optax's state -> memory by name of the scheme's variables: the inverse of `place`
READ: dict[str, Callable[[Any, Numbers], dict[str, Tree]]] = {
    "gd": lambda s, p: {},
    "momentum": _velocity,
    "nesterov": _velocity,
    "rmsprop": lambda s, p: {"G": optax.tree_utils.tree_get(s, "nu")},
    "adam": _averages,
    "adamw": _averages,
    "lion": lambda s, p: {"m": optax.tree_utils.tree_get(s, "mu")},
}
