"""Flows of x' = F(x) by diffrax: the method of order 8 of Dormand and Prince, in steps of one length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import diffrax


def flow(field: Callable[[Any], Any], x: Any, time: Any, steps: Any, forwards: bool = False) -> Any:
    """x(time) for the array x, as x' = field(x); `time` and `steps` may be traced.

    With `forwards` it can be differentiated along vectors, often, and not backwards.
    """
    adjoint = diffrax.ForwardMode() if forwards else diffrax.RecursiveCheckpointAdjoint()
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, y, _: field(y)), diffrax.Dopri8(), 0.0, time, time / steps, x,
        stepsize_controller=diffrax.ConstantStepSize(), max_steps=None, throw=False, adjoint=adjoint,
    )  # fmt: skip
    return solution.ys[0]
