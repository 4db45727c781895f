"""Calls of matrices: A @ B, A.T, trace(A).

As soon as a text uses one of them its parameters are a matrix of m rows and n columns, and so are gradients; a product by
components stands beside the matrix product, which binds as tightly as it.

A tree has the two operators under names that no text can contain, `@` and `@T`.
"""

from __future__ import annotations

PRODUCT, TRANSPOSE, TRACE = "@", "@T", "trace"
#: the calls of matrices, and how many arguments each takes
MATRIX_CALLS = {PRODUCT: 2, TRANSPOSE: 1, TRACE: 1}
