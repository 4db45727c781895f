"""Linear problems over terms: sum_j x_j m_j = m for given sums m_j, m, with rational functions x_j."""

from __future__ import annotations

from collections.abc import Sequence

from derive.algebra.coefficients import Ratio
from derive.algebra.sums import Algebra, Sum
from derive.algebra.terms import Term


def solve_ansatz(algebra: Algebra, images: Sequence[Sum], target: Sum) -> list[Ratio] | None:
    """x with sum_j x_j images[j] = target as functions, free unknowns zero; None if there is no solution.

    Gaussian elimination over the rational functions of the parameters; the equation of the term with the fewest
    unknowns first, which keeps the triangular systems of trees triangular.
    """
    zero = algebra.ring.zero
    columns = [algebra.partial_fractions(m) for m in images]
    right = algebra.partial_fractions(target)
    rows: dict[Term, dict[int, Ratio]] = {t: {} for t in right}
    for j, column in enumerate(columns):
        for t, c in column.items():
            rows.setdefault(t, {})[j] = c.reduced()
    equations = [(row, right.get(t, zero).reduced()) for t, row in rows.items()]
    solved: dict[int, tuple[dict[int, Ratio], Ratio]] = {}
    while equations:
        equations.sort(key=lambda item: len(item[0]))
        row, value = equations.pop(0)
        if not row:
            if value:
                return None
            continue
        pivot = min(row)
        inverse = row[pivot].inverse()
        row = {j: (c * inverse).reduced() for j, c in row.items()}
        value = (value * inverse).reduced()
        solved[pivot] = row, value
        equations = [_eliminate(item, pivot, row, value) for item in equations]
        for j, item in list(solved.items()):
            if j != pivot:
                solved[j] = _eliminate(item, pivot, row, value)
    return [solved[j][1] if j in solved else zero for j in range(len(images))]


def _eliminate(
    item: tuple[dict[int, Ratio], Ratio], pivot: int, row: dict[int, Ratio], value: Ratio
) -> tuple[dict[int, Ratio], Ratio]:
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
