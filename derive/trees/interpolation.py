"""Polynomials in several symbols from their values on a grid, modulo a prime."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

import numpy as np
from flint import nmod_mat

from derive.trees.arithmetic import Residues, matmul_mod


class Grid:
    """Points at which a polynomial of degree at most degrees[s] in symbol s is determined.

    The coordinates are powers of a fixed number, one stretch for each symbol: far from the small numbers at which
    denominators such as 1 - beta vanish.

    >>> grid = Grid([1, 2])
    >>> values = np.array([[x + 5 * y * y for x, y in grid.points(101)]], np.uint64) % 101
    >>> grid.interpolate(values, 101)[0].tolist()
    [[0, 0, 5], [1, 0, 0]]
    """

    def __init__(self, degrees: Sequence[int]) -> None:
        self.degrees = tuple(degrees)
        self.size = prod(d + 1 for d in degrees)

    def axes(self, p: int) -> list[list[int]]:
        axes, start = [], 1
        for degree in self.degrees:
            axes.append([pow(7919, start + i, p) for i in range(degree + 1)])
            start += degree + 1
        return axes

    def points(self, p: int) -> Iterator[tuple[int, ...]]:
        return product(*self.axes(p))

    def interpolate(self, values: Residues, p: int) -> Residues:
        """Coefficients from values: shape (..., size) -> (..., d_1 + 1, d_2 + 1, ...), exponents as indices."""
        lead = values.shape[:-1]
        table = values.reshape(-1, *(d + 1 for d in self.degrees))
        for axis, nodes in enumerate(self.axes(p), 1):
            size = len(nodes)
            if len(set(nodes)) < size:
                raise ZeroDivisionError("two points coincide modulo the prime")
            inverse = nmod_mat(size, size, [pow(x, k, p) for x in nodes for k in range(size)], p).inv()
            columns = np.array([[int(inverse[k, i]) for k in range(size)] for i in range(size)], np.uint64)
            moved = np.moveaxis(table, axis, -1)
            flat = matmul_mod(np.ascontiguousarray(moved).reshape(-1, size), columns, p)
            table = np.moveaxis(flat.reshape(moved.shape), -1, axis)
        return table.reshape(*lead, *(d + 1 for d in self.degrees))
