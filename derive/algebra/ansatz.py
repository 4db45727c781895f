"""Linear problems over terms: sum_j x_j m_j = m for given sums m_j, m, with rational functions x_j."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from derive.algebra.coefficients import Ratio
from derive.algebra.sums import Algebra, Sum
from derive.algebra.terms import Term

Row = tuple[dict[int, Ratio], Ratio]


@dataclass(frozen=True)
class Ansatz:
    """The linear system after elimination: x exists exactly where all `conditions` vanish, wherever no `pivots` do.

    `values` is x with free unknowns zero (None where a condition is not identically zero); `free` counts free unknowns.
    """

    values: list[Ratio] | None
    conditions: tuple[Ratio, ...]
    pivots: tuple[Ratio, ...]
    free: int


def solve_ansatz(algebra: Algebra, images: Sequence[Sum], target: Sum) -> list[Ratio] | None:
    """x with sum_j x_j images[j] = target as functions, free unknowns zero; None if the terms have no solution."""
    return examine_ansatz(algebra, [(images, target)], first_condition=True).values


def examine_ansatz(
    algebra: Algebra, blocks: Sequence[tuple[Sequence[Sum], Sum]], first_condition: bool = False
) -> Ansatz:
    """sum_j x_j images[j] = target in every block (images, target), with the same unknowns.

    Gaussian elimination over the rational functions of the parameters; the equation of the term with the fewest
    unknowns first, which keeps the triangular systems of trees triangular.  `first_condition` stops at the first condition.
    """
    zero = algebra.ring.zero
    equations = [row for images, target in blocks for row in _rows(algebra, images, target)]
    solved: dict[int, Row] = {}
    conditions: list[Ratio] = []
    pivots: list[Ratio] = []
    while equations and not (first_condition and conditions):
        equations.sort(key=lambda item: len(item[0]))
        row, value = equations.pop(0)
        if not row:
            conditions += [value] if value else []
            continue
        pivot = min(row)
        pivots.append(row[pivot])
        inverse = row[pivot].inverse()
        row = {j: (c * inverse).reduced() for j, c in row.items()}
        value = (value * inverse).reduced()
        solved[pivot] = row, value
        equations = [_eliminate(item, pivot, row, value) for item in equations]
        for j, item in list(solved.items()):
            if j != pivot:
                solved[j] = _eliminate(item, pivot, row, value)
    count = len(blocks[0][0])
    values = None if conditions else [solved[j][1] if j in solved else zero for j in range(count)]
    return Ansatz(values, tuple(conditions), tuple(pivots), count - len(solved))


def _rows(algebra: Algebra, images: Sequence[Sum], target: Sum) -> list[Row]:
    """One equation a term."""
    zero = algebra.ring.zero
    right = algebra.partial_fractions(target)
    rows: dict[Term, dict[int, Ratio]] = {t: {} for t in right}
    for j, image in enumerate(images):
        for t, c in algebra.partial_fractions(image).items():
            rows.setdefault(t, {})[j] = c.reduced()
    return [(row, right.get(t, zero).reduced()) for t, row in rows.items()]


def _eliminate(item: Row, pivot: int, row: dict[int, Ratio], value: Ratio) -> Row:
    other, right = item
    factor = other.get(pivot)
    if factor is None:
        return item
    result = dict(other)
    for j, c in row.items():
        new = (result[j] - factor * c).reduced() if j in result else -(factor * c)
        if new:
            result[j] = new
        else:
            result.pop(j, None)
    return result, (right - factor * value).reduced()
