"""torch's own optimizers against the flows of their modified equations; the table is that of `verify.network.comparison`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from derive.errors import UsageError
from verify.network.comparison import Comparison
from verify.network.kinks import jumps
from verify.network.pictures import FINER, Paths
from verify.network.pytorch.module import TorchModel
from verify.network.pytorch.rows import OPTIMIZERS
from verify.network.pytorch.runs import Memory, RoughField, Runs, checkpoint, flat
from verify.network.regimes import best_regime, ratios_by_regime, regimes_of
from verify.network.rows import Numbers, Optimizer, given, row_of, settings_of
from verify.network.starts import BARE, MANIFOLD, Start, left_the_numbers, start_of

Array = Any
Progress = Callable[[str], None]
Ratios = tuple[str, dict[str, float]]
FINE = 1e-2  # of the smallest error: what a flow may be wrong by
TOLERANCES = (1e-6, 1e-8, 1e-10, 1e-12, 3e-14)  # of the flows in float64, until they agree


def compare(
    optimizer: str,
    model: TorchModel,
    *,
    gamma: float | None = None,
    hyper: Mapping[str, float] | None = None,
    count: int | None = None,
    halvings: int = 2,
    order: int = 2,
    regime: str = "auto",
    start: Start | str | Mapping[str, Any] = MANIFOLD,
    progress: Progress | None = None,
) -> Comparison:
    """Errors and slopes of the truncations 0, ..., `order`, as `verify.network.experiment.compare` has them for optax.

    model     `TorchModel("mine", module, lambda m: cross_entropy(m(x), y))`: any module, its loss a function of it
    start     'manifold'; 'rest', with the initial layer (the errors without it stand beside); or the state_dict of a torch
              optimizer, the module standing at the checkpoint

    Raises UsageError for an unknown optimizer or hyperparameter, a loss that is no function of the parameters, a state_dict of
    another module, and where a run leaves the numbers.
    """
    say = progress or (lambda what: None)
    row = row_of(OPTIMIZERS, optimizer)
    chosen = settings_of(row, given(hyper, gamma))
    model.dtype()
    model.check()
    at = begun(start, optimizer, model)
    best, ratios = chosen_regime(row, model, chosen, regime, at, say)
    runs = Runs(row, best, order, model, at)
    table = _measured(runs, chosen, count or row.count, halvings, say)
    bare: tuple[tuple[float, ...], ...] = ()
    if at.rest:
        bare = _measured(Runs(row, best, order, model, BARE), chosen, count or row.count, halvings, say)["errors"]
    result = Comparison(
        optimizer, model.name, model.size, best, ratios, hyper=chosen, start=at.name, without_layer=bare, library="torch",
        **table,
    )  # fmt: skip
    return result if result.verdict == "verified" else replace(result, jumps=_jumps(runs, chosen, result.counts[0]))


def paths(result: Comparison, model: TorchModel, start: Start | str | Mapping[str, Any] = MANIFOLD) -> Paths:
    """Of the first step of a comparison, for a picture."""
    row, order = row_of(OPTIMIZERS, result.optimizer), len(result.errors) - 1
    runs = Runs(row, result.regime, order, model, begun(start, result.optimizer, model))
    gamma, free = runs.settings(result.hyper)
    begin, count = runs.start(gamma, free), result.counts[0]
    iterates = np.stack([theta for theta, _ in runs.trajectory(gamma, free, 1, count, begin)])
    flows = [runs.flow_points(gamma, free, 1 / FINER, count * FINER, n, begin) for n in range(order + 1)]
    return Paths(gamma, iterates, np.stack(flows), FINER)


def chosen_regime(row: Optimizer, model: TorchModel, chosen: Numbers, regime: str, at: Start, say: Progress) -> Ratios:
    """(the regime, |gamma f_1|/|f_0| by regime)."""

    def measure(r: str) -> list[float]:
        runs = Runs(row, r, 1, model, at)
        return [runs.ratio(*runs.settings(chosen))]

    (ratios,) = ratios_by_regime(row, regimes_of(row, regime), at, measure, say)
    return best_regime(ratios), ratios


def begun(start: Start | str | Mapping[str, Any], optimizer: str, model: TorchModel) -> Start:
    return start_of(start) if isinstance(start, Start | str) else checkpoint(optimizer, model, start)


def _jumps(runs: Runs, chosen: Numbers, count: int) -> float:
    """Of the gradient, along the way of the first run."""
    gamma, free = runs.settings(chosen)
    start = runs.start(gamma, free)
    end, _ = runs.iterates(gamma, free, count, start)
    return jumps(runs.gradient, runs.hessian_product, flat(start["theta"]), end)


def _measured(runs: Runs, chosen: Numbers, count: int, halvings: int, say: Progress) -> dict[str, Any]:
    """The columns of the table."""
    gamma, free = runs.settings(chosen)
    begin = runs.start(gamma, free)
    counts = [count * 2**i for i in range(halvings + 1)]
    steps, errors, moved, negative, uncertain, floor = [], [], 0.0, 0, 0.0, 0.0
    for i, n in enumerate(counts):
        say(f"{runs.row.name}, step {i + 1} of {len(counts)}")
        h = gamma / 2**i
        end, below = runs.iterates(h, free, n, begin)
        moved, negative = rms(end - flat(begin["theta"])), max(negative, below)
        if not np.isfinite(moved):
            raise UsageError(left_the_numbers(runs.row.name, runs.order, negative, counts[-1], gamma))
        found, off = zip(*(_error(runs, h, free, n, k, begin, end, moved) for k in range(runs.order + 1)), strict=True)
        steps.append(h)
        errors.append(found)
        uncertain, floor = max(uncertain, *off), rounding(runs.model.dtype(), n, flat(begin["theta"]))
    return {
        "steps": tuple(steps), "counts": tuple(counts), "moved": moved, "negative": negative, "flow_error": uncertain,
        "errors": tuple(zip(*errors, strict=True)), "floor": floor,
    }  # fmt: skip


def _error(
    runs: Runs, h: float, free: Numbers, count: int, order: int, begin: Memory, end: Array, moved: float
) -> tuple[float, float]:
    """(distance of the flow from the iterates, how far the flow may be off); inf where it leaves the numbers."""
    smallest = 100 * torch.finfo(runs.model.dtype()).eps
    allowed = [t for t in TOLERANCES if t >= smallest] or [smallest]
    error, off, before = float("inf"), 0.0, None
    try:
        for i, tolerance in enumerate(allowed):  # with other steps each time, so that equal errors are not equal by chance
            now = runs.flow(h, free, h * count, order, begin, tolerance, pieces=2**i)
            error = rms(now - end)
            if not np.isfinite(error):
                return float("inf"), 0.0
            off = error if before is None else rms(now - before)
            if before is not None and off <= max(FINE * error, 1e-13 * moved):
                break
            before = now
    except RoughField:  # what is known of it stands
        pass
    return error, off


def rounding(dtype: torch.dtype, count: int, theta: Array) -> float:
    """What sums of that many steps are wrong by, where each rounds the parameter."""
    return float(torch.finfo(dtype).eps / 2 * np.sqrt(count) * rms(theta))


def rms(x: Array) -> float:
    return float(np.sqrt(np.mean(x**2)))
