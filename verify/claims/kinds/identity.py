"""Kind identity: two formulas that are equal for every loss, along a flow or along any trajectory."""

from __future__ import annotations

from dataclasses import dataclass

from derive import TermSum
from derive.errors import UndecidedError, UsageError
from derive.language import Call, names_of, walk
from derive.readings.formula import CALLS, Formulas, free_formulas, is_scalar
from derive.readings.probes import counterexample
from derive.readings.target import FIRST, SECOND, parse_primed
from verify.claims.judgment import Judgment, Kind, Stated, proved, refuted


@dataclass(frozen=True)
class IdentityClaim:
    """left = right for every smooth loss and every gamma.  p = theta' belongs to any trajectory, with theta'' = rate(p) free,
    unless `flow` says theta' = flow."""

    left: str
    right: str
    flow: str = ""

    def __post_init__(self) -> None:
        sides = [parse_primed(t, w, CALLS) for t, w in ((self.left, "left"), (self.right, "right"))]
        used = {n for side in sides for n in names_of(side)} | {n.function for s in sides for n in walk(s) if isinstance(n, Call)}
        if self.flow and not used & {"p", FIRST, SECOND, "rate"}:
            raise UsageError("flow: neither side has theta', theta'' or rate(...), so that no flow enters")


def states_identity(data: IdentityClaim) -> Stated:
    """What is stated."""
    along = f"along theta' = {data.flow}" if data.flow else "along any smooth trajectory theta(t), p = theta'"
    where = "all gamma and parameters where both sides are defined"
    return Stated(f"{data.left} = {data.right}", ("any smooth loss", along, where))


def judge_identity(data: IdentityClaim) -> Judgment:
    """identity: both sides as functions of theta (and theta', theta'', ...), where gamma is a number like any other."""
    formulas = free_formulas([data.left, data.right, data.flow or "0"], "claim", exact=True)
    if data.flow:
        formulas = formulas.along(_field(data.flow, formulas))
    left, right = (formulas.value(t, w) for t, w in ((data.left, "left"), (data.right, "right")))
    if is_scalar(left) != is_scalar(right) and left and right:
        raise UsageError(f"one side is a number and the other a vector: {left} and {right}")
    if formulas.minus(left, right):
        numbers = counterexample(formulas, right, left, scalar=is_scalar(left, right))
        if not numbers:
            raise UndecidedError(f"{data.left} = {left}, right side {right}: no numbers tell them apart")
        return refuted(f"{data.left} = {left}", f"right side: {right}", numbers)
    return proved(f"both sides: {left}")


def _field(flow: str, formulas: Formulas) -> TermSum:
    if set(names_of(parse_primed(flow, "flow", CALLS))) & {"p", FIRST, SECOND}:
        raise UsageError("flow: write theta' as a function of theta")
    return formulas.value(flow, "flow")


KIND = Kind("identity", IdentityClaim, states_identity, judge_identity)
