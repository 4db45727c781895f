"""Kind operator-series: Taylor coefficients of a function of z = gamma D."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derive.errors import UndecidedError, UsageError
from derive.language import LOSS_CALLS, names_of, parse_expression
from derive.readings.formula import power_of
from verify.claims.expansion import expansion_at_zero
from verify.claims.judgment import Judgment, Kind, Stated, leading, proved, refuted
from verify.claims.symbolic import equal, is_zero, symbolic_tree


@dataclass(frozen=True)
class SeriesClaim:
    """function = series + O(z**(through+1)); without `through` the series claims to be exact."""

    function: str
    series: str
    through: int | None = None
    variable: str = "z"

    def __post_init__(self) -> None:
        if self.variable not in names_of(parse_expression(self.function, "function", LOSS_CALLS)):
            raise UsageError(f"function: {self.variable} does not occur; name the variable of the series with 'variable'")

    @property
    def hypotheses(self) -> tuple[str, ...]:
        """The other names are numbers."""
        names = {n: None for t in (self.function, self.series) for n in names_of(parse_expression(t, "claim", LOSS_CALLS))}
        others = [n for n in names if n != self.variable]
        return (f"positive {', '.join(others)} where both sides are regular at {self.variable} = 0",) if others else ()


def states_series(data: SeriesClaim) -> Stated:
    """What is stated."""
    z = data.variable
    if data.through is None:
        return Stated(f"{data.function} = {data.series} for every small {z}", data.hypotheses)
    return Stated(f"{data.function} = {data.series} + O({power_of(z, data.through + 1)}) as {z} -> 0", data.hypotheses)


def judge_series(data: SeriesClaim) -> Judgment:
    """operator-series: Taylor coefficients at z = 0, compared one by one as rational numbers."""
    z = data.variable
    order = data.through if data.through is not None else 6
    true = taylor(data.function, z, order + 4)
    claimed = taylor(data.series, z, order + 4)
    for k, (a, b) in enumerate(zip(claimed[: order + 1], true[: order + 1], strict=True)):
        if not equal(a, b):
            correct = f"{data.function} = {_polynomial(true[: order + 1], z)} + O({power_of(z, order + 1)})"
            difference = f"coefficient of {z}**{k}: claimed {a}, true {b}"
            if data.through is None and k > max((j for j, c in enumerate(claimed) if c != 0), default=0):
                return leading(correct, difference, f"next term: ({b})*{power_of(z, k)}")
            return refuted(correct, f"counterexample: {difference}")
    following = next((k for k in range(order + 1, len(true)) if true[k] != 0), None)
    if data.through is None:
        return _exactly(data, order)
    evidence = [f"Taylor coefficients of {data.function}: {', '.join(map(str, true[: order + 1]))}"]
    if following is not None:
        evidence.append(f"next term: ({true[following]})*{power_of(z, following)}")
        if following > order + 1:
            evidence.append(f"the coefficient of {z}**{order + 1} is zero")
    return proved(*evidence)


def _exactly(data: SeriesClaim, order: int) -> Judgment:
    """Both sides as functions, where the Taylor coefficients agree."""
    import sympy as sp

    z = {data.variable: sp.Symbol(data.variable, real=True)}
    a, b = (symbolic_tree(parse_expression(t, "series", LOSS_CALLS), z) for t in (data.function, data.series))
    if is_zero(a - b):
        return proved(f"both sides are {data.series}")
    raise UndecidedError(f"no difference through {data.variable}**{order}; say with 'through' how far it claims to hold")


def taylor(text: str, variable: str, order: int) -> list[Any]:
    """Exact Taylor coefficients at zero through an order, of a function that is regular there.

    >>> [str(c) for c in taylor("z/(exp(z) - 1)", "z", 4)]
    ['1', '-1/2', '1/12', '0', '-1/720']
    """
    import sympy as sp

    z = sp.Symbol(variable, real=True)
    function = symbolic_tree(parse_expression(text, "series", LOSS_CALLS), {variable: z})
    found = expansion_at_zero(function, z, order + 1, both_sides=True)
    if any(k < 0 or k.denominator > 1 for k in found):
        raise UndecidedError(f"{text} is not regular at {variable} = 0")
    return [found.get(Fraction(k), sp.Integer(0)) for k in range(order + 1)]


def _polynomial(coefficients: list[Any], z: str) -> str:
    parts = [f"({c})*{power_of(z, k)}" if k else str(c) for k, c in enumerate(coefficients) if c != 0]
    return " + ".join(parts) or "0"


KIND = Kind("operator-series", SeriesClaim, states_series, judge_series)
