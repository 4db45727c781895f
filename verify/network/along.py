"""Along a training run: how large the first correction is, the modified loss, and what the correction does to sharpness."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import jax
import numpy as np
from jax.flatten_util import ravel_pytree

from derive import modified_loss, stability
from derive.errors import DeriveError, UsageError
from verify.network.diagnosis import Diagnosis
from verify.network.experiment import optimizer_of, rms
from verify.network.models import Model
from verify.network.regimes import best_regime, ratios_by_regime, regimes_of
from verify.network.rows import Numbers, Optimizer, settings_of
from verify.network.runs import Runs, runs_of
from verify.network.sharpness import hessian_product, sharpness
from verify.network.starts import MANIFOLD, Start, start_of

Array = Any
Progress = Callable[[str], None]


def diagnose(
    optimizer: str,
    model: Model,
    *,
    gamma: float | None = None,
    hyper: Mapping[str, float] | None = None,
    steps: int = 200,
    points: int = 40,
    order: int = 1,
    regime: str = "auto",
    start: Start | str = MANIFOLD,
    progress: Progress | None = None,
) -> Diagnosis:
    """Run the optimizer, and both flows from the same start; arguments as in `verify.network.experiment.compare`.

    steps     of the optimizer; what is measured is measured at `points` of them
    regime    'auto' takes the one whose |gamma f_1|/|f_0| at the start is smallest among those below 0.1, or of all

    Raises UsageError for an unknown name or setting, and where the optimizer itself leaves the numbers.
    """
    say = progress or (lambda what: None)
    if not jax.config.jax_enable_x64:
        raise UsageError("sharpness and slopes need float64: jax.config.update('jax_enable_x64', True) before the first array")
    model.check()
    row = optimizer_of(optimizer)
    chosen = settings_of(row, {**(hyper or {}), **({} if gamma is None else {"gamma": gamma})})
    at = start_of(start)
    say("regime")
    runs = _chosen(row, model, chosen, regime, max(order, 1), at)
    (h,), free = runs.settings([chosen])
    free = {n: x[0] for n, x in free.items()}
    stride = max(1, steps // max(points - 1, 1))
    counts = stride * np.arange(steps // stride + 1)
    say("iterates")
    thetas, slow = runs.along(h, free, stride, len(counts) - 1)
    if not np.isfinite(np.asarray(thetas)).all():
        k = int(np.argmin(np.isfinite(np.asarray(thetas)).all(1)))
        raise UsageError(f"{optimizer} leaves the numbers within {counts[k]} steps of {chosen['gamma']:g}; take a smaller step")
    say("flows")
    flows = [runs.flow_along(h, free, stride, len(counts) - 1, n) for n in (0, order)]
    say("ratios")
    ratio = runs.ratios_along(h, free, thetas, slow)
    loss, modified = _losses(row, runs, h, free, thetas, order)
    product = hessian_product(model.loss, model.params)
    sharp = []
    for name, path in (("iterates", thetas), ("limit flow", flows[0]), ("corrected flow", flows[1])):
        say(f"sharpness, {name}")
        sharp.append(tuple(sharpness(product, path)))
    return Diagnosis(
        optimizer=optimizer, model=model.name, parameters=model.size, regime=runs.regime, order=order, hyper=chosen,
        start=at.name, steps=tuple(map(int, counts)), loss=loss, modified=modified, ratio=_curve(ratio),
        sharpness=sharp[0], limit_sharpness=sharp[1], corrected_sharpness=sharp[2],
        distance=(_curve(rms(flows[0] - thetas)), _curve(rms(flows[1] - thetas))), edge=edge_of(row, chosen),
    )  # fmt: skip


def _chosen(row: Optimizer, model: Model, chosen: Numbers, regime: str, order: int, at: Start) -> Runs:
    """The runs of the regime with the smallest ratio at the start, the first below 0.1 if there is one."""

    def measure(r: str) -> Any:
        runs = runs_of(row.name, r, order, model, at)
        with model.differentiable():
            return np.asarray(runs.ratio(*runs.settings([chosen])))

    (ratios,) = ratios_by_regime(row, regimes_of(row, regime), at, measure)
    return runs_of(row.name, best_regime(ratios), order, model, at)


def _losses(
    row: Optimizer, runs: Runs, gamma: Any, free: Numbers, thetas: Array, order: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(L, the modified loss through gamma^order, empty where there is none) at each point."""
    _, unravel = ravel_pytree(runs.model.params)
    own = jax.jit(lambda xs: jax.lax.map(lambda x: runs.model.loss(unravel(x)), xs))
    loss = _curve(own(thetas))
    settings = row.regimes.get(runs.regime)
    try:
        named = runs.regime if runs.regime and settings is None else None
        found = modified_loss(row.scheme, order, regime=named, settings=settings)
    except DeriveError:
        return loss, ()
    if found.exists_through < order or found.unwritten:
        return loss, ()
    value = found.function(runs.model.loss)
    at = jax.jit(lambda xs: jax.lax.map(lambda x: value.truncated(unravel(x), gamma, free)["V"], xs))
    return loss, _curve(at(thetas))


def edge_of(row: Optimizer, chosen: Numbers) -> float | None:
    """The sharpness at which the optimizer becomes unstable on a quadratic: gamma h at the end of the scheme's interval.

    None where the update is no linear map of the state on a quadratic, as of optimizers that divide by averages.
    """
    settings = {n: str(Fraction(str(x))) for n, x in chosen.items() if n != "gamma"}
    try:
        interval = stability(row.scheme, settings=settings).interval
        return None if interval is None else float(Fraction(interval[1])) / chosen["gamma"]
    except (DeriveError, ValueError):
        return None


def _curve(xs: Array) -> tuple[float, ...]:
    return tuple(float(x) for x in np.asarray(xs))
