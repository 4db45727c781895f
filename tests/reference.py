"""The catalogue's schemes next to the optimizers whose names they carry.

Each `Reference` names a scheme of the catalogue with parameters and builds the optimizer of torch.optim or optax that it
stands for.  Both start at the same point and read the same gradient in float64; the iterates must agree to rounding.
Where a scheme is the stationary form of an optimizer (no bias correction), the optimizer's step counter is set to 10^7
before it starts, which makes its corrections equal to one in float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import attrgetter
from typing import Any

from derive.scheme import configure, load_scheme
from verify.numbers.kinds import OrderedNumbers
from verify.orbits.run import Runner

START = (0.7, -0.4, 0.9)
FAR = 10_000_000

Point = Sequence[float]
Step = Callable[[Point, Point], list[float]]  # (theta, gradient) -> theta after the step
Initial = Callable[[Point, Mapping[str, float]], Mapping[str, list[float]]]


def gradient(theta: Point) -> list[float]:
    """grad of x^4/4 + x^2 y/2 - x y z/3 + cos(x - z) + 3/4 (x^2 + y^2 + z^2): nonlinear and coupled."""
    x, y, z = theta
    return [
        x**3 + x * y - y * z / 3 - math.sin(x - z) + 1.5 * x,
        x * x / 2 - x * z / 3 + 1.5 * y,
        -x * y / 3 + math.sin(x - z) + 1.5 * z,
    ]


def _power(x: float, r: Fraction) -> float:
    if r == Fraction(1, 2):
        return math.sqrt(x)
    value: float = x ** (int(r) if r.denominator == 1 else float(r))
    return value


FLOATS = OrderedNumbers(float, _power)


@dataclass(frozen=True)
class Reference:
    """One optimizer and the scheme that should be it.

    `make` builds the optimizer (its library is imported there) as a function of point and gradient; `memory` overrides what
    the scheme's memory starts with, where the optimizer's first step differs from its others.
    """

    library: str
    optimizer: str
    scheme: str
    gamma: float
    values: Mapping[str, float]
    make: Callable[[], Step]
    memory: Initial | None = None
    note: str = ""


def scheme_iterates(reference: Reference, steps: int) -> list[list[float]]:
    """The iterates of the catalogue's scheme in float64."""
    configuration = configure(load_scheme(reference.scheme), pieces=True)
    runner = Runner(configuration, lambda x: list(gradient(x)), dict(reference.values), FLOATS)
    state = runner.at_rest({"theta": list(START)}, reference.gamma, 0.0)
    if reference.memory:
        state |= reference.memory(START, reference.values)
    path = []
    for n in range(steps):
        state = runner.step(state, reference.gamma, n * reference.gamma)
        path.append(list(state["theta"]))
    return path


def optimizer_iterates(reference: Reference, steps: int) -> list[list[float]]:
    """The iterates of the optimizer; ImportError without its library."""
    step = reference.make()
    theta, path = list(START), []
    for _ in range(steps):
        theta = step(theta, gradient(theta))
        path.append(theta)
    return path


def largest_difference(reference: Reference, steps: int = 60) -> float:
    """The largest distance between the two, relative to the size of the point."""
    pairs = zip(scheme_iterates(reference, steps), optimizer_iterates(reference, steps), strict=True)
    return max(abs(a - b) / max(1.0, abs(b)) for p, q in pairs for a, b in zip(p, q, strict=True))


# ------------------------------------------------------------------------------------------ torch


def torch_step(name: str, far: Mapping[str, float] | None = None, **options: Any) -> Callable[[], Step]:
    """A torch.optim optimizer on one float64 tensor; `far` presets its state: the step counter and what goes with it."""

    def make() -> Step:
        import torch

        parameter = torch.nn.Parameter(torch.tensor(START, dtype=torch.float64))
        optimizer = getattr(torch.optim, name)([parameter], foreach=False, **options)
        if far is not None:
            zeros = {k: torch.zeros_like(parameter) for k in ("exp_avg", "exp_avg_sq", "max_exp_avg_sq", "exp_inf")}
            counters = {k: torch.tensor(v, dtype=torch.float64) for k, v in {"step": float(FAR), **far}.items()}
            optimizer.state[parameter].update({**zeros, **counters})

        def step(theta: Point, slope: Point) -> list[float]:
            with torch.no_grad():
                parameter.copy_(torch.tensor(list(theta), dtype=torch.float64))
            parameter.grad = torch.tensor(list(slope), dtype=torch.float64)
            before = torch.get_default_dtype()
            torch.set_default_dtype(torch.float64)  # of the numbers that an optimizer makes in a step
            optimizer.step()
            torch.set_default_dtype(before)
            return [float(x) for x in parameter.detach()]

        return step

    return make


# ------------------------------------------------------------------------------------------ optax


def optax_step(name: str, far: bool = False, clip: tuple[str, float] | None = None, **options: Any) -> Callable[[], Step]:
    """An optax transformation in float64, behind one that clips its gradients."""

    def make() -> Step:
        import jax
        import jax.numpy as jnp
        import optax
        import optax.contrib

        jax.config.update("jax_enable_x64", True)
        transformation = attrgetter(name)(optax)(**options)
        if clip is not None:
            transformation = optax.chain(getattr(optax, clip[0])(clip[1]), transformation)
        memory = transformation.init(jnp.array(START, dtype=jnp.float64))
        if far:
            memory = jax.tree.map(lambda x: jnp.asarray(FAR, x.dtype) if x.dtype == jnp.int32 else x, memory)
        # roots of 32-bit counters have 32 bits
        held = [jax.tree.map(lambda x: x.astype(jnp.int64) if x.dtype == jnp.int32 else x, memory)]

        def step(theta: Point, slope: Point) -> list[float]:
            here = jnp.array(list(theta), dtype=jnp.float64)
            updates, held[0] = transformation.update(jnp.array(list(slope), dtype=jnp.float64), held[0], here)
            return [float(x) for x in optax.apply_updates(here, updates)]

        return step

    return make


def schedule_free_adamw() -> Step:
    """optax.contrib.schedule_free around AdamW without bias correction, decay times learning rate."""
    import optax
    import optax.contrib

    base = optax.chain(
        optax.scale_by_rms(decay=B2, eps=EPS, eps_in_sqrt=False), optax.add_decayed_weights(0.3), optax.scale_by_learning_rate(LR)
    )
    return optax_step("contrib.schedule_free", base_optimizer=base, learning_rate=LR, b1=0.7)()


# ------------------------------------------------------------------------------------------ the table


def _undampened(theta: Point, values: Mapping[str, float]) -> Mapping[str, list[float]]:
    """torch's first buffer is the gradient itself: beta b_0 + (1 - tau) g = g."""
    return {"buf": [values["tau"] / values["beta"] * g for g in gradient(theta)]}


def _filled(scale: float, name: str) -> Initial:
    return lambda theta, values: {name: [scale] * len(theta)}


def _at_theta(*names: str) -> Initial:
    """Memory that starts at the first point."""
    return lambda theta, values: {name: list(theta) for name in names}


def _averaging(theta: Point, values: Mapping[str, float]) -> Mapping[str, Any]:
    """What torch.optim.ASGD starts with."""
    return {"eta": LR, "mu": 1.0, "ax": list(theta)}


B1, B2, EPS, LR = 0.8, 0.95, 1e-3, 0.02
_MOMENTS = {"beta1": B1, "beta2": B2, "eps": EPS}
_OPTIONS: dict[str, Any] = {"lr": LR, "betas": (B1, B2), "eps": EPS}
_OPTAX: dict[str, Any] = {"learning_rate": LR, "b1": B1, "b2": B2, "eps": EPS}
_NOTE = "stationary form: bias corrections at their limit"

TORCH: tuple[Reference, ...] = (
    Reference("torch", "SGD", "gd", LR, {}, torch_step("SGD", lr=LR)),
    Reference("torch", "SGD weight_decay", "weight-decay", LR, {"lam": 0.3}, torch_step("SGD", lr=LR, weight_decay=0.3)),
    Reference("torch", "SGD momentum", "momentum", LR, {"beta": 0.7}, torch_step("SGD", lr=LR, momentum=0.7)),
    Reference(
        "torch", "SGD momentum weight_decay", "momentum-weight-decay", LR, {"beta": 0.7, "lam": 0.3},
        torch_step("SGD", lr=LR, momentum=0.7, weight_decay=0.3),
    ),
    Reference(
        "torch", "SGD dampening", "sgd-dampening", LR, {"beta": 0.7, "tau": 0.4},
        torch_step("SGD", lr=LR, momentum=0.7, dampening=0.4), _undampened, "the first buffer is undampened",
    ),
    Reference(
        "torch", "SGD nesterov", "nesterov-keras", LR, {"beta": 0.7}, torch_step("SGD", lr=LR, momentum=0.7, nesterov=True)
    ),
    Reference(
        "torch", "RMSprop", "rmsprop-outside", LR, {"rho": B2, "eps": EPS}, torch_step("RMSprop", lr=LR, alpha=B2, eps=EPS)
    ),
    Reference(
        "torch", "RMSprop momentum", "rmsprop-momentum", LR, {"rho": B2, "eps": EPS, "beta": 0.7},
        torch_step("RMSprop", lr=LR, alpha=B2, eps=EPS, momentum=0.7),
    ),
    Reference("torch", "Adam", "adam-bias-corrected", LR, _MOMENTS, torch_step("Adam", **_OPTIONS)),
    Reference("torch", "Adam after many steps", "adam", LR, _MOMENTS, torch_step("Adam", {}, **_OPTIONS), None, _NOTE),
    Reference(
        "torch", "Adam weight_decay after many steps", "adam-weight-decay", LR, {**_MOMENTS, "lam": 0.3},
        torch_step("Adam", {}, weight_decay=0.3, **_OPTIONS), None, _NOTE,
    ),
    Reference(
        "torch", "AdamW", "adamw-bias-corrected", LR, {**_MOMENTS, "lam": 0.3}, torch_step("AdamW", weight_decay=0.3, **_OPTIONS)
    ),
    Reference(
        "torch", "AdamW after many steps", "adamw", LR, {**_MOMENTS, "lam": 0.3},
        torch_step("AdamW", {}, weight_decay=0.3, **_OPTIONS), None, _NOTE,
    ),
    Reference(
        "torch", "NAdam momentum_decay=0", "nadam-bias-corrected", LR, {**_MOMENTS, "mu": B1 / 2},
        torch_step("NAdam", {"step": 0.0, "mu_product": 1.0}, momentum_decay=0.0, **_OPTIONS), None,
        "mu = beta1/2; torch holds the product of the mu in its default type, here float64",
    ),
    Reference(
        "torch", "NAdam after many steps", "nadam", LR, _MOMENTS,
        torch_step("NAdam", {"mu_product": 0.0}, **_OPTIONS), None, _NOTE,
    ),
    Reference("torch", "Adadelta", "adadelta", LR, {"rho": B1, "eps": EPS}, torch_step("Adadelta", lr=LR, rho=B1, eps=EPS)),
    Reference("torch", "Adamax after many steps", "adamax", LR, _MOMENTS, torch_step("Adamax", {}, **_OPTIONS), None, _NOTE),
    Reference(
        "torch", "Adam amsgrad after many steps", "amsgrad", LR, _MOMENTS,
        torch_step("Adam", {}, amsgrad=True, **_OPTIONS), None, _NOTE,
    ),
    Reference(
        "torch", "Adagrad", "adagrad", LR**2, {"eps": 0.0}, torch_step("Adagrad", lr=LR, eps=0.0), None, "gamma = lr^2; eps = 0",
    ),
    Reference(
        "torch", "Adagrad lr_decay", "adagrad-torch", LR**2, {"nu": 0.1 / LR**2, "kap": EPS * LR},
        torch_step("Adagrad", lr=LR, eps=EPS, lr_decay=0.1), None, "gamma = lr^2",
    ),
    Reference(
        "torch", "ASGD", "asgd", LR, {"lam": 0.3, "tau": 0.0},
        torch_step("ASGD", lr=LR, lambd=0.3, alpha=0.75, t0=0.0), _averaging,
    ),
)  # fmt: skip

OPTAX: tuple[Reference, ...] = (
    Reference("optax", "sgd", "gd", LR, {}, optax_step("sgd", learning_rate=LR)),
    Reference("optax", "sgd momentum", "momentum", LR, {"beta": 0.7}, optax_step("sgd", learning_rate=LR, momentum=0.7)),
    Reference(
        "optax", "sgd nesterov", "nesterov-keras", LR, {"beta": 0.7},
        optax_step("sgd", learning_rate=LR, momentum=0.7, nesterov=True),
    ),
    Reference(
        "optax", "rmsprop", "rmsprop", LR, {"rho": B2, "eps": EPS}, optax_step("rmsprop", learning_rate=LR, decay=B2, eps=EPS)
    ),
    Reference(
        "optax", "rmsprop centered", "rmsprop-centred", LR, {"rho": B2, "eps": EPS},
        optax_step("rmsprop", learning_rate=LR, decay=B2, eps=EPS, centered=True),
    ),
    Reference(
        "optax", "adadelta", "adadelta", LR, {"rho": B1, "eps": EPS},
        optax_step("adadelta", learning_rate=LR, rho=B1, eps=EPS),
    ),
    Reference("optax", "adam", "adam-bias-corrected", LR, _MOMENTS, optax_step("adam", **_OPTAX)),
    Reference("optax", "adam after many steps", "adam", LR, _MOMENTS, optax_step("adam", True, **_OPTAX), None, _NOTE),
    Reference(
        "optax", "adamw", "adamw-bias-corrected", LR, {**_MOMENTS, "lam": 0.3}, optax_step("adamw", weight_decay=0.3, **_OPTAX)
    ),
    Reference("optax", "nadam", "nadam-bias-corrected", LR, {**_MOMENTS, "mu": B1}, optax_step("nadam", **_OPTAX)),
    Reference("optax", "nadam after many steps", "nadam", LR, _MOMENTS, optax_step("nadam", True, **_OPTAX), None, _NOTE),
    Reference(
        "optax", "clip and sgd", "gd-clipped-value", LR, {"c": 0.3}, optax_step("sgd", clip=("clip", 0.3), learning_rate=LR)
    ),
    Reference(
        "optax", "clip_by_global_norm and sgd", "gd-clipped-norm", LR, {"c": 1.1},
        optax_step("sgd", clip=("clip_by_global_norm", 1.1), learning_rate=LR),
    ),
    Reference("optax", "adamax after many steps", "adamax", LR, _MOMENTS, optax_step("adamax", True, **_OPTAX), None, _NOTE),
    Reference("optax", "amsgrad after many steps", "amsgrad", LR, _MOMENTS, optax_step("amsgrad", True, **_OPTAX), None, _NOTE),
    Reference(
        "optax", "adagrad", "adagrad", LR**2, {"eps": 1e-7},
        optax_step("adagrad", learning_rate=LR, initial_accumulator_value=0.1, eps=1e-7), _filled(0.1 * LR**2, "S"),
        "gamma = lr^2",
    ),
    Reference(
        "optax", "contrib.madgrad", "madgrad", (LR + EPS) ** (2 / 3), {"beta": 0.7, "eps": EPS},
        optax_step("contrib.madgrad", learning_rate=LR, momentum=0.7, eps=EPS), _at_theta("x0"), "gamma^(3/2) = lr + eps",
    ),
    Reference(
        "optax", "contrib.schedule_free_sgd", "schedule-free", LR, {"beta": 0.7},
        optax_step("contrib.schedule_free_sgd", learning_rate=LR, b1=0.7), _at_theta("x", "z"),
    ),
    Reference(
        "optax", "contrib.schedule_free_adamw after many steps", "schedule-free-adamw", LR,
        {"beta": 0.7, "beta2": B2, "eps": EPS, "lam": 0.3},
        schedule_free_adamw, _at_theta("x", "z"), "without bias correction",
    ),
)  # fmt: skip

__all__ = ["OPTAX", "TORCH", "Reference", "gradient", "largest_difference", "optimizer_iterates", "scheme_iterates"]
