"""The signs of polynomials in the parameters, wherever these are in the ranges that the scheme states."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from derive.algebra.coefficients import Ratio, Ring
from derive.language import names_of, parse_expression
from derive.reals import All, Compare, Formula, Proved, compare, decide, ratio_of
from derive.scheme import Configuration
from derive.scheme.ranges import comparisons


def signs_in_ranges(configuration: Configuration, ring: Ring) -> Callable[[Ratio], int]:
    """p -> 1 where p >= 0, -1 where p <= 0 on all ranges, 0 where neither is proved.

    >>> from derive.scheme import configure, inline_scheme, load_scheme
    >>> ring = Ring(["beta"]); beta = ring.symbol("beta")
    >>> sign = signs_in_ranges(configure(load_scheme("momentum")), ring)  # 0 <= beta < 1
    >>> sign(beta - ring.one), sign(beta), sign(beta - ring.constant(2) * beta * beta)
    (-1, 1, 0)
    """
    ranges = All(tuple(_ranges(configuration, ring)))
    known: dict[str, int] = {}

    def proved(value: Ratio, op: str) -> bool:
        return isinstance(decide(compare(value, op, ring.zero), ranges), Proved)

    def sign(value: Ratio) -> int:
        if value.key not in known:
            known[value.key] = 1 if proved(value, ">=") else -1 if proved(value, "<=") else 0
        return known[value.key]

    return sign


def _ranges(configuration: Configuration, ring: Ring) -> Iterator[Formula | Compare]:
    """The comparisons of free parameters with numbers and other free parameters."""
    for name in configuration.free:
        if (parameter := configuration.scheme.parameters.get(name)) is None:
            continue
        for left, op, right in comparisons(parameter):
            a, b = (parse_expression(side, "range") for side in (left, right))
            if {*names_of(a), *names_of(b)} <= {*configuration.free}:
                yield compare(ratio_of(a, ring), op, ratio_of(b, ring))
