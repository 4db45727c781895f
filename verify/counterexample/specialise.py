"""Concrete time functions: the equation is proved for every r(t); the concrete one must be its special case.

    r(t) = 1/(1+t):  coefficients are functions of t        r arbitrary:  terms carry r, r', r'', ... as symbols

The second is proved; what remains is to put r's own derivatives in.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from flint import fmpq

from derive import ModifiedEquation, modified_equation
from derive.language import Expression, derivative_symbol, parse_expression
from derive.scheme.schedule import Schedule, is_rational
from verify.counterexample.samples import taylor
from verify.numbers.evaluation import elementary, evaluate
from verify.numbers.kinds import EXACT

TIMES = 5


def with_arbitrary_functions(equation: ModifiedEquation) -> ModifiedEquation:
    """The same scheme with its time functions left symbolic; the equation itself where they are already."""
    configuration = equation.configuration
    if not any(f is not None for f in configuration.functions.values()):
        return equation
    settings = {n: v for n, v in configuration.settings.items() if n.partition("(")[0] not in configuration.functions}
    return modified_equation(
        configuration.scheme, equation.order, regime=configuration.regime or None, settings=settings, force=True
    )


def is_special_case(concrete: ModifiedEquation, general: ModifiedEquation, seed: int = 0) -> bool:
    """Whether every coefficient of the concrete equation is the general one with r's own derivatives put in.

    Compared exactly at five random rational times and parameter values.
    """
    source = random.Random(seed)
    one, other = concrete.to_json()["equations"], general.to_json()["equations"]
    for _ in range(TIMES):
        names = _values(concrete, source)
        for x in one:
            for a, b in zip(one[x], other[x], strict=True):
                if _totals(a["terms"], names) != _totals(b["terms"], names):
                    return False
    return True


def _totals(terms: Sequence[Mapping[str, str]], names: Mapping[str, Any]) -> dict[str, Any]:
    values = {i["term"]: evaluate(parse_expression(i["coefficient"], "coefficient"), names, EXACT, _no_call) for i in terms}
    return {t: v for t, v in values.items() if v != 0}


def _no_call(function: str, args: list[Any]) -> Any:
    return elementary(function, args, EXACT)


def _values(equation: ModifiedEquation, source: random.Random) -> dict[str, Any]:
    """Numbers for the parameters and t, and what r, dr, d2r, ... are at that time."""

    def number() -> Any:
        return EXACT.lift(Fraction(source.randint(1, 40), source.randint(41, 80)))

    configuration, depth = equation.configuration, equation.order + 2
    t = number()
    names: dict[str, Any] = {n: number() for n in configuration.free} | {"t": t}
    for name, setting in configuration.functions.items():
        coefficients = _coefficients(setting, t, depth, number)
        factor = 1
        for k, c in enumerate(coefficients):
            factor *= max(1, k)
            names[derivative_symbol(name, k)] = c * factor
    return names


def _coefficients(setting: Expression | Schedule | None, t: Any, depth: int, number: Callable[[], Any]) -> list[Any]:
    """Taylor coefficients of r at t: its own where it is rational; a straight line for straight pieces; any numbers otherwise."""
    if isinstance(setting, Schedule) and setting.straight:
        return [number(), number(), *[fmpq(0)] * (depth - 2)]
    if setting is None or isinstance(setting, Schedule) or not is_rational(setting):
        return [number() for _ in range(depth)]
    return taylor(setting, t, depth, EXACT)
