"""Iterates of an optimizer against the flows of its modified equation, for several steps; and which regime fits.

    error(gamma, N) = |theta_n - flow_N(n gamma)|  ~  C gamma^(N+1),   slope = log2(error(gamma)/error(gamma/2))

The ratios |gamma f_1|/|f_0| say beforehand which regime is of use: above 0.1 the series of that regime is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from derive.errors import UsageError
from verify.network.comparison import Comparison
from verify.network.kinks import jumps
from verify.network.models import Model, hessian_product
from verify.network.optimizers import OPTIMIZERS
from verify.network.pictures import FINER, Paths
from verify.network.regimes import best_regime, ratios_by_regime, regimes_of
from verify.network.rows import Numbers, Optimizer, given, row_of, settings_of
from verify.network.runs import Runs, runs_of
from verify.network.starts import BARE, MANIFOLD, Start, left_the_numbers, start_of

Progress = Callable[[str], None]
Norm = Callable[[Any], Any]  # of arrays along their last axis
FINE = 1e-2  # of the smallest error: what the flow may be wrong by
ROUNDING = 1e-13  # of the way that the optimizer goes: what sums of float64 are wrong by
FEWER = 4  # steps of the optimizer to the first step of the flow
MOST_STEPS = 256  # of the flow, to one of the optimizer


def rms(x: Any) -> Any:
    """Root mean square along the last axis, over the parameters."""
    return jnp.sqrt(jnp.mean(x**2, -1))


def compare(
    optimizer: str,
    model: Model,
    *,
    gamma: float | None = None,
    hyper: Numbers | None = None,
    count: int | None = None,
    halvings: int = 2,
    order: int = 2,
    regime: str = "auto",
    start: Start | str = MANIFOLD,
    norm: Norm = rms,
    progress: Progress | None = None,
) -> Comparison:
    """Errors and slopes of the truncations 0, ..., `order` at the time count*gamma, with steps gamma, gamma/2, ...

    gamma     the learning rate of the first run, as the library means it
    regime    'auto' takes the first whose |gamma f_1|/|f_0| is below 0.1, else the one with the smallest
    start     'manifold': memory on the slow manifold, of slow regimes at what it is for the gradient at the start; 'rest', as
              everybody starts, with the initial layer (`without_layer` has the errors without it); or a `checkpoint`
    norm      of what lies between iterates and flows, along the last axis of an array: over all parameters

    Raises UsageError for an unknown optimizer, hyperparameter or regime, and where a run leaves the numbers.
    """
    point = given(hyper, gamma)
    found = compare_many(
        optimizer, model, [point], count=count, halvings=halvings, order=order, regime=regime, start=start, norm=norm,
        progress=progress,
    )[0]
    if isinstance(found, UsageError):
        raise found
    return found


def compare_many(
    optimizer: str,
    model: Model,
    points: Sequence[Numbers],
    *,
    count: int | None = None,
    halvings: int = 2,
    order: int = 2,
    regime: str = "auto",
    start: Start | str = MANIFOLD,
    norm: Norm = rms,
    progress: Progress | None = None,
) -> list[Comparison | UsageError]:
    """`compare` at many settings of the learning rate "gamma" and of hyperparameters; each function is compiled once.

    What goes wrong at one setting stands in its place.
    """
    say = progress or (lambda what: None)
    if not jax.config.jax_enable_x64:
        raise UsageError("slopes need float64: jax.config.update('jax_enable_x64', True) before the first array")
    model.check()
    row = optimizer_of(optimizer)
    if row.matrices and any(x.ndim != 2 for x in jax.tree.leaves(model.params)):
        raise UsageError(
            f"{optimizer} is one of matrices, and {model.name} has other parameters; mlp(bias=False) or transformer()"
        )
    regimes = regimes_of(row, regime)
    at = start_of(start)
    chosen = [settings_of(row, p) for p in points]

    def measure(r: str) -> Any:
        one = runs_of(optimizer, r, order if len(regimes) == 1 else 1, model, at)
        with model.differentiable():
            return np.asarray(one.ratio(*one.settings(chosen)))

    _check_norm(norm, model.size)
    ratios = ratios_by_regime(row, regimes, at, measure, say)
    best = [best_regime(found) for found in ratios]
    results: list[Comparison | UsageError] = [UsageError("not run")] * len(chosen)
    for r in dict.fromkeys(best):
        here = [i for i, b in enumerate(best) if b == r]
        asked = [chosen[i] for i in here], count or row.count, halvings, norm, say
        measured = _measured(runs_of(optimizer, r, order, model, at), *asked)
        bare = _measured(runs_of(optimizer, r, order, model, BARE), *asked) if at.rest else [({"errors": ()}, None)] * len(here)
        for i, (table, trouble), (other, _) in zip(here, measured, bare, strict=True):
            results[i] = trouble or _seen(model, Comparison(
                optimizer, model.name, model.size, r, ratios[i], hyper=chosen[i], start=at.name, without_layer=other["errors"],
                **table,
            ), runs_of(optimizer, r, order, model, at))  # fmt: skip
    return results


def paths(result: Comparison, model: Model, start: Start | str = MANIFOLD) -> Paths:
    """Of the first step of a comparison, for a picture."""
    runs = runs_of(result.optimizer, result.regime, len(result.errors) - 1, model, start_of(start))
    gamma, free = runs.settings([result.hyper])
    iterates, flows = runs.paths(gamma[0], {n: x[0] for n, x in free.items()}, result.counts[0], FINER)
    return Paths(float(gamma[0]), np.asarray(iterates), np.asarray(flows), FINER)


def optimizer_of(name: str) -> Optimizer:
    return row_of(OPTIMIZERS, name)


def _seen(model: Model, result: Comparison, runs: Runs) -> Comparison:
    """With the jumps of the gradient along the way of the first run, where the slopes are not as they should be."""
    if result.verdict == "verified":
        return result
    start, unravel = ravel_pytree(model.params)
    end = np.asarray(runs.iterates(*runs.settings([result.hyper]), result.counts[0])[0][0])
    gradient = jax.jit(jax.grad(lambda x: model.loss(unravel(x))))
    found = jumps(lambda x: np.asarray(gradient(x)), hessian_product(model.loss, model.params), np.asarray(start), end)
    return replace(result, jumps=found)


def _check_norm(norm: Norm, size: int) -> None:
    """Raises UsageError where it does not give a number for each row of an array."""
    try:
        found = jnp.shape(norm(jnp.ones((2, size))))
    except (TypeError, ValueError, IndexError) as error:
        raise UsageError(f"norm: a function of arrays along their last axis ({str(error).splitlines()[0]})") from error
    if found != (2,):
        raise UsageError(f"norm: one number a row, of the shape (2,) for two rows, not {found}; write axis=-1")


Measured = tuple[dict[str, Any], UsageError | None]


def _measured(runs: Runs, chosen: Sequence[Numbers], count: int, halvings: int, norm: Norm, say: Progress) -> list[Measured]:
    """By setting: the columns of its table, or what went wrong."""
    gamma, free = runs.settings(chosen)
    counts = [count * 2**i for i in range(halvings + 1)]
    steps, errors, moved, negative, flow_error = [], [], 0.0 * gamma, 0 * gamma, 0.0 * gamma
    start = ravel_pytree(runs.model.params)[0]
    for i, n in enumerate(counts):
        say(f"{runs.row.name}, step {i + 1} of {len(counts)}")
        h = gamma / 2**i
        end, below = runs.iterates(h, free, n)
        way = norm(end - start)
        found, uncertain = _errors(runs, h, free, n, end, way, norm)
        steps.append(h)
        errors.append(found)
        moved = jnp.where(jnp.isfinite(moved), way, moved)  # no number from the first run on that has none at its end
        negative, flow_error = jnp.maximum(negative, below), jnp.maximum(flow_error, uncertain)
    tables = []
    for k in range(len(chosen)):
        table = {
            "steps": tuple(float(h[k]) for h in steps), "counts": tuple(counts), "moved": float(moved[k]),
            "errors": tuple(tuple(float(e[k, n]) for e in errors) for n in range(runs.order + 1)),
            "negative": int(negative[k]), "flow_error": float(flow_error[k]),
        }  # fmt: skip
        tables.append((table, _trouble(runs, table)))
    return tables


def _errors(runs: Runs, gamma: Any, free: Numbers, count: int, end: Any, way: Any, norm: Norm) -> tuple[Any, Any]:
    """(errors by setting and order, how far the flows at the smallest error may be off); inf where a flow leaves the numbers."""
    steps = max(1, count // FEWER)
    before = runs.flows(gamma, free, count, steps)
    while True:
        steps *= 2
        now = runs.flows(gamma, free, count, steps)
        found, off = norm(now - end[:, None]), norm(now - before)
        found, off = (jnp.where(jnp.isfinite(x), x, jnp.inf) for x in (found, off))
        fine = (off <= jnp.maximum(FINE * found, ROUNDING * way[:, None])) | jnp.isinf(found)
        if bool(fine.all()) or steps >= MOST_STEPS * count:
            return jnp.where(fine, found, jnp.inf), jnp.where(jnp.isfinite(found), off, 0.0).max(1)
        before = now


def _trouble(runs: Runs, table: Mapping[str, Any]) -> UsageError | None:
    if np.isfinite(table["moved"]):
        return None
    negative, counts, steps = table["negative"], table["counts"], table["steps"]
    return UsageError(left_the_numbers(runs.row.name, runs.order, negative, counts[-1], steps[0]))
