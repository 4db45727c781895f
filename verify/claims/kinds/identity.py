"""Kind identity: two formulas that are equal for every loss."""

from __future__ import annotations

from dataclasses import dataclass

from derive.readings.formula import counterexample, free_formulas, is_scalar, series_text
from verify.claims.judgment import Judgment, Kind, proved, refuted

POWERS = 8  # of gamma


@dataclass(frozen=True)
class IdentityClaim:
    """left = right for every smooth loss; p = theta' is free unless `flow` says theta' = flow."""

    left: str
    right: str
    flow: str = ""


def judge_identity(data: IdentityClaim) -> Judgment:
    """identity: two formulas along theta' = p (or the given flow), equal as functions for every loss."""
    formulas = free_formulas([data.left, data.right, data.flow or "0"], "claim")
    flow = formulas.series(data.flow, 0, "flow")[0] if data.flow else None
    sides = [formulas.series(t, POWERS, w, flow) for t, w in ((data.left, "left"), (data.right, "right"))]
    for left, right in zip(*sides, strict=True):
        if formulas.minus(left, right):
            numbers = counterexample(formulas, right, left, scalar=is_scalar(left, right))
            shown = f"{data.left} = {series_text(sides[0])}"
            return refuted(shown, f"right side: {series_text(sides[1])}", numbers)
    return proved(f"both sides: {series_text(sides[0])}")


KIND = Kind("identity", IdentityClaim, judge_identity)
