"""The slow family of laws, and whether a claimed generator moves it.

    l T = exp(gamma G) l,    l phi = phi for functions phi of the slow variables,    l: functions of (x, v) -> functions of x

(l F)(x) is the mean of F over the law of the memory that has come to follow x.  T = exp(gamma G) where there is no memory.  For
a given G the equation on functions that depend on v determines l, since 1 - (product of relaxation factors) is not zero; on
functions of x alone it is then the statement that  E phi(x_n) = exp(n gamma G) phi.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np

from derive.errors import UndecidedError
from verify.sde.forests import Operator
from verify.sde.ring import UNIT, inverse_matrix, matrix_product, sparse_product
from verify.sde.scalars import Array
from verify.sde.step import Step

MAX_PASSES = 300


@dataclass(frozen=True)
class Residual:
    """What l T - exp(gamma G) l leaves of functions of the slow variables: the first power of u, or None for nothing; there the
    smallest number of derivatives of phi; and how many passes the law of the memory took."""

    first: int | None
    roots: int | None
    passes: int


class Family:
    """l on monomials, order by order."""

    def __init__(self, step: Step, operator: Operator, degree: int, p: int, batches: int = 0) -> None:
        """With `batches` T is an epoch that takes each of them once, in a random order, and lasts as many steps."""
        self.step, self.p, self.degree = step, p, degree
        self.own = step.world.ring
        self.exponential = operator.exponential(p, batches or 1)
        images = step.images()
        if any(x.values[..., 0].any() for x in images.values()):
            raise UndecidedError("a step does not tend to the identity as gamma -> 0")
        self.known = min(x.through for x in images.values())
        self.matrix = epoch(step, step.matrices(images), batches, p) if batches else step.matrix(images)

    def residual(self) -> Residual:
        """Where the equation fails."""
        basis, p = self.step.basis, self.p
        fast = np.array([any(e[self.step.memory :]) for e in basis])
        values, passes = self._solved(fast) if fast.any() else (self._all(None, fast), 0)
        slow = self.matrix[~fast]
        monomials = self.own.monomials
        rows = [monomials.index[e[: self.own.variables]] for e, f in zip(basis, fast) if not f]
        left = (matrix_product(slow, values, p) - self.exponential[rows]) % p
        left[:, monomials.total > self.degree] = 0
        there = np.flatnonzero(left.any(axis=0))
        if not len(there):
            return Residual(None, None, passes)
        first = monomials.exponents[there, UNIT].min()
        wrong = left[:, monomials.exponents[:, UNIT] == first].any(axis=1)
        return Residual(int(first), int(np.array(basis)[~fast][wrong].sum(axis=1).min()), passes)

    def _solved(self, fast: Array) -> tuple[Array, int]:
        """l of all monomials: iterated until it does not change, each pass settling one more power of gamma or of v."""
        p, matrix = self.p, self.matrix[fast]
        linear = self._linear(fast)
        stays = (np.eye(len(linear), dtype=np.int64) - linear) % p  # what l keeps of the left side, by degrees in v
        try:
            inverse = inverse_matrix(stays, p)
        except ZeroDivisionError:
            raise UndecidedError("memory does not relax as gamma -> 0: a product of its relaxation factors is 1") from None
        generated = (self.exponential - np.eye(len(self.own), dtype=np.int64)) % p
        found = np.zeros((len(linear), len(self.own)), dtype=np.int64)
        for passes in range(1, MAX_PASSES):
            left = matrix_product(matrix, self._all(found, fast), p) - matrix_product(found, generated, p)
            new = sparse_product(inverse, (left + sparse_product(stays, found, p) - found) % p, p)
            if np.array_equal(new, found):
                return self._all(found, fast), passes
            found = new
        raise UndecidedError("the law of the memory was not found")

    def _linear(self, fast: Array) -> Array:
        """The part of T that keeps the degree in v and all other exponents."""
        basis = [e for e, f in zip(self.step.basis, fast) if f]
        columns = [self.step.ring.monomials.index[e] for e in basis]
        exponents = np.array(basis)[:, : self.step.memory]
        degrees = np.array(basis)[:, self.step.memory :].sum(axis=1)
        same = (exponents[:, None] == exponents[None]).all(axis=2) & (degrees[:, None] == degrees[None])
        result: Array = np.where(same, self.matrix[fast][:, columns], 0)
        return result

    def _all(self, found: Array | None, fast: Array) -> Array:
        """l of every monomial of the step's ring: one row each, u taken out."""
        ring, own = self.step.ring, self.own
        result = np.zeros((len(ring), len(own)), dtype=np.int64)
        result[self.step.embedded] = np.eye(len(own), dtype=np.int64)
        if found is not None:
            columns = np.array([ring.monomials.index[e] for e, f in zip(self.step.basis, fast) if f])
            for by in range(ring.degree):
                inside = ring.monomials.total[columns] + by <= ring.degree
                targets = ring.monomials.at_raised(columns[inside], UNIT, by)
                result[targets] = own.raised(found[inside], by)
        return result


def epoch(step: Step, steps: Array, batches: int, p: int) -> Array:
    """The mean of T_i1 ... T_im over the orders of the m batches, T_i the step with batch i; rows are those of `basis`.

    The sum over orders of a set of batches is that over the first of them:  S(A) = sum over i in A of T_i S(A without i).
    """
    if len(step.samples) > 1:
        raise UndecidedError("a step of an epoch has one batch, and this one draws several samples")
    whole = [_on_ring(step, matrix) for matrix in steps] * (1 if step.samples else batches)
    sums: dict[frozenset[int], Any] = {frozenset(): np.eye(len(step.ring), dtype=np.int64)}
    for size in range(1, len(whole) + 1):
        sums = {
            frozenset(a): sum(matrix_product(sums[frozenset(a) - {i}], whole[i], p) for i in a) % p
            for a in combinations(range(len(whole)), size)
        }
    (total,) = sums.values()
    basis = [step.ring.monomials.index[e] for e in step.basis]
    result: Array = total[basis] * pow(factorial(len(whole)), -1, p) % p
    return result


def _on_ring(step: Step, matrix: Array) -> Array:
    """A matrix on all monomials of the step's ring: powers of u stay where they are."""
    ring = step.ring
    result = np.zeros((len(ring), len(ring)), dtype=np.int64)
    columns = np.array([ring.monomials.index[e] for e in step.basis])
    for by in range(ring.degree + 1):
        inside = ring.monomials.total[columns] + by <= ring.degree
        result[ring.monomials.at_raised(columns[inside], UNIT, by)] = ring.raised(matrix[inside], by)
    return result
