"""What the modified equation says along a training run, as data; and where the series stops being of use, and why.

On gradient descent f_1 = -H grad L/2, so |gamma f_1|/|f_0| <= gamma |H|/2: it reaches 1 only where the sharpness is 2/gamma,
the edge beyond which the optimizer is unstable on a quadratic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from verify.network.comparison import USEFUL

Curve = tuple[float, ...]


@dataclass(frozen=True)
class Diagnosis:
    """One entry of every curve for each of the `steps` of the optimizer, at the learning rate hyper["gamma"].

    ratio      |gamma f_1|/|f_0| of theta at the iterates          loss       L at the iterates
    modified   V_0 + ... + gamma^order V_order there, empty where the equation has no modified loss
    sharpness  the largest eigenvalue of the Hessian at the iterates; `limit_sharpness` and `corrected_sharpness` on the flows of
               f_0 and of f_0 + ... + gamma^order f_order, from the same start at the same times
    distance   by flow, limit and corrected: root mean square over the parameters, from the iterates
    edge       the sharpness beyond which the optimizer is unstable on a quadratic, None where it is no linear map there
    """

    optimizer: str
    model: str
    parameters: int
    regime: str
    order: int
    hyper: Mapping[str, float]
    start: str
    steps: tuple[int, ...]
    loss: Curve
    modified: Curve
    ratio: Curve
    sharpness: Curve
    limit_sharpness: Curve
    corrected_sharpness: Curve
    distance: tuple[Curve, Curve]
    edge: float | None = None
    library: str = "optax"

    def first(self, bound: float) -> int | None:
        """The place in the curves from which |gamma f_1|/|f_0| is not below a bound."""
        return next((i for i, r in enumerate(self.ratio) if not r < bound), None)

    @property
    def verdict(self) -> str:
        """How long the series is of use, and why it stops."""
        at, poor, most = self.first(1.0), self.first(USEFUL), max(self.ratio)
        if at is not None:
            where = f"the series stops being of use at step {self.steps[at]}, where |gamma f_1|/|f_0| is {self.ratio[at]:.2g}"
            return f"{where}: {self._why(at)}"
        if poor is not None:
            often = sum(not r < USEFUL for r in self.ratio)
            where = f"above {USEFUL} at {often} of {len(self.ratio)} points, first at step {self.steps[poor]}"
            return f"|gamma f_1|/|f_0| is {where}, and at most {most:.2g}: {self._why(poor)}"
        return f"the series is of use throughout: |gamma f_1|/|f_0| is at most {most:.2g}"

    def _why(self, at: int) -> str:
        """The ratio is made by the sharpness, in units of the edge, and by how long memory is."""
        slow = "memory is long against the time in which the field changes; a regime in which it is slow may do"
        if self.edge is None:
            return slow
        part = self.sharpness[at] / self.edge
        sharp = f"the sharpness {self.sharpness[at]:.3g} is {part:.2f} of the edge of stability {self.edge:.3g}"
        return sharp if part >= self.ratio[at] / 2 else f"{sharp}, and {slow}"

    def to_json(self) -> dict[str, Any]:
        """The curves as data, documented in docs/reference/json.md."""
        curves = {
            "loss": self.loss, "modified_loss": self.modified, "ratio": self.ratio, "sharpness": self.sharpness,
            "limit_sharpness": self.limit_sharpness, "corrected_sharpness": self.corrected_sharpness,
            "limit_distance": self.distance[0], "corrected_distance": self.distance[1],
        }  # fmt: skip
        return {
            "optimizer": self.optimizer, "model": self.model, "parameters": self.parameters, "regime": self.regime,
            "order": self.order, "hyper": dict(self.hyper), "start": self.start, "library": self.library, "edge": self.edge,
            "verdict": self.verdict,
            "steps": list(self.steps), **{n: _numbers(c) for n, c in curves.items()},
        }  # fmt: skip


def _numbers(curve: Sequence[float]) -> list[float | None]:
    """JSON has neither inf nor nan."""
    return [x if isfinite(x) else None for x in curve]
