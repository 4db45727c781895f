"""Kind flow-expansion: a flow expanded over one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from derive import TermSum
from derive.errors import UndecidedError, UsageError
from derive.language import names_of
from derive.readings.formula import CALLS, Formulas, free_formulas, is_nonnegative, is_scalar, lie_series, power_of, series_text
from derive.readings.probes import PROBES, counterexample, value_on
from derive.readings.target import FIRST, SECOND, parse_primed
from verify.claims.judgment import Judgment, Kind, Stated, leading, proved, refuted
from verify.claims.symbolic import symbolic, text_of


@dataclass(frozen=True)
class ExpansionClaim:
    """theta(t + gamma) = step + O(gamma**(through+1)) along the flow theta' = flow, where flow and step are formulas in gamma.

    `bound`: the error of the step is claimed to be bounded by this scalar; `small_gamma`: at every point for all small gamma,
    how small may depend on the loss and the point.
    """

    flow: str
    step: str
    through: int
    bound: str = ""
    small_gamma: bool = False

    def __post_init__(self) -> None:
        if self.small_gamma and not self.bound:
            raise UsageError("'small_gamma' goes with 'bound'")
        for text, where in ((self.flow, "flow"), (self.step, "step"), (self.bound or "0", "bound")):
            if set(names_of(parse_primed(text, where, CALLS))) & {"p", FIRST, SECOND}:
                raise UsageError(f"{where}: theta' has no meaning here: the flow is given")


def states_expansion(data: ExpansionClaim) -> Stated:
    """What is stated."""
    step = f"theta(t + gamma) = {data.step} + O({power_of('gamma', data.through + 1)})"
    bound = f", and the norm of the error is at most {data.bound}" if data.bound else ""
    bound += ", wherever its leading part in gamma is not zero, for all small gamma" if data.small_gamma else ""
    return Stated(step + bound, ("any smooth loss", f"along theta' = {data.flow} with theta(t) = theta", "gamma > 0"))


def judge_expansion(data: ExpansionClaim) -> Judgment:
    """flow-expansion: the exact flow over one step by its Lie series, sum_k gamma^k/k! D^k theta, against the claimed step."""
    formulas = free_formulas([data.flow, data.step, data.bound or "0"], "claim")
    last = data.through + 1
    claimed = formulas.series(data.step, last, "step")
    true = lie_series(formulas, formulas.series(data.flow, last, "flow"), last)
    _require_vectors(data, formulas)
    for k in range(last):
        if formulas.minus(claimed[k], true[k]):
            correct = f"theta(t + gamma) = {series_text(true[:last])} + O({power_of('gamma', last)})"
            difference = f"at gamma**{k}: claimed {claimed[k]}, true {true[k]}"
            return refuted(correct, difference, counterexample(formulas, claimed[k], true[k]))
    error = formulas.minus(true[last], claimed[last])
    following = f"{power_of('gamma', last)}*({error})"
    evidence = f"theta(t + gamma) = {series_text(true[:last])} + {following} + ..."
    return _bounded(data, formulas, error, following, evidence) if data.bound else proved(evidence)


def _require_vectors(data: ExpansionClaim, formulas: Formulas) -> None:
    for where, text in (("flow", data.flow), ("step", data.step)):
        for total in formulas.series(text, data.through + 1, where):
            if any(all(f.scalar for f, _ in t.factors) for t in total.sum):
                raise UsageError(f"{where}: {total} adds a number to vectors")


# ------------------------------------------------------------------------------------------ a bound for the error


def _bounded(data: ExpansionClaim, formulas: Formulas, error: TermSum, following: str, evidence: str) -> Judgment:
    """|error| <= bound: compared at the leading power of gamma, for every loss where it is decided."""
    last = data.through + 1
    bound = formulas.series(data.bound, last, "bound")
    if not is_scalar(*bound):
        raise UsageError(f"bound: {data.bound} is a vector; write a scalar")
    power = next((j for j, s in enumerate(bound) if s), None)
    if not error:
        raise UndecidedError(f"the error has no part of gamma**{last}, and no further power is looked at")
    larger = _larger(error, bound[power] if power is not None else formulas.zero, last - (power if power is not None else last))
    if power is None or larger:
        return refuted(f"the error is {following} + ...", evidence, larger or f"the bound has no part through gamma**{last}")
    if power == last or not is_nonnegative(bound[power]):
        raise UndecidedError(f"whether {following} is below {data.bound} for every loss; {evidence}")
    correct = f"the error is {following} + ...: below the bound as gamma -> 0, not uniformly in L"
    ratio = f"leading error over bound: {power_of('gamma', last - power)} times {_sizes(error, bound[power])}"
    if data.small_gamma:
        return proved(evidence, ratio)
    return leading(correct, evidence, f"next term: {following}", ratio)


def _larger(error: TermSum, bound: TermSum, power: int) -> str:
    """A loss and a point where the leading error is above the bound for every small gamma, or ''."""
    for loss, point in PROBES:
        if len(point) > 1:
            continue
        top, bottom = (symbolic(value_on(s, loss, point, scalar=s is bound), "value") for s in (error, bound))
        if not top.free_symbols | bottom.free_symbols and (abs(top) > bottom if power == 0 else bottom < 0 != top):
            at = ", ".join(f"{n} = {v}" for n, v in point.items())
            return f"counterexample: L = {loss} at {at}: leading error {abs(top)}, leading bound {bottom}"
    return ""


def _sizes(error: TermSum, bound: TermSum) -> str:
    """|error|/bound on L = h x**2/2 at x = 1, for some h."""
    parts = []
    for h in ("1", "2", "4"):
        top, bottom = (value_on(s, f"{h}*x**2/2", {"x": "1"}, scalar=s is bound) for s in (error, bound))
        value: Any = abs(symbolic(top, "error") / symbolic(bottom, "bound"))
        parts.append(f"{text_of(value)} on {h}*x**2/2")
    return ", ".join(parts)


KIND = Kind("flow-expansion", ExpansionClaim, states_expansion, judge_expansion)
