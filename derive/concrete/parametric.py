"""Values at a point of a loss with parameters that have no value there: expressions in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from derive.algebra.coefficients import Ring
from derive.concrete.games import Texts
from derive.concrete.names import check_names, parse_point, problem_of
from derive.concrete.problem import Problem
from derive.concrete.values import Values, component_names, evaluate_at
from derive.errors import SingularPointError, UsageError
from derive.language import LOSS_CALLS, Call, names_of, parse_expression, walk
from derive.reals.reading import ratio_of
from derive.result import Combination, Equation


def evaluate(
    equation: Equation,
    loss: Texts,
    at: str | Mapping[str, object],
    digits: int = 50,
    parameters: Collection[str] = (),
    variables: Texts | None = None,
) -> Values:
    """Every coefficient at the point: numbers, or expressions in parameters of the loss to which it gives no value.

    >>> from derive import modified_equation
    >>> evaluate(modified_equation("gd", 1), "h*x**2/2", "x=3", parameters=["h"]).values["theta"]
    [['-3*h'], ['-3*h**2/2']]
    """
    problem, point = problem_of(equation, loss, parameters, variables), parse_point(at)
    if set(problem.parameters) <= set(point):
        return evaluate_at(equation, problem, point, digits)
    if equation.configuration.functions:
        missing = ", ".join(n for n in problem.parameters if n not in point)
        raise UsageError(f"point: a scheme with time functions is evaluated at numbers; add values of {missing}")
    needed = [*problem.variables, *component_names(equation, problem)]
    check_names(point, list(dict.fromkeys(needed)), (*problem.parameters, "t"))
    found = _at(equation, problem, point)
    texts = {n: [[_text(e) for e in block] for block in powers] for n, powers in found.items()}
    return Values(problem.variables, point, texts, found)


def evaluated(
    equation: Equation, sums: Sequence[Combination], loss: str, at: str | Mapping[str, object], digits: int = 50,
    states: Sequence[str] = (), scalar: bool = False,
) -> list[list[str]]:  # fmt: skip
    """Values of combinations at a point, one string a component (one in all for scalars); see ModifiedEquation.evaluate.

    `states` names the vector variables other than theta that the sums contain; the point gives them as eta_x, eta_y, ...
    A loss term L is evaluated with everything else.
    """
    equations = {"theta": tuple(sums)} | dict.fromkeys(states, ())
    values = evaluate(replace(equation, equations=equations), loss, at, digits).values["theta"]
    return [v[:1] for v in values] if scalar else values


def _at(equation: Equation, problem: Problem, point: Mapping[str, Fraction]) -> dict[str, tuple[tuple[Any, ...], ...]]:
    import sympy as sp  # only here: parameters without a value are rare

    from derive.concrete.explicit import field_on

    values = {sp.Symbol(n): sp.Rational(x.numerator, x.denominator) for n, x in point.items()}
    field = field_on(equation, problem)
    return {n: tuple(tuple(e.subs(values) for e in block) for block in powers) for n, powers in field.items()}


def _text(expression: Any) -> str:
    """As coefficients are written where it is rational in its names."""
    from derive.concrete.explicit import expression_text

    text = expression_text(expression)
    if any(word in text for word in ("zoo", "nan", "oo")):
        raise SingularPointError("the field is singular at this point")
    tree = parse_expression(text, "value", {**LOSS_CALLS, "abs": 1, "sign": 1})
    if any(isinstance(node, Call) for node in walk(tree)):
        return text
    try:
        return str(ratio_of(tree, Ring(sorted(names_of(tree)))).reduced())
    except (UsageError, ZeroDivisionError):
        return text
