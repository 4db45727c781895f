"""The lines of a declared map carried out on any numbers, and their derivatives (`verify.problems.infinitesimals`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import isqrt
from typing import Any

from flint import fmpq

from derive.language.layers import extreme_call, summed_call
from derive.language.matrices import EIGENVECTORS, UNIT
from derive.scheme.map_programs import MapProgram
from derive.scheme.shapes import THETA, Shape
from verify.numbers.evaluation import elementary, evaluate, extreme, summed
from verify.numbers.kinds import Numbers
from verify.numbers.power_series import IrrationalRoot, Series
from verify.problems.eigenvectors import eigenvectors
from verify.problems.infinitesimals import Infinitesimal, InfinitesimalNumbers
from verify.problems.matrices import is_of_matrices, of_matrices

#: a rational number of more bits is not kept exact: a Newton-Schulz step makes it five times longer
MOST_BITS = 2_000


def shape_of(components: int) -> Shape:
    """Of a matrix of so many components: square where it can be.

    >>> shape_of(9), shape_of(6)
    (('m', 'm'), ('m', 'n'))
    """
    return ("m", "m") if isqrt(components) ** 2 == components else THETA


def derivative_along(
    program: MapProgram, point: Sequence[Any], directions: Sequence[Sequence[Any]], names: Mapping[str, Any], numbers: Numbers
) -> list[Any]:
    """d^kP(u)[v_1, ..., v_k], `names` the values of parameters.

    Raises IrrationalRoot where rational numbers become too long.
    """
    if not directions:
        return carried_out(program, list(point), names, numbers)
    rows = [{0: x, **{1 << k: v[i] for k, v in enumerate(directions)}} for i, x in enumerate(point)]
    kind, last = InfinitesimalNumbers(numbers), (1 << len(directions)) - 1
    given = {n: kind.finite(names[n]) for n in program.names & names.keys()}
    image = carried_out(program, [Infinitesimal(r, numbers) for r in rows], given, kind)
    return [x.parts.get(last, point[0] * 0) for x in image]


def carried_out(program: MapProgram, point: list[Any], names: Mapping[str, Any], numbers: Numbers) -> list[Any]:
    """P(u).

    >>> from derive.scheme.map_programs import parse_map_program
    >>> from verify.numbers.kinds import FRACTIONS
    >>> p = parse_map_program("P(X)", "P = X @ X.T @ X + eye(X)", "example")
    >>> [str(x) for x in carried_out(p, [Fraction(x) for x in (1, 2, 0, 1)], {}, FRACTIONS)]
    ['6', '12', '2', '6']
    """

    def call(function: str, args: list[Any]) -> Any:
        if function == UNIT:
            return _unit(args[0], numbers)
        if function == EIGENVECTORS:
            return eigenvectors(args[0], numbers)
        if is_of_matrices(function):
            return of_matrices(function, args)
        if summed_call(function):
            return summed(function, args, len(point), (), numbers)
        if extreme_call(function):
            return extreme(function, args[0], numbers)
        return elementary(function, args, numbers)

    known = {**names, program.argument: point}
    for target, expression in program.lines(shape_of(len(point))):
        known[target] = value = evaluate(expression, known, numbers, call)
        if any(map(_too_long, value if isinstance(value, list) else [value])):
            raise IrrationalRoot(f"{program.label} has rational values of more than {MOST_BITS} bits")
    value = known[program.label]
    return value if isinstance(value, list) else [value] * len(point)


def _unit(a: Sequence[Any], numbers: Numbers) -> list[Any]:
    n = isqrt(len(a))
    return [numbers.lift(Fraction(int(i == j))) for i in range(n) for j in range(n)]


def _too_long(x: Any) -> bool:
    match x:
        case fmpq():
            return bool(x.height_bits() > MOST_BITS)
        case Infinitesimal():
            return any(map(_too_long, x.parts.values()))
        case Series():
            return x.rational and bool(max(x.data.denom().bit_length(), x.data.numer().height_bits()) > MOST_BITS)
    return False
