"""What the names of a loss for a scheme, and those of a point, stand for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from derive.concrete.games import Texts, parse_game
from derive.concrete.layers import parse_layers
from derive.concrete.problem import Problem, parse_field, parse_loss
from derive.errors import UsageError, nearest
from derive.language import constant, parse_expression, plain_name, substitute, unparse
from derive.result import Equation
from derive.scheme import Configuration


def problem_of(
    equation: Equation, text: Texts, parameters: Collection[str] = (), variables: Texts | None = None
) -> Problem:
    """The loss, or the field, for an equation: what its scheme declares, and `parameters`, are parameters, set ones their values.

    Declared losses are given with the `variables` of every unknown, a loss for a scheme with sums over layers with those of
    every layer.

    Raises UsageError for a parameter that the regime makes a function of gamma, and what `parse_loss` raises.
    """
    c = equation.configuration
    declared = {*c.scheme.parameters, *c.free, *map(plain_name, parameters)}
    if c.scheme.losses and c.scheme.layered:
        raise UsageError("declared losses have no values with sums over layers; write the scheme with grad(theta)")
    if c.scheme.losses:
        problem = parse_game(c.scheme.losses, tuple(c.scheme.unknowns), text, variables, declared)
    elif c.scheme.layered:
        plain = (parse_loss if c.scheme.label == "L" else parse_field)(str(text), declared)
        problem = replace(plain, layers=parse_layers(plain.variables, variables))
    elif variables is not None:
        what = "for schemes with declared losses or layers"
        raise UsageError(f"variables are grouped {what}; here components go by their names, sorted")
    else:
        problem = (parse_loss if c.scheme.label == "L" else parse_field)(str(text), declared)
    return with_values(c, problem)


def with_values(c: Configuration, problem: Problem) -> Problem:
    """The loss, or the field, with the values of those of its parameters that the configuration sets."""
    values = {n: c.bindings[n] for n in problem.parameters if n in c.bindings and n not in c.free}
    for name, value in values.items():
        if constant(value) is None:
            what = f"'{name}' is a parameter of the scheme, {unparse(value)} here; choose another name"
            raise UsageError(f"the {'loss' if problem.is_loss else 'field'}: {what}")
    expressions = tuple(substitute(e, values) for e in problem.expressions)
    return replace(problem, expressions=expressions, parameters=tuple(n for n in problem.parameters if n not in values))


def parse_point(text: str | Mapping[str, object]) -> dict[str, Fraction]:
    """'x=1/2, y=1/3' (or a mapping) -> exact values.

    >>> parse_point("x=1/2, y=-0.25")
    {'x': Fraction(1, 2), 'y': Fraction(-1, 4)}
    """
    items = text.items() if isinstance(text, Mapping) else [p.partition("=")[::2] for p in text.split(",") if p.strip()]
    point: dict[str, Fraction] = {}
    for name, value in items:
        key = plain_name(str(name).strip())
        if isinstance(value, float):
            raise UsageError(f"point: {key}={value!r} is not exact; write it as text, for example '1/3'")
        if not key.replace("'", "").isidentifier() or not str(value).strip():
            typed = f"{key}={value}" if isinstance(text, Mapping) or f"{name}=" in text else name
            raise UsageError(f"point: '{typed}' is not of the form name=value, such as x=1/2")
        if key in point:
            raise UsageError(f"point: {key} is given twice")
        number = constant(parse_expression(str(value), f"point, {key}"))
        if number is None:
            raise UsageError(f"point: {key}={value} is not a rational number, such as 1/2 or 0.25")
        point[key] = number
    return point


def check_names(point: Mapping[str, Fraction], needed: Sequence[str], allowed: Collection[str] = ()) -> None:
    """Raise UsageError unless the point gives exactly the needed names, and perhaps some that are allowed."""
    for name in needed:
        if name not in point:
            raise UsageError(f"point: '{name}' has no value; needed: {', '.join(needed)}")
    for name in point:
        if name not in needed and name not in allowed:
            raise UsageError(f"point: unknown name '{name}'{nearest(name, [*needed, *allowed])} (needed: {', '.join(needed)})")
