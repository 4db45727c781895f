"""Along a training run of optax: the first correction, the modified loss, and what the correction does to sharpness."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import jax
import numpy as np
from jax.flatten_util import ravel_pytree

from derive.errors import UsageError
from verify.network.diagnosis import Diagnosis
from verify.network.experiment import optimizer_of
from verify.network.follow import followed
from verify.network.models import Model, hessian_product
from verify.network.regimes import best_regime, ratios_by_regime, regimes_of
from verify.network.rows import Numbers, Optimizer, given, settings_of
from verify.network.runs import Runs, runs_of
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
    regime    'auto' takes the first whose |gamma f_1|/|f_0| at the start is below 0.1, else the one with the smallest

    Raises UsageError for an unknown name or setting, and where the optimizer itself leaves the numbers.
    """
    say = progress or (lambda what: None)
    if not jax.config.jax_enable_x64:
        raise UsageError("sharpness and slopes need float64: jax.config.update('jax_enable_x64', True) before the first array")
    model.check()
    row = optimizer_of(optimizer)
    chosen = settings_of(row, given(hyper, gamma))
    at = start_of(start)
    say("regime")
    runs = _chosen(row, model, chosen, regime, max(order, 1), at)
    return followed(
        Along(runs, chosen), row, chosen, steps, points, order, runs.regime, say,
        model=model.name, parameters=model.size, start=at.name,
    )  # fmt: skip


class Along:
    """See `verify.network.follow.Followed`."""

    def __init__(self, runs: Runs, chosen: Numbers) -> None:
        self.runs = runs
        (self.gamma,), free = runs.settings([chosen])
        self.free = {n: x[0] for n, x in free.items()}
        self.unravel = ravel_pytree(runs.model.params)[1]

    def iterates(self, stride: int, count: int) -> tuple[Array, Any]:
        return self.runs.along(self.gamma, self.free, stride, count)

    def flow(self, stride: int, count: int, order: int) -> Array:
        return self.runs.flow_along(self.gamma, self.free, stride, count, order)

    def ratios(self, thetas: Array, slow: Any) -> Array:
        return self.runs.ratios_along(self.gamma, self.free, thetas, slow)

    def losses(self, thetas: Array) -> Array:
        return _mapped(lambda x: self.runs.model.loss(self.unravel(x)), thetas)

    def modified_losses(self, found: Any, thetas: Array) -> Array:
        value = found.function(self.runs.model.loss)
        return _mapped(lambda x: value.truncated(self.unravel(x), self.gamma, self.free)["V"], thetas)

    @cached_property
    def hessian_product(self) -> Callable[[Array, Array], Array]:
        return hessian_product(self.runs.model.loss, self.runs.model.params)


def _chosen(row: Optimizer, model: Model, chosen: Numbers, regime: str, order: int, at: Start) -> Runs:
    """The runs of the regime with the smallest ratio at the start, the first below 0.1 if there is one."""

    def measure(r: str) -> Any:
        runs = runs_of(row.name, r, order, model, at)
        with model.differentiable():
            return np.asarray(runs.ratio(*runs.settings([chosen])))

    (ratios,) = ratios_by_regime(row, regimes_of(row, regime), at, measure)
    return runs_of(row.name, best_regime(ratios), order, model, at)


def _mapped(f: Callable[[Array], Any], points: Array) -> Array:
    return jax.jit(lambda xs: jax.lax.map(f, xs))(points)
