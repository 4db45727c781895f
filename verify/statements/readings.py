"""Kinds that are one call of a reading: order of accuracy, initial layer."""

from __future__ import annotations

from dataclasses import dataclass

from derive.readings.accuracy import accuracy
from derive.readings.initial_layer import initial_layer
from verify.statements.claim import SchemeData
from verify.statements.reading import Formulas, counterexample, formulas_of, power_of, series_text
from verify.statements.verdict import Judgment, proved, refuted


@dataclass(frozen=True, kw_only=True)
class AccuracyClaim(SchemeData):
    """The scheme follows the target equation to exactly this order."""

    target: str
    order: int


def judge_accuracy(data: AccuracyClaim) -> Judgment:
    """accuracy: the target's left side on the modified flow is gamma**order times the leading defect."""
    scheme, keywords = data.chosen()
    a = accuracy(scheme, data.target, max(2, data.order), **keywords)
    if not a.defect:
        text = f"no defect through gamma**{a.exact_through}: the order is {a.order} at least"
        return refuted(text, f"{data.target} vanishes on the modified flow through gamma**{a.exact_through}")
    factor = f"{power_of('gamma', a.order)}*" if a.order else ""
    defect = f"{data.target} = {factor}({a.defect}) + ..., p = theta'"
    text = f"the order is {a.order}"
    if a.order == data.order:
        return proved(text, defect)
    numbers = counterexample(Formulas(a.equation.algebra, {"p": False}, {}), {}, a.defect.sum)
    where = f"coefficient of gamma**{a.order}, claimed zero; " if data.order > a.order else ""
    return refuted(f"{text}: {defect}", where + numbers.replace("claimed 0, true", "the residual is"))


@dataclass(frozen=True, kw_only=True)
class LayerClaim(SchemeData):
    """Started from rest at theta_0 the iterates settle on the flow from theta_0 + shift, a formula in gamma, through
    gamma**through."""

    shift: str
    through: int = 1


def judge_layer(data: LayerClaim) -> Judgment:
    """initial-layer: the shifted starting point against the derived one."""
    scheme, keywords = data.chosen()
    layer = initial_layer(scheme, data.through, **keywords)
    formulas = Formulas(layer.shift[0].algebra, {}, formulas_of(layer.equation).values)
    claimed, true = formulas.series(data.shift, data.through, "shift"), [s.sum for s in layer.shift]
    shown = f"theta(0) = theta_0 + {series_text(formulas, true)} + O({power_of('gamma', data.through + 1)})"
    for k in range(data.through + 1):
        if formulas.minus(claimed[k], true[k]):
            difference = f"at {power_of('gamma', k)}: claimed {formulas.text(claimed[k])}, derived {formulas.text(true[k])}"
            return refuted(shown, difference, counterexample(formulas, claimed[k], true[k]))
    return proved(f"derived: {shown}")
