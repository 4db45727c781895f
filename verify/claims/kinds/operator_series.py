"""Kind operator-series: Taylor coefficients of a function of z = gamma D."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from derive.errors import UndecidedError, UsageError
from derive.language import LOSS_CALLS, names_of, parse_expression
from derive.readings.formula import power_of
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


def states_series(data: SeriesClaim) -> Stated:
    """What is stated."""
    z = data.variable
    if data.through is None:
        return Stated(f"{data.function} = {data.series} for every small {z}", ())
    return Stated(f"{data.function} = {data.series} + O({power_of(z, data.through + 1)}) as {z} -> 0", ())


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
    a, b = (symbolic_tree(parse_expression(t, "series", LOSS_CALLS)) for t in (data.function, data.series))
    if is_zero(a - b):
        return proved(f"both sides are {data.series}")
    raise UndecidedError(f"no difference through {data.variable}**{order}; say with 'through' how far it claims to hold")


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
        raise UndecidedError(f"{text} is not regular at {variable} = 0")
    return [sp.expand(expansion).coeff(z, k) for k in range(order + 1)]


def _polynomial(coefficients: list[Any], z: str) -> str:
    parts = [f"({c})*{power_of(z, k)}" if k else str(c) for k, c in enumerate(coefficients) if c != 0]
    return " + ".join(parts) or "0"


KIND = Kind("operator-series", SeriesClaim, states_series, judge_series)
