"""Calls of matrices: A @ B, A.T, trace(A).

As soon as a text uses one of them its parameters are a matrix of m rows and n columns, and so are gradients; a product by
components stands beside the matrix product, which binds as tightly as it.

A tree has the two operators under names that no text can contain, `@` and `@T`; where the shapes of their arguments are told they
stand behind: `@mnm` of an m x n matrix and an n x m one, `@Tmn` (`derive.scheme.shapes.shaped`).
"""

from __future__ import annotations

PRODUCT, TRANSPOSE, TRACE = "@", "@T", "trace"
#: in the lines of a declared map: eye(A), the unit matrix of the size of A, and eigenvectors(A), those of (A + A.T)/2 as columns
UNIT, EIGENVECTORS = "eye", "eigenvectors"
#: the calls of square matrices that stand in the lines of maps alone
LINE_CALLS = {UNIT: 1, EIGENVECTORS: 1}
#: the calls of matrices, and how many arguments each takes
MATRIX_CALLS = {PRODUCT: 2, TRANSPOSE: 1, TRACE: 1}


def operator_of(function: str) -> str | None:
    """The operator that a call's name says, with shapes or without.

    >>> operator_of("@mnm"), operator_of("@Tmn"), operator_of("dot")
    ('@', '@T', None)
    """
    return next((op for op in (TRANSPOSE, PRODUCT) if function.startswith(op)), None)
