"""Kinds about operator series and Taylor expansions: functions of z = gamma D, and flows expanded in gamma."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from derive.algebra.calculus import Derivative
from derive.algebra.coefficients import Ratio
from derive.algebra.sums import Sum
from derive.equation import TermSum, modified_equation
from derive.errors import UsageError
from derive.language import LOSS_CALLS, names_of, parse_expression
from derive.writing.series import evaluated
from verify.claims.formulas import CALLS, Formulas, counterexample, free_formulas, power_of, series_text
from verify.claims.judgment import Judgment, leading, proved, refuted
from verify.claims.symbolic import symbolic, symbolic_tree, text_of

POWERS = 8  # of gamma, in identities


@dataclass(frozen=True)
class SeriesClaim:
    """function = series + O(z**(through+1)); without `through` the series claims to be exact."""

    function: str
    series: str
    through: int | None = None
    variable: str = "z"


def judge_series(data: SeriesClaim) -> Judgment:
    """operator-series: Taylor coefficients at z = 0, compared one by one as rational numbers."""
    z = data.variable
    order = data.through if data.through is not None else 6
    true = taylor(data.function, z, order + 4)
    claimed = taylor(data.series, z, order + 4)
    for k, (a, b) in enumerate(zip(claimed[: order + 1], true[: order + 1], strict=True)):
        if a != b:
            correct = f"{data.function} = {_polynomial(true[: order + 1], z)} + O({power_of(z, order + 1)})"
            difference = f"coefficient of {z}**{k}: claimed {a}, true {b}"
            if data.through is None and k:
                return leading(correct, difference, f"next term: ({b})*{power_of(z, k)}")
            return refuted(correct, f"counterexample: {difference}")
    following = next((k for k in range(order + 1, len(true)) if true[k] != 0), None)
    if data.through is None:
        raise UsageError(f"series: no difference through {z}**{order}; say with 'through' how far it claims to hold")
    evidence = [f"Taylor coefficients of {data.function}: {', '.join(map(str, true[: order + 1]))}"]
    if following is not None:
        evidence.append(f"next term: ({true[following]})*{power_of(z, following)}")
        if following > order + 1:
            evidence.append(f"the coefficient of {z}**{order + 1} is zero")
    return proved(*evidence)


def taylor(text: str, variable: str, order: int) -> list[Any]:
    """Exact Taylor coefficients at zero through an order, of a function that is regular there.

    >>> [str(c) for c in taylor("z/(exp(z) - 1)", "z", 4)]
    ['1', '-1/2', '1/12', '0', '-1/720']
    """
    import sympy as sp

    z = sp.Symbol(variable)
    function = symbolic_tree(parse_expression(text, "series", LOSS_CALLS), {variable: z})
    expansion = sp.series(sp.together(function), z, 0, order + 1).removeO()
    if sp.together(expansion).as_numer_denom()[1].has(z):
        raise UsageError(f"{text} is not regular at {variable} = 0")
    return [sp.expand(expansion).coeff(z, k) for k in range(order + 1)]


def _polynomial(coefficients: list[Any], z: str) -> str:
    parts = [f"({c})*{power_of(z, k)}" if k else str(c) for k, c in enumerate(coefficients) if c != 0]
    return " + ".join(parts) or "0"


# ---------------------------------------------------------------------------------------------- flows


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
            shown = series_text(formulas, true[: data.through + 1])
            correct = f"theta(t + gamma) = {shown} + O({power_of('gamma', data.through + 1)})"
            difference = f"at gamma**{k}: claimed {formulas.text(claimed[k])}, true {formulas.text(true[k])}"
            return refuted(correct, difference, counterexample(formulas, claimed[k], true[k]))
    k = data.through + 1
    error = formulas.minus(true[k], claimed[k])
    following = f"{power_of('gamma', k)}*({formulas.text(error)})"
    evidence = f"theta(t + gamma) = {series_text(formulas, true[:k])} + {following} + ..."
    return _bounded(data, formulas, error, following, evidence) if data.bound else proved(evidence)


def lie_series(formulas: Formulas, field: Sum, order: int) -> list[Sum]:
    """theta(t + gamma) by power of gamma: the k-th derivative of theta along the field over k!."""
    along = Derivative(formulas.algebra, {"theta": field})
    result, current, factorial = [formulas.algebra.state("theta")], formulas.algebra.state("theta"), 1
    for k in range(1, order + 1):
        current, factorial = along(current), factorial * k
        scale: Ratio = formulas.algebra.ring.one / formulas.algebra.ring.constant(factorial)
        result.append(formulas.algebra.scale(current, scale))
    return result


def _bounded(data: ExpansionClaim, formulas: Formulas, error: Sum, following: str, evidence: str) -> Judgment:
    bound = formulas.series(data.bound, data.through + 1, "bound")
    power = next((j for j, s in enumerate(bound) if s), data.through + 1)
    sizes = _sizes(formulas, error, bound[power])
    ratio = f"leading error over bound: {power_of('gamma', data.through + 1 - power)} times {sizes}"
    if power > data.through:
        return refuted(f"the error is {following} + ...", evidence, ratio)
    correct = f"the error is {following} + ...: below the bound as gamma -> 0, not uniformly in L"
    return leading(correct, evidence, f"next term: {following}", ratio)


def _sizes(formulas: Formulas, error: Sum, bound: Sum) -> str:
    """|error|/bound on L = h x**2/2 at x = 1, for some h."""
    host, parts = modified_equation("gd", 0), []
    for h in ("1", "2", "4"):
        loss, at = f"{h}*x**2/2", {"x": "1"}
        top = evaluated(host, [TermSum(formulas.algebra, error)], loss, at, 12)[0][0]
        bottom = evaluated(host, [TermSum(formulas.algebra, bound)], loss, at, 12, scalar=True)[0][0]
        value: Any = abs(symbolic(top, "error") / symbolic(bottom, "bound"))
        parts.append(f"{text_of(value)} on {h}*x**2/2")
    return ", ".join(parts)


# ---------------------------------------------------------------------------------------------- identities


@dataclass(frozen=True)
class IdentityClaim:
    """left = right for every smooth loss; p = theta' is free unless `flow` says theta' = flow."""

    left: str
    right: str
    flow: str = ""


def judge_identity(data: IdentityClaim) -> Judgment:
    """identity: two formulas along theta' = p (or the given flow), equal as functions for every loss."""
    formulas = free_formulas([data.left, data.right, data.flow or "0"], "claim")
    flow: Mapping[str, Sum] | None = None
    if data.flow:
        flow = {"theta": formulas.series(data.flow, 0, "flow")[0]}
    sides = [formulas.series(t, POWERS, w, flow) for t, w in ((data.left, "left"), (data.right, "right"))]
    for left, right in zip(*sides, strict=True):
        if formulas.minus(left, right):
            scalar = all(f.scalar for s in (left, right) for t in s for f, _ in t.factors)
            numbers = counterexample(formulas, right, left, scalar=scalar)
            shown = f"{data.left} = {series_text(formulas, sides[0])}"
            return refuted(shown, f"right side: {series_text(formulas, sides[1])}", numbers)
    return proved(f"both sides: {series_text(formulas, sides[0])}")

