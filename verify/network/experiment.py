"""Iterates of an optimizer against the flows of its modified equation, for several steps; and which regime fits.

    error(gamma, N) = |theta_n - flow_N(n gamma)|_rms  ~  C gamma^(N+1),   slope = log2(error(gamma)/error(gamma/2))

The ratios |gamma f_1|/|f_0| say beforehand which regime is of use: above 0.1 the series of that regime is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log2
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import optax

from derive import ModifiedEquation, modified_equation
from derive.errors import UsageError
from verify.network.models import Model
from verify.network.optimizers import OPTIMIZERS, Optimizer, carried_units, scheme_parameters

Tree = Any
USEFUL = 0.1  # |gamma f_1|/|f_0| beyond which a series is of no use
RTOL, ATOL = 1e-10, 1e-12  # of the flows: far below the smallest error that is compared
MAX_FLOW_STEPS = 20_000


@dataclass(frozen=True)
class Comparison:
    """`errors[N][i]`: the distance at the end, root mean square over the parameters, with order N and step `steps[i]`.

    `ratios` are |gamma f_1|/|f_0| of theta at the start by regime, at the first step; `negative` how many components of a positive memory
    are negative on the slow manifold truncated at the order; `moved` the root mean square of the way that the optimizer went.
    """

    optimizer: str
    model: str
    parameters: int
    regime: str
    ratios: Mapping[str, float]
    steps: tuple[float, ...]
    counts: tuple[int, ...]
    errors: tuple[tuple[float, ...], ...]
    moved: float
    negative: int = 0
    hyper: Mapping[str, float] = field(default_factory=dict)

    @property
    def slopes(self) -> tuple[tuple[float, ...], ...]:
        """log(error ratio)/log(step ratio) between neighbouring steps; nan where an error is zero."""
        pairs = list(zip(self.steps[:-1], self.steps[1:], strict=True))
        return tuple(
            tuple(
                log2(a / b) / log2(g / h) if a > 0 and b > 0 else float("nan")
                for (g, h), (a, b) in zip(pairs, zip(e[:-1], e[1:], strict=True), strict=True)
            )
            for e in self.errors
        )

    def to_json(self) -> dict[str, Any]:
        """The table as data, documented in docs/reference/json.md."""
        return {
            "optimizer": self.optimizer, "model": self.model, "parameters": self.parameters, "regime": self.regime,
            "ratios": dict(self.ratios), "hyper": dict(self.hyper), "steps": list(self.steps), "counts": list(self.counts),
            "moved": self.moved, "negative": self.negative,
            "orders": [
                {"order": n, "errors": list(e), "slopes": list(s)}
                for n, (e, s) in enumerate(zip(self.errors, self.slopes, strict=True))
            ],
        }  # fmt: skip


def compare(
    optimizer: str,
    model: Model,
    *,
    gamma: float,
    count: int = 8,
    halvings: int = 2,
    order: int = 2,
    regime: str = "auto",
    hyper: Mapping[str, float] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Comparison:
    """Errors and slopes of the truncations 0, ..., `order` at the time count*gamma, with steps gamma, gamma/2, ...

    gamma     the learning rate of the first run, as the library means it
    regime    'auto' takes the first whose |gamma f_1|/|f_0| is below 0.1, else the one with the smallest

    Starts on the slow manifold, memory of slow regimes at what it is for the gradient at the start.
    Raises UsageError for an unknown optimizer or regime, and where a run leaves the numbers.
    """
    if optimizer not in OPTIMIZERS:
        raise UsageError(f"no optimizer {optimizer} here (known: {', '.join(OPTIMIZERS)})")
    row = OPTIMIZERS[optimizer]
    names = list(row.slow_rates)
    if regime not in ("auto", *names):
        raise UsageError(f"{optimizer} has the regimes {', '.join(names)} and auto, not {regime}")
    chosen = {**row.defaults, **(hyper or {}), "gamma": gamma}
    settings = {r: _Setting(row, r, order, model, chosen) for r in (names if regime == "auto" else [regime])}
    ratios = {r: s.ratio() for r, s in settings.items()}
    best = next((r for r in ratios if ratios[r] < USEFUL), min(ratios, key=lambda r: ratios[r]))
    found = settings[best]
    result = Comparison(optimizer, model.name, model.size, best, ratios, (), (), (), 0.0, hyper=chosen)
    for i in range(halvings + 1):
        if progress:
            progress(f"{optimizer}, step {i + 1} of {halvings + 1}")
        result = found.measured(result, found.step / 2**i, count * 2**i)
    return result


class _Setting:
    """An optimizer in one regime on one model."""

    def __init__(self, row: Optimizer, regime: str, order: int, model: Model, chosen: Mapping[str, float]) -> None:
        self.row, self.model, self.order = row, model, order
        self.equation: ModifiedEquation = modified_equation(row.scheme, max(order, 1), regime=regime or None)
        self.function = self.equation.function(model.loss, backend="jax", maps=row.maps)
        rates = row.slow_rates[regime](chosen)
        self.step = float(rates.get("gamma", chosen["gamma"]))  # in the regime's own unit of time
        self.free = {n: rates.get(n, chosen.get(n)) for n in self.equation.configuration.free}
        self.slow = tuple(x for x in self.equation.equations if x != "theta")
        self.gradient = jax.jit(jax.grad(model.loss))
        self._iterate = jax.jit(self._run)
        self._flow = jax.jit(self._solve, static_argnames="order")

    # ------------------------------------------------------------------ where things start

    def start(self, gamma: Any) -> dict[str, Tree]:
        """theta, and the slow variables: what the averages of a constant gradient are, no velocity."""
        g = self.gradient(self.model.params)
        kinds = {"v": jax.tree.map(jnp.square, g), "m": g, "G": jax.tree.map(jnp.square, g)}
        rest = jax.tree.map(jnp.zeros_like, g)
        return {"theta": self.model.params, **{x: kinds.get(x, rest) for x in self.slow}}

    def memory(self, y: Mapping[str, Tree], gamma: Any) -> dict[str, Tree]:
        """All memory of the scheme in its own units, fast memory on the slow manifold through gamma^order."""
        slow = {x: y[x] for x in self.slow}
        fast = self.function.memory(y["theta"], self.free, slow)
        found = {v: _series(parts[: self.order + 1], gamma) for v, parts in fast.items()} | slow
        c = self.equation.configuration
        units = carried_units(c, {**self.free, "gamma": gamma})
        return {
            v: jax.tree.map(lambda x, u=units.get(v, 1.0): u * x, found[c.symbol(v)]) for v in c.scheme.states if v != "theta"
        }

    def ratio(self) -> float:
        """|gamma f_1|/|f_0| of theta at the start; inf where it is no number."""
        y = self.start(self.step)
        f_0, f_1 = jax.jit(self.function)(y["theta"], self.free, {x: y[x] for x in self.slow})["theta"][:2]
        found = self.step * float(_rms(f_1)) / float(_rms(f_0))
        return found if found == found else float("inf")

    # ------------------------------------------------------------------ runs

    def _run(self, gamma: Any, count: Any) -> Tree:
        """theta after `count` steps of the library's optimizer."""
        values = scheme_parameters(self.equation.configuration, {**self.free, "gamma": gamma})
        values = {"alpha": gamma, **values}
        transform = self.row.make(values)
        y = self.start(gamma)
        state = transform.init(y["theta"])
        for name, value in self.row.place(self.memory(y, gamma), values).items():
            state = optax.tree_utils.tree_set(state, **{name: value})
        gradient = jax.grad(self.model.loss)
        extra = {"grad_fn": lambda p, _: gradient(p)} if self.row.needs_gradients else {}

        def step(_: Any, carry: Any) -> Any:
            params, state = carry
            updates, state = transform.update(gradient(params), state, params, **extra)
            return optax.apply_updates(params, updates), state

        return jax.lax.fori_loop(0, count, step, (y["theta"], state))[0]

    def _solve(self, gamma: Any, time: Any, order: int) -> tuple[Tree, Any]:
        """theta of the flow of f_0 + ... + gamma^order f_order at the time, and whether it was reached."""

        def field(t: Any, y: Any, args: Any) -> Any:
            return self.function.truncated(y["theta"], gamma, self.free, {x: y[x] for x in self.slow}, order)

        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(field), diffrax.Dopri8(), 0.0, time, time / 20, self.start(gamma),
            stepsize_controller=diffrax.PIDController(rtol=RTOL, atol=ATOL), max_steps=MAX_FLOW_STEPS, throw=False,
        )  # fmt: skip
        return jax.tree.map(lambda x: x[-1], solution.ys["theta"]), solution.result == diffrax.RESULTS.successful

    def measured(self, result: Comparison, gamma: float, count: int) -> Comparison:
        """The result with one more step."""
        end = self._iterate(gamma, count)
        moved = float(_rms(_minus(end, self.model.params)))
        errors = []
        for order in range(self.order + 1):
            flow, reached = self._flow(gamma, gamma * count, order=order)
            errors.append(float(_rms(_minus(end, flow))) if bool(reached) else float("inf"))
        if not jnp.isfinite(moved):
            raise UsageError(f"{self.row.name} at the step {gamma} leaves the numbers after {count} steps; take a smaller step")
        before = result.errors or ((),) * len(errors)
        return replace(
            result, steps=(*result.steps, gamma), counts=(*result.counts, count), moved=moved,
            errors=tuple((*e, x) for e, x in zip(before, errors, strict=True)), negative=max(result.negative, self.negative(gamma)),
        )  # fmt: skip

    def negative(self, gamma: float) -> int:
        """Components of averages of squares that are negative on the truncated slow manifold: under a root they are no numbers."""
        memory = self.memory(self.start(gamma), gamma)
        squares = [memory[v] for v in ("v", "G") if v in memory and self.row.name in ("adam", "adamw", "rmsprop")]
        return int(sum(int(jnp.sum(x < 0)) for tree in squares for x in jax.tree.leaves(tree)))


def _series(parts: Sequence[Tree], gamma: Any) -> Tree:
    return jax.tree.map(lambda *xs: sum(gamma**k * x for k, x in enumerate(xs)), *parts)


def _minus(a: Tree, b: Tree) -> Tree:
    return jax.tree.map(jnp.subtract, a, b)


def _rms(tree: Tree) -> Any:
    leaves = jax.tree.leaves(tree)
    return jnp.sqrt(sum(jnp.sum(x**2) for x in leaves) / sum(jnp.size(x) for x in leaves))
