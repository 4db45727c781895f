"""Values of the free parameters at which the terms of a scheme can be listed, with their lists."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from derive.language import constant, parse_expression
from derive.scheme import Configuration
from verify.exact.support import Supports
from verify.exact.terms import NotEnumerable

#: values with rational roots of themselves and, for many, of one minus themselves
UNIT = [Fraction(p, q) for p, q in ((3, 4), (8, 9), (5, 9), (16, 25), (9, 25), (1, 2), (2, 3), (9, 10), (4, 5), (1, 4))]
POSITIVE = [Fraction(p, q) for p, q in ((1, 4), (4, 9), (1, 9), (9, 4), (1, 16), (2, 3), (3, 2), (5, 2), (1, 3), (4, 1))]
ATTEMPTS = 200


def possible_supports(configuration: Configuration, slow: Sequence[str], depth: int, seed: int) -> Iterator[Supports]:
    """Supports through gamma^depth at different random values for the free parameters, inside their ranges, for which constant
    roots are rational.

    Raises NotEnumerable if none is found.
    """
    source = random.Random(f"parameters {seed}")
    seen: set[tuple[Fraction, ...]] = set()
    reason, yielded = "no admissible parameter values", False
    for _ in range(ATTEMPTS):
        values = _different_values(configuration, source)
        key = tuple(values.values())
        if key in seen:
            continue
        seen.add(key)
        try:
            supports = Supports(configuration, slow, values, depth)
        except NotEnumerable as error:
            reason = str(error)
            if "rational" in reason:
                continue
            raise
        yielded = True
        yield supports
    if not yielded:
        raise NotEnumerable(reason)


def _different_values(configuration: Configuration, source: random.Random) -> dict[str, Fraction]:
    """No two parameters equal: equal ones make coefficients such as beta1 - beta2 vanish."""
    values: dict[str, Fraction] = {}
    for name in configuration.free:
        pool = [v for v in _choices(configuration, name) if v not in values.values()]
        values[name] = source.choice(pool)
    return values


def _choices(configuration: Configuration, name: str) -> list[Fraction]:
    parameter = configuration.scheme.parameters.get(name)
    text = parameter.range if parameter else ""
    bound = text.replace("=", "").split("<")[-1].strip() if text.count("<") else ""
    upper = constant(parse_expression(bound, "range")) if bound and bound[0].isdigit() else None
    return UNIT if upper == 1 else POSITIVE


def settings_of(values: Mapping[str, Any]) -> str:
    """Parameter values as text."""
    return ", ".join(f"{n} = {v}" for n, v in values.items()) or "no free parameters"
