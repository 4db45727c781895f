"""Kind limit-direction: whether the limit flow is along the gradient."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from derive import ModifiedEquation, modified_equation
from derive.errors import UsageError
from derive.readings.formula import is_along_gradient
from verify.claims.judgment import Judgment, Kind, proved, refuted
from verify.claims.scheme_data import SchemeData


@dataclass(frozen=True, kw_only=True)
class DirectionClaim(SchemeData):
    """parallel: whether the limit flow is the gradient times a number, whatever the loss."""

    parallel: bool


def judge_direction(data: DirectionClaim) -> Judgment:
    """limit-direction: is f_0 a scalar times the gradient?  Yes by its terms, no by a point where it is not."""
    equation = data.read(modified_equation, 0)
    f = equation["theta"][0]
    evidence = f"limit flow: theta' = {f}"
    if is_along_gradient(f):
        text = "every term is a scalar times grad: the direction is the gradient's for every loss"
        if data.parallel:
            return proved(evidence, text)
        return refuted("the limit flow keeps the gradient's direction", evidence, text)
    numbers = _turned(equation)
    if not numbers:
        raise UsageError("the direction is not decided: no scalar factor is seen in the terms, and no point refutes it")
    if data.parallel:
        return refuted("the limit flow does not keep the gradient's direction; " + evidence, numbers)
    return proved(evidence, numbers.replace("counterexample", "shown by"))


def _turned(equation: ModifiedEquation) -> str:
    """A point where f_0 and grad are not parallel."""
    text = str(equation["theta"][0])
    numbers = {n: "1/2" for n in equation.configuration.free if re.search(rf"\b{n}\b", text)}
    at = equation.subs(**numbers) if numbers else equation
    point = {"x": "1", "y": "1"} | {f"{v}_{x}": str(1 + i) for v in at.equations if v != "theta" for i, x in enumerate("xy")}
    loss = "x**2/2 + y**2"
    values = [float(Fraction(v)) for v in at.evaluate(loss, point, 12).values["theta"][0]]
    if abs(values[0] * 2 - values[1] * 1) < 1e-9:
        return ""
    where = ", ".join(f"{n} = {v}" for n, v in (point | numbers).items())
    return f"counterexample: L = {loss} at {where}: grad = (1, 2), theta' = ({values[0]:.6g}, {values[1]:.6g})"


KIND = Kind("limit-direction", DirectionClaim, judge_direction)
