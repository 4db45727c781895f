"""Kinds without a formula of their own: statements that are not mathematical, and fixed points of the limit flow."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from derive.equation import modified_equation
from verify.statements.claim import SchemeData
from verify.statements.verdict import INFORMAL, Judgment, proved, refuted


@dataclass(frozen=True)
class InformalClaim:
    """why: what is missing for the statement to be true or false."""

    why: str


def judge_informal(data: InformalClaim) -> Judgment:
    """informal: no computation can decide it."""
    return Judgment(INFORMAL, (" ".join(data.why.split()),))


@dataclass(frozen=True, kw_only=True)
class FixedPointClaim(SchemeData):
    """every_loss_has_one, every_one_is_a_minimum: what is claimed of the fixed points of the limit flow, for all losses."""

    every_loss_has_one: bool
    every_one_is_a_minimum: bool


LOSSES = (("x", None), ("x**2/2", "0"), ("-x**2/2", "0"), ("x**3/3", "0"))


def judge_fixed_points(data: FixedPointClaim) -> Judgment:
    """fixed-points: the limit flow's fixed points on the simplest losses with no, a minimal, a maximal and a flat one."""
    scheme, keywords = data.chosen()
    equation = modified_equation(scheme, 0, **keywords)
    absent = maxima = ""
    evidence = [f"limit flow: theta' = {equation['theta'][0]}"]
    for loss, point in LOSSES:
        if point is None:
            values = {equation.evaluate(loss, {"x": x}).values["theta"][0][0] for x in ("-1", "0", "1")}
            if "0" not in values:
                absent = f"on L = {loss} theta' = {', '.join(sorted(values))} everywhere: no fixed point, theta is unbounded"
        elif equation.evaluate(loss, {"x": point}).values["theta"][0][0] == "0" and _lower_nearby(loss):
            maxima = maxima or f"on L = {loss} theta = {point} is fixed, and L is lower at {_lower_nearby(loss)}"
    false = []
    if bool(absent) == data.every_loss_has_one:
        false.append(absent or "no loss without fixed point was found")
    if bool(maxima) == data.every_one_is_a_minimum:
        false.append(maxima or "no fixed point that is not a minimum was found")
    if not false:
        return proved(*evidence, *(x for x in (absent, maxima) if x))
    correct = "theta' = 0 exactly where grad L = 0: a critical point, which need not exist and need not be a minimum"
    return refuted(correct, *evidence, *(f"counterexample: {x}" for x in false))


def _lower_nearby(loss: str) -> str:
    from verify.statements.symbolic import symbol, symbolic

    for x in (Fraction(-1, 10), Fraction(1, 10)):
        if symbolic(loss, "loss").subs(symbol("x"), symbolic(str(x), "x")) < 0:
            return f"x = {x}"
    return ""
