"""Polynomials of bounded total degree, many at a time.

    ring = F[u, x_1, ..., x_n] / (total degree > M),    u the unit in which powers of gamma are counted

A polynomial is an array of its coefficients along the last axis; earlier axes are anything, such as the samples that a step
may draw.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, cached_property, lru_cache
from math import comb
from typing import Any

import numpy as np

from verify.sde.scalars import Array, Scalars

Index = tuple[int, ...]
UNIT, CLOCK = 0, 1  # the places of u, and of the time if there is one, among the variables
#: of coefficients and of pairs that are multiplied, beyond which a ring is too large to be run
MAX_MONOMIALS, MAX_PAIRS = 20_000, 2_000_000
_HALF, _SMALL = 16, 4_000_000


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

    @cache  # noqa: B019  # a few rings live as long as the process
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

    def __init__(self, scalars: Scalars, variables: int, degree: int) -> None:
        self.scalars, self.variables, self.degree = scalars, variables, degree
        self.monomials: Monomials = monomials(variables, degree)

    def __len__(self) -> int:
        return len(self.monomials)

    def zeros(self, *shape: int) -> Array:
        return self.scalars.array(np.zeros((*shape, len(self)), dtype=np.int64))

    def constant(self, value: Any) -> Array:
        result = self.zeros()
        result[0] = value
        reduced: Array = self.scalars.reduced(result)
        return reduced

    def variable(self, place: int) -> Array:
        result = self.zeros()
        result[self.monomials.index[tuple(int(k == place) for k in range(self.variables))]] = 1
        return result

    def multiply(self, a: Array, b: Array) -> Array:
        """
        >>> from verify.sde.scalars import Modular
        >>> r = Ring(Modular(103), 2, 2)
        >>> x = r.variable(1)
        >>> r.multiply(x + r.constant(1), x + r.constant(2)).tolist()   # 2 + 3 x + x^2
        [2, 0, 3, 0, 0, 1]
        """
        left, right, begins = self.monomials.pairs
        products = self.scalars.reduced(a[..., left] * b[..., right])
        result: Array = self.scalars.reduced(np.add.reduceat(products, begins, axis=-1))
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
        there = np.flatnonzero((a.reshape(-1, len(self)) != 0).any(axis=0))
        return int(self.monomials.exponents[there, UNIT].min(initial=self.degree + 1))

    def lowest(self, a: Array) -> int:
        """The smallest total degree of its monomials; `degree` + 1 for zero."""
        there = np.flatnonzero((a.reshape(-1, len(self)) != 0).any(axis=0))
        return int(self.monomials.total[there].min(initial=self.degree + 1))

    def highest(self, a: Array) -> int:
        """The largest total degree of its monomials; 0 for zero."""
        there = np.flatnonzero((a.reshape(-1, len(self)) != 0).any(axis=0))
        return int(self.monomials.total[there].max(initial=0))

    def lowered(self, a: Array, by: int) -> Array:
        """a over a power of u that divides it, known through that much less of the degree."""
        result = np.zeros_like(a)
        places, higher = self.monomials.raised(UNIT, by)
        result[..., places] = a[..., higher]
        return result

    def derivative(self, a: Array, variable: int) -> Array:
        """
        >>> from verify.sde.scalars import Modular
        >>> r = Ring(Modular(103), 2, 2)
        >>> r.derivative(r.multiply(r.variable(1), r.variable(1)), 1).tolist()
        [0, 0, 2, 0, 0, 0]
        """
        places, higher = self.monomials.raised(variable, 1)
        result = np.zeros_like(a)
        powers = self.scalars.array(self.monomials.exponents[higher, variable])
        result[..., places] = self.scalars.reduced(a[..., higher] * powers)
        return result


def matrix_product(a: Array, b: Array, p: int) -> Array:
    """The product modulo p: halves of 16 bits keep every sum of fewer than 2^15 products exact, in whole numbers for small
    matrices, and in floating point, which has its own threads, for large ones.

    >>> a = np.array([[2**31 - 2]], dtype=np.int64)
    >>> matrix_product(a, a, 2**31 - 1).tolist()
    [[1]]
    >>> many = np.full((200, 200), 2**31 - 2, dtype=np.int64)     # -1
    >>> set(matrix_product(many, many, 2**31 - 1).ravel().tolist())
    {200}
    """
    (high, low), (top, rest) = _halves(a), _halves(b)
    if a.size * b.shape[1] < _SMALL:
        small: Array = ((high @ b % p << _HALF) + low @ b) % p
        return small
    high, low, top, rest = (x.astype(np.float64) for x in (high, low, top, rest))
    upper, middle = _whole(high @ top, p), _whole(high @ rest + low @ top, p)
    result: Array = (((upper << _HALF) % p << _HALF) + (middle << _HALF) + _whole(low @ rest, p)) % p
    return result


def sparse_product(a: Array, b: Array, p: int) -> Array:
    """The same where a has few entries, none of its rows being zero.

    >>> a = np.array([[1, 1], [0, 2]], dtype=np.int64)
    >>> sparse_product(a, a, 7).tolist()
    [[1, 3], [0, 4]]
    """
    rows, columns = np.nonzero(a)
    begins = np.searchsorted(rows, np.arange(len(a)))
    result: Array = np.add.reduceat(a[rows, columns, None] * b[columns] % p, begins, axis=0) % p
    return result


def _halves(a: Array) -> tuple[Array, Array]:
    return a >> _HALF, a & ((1 << _HALF) - 1)


def _whole(a: Array, p: int) -> Array:
    result: Array = a.astype(np.int64) % p
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
