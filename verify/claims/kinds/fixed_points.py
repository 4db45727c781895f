"""Kind fixed-points: where the limit flow rests."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from derive import modified_equation
from derive.errors import UsageError
from verify.claims.judgment import Judgment, Kind, proved, refuted
from verify.claims.scheme_data import SchemeData


@dataclass(frozen=True, kw_only=True)
class FixedPointClaim(SchemeData):
    """every_loss_has_one, every_one_is_a_minimum: what is claimed of the fixed points of the limit flow, for all losses."""

    every_loss_has_one: bool
    every_one_is_a_minimum: bool | None = None


LOSSES = (("x", None), ("x**2/2", "0"), ("-x**2/2", "0"), ("x**3/3", "0"))


def judge_fixed_points(data: FixedPointClaim) -> Judgment:
    """fixed-points: the limit flow's fixed points on the simplest losses with no, a minimal, a maximal and a flat one."""
    equation = data.read(modified_equation, 0)
    absent = maxima = ""
    for loss, point in LOSSES:
        if point is None:
            values = {equation.evaluate(loss, {"x": x}).values["theta"][0][0] for x in ("-1", "0", "1")}
            if "0" not in values:
                absent = f"on L = {loss} theta' = {', '.join(sorted(values))} everywhere: there is no fixed point"
        elif equation.evaluate(loss, {"x": point}).values["theta"][0][0] == "0" and (lower := _lower_nearby(loss)):
            maxima = maxima or f"on L = {loss} theta = {point} is fixed and no minimum: L is lower at {lower}"
    claims = ((data.every_loss_has_one, absent), (data.every_one_is_a_minimum, maxima))
    false = [found for claimed, found in claims if claimed and found]
    open_ = [claimed for claimed, found in claims if claimed is not None and claimed != (not found) and not found]
    evidence = f"limit flow: theta' = {equation['theta'][0]}"
    if false:
        correct = f"the fixed points are the zeros of {equation['theta'][0]}; {'; '.join(false)}"
        return refuted(correct, evidence, *(f"counterexample: {x}" for x in false))
    if open_ or any(claimed for claimed, _ in claims):
        raise UsageError("fixed points: not decided; the losses tried have fixed points, which does not say that every loss has")
    return proved(evidence, *(f"shown by: {x}" for x in (absent, maxima) if x))


def _lower_nearby(loss: str) -> str:
    from verify.claims.symbolic import symbol, symbolic

    for x in (Fraction(-1, 10), Fraction(1, 10)):
        if symbolic(loss, "loss").subs(symbol("x"), symbolic(str(x), "x")) < 0:
            return f"x = {x}"
    return ""


KIND = Kind("fixed-points", FixedPointClaim, judge_fixed_points)
