"""Kind stability: the interval of gamma*h on quadratic losses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from derive.errors import UsageError
from derive.readings.stability import Stability, stability
from verify.claims.judgment import Judgment, Kind, proved, refuted
from verify.claims.scheme_data import SchemeData
from verify.claims.symbolic import symbol, symbolic, text_of


@dataclass(frozen=True, kw_only=True)
class StabilityClaim(SchemeData):
    """interval: ends of the open interval of gamma*h in which all roots lie inside the unit disc, [] for none;
    wider_than: the interval strictly contains that of another scheme, for all parameters in `for`."""

    interval: tuple[str, ...] | None = None
    wider_than: SchemeData | None = None
    for_: Mapping[str, tuple[str, ...]] | None = None


def judge_stability(data: StabilityClaim) -> Judgment:
    """stability: the interval of a scheme on quadratic losses, as claimed or against another scheme's."""
    own = data.read(stability)
    if data.wider_than is not None:
        return _wider(own, data.wider_than.read(stability), data.for_ or {})
    if data.interval is None:
        raise UsageError("give 'interval' or 'wider_than'")
    evidence = [f"stable for gamma*h in {_interval(own.interval)}"]
    if own.interval is None:
        evidence.append(f"roots on the closed disc, simple on its rim, for gamma*h in {_interval(own.weak_interval)}")
    if len(data.interval) not in (0, 2):
        raise UsageError("interval: write two ends, [\"0\", \"2\"], or [] for none")
    same = not data.interval if own.interval is None else _same_ends(data.interval, own.interval)
    return proved(*evidence) if same else refuted("; ".join(evidence), f"claimed {_interval(data.interval or None)}")


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


KIND = Kind("stability", StabilityClaim, judge_stability)
