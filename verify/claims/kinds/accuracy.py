"""Kind accuracy: the order against a target equation."""

from __future__ import annotations

from dataclasses import dataclass

from derive.readings.accuracy import accuracy
from derive.readings.formula import formulas_beside, power_of
from derive.readings.probes import counterexample
from verify.claims.judgment import Judgment, Kind, Stated, proved, refuted, undecided
from verify.claims.scheme_data import SchemeData


@dataclass(frozen=True, kw_only=True)
class AccuracyClaim(SchemeData):
    """The scheme follows the target equation to exactly this order."""

    target: str
    order: int


def states_accuracy(data: AccuracyClaim) -> Stated:
    """What is stated."""
    text = f"on the modified flow {data.target}, over its own leading power of gamma, is gamma**{data.order} times something "
    text += "that is not zero for every loss"
    return Stated(f"{text} (order {data.order})", data.hypotheses)


def judge_accuracy(data: AccuracyClaim) -> Judgment:
    """accuracy: the target's left side on the modified flow is gamma**order times the leading defect."""
    a = data.read(accuracy, data.target, max(2, data.order))
    data.equation(a.equation.order)
    if not a.defect:
        text = f"no defect through gamma**{a.exact_through}: the order is {a.order} at least"
        return refuted(text, f"{data.target} vanishes on the modified flow through gamma**{a.exact_through}")
    if a.conclusion.verdict == "undecided":
        return undecided(f"the order is {a.order} at least; {a.conclusion.because}")
    factor = f"{power_of('gamma', a.order + a.lead)}*" if a.order + a.lead else ""
    defect = f"{data.target} = {factor}({a.defect}) + ..., p = theta'"
    text = f"the order is {a.order}"
    if a.order == data.order:
        return proved(text, defect)
    formulas = formulas_beside(a.defect, {a.derivative: False})
    numbers = counterexample(formulas, formulas.zero, a.defect)
    where = f"coefficient of gamma**{a.order}, claimed zero; " if data.order > a.order else ""
    return refuted(f"{text}: {defect}", where + numbers.replace("claimed 0, true", "the residual is"))


KIND = Kind("accuracy", AccuracyClaim, states_accuracy, judge_accuracy)
