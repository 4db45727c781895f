"""Kind limit-direction: whether the limit flow is along the gradient."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from derive import ModifiedEquation
from derive.errors import UndecidedError
from derive.readings.formula import is_along_gradient
from verify.claims.judgment import Judgment, Kind, Stated, proved, refuted
from verify.claims.scheme_data import SchemeData

DIGITS = 30
SEEN = Fraction(1, 10**20)  # far above the rounding of 30 digits, relative to the vectors


@dataclass(frozen=True, kw_only=True)
class DirectionClaim(SchemeData):
    """parallel: whether the limit flow is the gradient times a number, whatever the loss."""

    parallel: bool


def states_direction(data: DirectionClaim) -> Stated:
    """What is stated."""
    word = "for every loss" if data.parallel else "not for every loss"
    return Stated(f"{word} the limit of theta' as gamma -> 0 is the gradient times a number, at each point", data.hypotheses)


def judge_direction(data: DirectionClaim) -> Judgment:
    """limit-direction: is f_0 a scalar times the gradient?  Yes by its terms, no by a point where it is not."""
    equation = data.equation(0)
    f = equation["theta"][0]
    evidence = f"limit flow: theta' = {f}"
    if not f:
        raise UndecidedError("the limit flow is zero and has no direction")
    if is_along_gradient(f):
        text = "every term is a scalar times grad: the direction is the gradient's for every loss"
        if data.parallel:
            return proved(evidence, text)
        return refuted("the limit flow keeps the gradient's direction", evidence, f"counterexample: none can exist; {text}")
    numbers = _turned(equation)
    if not numbers:
        raise UndecidedError("no scalar factor is seen in the terms of the limit flow, and no point turns it from the gradient")
    if data.parallel:
        return refuted("the limit flow does not keep the gradient's direction; " + evidence, numbers)
    return proved(evidence, numbers.replace("counterexample", "shown by"))


def _turned(equation: ModifiedEquation) -> str:
    """A point where f_0 and grad = (1, 2) are not parallel: 2 x - y is not zero."""
    text = str(equation["theta"][0])
    numbers = {n: "1/2" for n in equation.configuration.free if re.search(rf"\b{n}\b", text)}
    at = equation.subs(**numbers) if numbers else equation
    point = {"x": "1", "y": "1"} | {f"{v}_{x}": str(1 + i) for v in at.equations if v != "theta" for i, x in enumerate("xy")}
    loss = "x**2/2 + y**2"
    x, y = (Fraction(v) for v in at.evaluate(loss, point, DIGITS).values["theta"][0])
    if abs(2 * x - y) <= SEEN * (abs(x) + abs(y)):
        return ""
    where = ", ".join(f"{n} = {v}" for n, v in (point | numbers).items())
    return f"counterexample: L = {loss} at {where}: grad = (1, 2), theta' = ({float(x):.6g}, {float(y):.6g})"


KIND = Kind("limit-direction", DirectionClaim, states_direction, judge_direction)
