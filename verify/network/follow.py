"""A diagnosis of one run, whatever library runs the optimizer: what it must be able to do, and what is made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from derive import modified_loss, stability
from derive.errors import DeriveError, UsageError
from verify.network.diagnosis import Diagnosis
from verify.network.rows import Numbers, Optimizer
from verify.network.sharpness import sharpness

Array = Any
Progress = Callable[[str], None]


class Followed(Protocol):
    """One run at one setting; points are rows of arrays that NumPy can read."""

    def iterates(self, stride: int, count: int) -> tuple[Array, Any]:
        """(theta, the slow memory) at the steps 0, stride, ..., count*stride of the optimizer."""

    def flow(self, stride: int, count: int, order: int) -> Array:
        """theta along f_0 + ... + gamma^order f_order at the times of those steps; nan from where it leaves the numbers."""

    def ratios(self, thetas: Array, slow: Any) -> Array:
        """|gamma f_1|/|f_0| at each point."""

    def losses(self, thetas: Array) -> Array:
        """L at each point."""

    def modified_losses(self, found: Any, thetas: Array) -> Array:
        """V_0 + gamma V_1 + ... of a `modified_loss` at each point."""

    def hessian_product(self, theta: Array, v: Array) -> Array:
        """H(theta) v."""


def followed(
    run: Followed, row: Optimizer, chosen: Numbers, steps: int, points: int, order: int, regime: str, say: Progress, **names: Any
) -> Diagnosis:
    """What `diagnose` of a library measures; `names` are the other entries of a Diagnosis.

    Raises UsageError where the optimizer itself leaves the numbers.
    """
    stride = max(1, steps // max(points - 1, 1))
    counts = stride * np.arange(steps // stride + 1)
    say("iterates")
    thetas, slow = run.iterates(stride, len(counts) - 1)
    if not (finite := np.isfinite(np.asarray(thetas)).all(1)).all():
        k = int(np.argmin(finite))
        raise UsageError(f"{row.name} leaves the numbers within {counts[k]} steps of {chosen['gamma']:g}; take a smaller step")
    say("flows")
    flows = [run.flow(stride, len(counts) - 1, n) for n in (0, order)]
    say("ratios")
    ratio, loss = run.ratios(thetas, slow), run.losses(thetas)
    found = modified_loss_of(row, regime, order)
    modified = () if found is None else _curve(run.modified_losses(found, thetas))
    sharp = []
    for name, path in (("iterates", thetas), ("limit flow", flows[0]), ("corrected flow", flows[1])):
        say(f"sharpness, {name}")
        sharp.append(tuple(sharpness(run.hessian_product, path)))
    return Diagnosis(
        optimizer=row.name, regime=regime, order=order, hyper=chosen, steps=tuple(map(int, counts)), loss=_curve(loss),
        modified=modified, ratio=_curve(ratio), sharpness=sharp[0], limit_sharpness=sharp[1], corrected_sharpness=sharp[2],
        distance=(_distance(flows[0], thetas), _distance(flows[1], thetas)), edge=edge_of(row, chosen), **names,
    )  # fmt: skip


def modified_loss_of(row: Optimizer, regime: str, order: int) -> Any:
    """The modified loss of the scheme in the regime through gamma^order; None where there is none."""
    settings = row.regimes.get(regime)
    try:
        found = modified_loss(row.scheme, order, regime=regime if regime and settings is None else None, settings=settings)
    except DeriveError:
        return None
    return None if found.exists_through < order or found.unwritten else found


def edge_of(row: Optimizer, chosen: Mapping[str, float]) -> float | None:
    """The sharpness at which the optimizer becomes unstable on a quadratic: gamma h at the end of the scheme's interval.

    None where the update is no linear map of the state on a quadratic, as of optimizers that divide by averages.
    """
    settings = {n: str(Fraction(str(x))) for n, x in chosen.items() if n != "gamma"}
    try:
        interval = stability(row.scheme, settings=settings).interval
        return None if interval is None else float(Fraction(interval[1])) / chosen["gamma"]
    except (DeriveError, ValueError):
        return None


def _distance(path: Array, thetas: Array) -> tuple[float, ...]:
    """Root mean square over the parameters."""
    return _curve(np.sqrt(np.mean((np.asarray(path) - np.asarray(thetas)) ** 2, -1)))


def _curve(xs: Array) -> tuple[float, ...]:
    return tuple(float(x) for x in np.asarray(xs))
