"""One optimizer in one regime on one model, at many settings of its hyperparameters at once: each function is compiled once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from derive import ModifiedEquation, modified_equation
from verify.network.flow import flow
from verify.network.models import Model
from verify.network.optimizers import OPTIMIZERS, READ
from verify.network.rows import Optimizer, carried_units, scheme_parameters
from verify.network.starts import MANIFOLD, Start, layer_of

Tree = Any
Numbers = Mapping[str, Any]


class Runs:
    """`gamma` and the numbers of `free` have one entry a setting, and so has what comes back.

    gamma     the step in the regime's own unit of time
    free      the parameters that the regime leaves free
    start     see `verify.network.starts`
    """

    def __init__(self, row: Optimizer, regime: str, order: int, model: Model, start: Start = MANIFOLD) -> None:
        self.row, self.regime, self.model, self.order, self.begin = row, regime, model, order, start
        own = row.regimes.get(regime)
        named = regime if regime and own is None else None
        self.equation: ModifiedEquation = modified_equation(row.scheme, max(order, 1), regime=named, settings=own)
        self.function = self.equation.function(model.loss, backend="jax", maps=row.maps)
        self.slow = tuple(x for x in self.equation.equations if x != "theta")
        self.rates = row.slow_rates[regime]
        found = layer_of(row, regime, order) if start.rest else None
        self.layer = found.function(model.loss, backend="jax") if found and start.layer else None
        self.start = self._start()

    def settings(self, chosen: Sequence[Numbers]) -> tuple[Any, dict[str, Any]]:
        """(gamma, free) of settings in the library's own words."""
        found = [{**c, **self.rates(c)} for c in chosen]
        free = {n: jnp.asarray([float(f[n]) for f in found]) for n in self.equation.configuration.free}
        return jnp.asarray([float(f["gamma"]) for f in found]), free

    # ------------------------------------------------------------------ where things start

    def _start(self) -> dict[str, Tree]:
        """theta, and the slow variables: averages at what those of a constant gradient are, no velocity; or as they start."""
        if self.begin.rest:
            return {x: jax.tree.map(jnp.zeros_like, self.model.params) for x in self.slow} | {"theta": self.model.params}
        if self.begin.state is not None:
            gamma, free = jax.tree.map(lambda x: x[0], self.settings([self.begin.hyper]))
            found = self._carried(self.begin.memory(self.values(gamma, free)), gamma, free)
            return {"theta": self.model.params, **{x: found[x] for x in self.slow}}
        g = jax.jit(jax.grad(self.model.loss))(self.model.params)
        rest: Callable[[Any], Any] = jnp.zeros_like
        return {"theta": self.model.params, **{x: jax.tree.map(self.row.averages.get(x, rest), g) for x in self.slow}}

    def _parts(self, y: Mapping[str, Tree], free: Numbers) -> dict[str, list[Tree]]:
        """[f_0, f_1, ...] of every slow variable."""
        found: dict[str, list[Tree]] = self.function(y["theta"], free, {x: y[x] for x in self.slow})
        return found

    def _memory(self, gamma: Any, free: Numbers) -> dict[str, Tree]:
        """All memory of the scheme in its own units, fast memory on the slow manifold through gamma^order, or as it starts."""
        slow = {x: self.start[x] for x in self.slow}
        c = self.equation.configuration
        if self.begin.rest:
            return {v: jax.tree.map(jnp.zeros_like, self.model.params) for v in c.scheme.states if v != "theta"}
        fast = self.function.memory(self.start["theta"], free, slow)
        found = {v: _series(parts[: self.order + 1], gamma) for v, parts in fast.items()} | slow
        units = carried_units(c, {**free, "gamma": gamma})
        memory = {v: _weighted([found[c.symbol(v)]], [units.get(v, 1.0)]) for v in c.scheme.states if v != "theta"}
        if self.begin.state is None:
            return memory
        own = self.begin.memory(self.values(gamma, free))
        return memory | {v: tree for v, tree in own.items() if c.symbol(v) not in self.slow}

    def values(self, gamma: Any, free: Numbers) -> dict[str, Any]:
        """Every parameter of the scheme as a number, the learning rate by both of its names."""
        return {"alpha": gamma, **scheme_parameters(self.equation.configuration, {**free, "gamma": gamma})}

    def _carried(self, memory: Mapping[str, Tree], gamma: Any, free: Numbers) -> dict[str, Tree]:
        """Memory in the scheme's units -> the regime's variables."""
        c = self.equation.configuration
        units = carried_units(c, {**free, "gamma": gamma})
        return {c.symbol(v): _weighted([tree], [1 / units.get(v, 1.0)]) for v, tree in memory.items()}

    # ------------------------------------------------------------------ what is measured

    @cached_property
    def ratio(self) -> Callable[[Any, Numbers], Any]:
        """|gamma f_1|/|f_0| of theta, the larger one of the start and of one step from there along f_0.

        From rest theta' is a velocity that starts at zero: a step later both f_0 and gamma f_1 of theta are gamma times the
        gradient, and their ratio is a number that does not know gamma.  It is then that of the other slow variables.
        """

        def found(gamma: Any, free: Numbers) -> Any:
            first = {x: p[0] for x, p in self._parts(self.start, free).items()}
            stands = _rms(first["theta"]) == 0
            both = jax.tree.map(lambda x, f: jnp.stack([x, x + gamma * f]), self.start, first)
            return gamma * jnp.max(jax.lax.map(lambda y: _ratio(self._parts(y, free), stands), both))

        return _compiled(jax.vmap(found))

    @cached_property
    def iterates(self) -> Callable[[Any, Numbers, Any], Any]:
        """(gamma, free, count) -> (theta as one array, negative averages of squares at the start)."""

        def found(gamma: Any, free: Numbers, count: Any) -> Any:
            memory = self._memory(gamma, free)
            squares = [memory[v] for v, f in self.row.averages.items() if f is jnp.square and v in memory]
            negative = sum((jnp.sum(x < 0) for x in jax.tree.leaves(squares)), jnp.asarray(0))
            carry, step = self._optimizer(gamma, free, memory)
            return ravel_pytree(jax.lax.fori_loop(0, count, lambda _, c: step(c), carry)[0])[0], negative

        return _compiled(jax.vmap(found, (0, 0, None)))

    def _optimizer(self, gamma: Any, free: Numbers, memory: Mapping[str, Tree]) -> tuple[Any, Callable[[Any], Any]]:
        """(parameters and state, one step of the library's optimizer on them)."""
        values = self.values(gamma, free)
        transform = self.row.make(values)
        state = transform.init(self.model.params)
        for name, value in self.row.place(memory, values).items():
            state = optax.tree_utils.tree_set(state, **{name: value})
        gradient = jax.grad(self.model.loss)
        extra = {"grad_fn": lambda p, _: gradient(p)} if self.row.needs_gradients else {}

        def step(carry: Any) -> Any:
            params, state = carry
            updates, state = transform.update(gradient(params), state, params, **extra)
            return optax.apply_updates(params, updates), state

        return (self.model.params, state), step

    def _flow(self, gamma: Any, free: Numbers, order: Any) -> tuple[Any, Callable[[Any], Any], Callable[[Any], Any]]:
        """(the start, f_0 + ... + gamma^order f_order, theta) on one array that holds all slow variables."""
        powers = jnp.where(jnp.arange(self.order + 1) <= order, gamma ** jnp.arange(self.order + 1), 0.0)
        shifted = self.start
        if self.layer is not None:
            shifts = self.layer.shifts(self.start["theta"], free, {x: self.start[x] for x in self.slow})
            shifted = {x: _plus(v, _weighted(shifts[x], powers)) for x, v in self.start.items()}
        y, unravel = ravel_pytree(shifted)

        def field(x: Any) -> Any:
            return ravel_pytree({v: _weighted(p, powers) for v, p in self._parts(unravel(x), free).items()})[0]

        return y, field, lambda x: ravel_pytree(unravel(x)["theta"])[0]

    @cached_property
    def flows(self) -> Callable[[Any, Numbers, Any, Any], Any]:
        """(gamma, free, count, steps) -> theta at the time count*gamma by order of the truncation, an array each."""

        def found(gamma: Any, free: Numbers, count: Any, steps: Any, order: Any) -> Any:
            y, field, theta = self._flow(gamma, free, order)
            return theta(flow(field, y, gamma * count, steps)) + self._left(gamma, free, count, order)

        orders = jnp.arange(self.order + 1)
        every = jax.vmap(found, (None, None, None, None, 0))
        return _compiled(jax.vmap(lambda *args: every(*args, orders), (0, 0, None, None)))

    def _left(self, gamma: Any, free: Numbers, count: Any, order: Any) -> Any:
        """What is left of the initial layer in theta after `count` steps, through gamma^order."""
        if self.layer is None:
            return 0.0
        slow = {x: self.start[x] for x in self.slow}
        below = [self.layer.transient(count, self.start["theta"], gamma, free, slow, n)["theta"] for n in range(self.order + 1)]
        return jnp.stack([ravel_pytree(tree)[0] for tree in below])[order]

    def paths(self, gamma: Any, free: Numbers, count: int, finer: int) -> tuple[Any, Any]:
        """At one setting, theta of the optimizer at 0, gamma, ..., count*gamma, of the flows by order at 0, gamma/finer, ..."""

        def found(gamma: Any, free: Numbers) -> tuple[Any, Any]:
            carry, step = self._optimizer(gamma, free, self._memory(gamma, free))
            iterates = _points(step, carry, count, lambda c: ravel_pytree(c[0])[0])

            def one(order: Any) -> Any:
                y, field, theta = self._flow(gamma, free, order)
                return _points(lambda x: flow(field, x, gamma / finer, 1), y, count * finer, theta)

            return iterates, jax.vmap(one)(jnp.arange(self.order + 1))

        iterates, flows = _compiled(found)(gamma, free)
        return iterates, flows

    # ------------------------------------------------------------------ along a run

    def along(self, gamma: Any, free: Numbers, stride: int, count: int) -> tuple[Any, dict[str, Tree]]:
        """(theta, the slow memory in the regime's variables) at the steps 0, stride, ..., count*stride of the optimizer."""
        values = self.values(gamma, free)

        def shown(carry: Any) -> tuple[Any, dict[str, Tree]]:
            inside = self._carried(READ[self.row.name](carry[1], values), gamma, free) if self.slow else {}
            return ravel_pytree(carry[0])[0], {x: inside[x] for x in self.slow}

        def found() -> Any:
            carry, step = self._optimizer(gamma, free, self._memory(gamma, free))
            return _points(lambda c: jax.lax.fori_loop(0, stride, lambda _, c: step(c), c), carry, count, shown)

        thetas, slow = _compiled(found)()
        return thetas, slow

    def ratios_along(self, gamma: Any, free: Numbers, thetas: Any, slow: Mapping[str, Tree]) -> Any:
        """|gamma f_1|/|f_0| at each point, as `ratio` has it."""
        _, unravel = ravel_pytree(self.model.params)

        def at(point: tuple[Any, Mapping[str, Tree]]) -> Any:
            parts = self._parts({"theta": unravel(point[0]), **point[1]}, free)
            return gamma * _ratio(parts, _rms(parts["theta"][0]) == 0)

        return _compiled(lambda points: jax.lax.map(at, points))((thetas, slow))

    def flow_along(self, gamma: Any, free: Numbers, stride: int, count: int, order: int) -> Any:
        """theta along f_0 + ... + gamma^order f_order at the times 0, stride*gamma, ..."""

        def found() -> Any:
            y, field, theta = self._flow(gamma, free, order)
            return _points(lambda x: flow(field, x, stride * gamma, 2 * stride), y, count, theta)

        return _compiled(found)()


@lru_cache(8)
def runs_of(optimizer: str, regime: str, order: int, model: Model, start: Start = MANIFOLD) -> Runs:
    """One object, so that what it has compiled is used again."""
    return Runs(OPTIMIZERS[optimizer], regime, order, model, start)


def _compiled(f: Callable[..., Any]) -> Callable[..., Any]:
    found: Callable[..., Any] = jax.jit(f)
    return found


def _points(step: Callable[[Any], Any], start: Any, count: int, shown: Callable[[Any], Any]) -> Any:
    """shown(x) of x = start, step(start), ..., count steps."""
    return jax.lax.scan(lambda x, _: (step(x), shown(x)), start, None, length=count + 1)[1]


def _series(parts: Sequence[Tree], gamma: Any) -> Tree:
    return _weighted(parts, [gamma**k for k in range(len(parts))])


def _plus(a: Tree, b: Tree) -> Tree:
    return jax.tree.map(lambda x, y: x + y, a, b)


def _weighted(parts: Sequence[Tree], weights: Any) -> Tree:
    """sum of weights[k] parts[k], over the weights there are."""
    return jax.tree.map(lambda *xs: sum(weights[k] * x for k, x in enumerate(xs)), *parts[: len(weights)])


def _ratio(parts: Mapping[str, Sequence[Tree]], stands: Any) -> Any:
    """|f_1|/|f_0| of theta; where theta `stands` still, the largest of the other slow variables that move.

    No number where f_1 of theta is none: a field that is singular there.
    """
    found = {x: (_rms(p[0]), _rms(p[1])) for x, p in parts.items()}
    zeroth, first = found.pop("theta")
    others = [jnp.where(a > 0, b / a, 0.0) for a, b in found.values()]
    still = jnp.where(jnp.isfinite(first), jnp.max(jnp.stack(others)) if others else jnp.inf, jnp.nan)
    return jnp.where(stands, still, first / zeroth)


def _rms(tree: Tree) -> Any:
    leaves = jax.tree.leaves(tree)
    return jnp.sqrt(sum(jnp.sum(x**2) for x in leaves) / sum(jnp.size(x) for x in leaves))
