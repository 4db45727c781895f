"""Along a training run of torch.optim on a module: what `verify.network.along` has of optax."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from verify.network.diagnosis import Diagnosis
from verify.network.follow import followed
from verify.network.pytorch.experiment import begun, chosen_regime
from verify.network.pytorch.module import TorchModel
from verify.network.pytorch.rows import OPTIMIZERS
from verify.network.pytorch.runs import Memory, Runs
from verify.network.rows import Numbers, given, row_of, settings_of
from verify.network.starts import MANIFOLD, Start

Array = Any
Progress = Callable[[str], None]


def diagnose(
    optimizer: str,
    model: TorchModel,
    *,
    gamma: float | None = None,
    hyper: Mapping[str, float] | None = None,
    steps: int = 200,
    points: int = 40,
    order: int = 1,
    regime: str = "auto",
    start: Start | str | Mapping[str, Any] = MANIFOLD,
    progress: Progress | None = None,
) -> Diagnosis:
    """Run the optimizer, and both flows from the same start; arguments as in `verify.network.pytorch.experiment.compare`.

    steps     of the optimizer; what is measured is measured at `points` of them

    Raises UsageError for an unknown name or setting, and where the optimizer itself leaves the numbers.
    """
    say = progress or (lambda what: None)
    row = row_of(OPTIMIZERS, optimizer)
    chosen = settings_of(row, given(hyper, gamma))
    model.dtype()
    model.check()
    at = begun(start, optimizer, model)
    say("regime")
    best, _ = chosen_regime(row, model, chosen, regime, at, lambda what: None)
    return followed(
        Along(Runs(row, best, max(order, 1), model, at), chosen), row, chosen, steps, points, order, best, say,
        model=model.name, parameters=model.size, start=at.name, library="torch",
    )  # fmt: skip


class Along:
    """See `verify.network.follow.Followed`."""

    def __init__(self, runs: Runs, chosen: Numbers) -> None:
        self.runs = runs
        self.gamma, self.free = runs.settings(chosen)
        self.start = runs.start(self.gamma, self.free)
        self.hessian_product = runs.hessian_product

    def iterates(self, stride: int, count: int) -> tuple[Array, list[Memory]]:
        thetas, slow = zip(*self.runs.trajectory(self.gamma, self.free, stride, count, self.start), strict=True)
        return np.stack(thetas), list(slow)

    def flow(self, stride: int, count: int, order: int) -> Array:
        return self.runs.flow_points(self.gamma, self.free, stride, count, order, self.start)

    def ratios(self, thetas: Array, slow: list[Memory]) -> Array:
        return [self.runs.ratio_at(x, s, self.gamma, self.free) for x, s in zip(thetas, slow, strict=True)]

    def losses(self, thetas: Array) -> Array:
        return [float(self.runs.loss(self.runs.tree(x))) for x in thetas]

    def modified_losses(self, found: Any, thetas: Array) -> Array:
        value = found.function(self.runs.loss, backend="torch")
        return [float(value.truncated(self.runs.tree(x), self.gamma, self.free)["V"]) for x in thetas]
