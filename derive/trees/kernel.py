"""One product and one linear operation a tree, over whole blocks of trees.

    Q(tree) = Q(parent) * Y(last child),      Y(tree) = (operators of the root's colour) Q(tree),

and the coefficient is a linear functional of Q(tree).  Arrays hold the values at n = 0 ... N-1 of every point;
trees with N nodes are never stored.  Cost and memory are proportional to the number of trees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from derive.trees.arithmetic import WRAP, Residues
from derive.trees.enumeration import TreeTable
from derive.trees.operators import ColourOperators

#: bytes of one block of values: small enough for a processor's cache
_BLOCK = 2**19

Progress = Callable[[int], None]


def numerators(
    trees: TreeTable, operators: Sequence[ColourOperators], progress: Progress | None = None
) -> Iterator[tuple[int, slice, Residues]]:
    """Yield (nodes, rows within that order, numerators of shape (rows, colours)), in canonical order, block by block.

    `progress` is told how many rows are done after each block.
    """
    colours, modulus = len(operators), operators[0].modulus
    stages, values = len(operators[0].weights), trees.order
    stored = trees.start[trees.order]
    products = np.empty((stored, stages, values), np.uint64)
    points = np.empty((stored * colours, stages, values), np.uint64)
    length = max(64, _BLOCK // (8 * stages * values))
    buffers = np.empty((2, length, stages, values), np.uint64)
    for nodes in range(1, trees.order + 1):
        block = trees.block(nodes)
        for first in range(block.start, block.stop, length):
            last = min(first + length, block.stop)
            q = buffers[0, : last - first]
            if nodes == 1:
                q[:] = 1
            else:
                factor = buffers[1, : last - first]
                np.take(products, trees.parent[first:last], axis=0, out=q, mode="clip")
                np.take(points, trees.child[first:last], axis=0, out=factor, mode="clip")
                q *= factor
                if modulus != WRAP:
                    q %= np.uint64(modulus)
            result = np.empty((last - first, colours), np.uint64)
            for c, operator in enumerate(operators):
                result[:, c] = operator.coefficients(q, nodes)
                if nodes < trees.order:
                    points[first * colours + c : last * colours + c : colours] = operator.points(q)
            if nodes < trees.order:
                products[first:last] = q
            yield nodes, slice(first - block.start, last - block.start), result
            if progress:
                progress(last)


def kernel_bytes(rows_below: int, colours: int, stages: int, values: int) -> int:
    """Bytes of the arrays that `numerators` keeps for the rows with fewer than N nodes."""
    return 8 * values * stages * rows_below * (1 + colours)
