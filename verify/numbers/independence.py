"""Which columns of a matrix of real numbers are independent: A = L U in blocks of columns, with the largest pivot in each column.

    A = (A_1 | A_2),      A_1 = L U_1 by elimination,      A_2 -> A_2 - L U_2,      U_2 = the pivot rows of A_2, eliminated

The last product, where nearly all the work is, is one of flint's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flint import arb_mat

WIDTH = 16
#: a pivot below this part of its column's largest entry is taken for zero
NEGLIGIBLE = 1e-40


@dataclass
class _Row:
    """Row `place` of the matrix: what elimination has left of it in the present block, and its entries of L there."""

    place: int
    rest: list[Any]
    lower: list[Any] = field(default_factory=list)


def independent(matrix: Sequence[Sequence[Any]], count: int) -> tuple[list[int], list[int]]:
    """Columns that are no combination of those before them, and as many rows in which they are independent.

    A column of balls around zero is none.  The working precision must stand well above 40 digits.

    >>> from flint import arb
    >>> independent([[arb(1), arb(2), arb(1)], [arb(2), arb(4), arb(1)]], 3)
    ([0, 2], [1, 0])
    """
    scales = [max(0.0 if 0 in row[j] else abs(float(row[j])) for row in matrix) for j in range(count)]
    left, places = arb_mat([list(row) for row in matrix]).mid(), list(range(len(matrix)))
    free: list[int] = []
    for first in range(0, count, WIDTH):
        done, width = len(free), min(WIDTH, count - first)
        rows = [_Row(i, [left[i, j] for j in range(first, first + width)]) for i in places]
        for j in range(width):
            if _eliminated(rows, len(free), j, width, scales[first + j]):
                free.append(first + j)
        places = [row.place for row in rows]
        if len(free) > done and first + width < count:
            left = (left - _moved(left, rows, done, len(free), first + width)).mid()
    return free, places[: len(free)]


def _eliminated(rows: list[_Row], place: int, j: int, width: int, scale: float) -> bool:
    """Column j of the block below `place` by its largest entry, within the block; False where nothing is left of the column."""
    pivot = max(range(place, len(rows)), key=lambda i: abs(float(rows[i].rest[j])), default=None)
    if not scale or pivot is None or abs(float(rows[pivot].rest[j])) <= NEGLIGIBLE * scale:
        return False
    rows[place], rows[pivot] = rows[pivot], rows[place]
    leading = rows[place].rest[j:width]
    for row in rows[place + 1 :]:
        factor = (row.rest[j] / leading[0]).mid()
        row.rest[j:width] = [(x - factor * y).mid() for x, y in zip(row.rest[j:width], leading, strict=True)]
        row.lower.append(factor)
    return True


def _moved(left: arb_mat, rows: list[_Row], done: int, place: int, after: int) -> arb_mat:
    """L U_2 in the columns from `after` on, zero elsewhere, for the rows below the block; the rows above are done with."""
    upper: list[list[Any]] = []
    for row in rows[done:place]:
        rest = [left[row.place, j] for j in range(after, left.ncols())]
        for factor, other in zip(row.lower, upper, strict=True):
            rest = [(x - factor * y).mid() for x, y in zip(rest, other, strict=True)]
        upper.append(rest)
    lower: list[list[Any]] = [[0] * (place - done) for _ in rows]
    for row in rows[place:]:
        lower[row.place] = row.lower
    return arb_mat(lower) * arb_mat([[0] * after + rest for rest in upper])
