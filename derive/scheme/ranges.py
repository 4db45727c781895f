"""Whether parameters lie in the ranges that their scheme states ('0 <= beta < 1')."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction

from derive.errors import DeriveError
from derive.language import constant, parse_expression
from derive.scheme import Parameter, Scheme
from derive.scheme.schedule import evaluate


def comparisons(parameter: Parameter) -> list[tuple[str, str, str]]:
    """'0 <= beta < 1' -> [('0', '<=', 'beta'), ('beta', '<', '1')]."""
    parts = [p.strip() for p in re.split(r"(<=|>=|<|>)", parameter.range)]
    return [(parts[i], parts[i + 1], parts[i + 2]) for i in range(0, len(parts) - 2, 2)]


def is_bounded(parameter: Parameter | None) -> bool:
    """Whether the stated range ends at a number, as 0 <= beta < 1 does and eps > 0 does not; so does no range at all.

    >>> is_bounded(Parameter("beta", "", "0 <= beta < 1")), is_bounded(Parameter("eps", "", "eps > 0"))
    (True, False)
    """
    if parameter is None or not parameter.range:
        return True
    name = parameter.name
    return any((left if op[0] == "<" else right) == name for left, op, right in comparisons(parameter))


def outside(scheme: Scheme, settings: Mapping[str, str]) -> Iterator[str]:
    """One sentence for every parameter whose set value violates its stated range.

    >>> from derive.scheme import load_scheme
    >>> list(outside(load_scheme("momentum"), {"beta": "0.9"}))
    []
    """
    values = dict(numbers(settings))
    for name, value in values.items():
        parameter = scheme.parameters.get(name)
        if parameter and not all(_holds(c, values) for c in comparisons(parameter)):
            yield (
                f"{name} = {value} is outside the scheme's range {parameter.range}: "
                "the formulas still solve the scheme's equation, but its iterates need not follow them"
            )


def numbers(settings: Mapping[str, str]) -> Iterator[tuple[str, Fraction]]:
    """The settings that are numbers."""
    for key, text in settings.items():
        try:
            value = constant(parse_expression(text, key))
        except DeriveError:
            continue
        if value is not None:
            yield key, value


def _holds(comparison: tuple[str, str, str], values: dict[str, Fraction]) -> bool:
    left, op, right = comparison
    try:
        a, b = (evaluate(parse_expression(side, "range"), values) for side in (left, right))
    except DeriveError:
        return True  # a bound that depends on a parameter without a value
    return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[op]
