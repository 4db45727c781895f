"""Values of the free parameters: simple fractions whose roots, and those of one minus them, are often rational."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from flint import fmpq

from derive.language import constant, parse_expression
from derive.scheme import Configuration
from verify.numbers.power_series import to_fmpq

UNIT = [Fraction(v) for v in ["3/4", "8/9", "5/9", "16/25", "9/25", "1/2", "2/3", "9/10", "4/5", "1/4"]]
POSITIVE = [Fraction(v) for v in ["1/4", "4/9", "1/9", "9/4", "1/16", "2/3", "3/2", "5/2", "1/3", "4"]]
#: how often values are drawn
CHOICES = 60


def parameter_values(configuration: Configuration, seed: int) -> Iterator[dict[str, fmpq]]:
    """Random values for the free parameters inside their ranges, each choice once.

    >>> from derive import configure, load_scheme
    >>> next(parameter_values(configure(load_scheme("momentum")), 0))
    {'beta': 16/25}
    """
    source = random.Random(f"parameters {seed}")
    seen: set[tuple[fmpq, ...]] = set()
    for _ in range(CHOICES):
        values = _different_values(configuration, source)
        if (key := tuple(values.values())) not in seen:
            seen.add(key)
            yield values


def _different_values(configuration: Configuration, source: random.Random) -> dict[str, fmpq]:
    """No two parameters equal while there are values left: equal ones make coefficients such as beta1 - beta2 vanish."""
    values: dict[str, fmpq] = {}
    for name in configuration.free:
        choices = list(map(to_fmpq, _choices(configuration, name)))
        values[name] = source.choice([v for v in choices if v not in values.values()] or choices)
    return values


def _choices(configuration: Configuration, name: str) -> list[Fraction]:
    parameter = configuration.scheme.parameters.get(name)
    text = parameter.range if parameter else ""
    bound = text.replace("=", "").split("<")[-1].strip() if text.count("<") else ""
    upper = constant(parse_expression(bound, "range")) if bound and bound[0].isdigit() else None
    return UNIT if upper == 1 else POSITIVE


def settings_of(values: Mapping[str, Any]) -> str:
    """Parameter values as text.

    >>> settings_of({"beta": fmpq(1, 2)}), settings_of({})
    ('beta = 1/2', 'no free parameters')
    """
    return ", ".join(f"{n} = {v}" for n, v in values.items()) or "no free parameters"
