"""Kinds that are one call of a reading: order of accuracy, stability, initial layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from derive.errors import UsageError
from derive.readings.accuracy import accuracy
from derive.readings.initial_layer import initial_layer
from derive.readings.stability import Stability, stability
from verify.statements.claim import SchemeData
from verify.statements.reading import Formulas, counterexample, formulas_of, power_of, series_text
from verify.statements.symbolic import symbol, symbolic, text_of
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
    numbers = counterexample(Formulas(a.equation.algebra, {a.derivative: False}, {}), {}, a.defect.sum)
    where = f"coefficient of gamma**{a.order}, claimed zero; " if data.order > a.order else ""
    return refuted(f"{text}: {defect}", where + numbers.replace("claimed 0, true", "the residual is"))


@dataclass(frozen=True, kw_only=True)
class StabilityClaim(SchemeData):
    """interval: ends of the open interval of gamma*h in which all roots lie inside the unit disc, [] for none;
    wider_than: the interval strictly contains that of another scheme, for all parameters in `for`."""

    interval: tuple[str, ...] | None = None
    wider_than: SchemeData | None = None
    for_: Mapping[str, tuple[str, ...]] | None = None


def judge_stability(data: StabilityClaim) -> Judgment:
    """stability: the interval of a scheme on quadratic losses, as claimed or against another scheme's."""
    own = _stability(data)
    if data.wider_than is not None:
        return _wider(own, _stability(data.wider_than), data.for_ or {})
    if data.interval is None:
        raise UsageError("give 'interval' or 'wider_than'")
    evidence = [f"stable for gamma*h in {_interval(own.interval)}"]
    if own.interval is None:
        evidence.append(f"roots on the closed disc, simple on its rim, for gamma*h in {_interval(own.weak_interval)}")
    if len(data.interval) not in (0, 2):
        raise UsageError("interval: write two ends, [\"0\", \"2\"], or [] for none")
    same = not data.interval if own.interval is None else _same_ends(data.interval, own.interval)
    return proved(*evidence) if same else refuted("; ".join(evidence), f"claimed {_interval(data.interval or None)}")


def _stability(data: SchemeData) -> Stability:
    scheme, keywords = data.chosen()
    return stability(scheme, **keywords)


def _interval(ends: Any) -> str:
    return f"({ends[0]}, {ends[1]})" if ends else "no interval"


def _same_ends(claimed: tuple[str, ...], own: tuple[str, str]) -> bool:
    if len(claimed) != 2:
        return False
    return all(_difference(a, b) == 0 if "oo" not in (a, b) else a == b for a, b in zip(claimed, own, strict=True))


def _difference(a: str, b: str) -> Any:
    import sympy as sp

    return sp.together(sp.cancel(symbolic(a, "interval") - symbolic(b, "interval")))


def _wider(a: Stability, b: Stability, ranges: Mapping[str, tuple[str, ...]]) -> Judgment:
    evidence = [f"first {_interval(a.interval)}, second {_interval(b.interval)}"]
    if a.interval is None or b.interval is None:
        raise UsageError("wider_than: one of the schemes is stable on no interval")
    if _difference(a.interval[0], b.interval[0]) != 0:
        raise UsageError("wider_than: the lower ends differ")
    upper, other = a.interval[1], b.interval[1]
    if upper == other:
        return refuted("the intervals are equal", *evidence)
    if "oo" in (upper, other):
        return proved(*evidence) if upper == "oo" else refuted("the second contains the first", *evidence)
    difference = _difference(upper, other)
    sign, at = _sign(difference, ranges)
    evidence.append(f"upper ends, first minus second: {text_of(difference)}")
    numbers = f"at {at}: {_number(upper, at)} against {_number(other, at)}"
    if sign == 0:
        return refuted("neither contains the other for all parameters", *evidence, numbers)
    if sign > 0:
        return proved(*evidence, f"positive throughout; {numbers}")
    return refuted(f"the first is strictly contained in the second: {evidence[0]}", *evidence, f"counterexample {numbers}")


def _sign(difference: Any, ranges: Mapping[str, tuple[str, ...]]) -> tuple[int, str]:
    """(the sign throughout the open range, or 0, a point of it)."""
    import sympy as sp

    symbols = sorted(difference.free_symbols, key=str)
    if not symbols:
        return (1 if difference > 0 else -1), "all parameters"
    if len(symbols) > 1 or str(symbols[0]) not in ranges or len(ranges[str(symbols[0])]) != 2:
        raise UsageError(f"wider_than: give the range of {', '.join(map(str, symbols))}, such as for = {{beta = [\"0\", \"1\"]}}")
    x = symbols[0]
    low, high = (symbolic(e, "for") for e in ranges[str(x)])
    top, bottom = sp.fraction(sp.together(difference))
    middle = (low + high) / 2
    at = f"{x}={middle}"
    for part in (top, bottom):
        if part.has(x) and any(low < r < high for r in sp.Poly(part, x).real_roots()):
            return 0, at
    return int(sp.sign(difference.subs(x, middle))), at


def _number(text: str, at: str) -> Any:
    name, _, value = at.partition("=")
    return symbolic(text, "interval").subs({symbol(name): symbolic(value, "for")} if value else {})


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
