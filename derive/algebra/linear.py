"""Small dense linear algebra over rational functions: the matrices by which memory variables couple."""

from __future__ import annotations

from derive.algebra.coefficients import Ratio, Ring

Matrix = list[list[Ratio]]


def _eliminate(matrix: Matrix) -> tuple[Matrix, list[int]]:
    """Reduced row echelon form and its pivot columns."""
    rows = [[a.reduced() for a in row] for row in matrix]
    pivots: list[int] = []
    for column in range(len(rows[0]) if rows else 0):
        top = len(pivots)
        found = next((i for i in range(top, len(rows)) if rows[i][column]), None)
        if found is None:
            continue
        rows[top], rows[found] = rows[found], rows[top]
        inverse = rows[top][column].inverse()
        rows[top] = [(a * inverse).reduced() for a in rows[top]]
        for i, row in enumerate(rows):
            if i != top and row[column]:
                rows[i] = [(a - row[column] * b).reduced() for a, b in zip(row, rows[top], strict=True)]
        pivots.append(column)
        if len(pivots) == len(rows):
            break
    return rows, pivots


def null_vector(matrix: Matrix, ring: Ring) -> list[Ratio] | None:
    """A vector x != 0 with matrix x = 0, or None.

    >>> ring = Ring(); one = ring.one
    >>> [str(x) for x in null_vector([[one, -one], [-one, one]], ring)]
    ['1', '1']
    """
    rows, pivots = _eliminate(matrix)
    free = next((j for j in range(len(matrix)) if j not in pivots), None)
    if free is None:
        return None
    vector = [ring.zero] * len(matrix)
    vector[free] = ring.one
    for row, column in zip(rows, pivots, strict=False):
        vector[column] = -row[free]
    return vector


def solve_linear(matrix: Matrix, right: list[Ratio]) -> list[Ratio]:
    """x with matrix x = right; the matrix must be invertible (entries of `right` may contain n)."""
    size = len(matrix)
    one, zero = right[0].ring.one, right[0].ring.zero
    extended = [[*row, *(one if i == j else zero for j in range(size))] for i, row in enumerate(matrix)]
    rows, pivots = _eliminate(extended)
    if pivots[:size] != list(range(size)):
        raise ZeroDivisionError("the matrix is singular")
    return [sum((rows[i][size + j] * right[j] for j in range(size)), zero).reduced() for i in range(size)]


def characteristic_polynomial(matrix: Matrix, ring: Ring) -> list[Ratio]:
    """Coefficients c_0, ..., c_d = 1 of det(z E - A) (Faddeev-LeVerrier: M_k = A M_{k-1} + c_{d-k+1} E)."""
    size = len(matrix)
    coefficients = [ring.zero] * size + [ring.one]
    product: Matrix = [[ring.zero] * size for _ in range(size)]
    for k in range(1, size + 1):
        shifted = [
            [a + (coefficients[size - k + 1] if i == j else ring.zero) for j, a in enumerate(r)] for i, r in enumerate(product)
        ]
        product = [
            [sum((matrix[i][m] * shifted[m][j] for m in range(size)), ring.zero).reduced() for j in range(size)]
            for i in range(size)
        ]
        trace = sum((product[i][i] for i in range(size)), ring.zero)
        coefficients[size - k] = (-trace / ring.constant(k)).reduced()
    return coefficients
