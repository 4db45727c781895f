"""Optimizers of torch.optim, each with the scheme that it is, and where the scheme's memory stands in its state.

`make` takes (parameters, numbers); `place` gives by entry of the state a mapping of parameters' names to tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from verify.network.rows import (
    ADAM,
    SLOW_MOMENTS,
    Numbers,
    Optimizer,
    Tree,
    inertial,
    leapfrog,
    moments_forget,
    same,
    squares_forget,
)

Memory = Mapping[str, Tree]


def _scaled(tree: Tree, c: float) -> Tree:
    return {name: c * x for name, x in tree.items()}


def _buffer(memory: Memory, p: Numbers) -> dict[str, Any]:
    """torch accumulates gradients where the scheme has the displacement."""
    return {"momentum_buffer": _scaled(memory["v"], -1 / p["alpha"])}


def _moments(memory: Memory, p: Numbers) -> dict[str, Any]:
    return {"exp_avg": memory["m"], "exp_avg_sq": memory["v"]}


def _gradient(g: Any) -> Any:
    return g


MOMENTS = {"m": _gradient, "v": torch.square}
OPTIMIZERS: dict[str, Optimizer] = {
    o.name: o
    for o in (
        Optimizer("gd", "gd", {}, 0.1, lambda q, p: torch.optim.SGD(q, lr=p["gamma"])),
        Optimizer(
            "momentum", "momentum", {"beta": 0.9}, 0.005, lambda q, p: torch.optim.SGD(q, lr=p["alpha"], momentum=p["beta"]),
            {"memory": same, "leapfrog": leapfrog}, _buffer,
        ),
        Optimizer(
            "nesterov", "nesterov-keras", {"beta": 0.9}, 0.003,
            lambda q, p: torch.optim.SGD(q, lr=p["alpha"], momentum=p["beta"], nesterov=True),
            {"memory": same, "inertial": inertial}, _buffer,
        ),
        Optimizer(
            "rmsprop", "rmsprop-outside", {"rho": 0.9, "eps": 1e-8}, 1e-4,
            lambda q, p: torch.optim.RMSprop(q, lr=p["gamma"], alpha=p["rho"], eps=p["eps"]),
            {"memory": same, "inertial": squares_forget}, lambda memory, p: {"square_avg": memory["G"]},
            averages={"G": torch.square}, regimes={"memory": {}, "inertial": {"rho": "1 - lam*gamma"}},
        ),
        Optimizer(
            "adam", "adam", ADAM, 1e-3,
            lambda q, p: torch.optim.Adam(q, lr=p["gamma"], betas=(p["beta1"], p["beta2"]), eps=p["eps"]),
            {"memory": same, "inertial": moments_forget}, _moments, averages=MOMENTS,
        ),
        Optimizer(
            "adamw", "adamw", {**ADAM, "lam": 1e-2}, 1e-3,
            lambda q, p: torch.optim.AdamW(
                q, lr=p["gamma"], betas=(p["beta1"], p["beta2"]), eps=p["eps"], weight_decay=p["lam"]
            ),
            {"memory": same, "inertial": moments_forget}, _moments, averages=MOMENTS, regimes=SLOW_MOMENTS,
        ),
    )
}  # fmt: skip

Reading = Callable[[Memory, Numbers], dict[str, Tree]]
_VELOCITY: tuple[tuple[str, ...], Reading] = (
    ("momentum_buffer",), lambda s, p: {"v": _scaled(s["momentum_buffer"], -p["alpha"])}
)  # fmt: skip
_AVERAGES: tuple[tuple[str, ...], Reading] = (("exp_avg", "exp_avg_sq"), lambda s, p: {"m": s["exp_avg"], "v": s["exp_avg_sq"]})
#: entries of the state, and what memory of the scheme they are: the inverse of `place`
READ: dict[str, tuple[tuple[str, ...], Reading]] = {
    "gd": ((), lambda s, p: {}),
    "momentum": _VELOCITY,
    "nesterov": _VELOCITY,
    "rmsprop": (("square_avg",), lambda s, p: {"G": s["square_avg"]}),
    "adam": _AVERAGES,
    "adamw": _AVERAGES,
}
