"""Optimizers with mini-batches, in law: the mean of test functions of the network against the weak modified equation.

    E phi(theta_n)    against    P_0 + gamma P_1,    P_0 = phi(x(T)),   T = n gamma,   x' = b_0(x),
    P_1 = (K_1 phi_T)(x(0)) + integral over s from 0 to T of (G_1 phi_(T-s))(x(s)),   phi_s = phi o (flow of b_0 for the time s)

is exp(T (G_0 + gamma G_1)) phi, and what memory from rest adds, through gamma: G_1 has the corrected drift and the covariance of
the samples, and nothing is drawn for it.  It is what the stochastic differential equation predicts, up to gamma^2.

x is theta, or with averages that forget slowly (Adam, RMSprop) theta and the averages, which start at their means over samples:
K_1 is then zero.  A square of a mean over a batch is no mean over its images, so that of those optimizers a sample is a batch:
the images are cut into batches once, and every step draws one of them.

E phi(theta_n) is a sum over all sequences of batches where there are few, else a mean over seeds.  From every seed is subtracted
what its batches do to first order, sum_k c_k . (weights of batch k - weights of all), whose mean is zero: c is the derivative of
phi(theta_n) along the run on all samples by the weights of the samples in every step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree

from derive import initial_law, modified_sde
from derive.errors import UsageError
from verify.network.experiment import optimizer_of
from verify.network.flow import flow
from verify.network.law_comparison import LawComparison, Measured
from verify.network.models import Model, digits
from verify.network.rows import Optimizer, carried_units, scheme_parameters, settings_of

Tree = Any
Numbers = Mapping[str, float]
Progress = Callable[[str], None]
UNSEEN, SHOWN = 20, 3  # images that the network does not learn, and those whose logits are test functions
ALL = 2**16  # sequences of batches, up to which all are run
WORK = 2**19  # steps of seeds, if their number is not given
CHUNK = 1024  # seeds that run at once
NODES = 10  # of Gauss's rule for the integral over time
FLOW_STEPS, MOST_STEPS = 1, 64
FINE = 1e-5  # of what is predicted: what the integral and the flows may be wrong by
FADED = 2e-3  # what is left of memory at rest
POSITIVE = 1e-12  # added to averages of squares at the start, of a gradient's 1: a root has no derivative at zero
#: optimizer -> regime, a first step and a number of steps at which the errors can be told apart, whether a sample is a batch
ROWS: dict[str, tuple[str, float, int, bool]] = {
    "gd": ("", 0.1, 4, False), "momentum": ("memory", 0.002, 64, False), "nesterov": ("memory", 0.002, 64, False),
    "rmsprop": ("inertial", 1e-3, 4, True), "adam": ("inertial", 1e-3, 8, True), "adamw": ("inertial", 1e-3, 8, True),
}  # fmt: skip


class LawRuns:
    """One optimizer in one regime on one model, with batches of `batch` images drawn independently.

    Images are drawn one by one; or (`whole`) one of the batches into which the images are cut.
    """

    def __init__(self, row: Optimizer, regime: str, model: Model, batch: int, whole: bool = False) -> None:
        self.row, self.model, self.batch, self.whole = row, model, batch, whole
        own = row.regimes.get(regime)
        derived: dict[str, Any] = {"regime": regime if regime and own is None else None, "settings": own}
        size = None if whole else "B"
        self.samples = jnp.arange(model.images).reshape(-1, batch if whole else 1)  # the images of each sample
        self.drawn = 1 if whole else batch  # samples a step
        self.equation = modified_sde(row.scheme, 1, batch=size, **derived)
        self.law = self.equation.function(model.batch_loss, self.samples)
        self.limit = modified_sde(row.scheme, 0, batch=size, **derived).function(model.batch_loss, self.samples)
        slow = self.equation.generator.slow
        self.slow = tuple(x for x in slow if x != "theta")
        self.rest = None if self.slow else initial_law(row.scheme, 1, **derived).function(model.batch_loss, self.samples)
        self.rates = row.slow_rates[regime]
        self.begin = {"theta": model.params, **self._averages()}
        self.start, self.unravel = ravel_pytree(self.begin)
        self.names, self.phi = observed(model)

    def _averages(self) -> dict[str, Tree]:
        """Slow averages at their means over the samples."""
        gradients = jax.jit(jax.vmap(jax.grad(self.model.batch_loss), (None, 0)))(self.model.params, self.samples)
        found = {x: jax.tree.map(lambda g, f=self.row.averages[x]: f(g).mean(0), gradients) for x in self.slow}
        squares = [x for x in found if self.row.averages[x] is jnp.square]
        return found | {x: jax.tree.map(lambda v: v + POSITIVE, found[x]) for x in squares}

    def settings(self, chosen: Numbers) -> tuple[float, dict[str, Any]]:
        """(gamma, free) in the regime's words."""
        found = {**chosen, **self.rates(chosen)}
        free = {n: jnp.asarray(float(found[n])) for n in self.equation.configuration.free}
        return float(found["gamma"]), free if self.whole else {**free, "B": jnp.asarray(float(self.batch))}

    # ------------------------------------------------------------------ what the equation says

    @cached_property
    def _parts(self) -> Callable[..., Any]:
        """(free, time, places, weights, steps) -> (P_0, P_1): the integral by these places and weights in (0, 1)."""

        def found(free: Any, time: Any, places: Any, weights: Any, steps: Any) -> tuple[Any, Any]:
            def drift(x: Any) -> Any:
                y = self.unravel(x)
                parts = self.limit.drift(y["theta"], free, self._memory(y))
                return ravel_pytree({x: parts[x][0] for x in y})[0]

            def after(s: Any) -> Callable[[Tree], Any]:
                """A function of the parameters, or with slow averages of all slow variables by name."""

                def end(p: Tree) -> Any:
                    y = ravel_pytree(p if self.slow else {"theta": p})[0]
                    return self.phi(self.unravel(flow(drift, y, s, steps, forwards=True))["theta"])

                return end

            def at(s: Any) -> Any:
                y = self.unravel(flow(drift, self.start, s, steps, forwards=True))
                return self.law.on(after(time - s), y["theta"], free, self._memory(y))[1]

            along = jax.lax.map(at, time * places)
            begun = self.rest.on(after(time), self.model.params, free)[1] if self.rest else 0.0
            return after(time)(self.begin if self.slow else self.model.params), begun + time * weights @ along

        return _compiled(found)

    def _memory(self, y: Mapping[str, Tree]) -> dict[str, Tree]:
        return {x: y[x] for x in self.slow}

    def predicted(self, free: Numbers, time: float) -> tuple[Any, Any, Any]:
        """(P_0, P_1, how wrong they may be, a row each): refined until that is little."""
        steps, known = FLOW_STEPS, self._parts(free, time, *_nodes(NODES // 2), FLOW_STEPS)
        while True:
            steps *= 2
            now = self._parts(free, time, *_nodes(NODES), steps)
            off = jnp.stack([jnp.abs(a - b) for a, b in zip(now, known, strict=True)])
            scale = jnp.stack([jnp.abs(now[0] - self.phi_start), jnp.abs(now[1])])
            if bool((off <= FINE * jnp.maximum(scale, rms(scale))).all()) or steps >= MOST_STEPS:
                return (*now, off)
            known = now

    # ------------------------------------------------------------------ what the optimizer does

    def _step(self, gamma: Any, free: Numbers) -> tuple[Any, Callable[[Any, Any], Any]]:
        """(parameters and state at the start, one step of the library's optimizer with a gradient)."""
        c = self.equation.configuration
        values = {"alpha": gamma, **scheme_parameters(c, {**free, "gamma": gamma})}
        rest = jax.tree.map(jnp.zeros_like, self.model.params)
        units = carried_units(c, {**free, "gamma": gamma})
        memory = {v: rest for v in c.scheme.states if v != "theta"}
        for v in memory:
            if (found := c.symbol(v)) in self.slow:
                memory[v] = optax.tree_utils.tree_scale(units.get(v, 1.0), self.begin[found])
        transform = self.row.make(values)
        state = transform.init(self.model.params)
        for name, value in self.row.place(memory, values).items():
            state = optax.tree_utils.tree_set(state, **{name: value})

        def step(carry: Any, gradient: Any) -> Any:
            params, state = carry
            updates, state = transform.update(gradient, state, params)
            return optax.apply_updates(params, updates), state

        return (self.model.params, state), step

    @cached_property
    def _sensitivity(self) -> Callable[..., Any]:
        """(gamma, free, count, longest) -> d phi(theta_count)/d(weight of a sample in a step) along the run on all samples."""

        def weighted(p: Tree, w: Any) -> Any:
            return jnp.dot(w, jax.vmap(self.model.batch_loss, (None, 0))(p, self.samples))

        def found(gamma: Any, free: Numbers, count: Any, longest: int) -> Any:
            carry, step = self._step(gamma, free)

            def one(c: Any, given: Any) -> Any:
                k, w = given
                moved = step(c, jax.grad(weighted)(c[0], w))
                return jax.tree.map(lambda x, y: jnp.where(k < count, x, y), moved, c), None

            def run(w: Any) -> Any:
                return self.phi(jax.lax.scan(one, carry, (jnp.arange(longest), w))[0][0])

            return jax.jacrev(run)(jnp.full((longest, len(self.samples)), 1 / len(self.samples)))

        return _compiled(found, static_argnums=3)

    @cached_property
    def _ends(self) -> Callable[..., Any]:
        """(gamma, free, count, batches) -> phi(theta_count) for sequences of batches, arrays (sequences, steps, samples)."""

        def one(gamma: Any, free: Numbers, count: Any, batches: Any) -> Any:
            carry, step = self._step(gamma, free)
            gradient = jax.grad(self.model.batch_loss)
            end = jax.lax.fori_loop(0, count, lambda k, c: step(c, gradient(c[0], self.samples[batches[k]].ravel())), carry)
            return self.phi(end[0])

        return _compiled(jax.vmap(one, (None, None, None, 0)))

    def _values(self, gamma: float, free: Numbers, batches: Any, longest: int) -> Any:
        """phi at the ends of sequences of batches, in chunks of one size, so that it is compiled once."""
        sequences, count, _ = batches.shape
        filled = np.zeros((-(-sequences // CHUNK) * CHUNK, longest, self.drawn), int)
        filled[:sequences, :count] = batches
        found = [self._ends(gamma, free, count, part) for part in np.split(filled, len(filled) // CHUNK)]
        return np.concatenate(found)[:sequences]

    def mean(self, gamma: float, free: Numbers, count: int, longest: int, seeds: int) -> tuple[Any, Any]:
        """(E phi(theta_count), its standard deviation: 0 where all sequences of batches are run); `longest` of all counts."""
        samples, drawn = len(self.samples), self.drawn * count
        if (all_ := samples**drawn) <= ALL:
            every = np.stack(np.unravel_index(np.arange(all_), (samples,) * drawn), -1).reshape(all_, count, self.drawn)
            return self._values(gamma, free, every, longest).mean(0), np.zeros(len(self.phi_start))
        by_weight = np.asarray(self._sensitivity(gamma, free, count, longest))[:, :count]
        by_weight = by_weight - by_weight.mean(-1, keepdims=True)
        batches = np.random.default_rng(count).integers(0, samples, (seeds, count, self.drawn))
        linear = sum(by_weight[:, k, batches[:, k]].mean(-1) for k in range(count)).T
        values = self._values(gamma, free, batches, longest) - linear
        return values.mean(0), values.std(0, ddof=1) / np.sqrt(seeds)

    @cached_property
    def phi_start(self) -> Any:
        return self.phi(self.model.params)


def observed(model: Model) -> tuple[dict[str, slice], Callable[[Tree], Any]]:
    """(names with their places, phi: parameters -> numbers): loss and logits of images that are not learned, the squared norm."""
    rows, labels = (a[model.images :] for a in digits(model.images + UNSEEN))

    def phi(p: Tree) -> Any:
        norm = sum(jnp.sum(x**2) for x in jax.tree.leaves(p))
        if model.logits is None:
            return jnp.stack([model.loss(p), norm])
        logits = model.logits(p, rows)
        loss = -jnp.mean(jnp.sum(jax.nn.log_softmax(logits) * labels, -1))
        return jnp.concatenate([jnp.stack([loss, norm]), logits[:SHOWN].ravel()])

    if model.logits is None:
        return {"loss": slice(0, 1), "squared norm": slice(1, 2)}, phi
    return {"unseen loss": slice(0, 1), "squared norm": slice(1, 2), "logits": slice(2, 2 + 10 * SHOWN)}, phi


def compare_law(
    optimizer: str,
    model: Model,
    *,
    batch: int = 4,
    gamma: float | None = None,
    hyper: Numbers | None = None,
    count: int | None = None,
    halvings: int = 2,
    seeds: int | None = None,
    progress: Progress | None = None,
) -> LawComparison:
    """Errors of P_0 and of P_0 + gamma P_1 at the time count*gamma, with steps gamma, gamma/2, ...

    Started from rest; averages that forget slowly start at their means over the samples.
    batch     images in a batch, drawn independently of each other; of optimizers that divide by averages of squares the images
              are cut into batches once, and one batch is drawn every step
    seeds     runs for every step, where not all sequences of batches are run; left out, as many as take about a minute

    Raises UsageError for an optimizer without a law here, and where a run leaves the numbers.
    """
    say = progress or (lambda what: None)
    if not jax.config.jax_enable_x64:
        raise UsageError("slopes need float64: jax.config.update('jax_enable_x64', True) before the first array")
    row = optimizer_of(optimizer)
    if optimizer not in ROWS:
        raise UsageError(f"with batches the optimizers are {', '.join(ROWS)}, not {optimizer}")
    regime, first, steps, whole = ROWS[optimizer]
    if whole and model.images % batch:
        raise UsageError(
            f"{optimizer} with batches: the {model.images} images are cut into batches once, and {batch} is no divisor; write "
            f"--batch {_divisor(model.images, batch)}, or take {model.images - model.images % batch or batch} images"
        )
    chosen = settings_of(row, {"gamma": first if gamma is None else gamma, **(hyper or {})})
    count = steps if count is None else count
    if not whole and (left := chosen.get("beta", 0.0) ** count) > FADED:
        raise UsageError(f"too few steps: memory at rest is felt by {left:.1g} after {count} steps; take more")
    runs = LawRuns(row, regime, model, batch, whole)
    h, free = runs.settings(chosen)
    counts = [count * 2**i for i in range(halvings + 1)]
    seeds = max(CHUNK, WORK // sum(counts)) if seeds is None else seeds
    say(f"{optimizer}: the prediction")
    *parts, off = runs.predicted(free, h * count)
    means, deviations = [], []
    for i, n in enumerate(counts):
        say(f"{optimizer}: {n} steps")
        mean, deviation = runs.mean(h / 2**i, free, n, counts[-1], seeds)
        if not np.isfinite(mean).all():
            raise UsageError(f"{optimizer} leaves the numbers within {n} steps of {h / 2**i:g}; take a smaller step")
        means.append(mean)
        deviations.append(deviation)
    scales = [h / 2**i for i in range(halvings + 1)]
    errors = [[m - parts[0] - (g * parts[1] if k else 0) for m, g in zip(means, scales, strict=True)] for k in (0, 1)]
    functions = tuple(
        Measured(
            name, tuple(tuple(rms(e[at]) for e in of) for of in errors), tuple(rms(d[at]) for d in deviations),
            rms((means[-1] - runs.phi_start)[at]), rms(off[0, at]) + h * rms(off[1, at]),
        )
        for name, at in runs.names.items()
    )  # fmt: skip
    exact = not any(d.any() for d in deviations)
    return LawComparison(
        optimizer,
        model.name,
        model.size,
        model.images,
        batch,
        0 if exact else seeds,
        chosen,
        tuple(scales),
        tuple(counts),
        functions,
    )


def _compiled(f: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    found: Callable[..., Any] = jax.jit(f, **options)
    return found


def _nodes(count: int) -> tuple[Any, Any]:
    """Places and weights of Gauss's rule on (0, 1), as many as NODES, the last ones without weight."""
    places, weights = np.polynomial.legendre.leggauss(count)
    filled = np.zeros(NODES - count)
    return jnp.asarray([*(1 + places) / 2, *(filled + 0.5)]), jnp.asarray([*weights / 2, *filled])


def _divisor(images: int, batch: int) -> int:
    """The largest that is not above the batch."""
    return max(d for d in range(1, min(images, batch) + 1) if not images % d)


def rms(x: Any) -> float:
    return float(jnp.sqrt(jnp.mean(x**2)))
