"""Kind initial-layer: where the flow starts, for a start from rest."""

from __future__ import annotations

from dataclasses import dataclass

from derive.readings.formula import formulas_beside, formulas_of, power_of, series_text
from derive.readings.initial_layer import initial_layer
from derive.readings.probes import counterexample
from verify.claims.judgment import Judgment, Kind, Stated, proved, refuted
from verify.claims.scheme_data import SchemeData


@dataclass(frozen=True, kw_only=True)
class LayerClaim(SchemeData):
    """Started from rest at theta_0 the iterates settle on the flow from theta_0 + shift, a formula in gamma, through
    gamma**through."""

    shift: str
    through: int = 1


def states_layer(data: LayerClaim) -> Stated:
    """What is stated."""
    start = f"theta(0) = theta_0 + {data.shift} + O({power_of('gamma', data.through + 1)})"
    return Stated(f"after the transients the iterates follow the modified flow from {start}",
                  (*data.hypotheses, "started from theta_0 with the memory that the scheme says, zero by default"))  # fmt: skip


def judge_layer(data: LayerClaim) -> Judgment:
    """initial-layer: the shifted starting point against the derived one."""
    layer = data.read(initial_layer, data.through)
    layer.equation.scheme.require_plain("a claim about the shifted start")
    data.equation(data.through)
    formulas = formulas_beside(layer.shift[0], {}, formulas_of(layer.equation).values)
    claimed, true = formulas.series(data.shift, data.through, "shift"), layer.shift
    shown = f"theta(0) = theta_0 + {series_text(true)} + O({power_of('gamma', data.through + 1)})"
    for k in range(data.through + 1):
        if formulas.minus(claimed[k], true[k]):
            difference = f"at {power_of('gamma', k)}: claimed {claimed[k]}, derived {true[k]}"
            return refuted(shown, difference, counterexample(formulas, claimed[k], true[k]))
    return proved(f"derived: {shown}")


KIND = Kind("initial-layer", LayerClaim, states_layer, judge_layer)
