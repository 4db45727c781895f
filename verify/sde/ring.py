"""Polynomials of bounded total degree over a prime field, many at a time.

    ring = F_p[u, x_1, ..., x_n] / (total degree > M),    u the unit in which powers of gamma are counted

A polynomial is an array of its coefficients along the last axis; earlier axes are anything, such as the samples that a step
may draw.  Primes have 31 bits, so that a product of two numbers fits into 64.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache
from math import comb

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.int64]
Index = tuple[int, ...]
UNIT, CLOCK = 0, 1  # the places of u, and of the time if there is one, among the variables
#: of coefficients and of pairs that are multiplied, beyond which a ring is too large to be run
MAX_MONOMIALS, MAX_PAIRS = 20_000, 2_000_000
_HALF = 16


class Monomials:
    """Exponents through a total degree, small degrees first, and which two multiply to which third.

    >>> Monomials(2, 2).exponents.tolist()
    [[0, 0], [1, 0], [0, 1], [2, 0], [1, 1], [0, 2]]
    """

    def __init__(self, variables: int, degree: int) -> None:
        self.variables, self.degree = variables, degree
        found = [e for total in range(degree + 1) for e in _exponents(variables, total)]
        self.index: dict[Index, int] = {e: k for k, e in enumerate(found)}
        self.exponents = np.array(found, dtype=np.int64).reshape(len(found), variables)
        self.total = self.exponents.sum(axis=1)

    def __len__(self) -> int:
        return len(self.index)

    @cached_property
    def _keys(self) -> Array:
        result: Array = self.exponents @ np.array([(self.degree + 1) ** k for k in range(self.variables)], dtype=np.int64)
        return result

    def at(self, keys: Array) -> Array:
        """The places of monomials by their keys, which add up when monomials are multiplied."""
        order = np.argsort(self._keys)
        return order[np.searchsorted(self._keys, keys, sorter=order)]

    @cached_property
    def pairs(self) -> tuple[Array, Array, Array]:
        """(left, right, where each product's pairs begin), sorted by the product."""
        counts = np.searchsorted(self.total, self.degree - self.total, side="right")
        left = np.repeat(np.arange(len(self)), counts)
        right = np.concatenate([np.arange(c) for c in counts])
        product = self.at(self._keys[left] + self._keys[right])
        order = np.argsort(product, kind="stable")
        return left[order], right[order], np.searchsorted(product[order], np.arange(len(self)))

    @lru_cache(maxsize=None)  # noqa: B019  # a few rings live as long as the process
    def raised(self, variable: int, by: int) -> tuple[Array, Array]:
        """(places, the places of the same monomials times the variable to a power), as far as they are in the ring."""
        places = np.flatnonzero(self.total + by <= self.degree)
        return places, self.at_raised(places, variable, by)

    def at_raised(self, places: Array, variable: int, by: int) -> Array:
        """The places of these monomials times the variable to a power."""
        return self.at(self._keys[places] + by * (self.degree + 1) ** variable)


def _exponents(variables: int, total: int) -> Iterator[Index]:
    if variables == 0:
        if total == 0:
            yield ()
        return
    for first in range(total, -1, -1):
        for rest in _exponents(variables - 1, total - first):
            yield (first, *rest)


def size(variables: int, degree: int) -> tuple[int, int]:
    """(number of monomials, number of pairs with a product in the ring).

    >>> size(2, 2), len(Monomials(2, 2).pairs[0])
    ((6, 15), 15)
    """
    return comb(variables + degree, degree), comb(2 * variables + degree, degree)


monomials = lru_cache(maxsize=16)(Monomials)


class Ring:
    """The ring of these variables through this degree."""

    def __init__(self, p: int, variables: int, degree: int) -> None:
        self.p, self.variables, self.degree = p, variables, degree
        self.monomials: Monomials = monomials(variables, degree)

    def __len__(self) -> int:
        return len(self.monomials)

    def constant(self, value: int) -> Array:
        result = np.zeros(len(self), dtype=np.int64)
        result[0] = value % self.p
        return result

    def variable(self, place: int) -> Array:
        result = np.zeros(len(self), dtype=np.int64)
        result[self.monomials.index[tuple(int(k == place) for k in range(self.variables))]] = 1
        return result

    def multiply(self, a: Array, b: Array) -> Array:
        """
        >>> r = Ring(101, 2, 2)
        >>> x = r.variable(1)
        >>> r.multiply(x + r.constant(1), x + r.constant(2)).tolist()   # 2 + 3 x + x^2
        [2, 0, 3, 0, 0, 1]
        """
        left, right, begins = self.monomials.pairs
        result: Array = np.add.reduceat(a[..., left] * b[..., right] % self.p, begins, axis=-1) % self.p
        return result

    def raised(self, a: Array, by: int, variable: int = UNIT) -> Array:
        """a times the variable to a power."""
        if by == 0:
            return a
        result = np.zeros_like(a)
        if by <= self.degree:
            places, higher = self.monomials.raised(variable, by)
            result[..., higher] = a[..., places]
        return result

    def valuation(self, a: Array) -> int:
        """The largest power of u that divides a; `degree` + 1 for zero."""
        there = np.flatnonzero(a.reshape(-1, len(self)).any(axis=0))
        return int(self.monomials.exponents[there, UNIT].min(initial=self.degree + 1))

    def lowest(self, a: Array) -> int:
        """The smallest total degree of its monomials; `degree` + 1 for zero."""
        there = np.flatnonzero(a.reshape(-1, len(self)).any(axis=0))
        return int(self.monomials.total[there].min(initial=self.degree + 1))

    def highest(self, a: Array) -> int:
        """The largest total degree of its monomials; 0 for zero."""
        there = np.flatnonzero(a.reshape(-1, len(self)).any(axis=0))
        return int(self.monomials.total[there].max(initial=0))

    def lowered(self, a: Array, by: int) -> Array:
        """a over a power of u that divides it, known through that much less of the degree."""
        result = np.zeros_like(a)
        places, higher = self.monomials.raised(UNIT, by)
        result[..., places] = a[..., higher]
        return result

    def derivative(self, a: Array, variable: int) -> Array:
        """
        >>> r = Ring(101, 2, 2)
        >>> r.derivative(r.multiply(r.variable(1), r.variable(1)), 1).tolist()
        [0, 0, 2, 0, 0, 0]
        """
        places, higher = self.monomials.raised(variable, 1)
        result = np.zeros_like(a)
        result[..., places] = a[..., higher] * self.monomials.exponents[higher, variable] % self.p
        return result

    def product(self, a: Array, b: Array) -> Array:
        """The product of matrices of numbers of the field."""
        return matrix_product(a, b, self.p)


def matrix_product(a: Array, b: Array, p: int) -> Array:
    """
    >>> a = np.array([[2**31 - 2]], dtype=np.int64)
    >>> matrix_product(a, a, 2**31 - 1).tolist()
    [[1]]
    """
    high, low = a >> _HALF, a & ((1 << _HALF) - 1)
    result: Array = ((high @ b % p << _HALF) + low @ b) % p
    return result


def inverse_matrix(matrix: Array, p: int) -> Array:
    """The inverse over the field, by elimination.  Raises ZeroDivisionError if there is none.

    >>> m = np.array([[2, 1], [1, 1]], dtype=np.int64)
    >>> inverse_matrix(m, 7).tolist()
    [[1, 6], [6, 2]]
    """
    n = len(matrix)
    rows = np.concatenate([matrix % p, np.eye(n, dtype=np.int64)], axis=1)
    for j in range(n):
        pivots = np.flatnonzero(rows[j:, j])
        if not len(pivots):
            raise ZeroDivisionError
        rows[[j, j + pivots[0]]] = rows[[j + pivots[0], j]]
        rows[j] = rows[j] * pow(int(rows[j, j]), -1, p) % p
        others = np.flatnonzero(rows[:, j])
        others = others[others != j]
        rows[others] = (rows[others] - rows[others, j : j + 1] * rows[j] % p) % p
    return rows[:, n:]
