"""Kind fixed-points: where the limit flow rests."""

from __future__ import annotations

from dataclasses import dataclass

from derive import ModifiedEquation
from derive.errors import DeriveError, UndecidedError
from derive.readings.domain import domain
from derive.reals import All, Not, Proved, compare, decide
from derive.reals.reading import read_all
from verify.claims.judgment import Judgment, Kind, Stated, proved, refuted
from verify.claims.scheme_data import SchemeData


@dataclass(frozen=True, kw_only=True)
class FixedPointClaim(SchemeData):
    """every_loss_has_one, every_one_is_a_minimum: what is claimed of the fixed points of the limit flow, for all losses."""

    every_loss_has_one: bool
    every_one_is_a_minimum: bool | None = None


WITHOUT = ("x", "-x")
#: losses with a point where the gradient vanishes and the loss is lower nearby
NO_MINIMUM = {"-x**2/2": "1/10", "x**3/3": "-1/10"}


def states_fixed_points(data: FixedPointClaim) -> Stated:
    """What is stated."""
    parts = ["every loss has a fixed point of the limit flow" if data.every_loss_has_one else
             "some loss has no fixed point of the limit flow"]  # fmt: skip
    if data.every_one_is_a_minimum is not None:
        minima = data.every_one_is_a_minimum
        parts.append("every fixed point, of every loss, is a minimum" if minima else "some fixed point is no minimum")
    return Stated(", and ".join(parts), data.hypotheses)


def judge_fixed_points(data: FixedPointClaim) -> Judgment:
    """fixed-points: is the limit flow zero nowhere on a loss without a flat point, and zero on top of a hill?"""
    equation = data.equation(0)
    limits = ", ".join(f"{x}' = {powers[0]}" for x, powers in equation.equations.items())
    absent = next(filter(None, (_absent(equation, loss) for loss in WITHOUT)), "")
    maxima = next(filter(None, (_no_minimum(equation, loss) for loss in NO_MINIMUM)), "")
    claims = ((data.every_loss_has_one, absent), (data.every_one_is_a_minimum, maxima))
    false = [found for claimed, found in claims if claimed and found]
    if false:
        correct = f"the fixed points are the zeros of {limits}; {'; '.join(false)}"
        return refuted(correct, f"limit flow: {limits}", *(f"counterexample: {x}" for x in false))
    if any(claimed is not None and (claimed or not found) for claimed, found in claims):
        raise UndecidedError(f"limit flow: {limits}; the losses tried do not decide what holds for every loss")
    return proved(f"limit flow: {limits}", *(f"shown by: {x}" for x in (absent, maxima) if x))


def _absent(equation: ModifiedEquation, loss: str) -> str:
    """That the limit flow vanishes nowhere on this loss, for all parameters in their ranges."""
    rows = [str(c) for powers in equation.on_loss(loss).values() for c in powers[0]]
    try:
        reading = read_all(rows, where="limit flow")
    except DeriveError:
        return ""  # not rational, nothing decided
    zero = All(tuple(compare(reading.values[r], "==", reading.ring.zero) for r in rows))
    ranges = (r.formula for r in domain(equation.configuration, reading.ring.symbols))
    if not isinstance(decide(Not(zero), All((reading.given, reading.exists, *ranges))), Proved):
        return ""
    flow = ", ".join(f"{x}' = {powers[0][0]}" for x, powers in equation.on_loss(loss).items())
    return f"on L = {loss} {flow}, which vanishes at no x: there is no fixed point"


def _no_minimum(equation: ModifiedEquation, loss: str) -> str:
    """That 0 is fixed, with all else at rest, and the loss is lower nearby."""
    at = {"x": "0"} | {f"{v}_x" if equation.scheme_kind(v) == "vector" else v: "0" for v in equation.equations if v != "theta"}
    try:
        values = equation.evaluate(loss, at).values
    except DeriveError:
        return ""  # the field does not exist there
    if any(v != "0" for rows in values.values() for v in rows[0]):
        return ""
    return f"on L = {loss} theta = 0 is fixed and no minimum: L is lower at x = {NO_MINIMUM[loss]}"


KIND = Kind("fixed-points", FixedPointClaim, states_fixed_points, judge_fixed_points)
