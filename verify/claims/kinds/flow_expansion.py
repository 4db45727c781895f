"""Kind flow-expansion: a flow expanded over one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from derive import TermSum
from derive.errors import UsageError
from derive.language import names_of, parse_expression
from derive.readings.formula import CALLS, Formulas, counterexample, free_formulas, lie_series, power_of, series_text, value_on
from verify.claims.judgment import Judgment, Kind, leading, proved, refuted
from verify.claims.symbolic import symbolic, text_of


@dataclass(frozen=True)
class ExpansionClaim:
    """theta(t + gamma) = step + O(gamma**(through+1)) along the flow theta' = flow.

    `bound`: the error of the step is claimed to be bounded by this scalar.
    """

    flow: str
    step: str
    through: int
    bound: str = ""


def judge_expansion(data: ExpansionClaim) -> Judgment:
    """flow-expansion: the exact flow over one step by its Lie series, sum_k gamma^k/k! D^k theta, against the claimed step."""
    texts = [data.flow, data.step, data.bound or "0"]
    if any("p" in names_of(parse_expression(t, "claim", CALLS)) for t in texts):
        raise UsageError("'p' has no meaning here: the flow is given")
    formulas = free_formulas(texts, "claim")
    claimed = formulas.series(data.step, data.through + 1, "step")
    field = formulas.series(data.flow, 0, "flow")[0]
    true = lie_series(formulas, field, data.through + 1)
    for k in range(data.through + 1):
        if formulas.minus(claimed[k], true[k]):
            shown = series_text(true[: data.through + 1])
            correct = f"theta(t + gamma) = {shown} + O({power_of('gamma', data.through + 1)})"
            difference = f"at gamma**{k}: claimed {claimed[k]}, true {true[k]}"
            return refuted(correct, difference, counterexample(formulas, claimed[k], true[k]))
    k = data.through + 1
    error = formulas.minus(true[k], claimed[k])
    following = f"{power_of('gamma', k)}*({error})"
    evidence = f"theta(t + gamma) = {series_text(true[:k])} + {following} + ..."
    return _bounded(data, formulas, error, following, evidence) if data.bound else proved(evidence)


def _bounded(data: ExpansionClaim, formulas: Formulas, error: TermSum, following: str, evidence: str) -> Judgment:
    bound = formulas.series(data.bound, data.through + 1, "bound")
    power = next((j for j, s in enumerate(bound) if s), data.through + 1)
    sizes = _sizes(error, bound[power])
    ratio = f"leading error over bound: {power_of('gamma', data.through + 1 - power)} times {sizes}"
    if power > data.through:
        return refuted(f"the error is {following} + ...", evidence, ratio)
    correct = f"the error is {following} + ...: below the bound as gamma -> 0, not uniformly in L"
    return leading(correct, evidence, f"next term: {following}", ratio)


def _sizes(error: TermSum, bound: TermSum) -> str:
    """|error|/bound on L = h x**2/2 at x = 1, for some h."""
    parts = []
    for h in ("1", "2", "4"):
        top, bottom = (value_on(s, f"{h}*x**2/2", {"x": "1"}, scalar=s is bound) for s in (error, bound))
        value: Any = abs(symbolic(top, "error") / symbolic(bottom, "bound"))
        parts.append(f"{text_of(value)} on {h}*x**2/2")
    return ", ".join(parts)


KIND = Kind("flow-expansion", ExpansionClaim, judge_expansion)
