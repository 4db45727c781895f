"""A method as linear operators on values at n = 0 ... K-1, modulo a prime or 2**64.

A polynomial of degree below K is its values.  From Q_l(n), the product over the children at point l, one node makes

    Y_i = S(sum_l w_l Q_l) + memory_i(Q) + sum_l A_il Q_l,      S the sum from 0 to n-1,

all linear in Q.  The memory is the polynomial solution of y(n+1) - W y(n) = K B Q: in Newton coefficients a_j = Delta^j(0)

    y_j = sum_k (-1)^k (1-W)^-(k+1) K B a_{j+k}.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb

import numpy as np

from derive.trees.arithmetic import WRAP, Residues, matmul_mod, residue
from derive.trees.bounds import Bounds
from derive.trees.method import Colour, TreeMethod

Table = list[list[int]]


@dataclass(frozen=True, eq=False)
class ColourOperators:
    """Constants of one colour modulo `modulus`.

    `dense` (S*K, S*K) maps Q to Y when there is memory; otherwise Y comes from `weights` (S) and `stages` (S, S).
    `functionals[m]` (S*K) maps Q to the numerator of a coefficient of a tree with m nodes.
    """

    modulus: int
    weights: list[int]
    stages: Table
    dense: Residues | None
    functionals: list[Residues]

    def points(self, q: Residues) -> Residues:
        """Y from Q, shape (rows, S, K) both."""
        rows, stages, values = q.shape
        if self.dense is not None:
            return matmul_mod(q.reshape(rows, -1), self.dense, self.modulus).reshape(rows, stages, values)
        total = self._combine(self.weights, q)
        y = np.zeros_like(q)
        if total is not None:
            np.cumsum(total[:, :-1], axis=1, out=y[:, 0, 1:])
            self._reduce(y[:, 0])
            y[:, 1:] = y[:, :1]
        for i, row in enumerate(self.stages):
            extra = self._combine(row, q)
            if extra is not None:
                y[:, i] += extra
                self._reduce(y[:, i])
        return y

    def coefficients(self, q: Residues, nodes: int) -> Residues:
        """Numerators of the trees with these Q, shape (rows)."""
        functional, flat = self.functionals[nodes], q.reshape(len(q), -1)
        if self.modulus == WRAP:
            return flat @ functional
        return matmul_mod(flat, functional[:, None], self.modulus)[:, 0]

    def _combine(self, weights: Sequence[int], q: Residues) -> Residues | None:
        """sum_l weights_l Q_l, reduced; None if all weights vanish.  The argument is not changed."""
        total: Residues | None = None
        for point, w in enumerate(weights):
            if not w:
                continue
            term = q[:, point] if w == 1 else self._reduce(q[:, point] * np.uint64(w))
            total = term if total is None else self._reduce(total + term)
        return total

    def _reduce(self, x: Residues) -> Residues:
        if self.modulus != WRAP:
            x %= np.uint64(self.modulus)
        return x


def operators_of(method: TreeMethod, bounds: Bounds, values: int, point: Sequence[int], modulus: int) -> list[ColourOperators]:
    """The operators of every colour at a point of the hyperparameters, modulo a prime or 2**64.

    ZeroDivisionError when the prime divides a denominator; the caller takes the next prime.
    """
    return [_Builder(method, colour, bounds, values, point, modulus).build() for colour in method.colours]


class _Builder:
    def __init__(
        self, method: TreeMethod, colour: Colour, bounds: Bounds, values: int, point: Sequence[int], modulus: int
    ) -> None:
        self.bounds, self.values, self.modulus = bounds, values, modulus
        self.size, self.memory = method.stages, colour.memory
        self.ring, self.place = method.ring, point

        def table(rows: Sequence[Sequence[object]]) -> Table:
            return [[self._residue(x) for x in row] for row in rows]

        self.stages, self.weights = table(colour.stages), table([colour.weights])[0]
        self.out, self.head = table(colour.out), table([colour.head])[0]
        self.inputs, self.relaxation = table(colour.inputs), table(colour.relaxation)

    def _residue(self, value: object) -> int:
        if self.modulus == WRAP:
            number = value.number()  # type: ignore[attr-defined]
            if number.denominator != 1:
                raise ZeroDivisionError("only integers have a residue modulo 2**64 here")
            return int(number) % WRAP
        return residue(value, self.place, self.modulus)  # type: ignore[arg-type]

    def build(self) -> ColourOperators:
        memory = self._memory() if self.memory else None
        dense = None if memory is None else self._dense(memory)
        functionals = [np.zeros(self.size * self.values, np.uint64)]
        functionals += [self._functional(m, memory) for m in range(1, self.values + 1)]
        return ColourOperators(self.modulus, self.weights, self.stages, dense, functionals)

    def _newton(self) -> Residues:
        """Values at 0 ... K-1 -> Newton coefficients, as a matrix to be applied from the right."""
        k = self.values
        rows = [[(-1) ** (j - n) * comb(j, n) % self.modulus for j in range(k)] for n in range(k)]
        return np.array(rows, np.uint64)

    def _memory(self) -> Residues:
        """(S*K, d*K): Q -> Newton coefficients of y, applied from the right."""
        k, d, p = self.values, self.memory, self.modulus
        powers = [self.relaxation]
        for _ in range(k - 1):
            powers.append(_multiply(powers[-1], self.relaxation, p))
        blocks = np.zeros((self.size, k, d, k), np.uint64)
        for step in range(k):
            # (-1)^step (1-W)^-(step+1) K B, from Newton coefficient j + step to j
            constant = _multiply(powers[step], self.inputs, p)
            for a in range(d):
                for source in range(self.size):
                    value = (-1) ** step * constant[a][source] % p
                    for j in range(k - step):
                        blocks[source, j + step, a, j] = value
        newton = self._newton()
        flat = [matmul_mod(newton, block.reshape(k, d * k), p) for block in blocks]
        return np.concatenate(flat)

    def _dense(self, memory: Residues) -> Residues:
        k, d, p, s = self.values, self.memory, self.modulus, self.size
        binomials = np.array([[comb(n, j) % p for n in range(k)] for j in range(k)], np.uint64)
        readout = np.zeros((d, k, s, k), np.uint64)
        for a in range(d):
            for i in range(s):
                readout[a, :, i] = binomials * np.uint64(self.out[i][a]) % np.uint64(p)
                # theta(0) = 0 moves every point by -head . y(0)
                readout[a, 0, i] = (readout[a, 0, i] + np.uint64((p - self.head[a]) % p)) % np.uint64(p)
        dense = matmul_mod(memory, readout.reshape(d * k, s * k), p).reshape(s, k, s, k)
        for source in range(s):
            for n in range(k):
                for i in range(s):
                    dense[source, n, i, n + 1 :] += np.uint64(self.weights[source])
                    dense[source, n, i, n] += np.uint64(self.stages[i][source])
        return dense.reshape(s * k, s * k) % np.uint64(p)

    def _functional(self, nodes: int, memory: Residues | None) -> Residues:
        k, d, p = self.values, self.memory, self.modulus
        scale = self.bounds.scale(nodes)
        functional = np.zeros((self.size, k), np.uint64)
        for n, value in enumerate(summation_weights(nodes, self.bounds.flow)):
            number = int(value * scale) % p
            for source, w in enumerate(self.weights):
                functional[source, n] = number * w % p
        if memory is not None:
            readout = np.zeros((d, k), np.uint64)
            for j in range(1, min(nodes, k)):
                value = Fraction((-1) ** (j - 1), j) if self.bounds.flow else Fraction(int(j == 1))
                for a in range(d):
                    readout[a, j] = int(value * scale) * self.head[a] % p
            extra = matmul_mod(memory, readout.reshape(-1, 1), p).reshape(self.size, k)
            functional = (functional + extra) % np.uint64(p)
        rest = self._clearing(nodes)
        if p == WRAP:
            assert rest == 1
            return functional.ravel()
        return (functional * np.uint64(rest) % np.uint64(p)).ravel()

    def _clearing(self, nodes: int) -> int:
        """D_m / L_m modulo p."""
        q, e = (self._residue(c.ratio(self.ring)) for c in (self.bounds.multiplier, self.bounds.relaxation))
        return pow(q, nodes, self.modulus) * pow(e, 2 * nodes - 1, self.modulus) % self.modulus


def _multiply(x: Table, y: Table, p: int) -> Table:
    return [[sum(a * b for a, b in zip(row, column, strict=True)) % p for column in zip(*y, strict=True)] for row in x]


def summation_weights(nodes: int, flow: bool = True) -> list[Fraction]:
    """Weights at n = 0, 1, ... that give, for Q of degree below `nodes`, the linear coefficient of S(Q) or S(Q)(1) = Q(0).

    sum_k (-1)^k/(k+1) Delta^k Q(0), as S(Q)(n) = sum_k C(n, k+1) Delta^k Q(0).

    >>> [str(w) for w in summation_weights(3)]
    ['11/6', '-7/6', '1/3']
    """
    if not flow:
        return [Fraction(1)]
    return [(-1) ** n * sum(Fraction(comb(k, n), k + 1) for k in range(n, nodes)) for n in range(nodes)]
