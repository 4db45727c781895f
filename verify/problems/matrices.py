"""Matrices in runs: the list of components, row by row, of the most nearly square shape with no more rows than columns.

    4 components are 2 x 2, 6 are 2 x 3, 2 are 1 x 2

Calls that say the shapes of their arguments (`derive.scheme.shapes.shaped`) need no more than these lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import Any

from derive.language.matrices import TRACE, operator_of
from derive.scheme import Configuration, Scheme
from derive.scheme.shapes import THETA, shape_in, shapes_in_results
from verify.numbers.evaluation import sides_of
from verify.numbers.power_series import sum_of

#: components of the problems that are run: two rows and two columns, in which products do not commute
COMPONENTS = 4


def size_of(scheme: Scheme, name: str, dimension: int) -> int:
    """How many components a variable of the text has where theta has so many."""
    if not scheme.of_matrices:
        return dimension
    sides = dict(zip(THETA, sides_of(dimension), strict=True))
    rows, columns = scheme.shapes.get(name, THETA)
    return sides[rows] * sides[columns]


def square_states(configuration: Configuration) -> frozenset[str]:
    """Variables of the result that are square matrices by their shape, as averages of g @ g.T are."""
    return frozenset(name for name, (rows, columns) in shapes_in_results(configuration).items() if rows == columns)


def positive_definite(numbers: Sequence[Any]) -> list[Any]:
    """A symmetric matrix made of positive numbers below ten, positive definite: its diagonal is larger than the rest of a row.

    >>> from fractions import Fraction
    >>> [str(x) for x in positive_definite([Fraction(1), Fraction(2), Fraction(3), Fraction(4)])]
    ['21/10', '1/4', '1/4', '12/5']
    """
    n = isqrt(len(numbers))
    return [(numbers[i * n + j] + numbers[j * n + i]) / 20 + (n if i == j else 0) for i in range(n) for j in range(n)]


def is_of_matrices(function: str) -> bool:
    return function == TRACE or operator_of(function) is not None


def of_matrices(function: str, args: Sequence[list[Any]]) -> Any:
    """A @ B, A.T or trace(A).

    >>> of_matrices("@mmn", [[1, 2, 3, 4], [0, 1, 1, 0]]), of_matrices("@Tmn", [[1, 2, 3, 4, 5, 6]])
    ([2, 1, 4, 3], [1, 4, 2, 5, 3, 6])
    """
    if function == TRACE:
        return sum_of(args[0][:: isqrt(len(args[0])) + 1])
    shapes = shape_in(function)
    tables = [_rows(a, shape) for a, shape in zip(args, shapes, strict=True)]
    columns = list(zip(*tables[-1], strict=True))
    if len(tables) == 1:
        return [x for column in columns for x in column]
    return [sum_of([x * y for x, y in zip(row, column, strict=True)]) for row in tables[0] for column in columns]


def _rows(a: list[Any], shape: Sequence[str]) -> list[list[Any]]:
    if shape[0] == shape[1]:
        n = isqrt(len(a))
    else:
        rows, columns = sides_of(len(a))
        n = columns if tuple(shape) == THETA else rows
    return [a[i : i + n] for i in range(0, len(a), n)]
