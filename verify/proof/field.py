"""Prime fields in which the non-zero quadratic residues behave like the positive numbers.

    p = -1  modulo lcm(8, the odd orders of roots, 4 q for every odd number q under a constant root)

Then -1 is no residue, so exactly one of x, -x is one: |x| is that one and sign(x) the Legendre symbol.  The residues form a
group of odd order (p - 1)/2 in which every needed root exists and is unique: the principal root is the root that is itself a
residue.  So |xy| = |x| |y|, sqrt(x^2) = |x| and sqrt(ab) = sqrt(a) sqrt(b) for residues a, b, as over the reals; odd roots of
every number are unique.  Only a sum of residues need not be a residue: a sample in which it should be and is not is rejected.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import lcm
from operator import mul
from random import Random
from typing import Any

from verify.proof.errors import Rejected, Undecided
from verify.proof.series import Products

BITS, MORE_BITS = 64, 128
#: with these bases the test of Miller and Rabin is a proof below 2^64 (Sinclair 2011)
_BASES = (2, 325, 9375, 28178, 450775, 9780504, 1795265022)
LARGEST_MODULUS = 2**32
_NO_RESIDUE = "a positive number that is no residue"
ROUNDS = 64  # above 2^64: a composite passes with a probability below 4^-64


def is_prime(n: int, bases: Iterable[int] = _BASES) -> bool:
    """Whether n < 2^64 is a prime; above, whether it passes for these random bases.

    >>> [n for n in range(2, 30) if is_prime(n)]
    [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]
    """
    if n < 2 or any(n % q == 0 for q in (2, 3, 5, 7, 11, 13) if n != q):
        return False
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(_strong(n, base % n, odd, twos) for base in bases)


def _strong(n: int, base: int, odd: int, twos: int) -> bool:
    if base == 0:
        return True
    x = pow(base, odd, n)
    if x in (1, n - 1):
        return True
    for _ in range(twos - 1):
        x = x * x % n
        if x == n - 1:
            return True
    return False


def modulus(root_orders: Iterable[int], constants: Iterable[Fraction]) -> int:
    """The smallest modulus under which p = -1 makes these roots unique and these positive constants residues.

    >>> modulus([2, 3], [Fraction(5)])
    120
    """
    result = 8
    for order in root_orders:
        result = lcm(result, _odd(order))
    for value in constants:
        result = lcm(result, 4 * _odd(value.numerator), 4 * _odd(value.denominator))
    if result > LARGEST_MODULUS:
        raise Undecided("the roots of constants in the text need primes of a too special form")
    return result


def _odd(n: int) -> int:
    n = abs(n) or 1
    while n % 2 == 0:
        n //= 2
    return n


def draw_prime(source: Random, step: int, bits: int = BITS) -> int:
    """A random prime of 64 bits, or more, that is -1 modulo `step`."""
    low, high = 2 ** (bits - 1), 2**bits
    while True:
        p = step * source.randrange(low // step + 1, high // step) - 1
        bases = _BASES if bits <= BITS else (source.randrange(2, p - 1) for _ in range(ROUNDS))
        if p >= low and is_prime(p, bases):
            return p


class PrimeField(Products):
    """Arithmetic modulo p on plain integers; the ring of the random samples."""

    zero = 0

    def __init__(self, p: int, positive: frozenset[Any] = frozenset()) -> None:
        self.p, self.positive = p, positive  # places whose argument is positive over the reals
        self.functions: Any = None  # `known.KnownValues`, where known functions occur
        self._constants: dict[tuple[int, int], int] = {}  # by numerator and denominator, which are hashed faster than fractions

    def constant(self, value: Fraction) -> int:
        ratio = value.as_integer_ratio()
        found = self._constants.get(ratio)
        if found is None:
            found = self._constants[ratio] = ratio[0] * pow(ratio[1], -1, self.p) % self.p
        return found

    def is_zero(self, x: int) -> bool:
        return x == 0

    def same(self, x: int, y: int) -> bool:
        """Whether two numbers are one point."""
        return x == y

    def add(self, x: int, y: int) -> int:
        return (x + y) % self.p

    def neg(self, x: int) -> int:
        return -x % self.p

    def scale(self, x: int, factor: Fraction) -> int:
        return x * self.constant(factor) % self.p

    def inner(self, xs: Sequence[int], ys: Sequence[int]) -> int:
        """sum of x*y."""
        total: int = sum(map(mul, xs, ys))
        return total % self.p

    def product(self, a: Sequence[int], b: Sequence[int], n: int) -> list[int]:
        """c_k = sum_i a_i b_(k-i), k < n; a number times a series is the usual case.

        >>> PrimeField(101).product([1, 2], [3, 4, 5], 3), PrimeField(101).product([50, 2], [3], 2)
        ([3, 10, 13], [49, 6])
        """
        p = self.p
        for xs, ys in ((a, b), (b, a)):
            if len(ys) == 1:
                return [x * ys[0] % p for x in xs[:n]]
        return super().product(a, b, n)

    def scaled(self, rows: Sequence[Sequence[int]], factors: Sequence[Fraction]) -> list[list[int]]:
        """Every column times its factor; rows may end early.

        >>> PrimeField(101).scaled([[1, 2], [3]], [Fraction(1, 2), Fraction(5)])
        [[51, 10], [52]]
        """
        p, numbers = self.p, [*map(self.constant, factors)]
        return [[x * c % p for x, c in zip(row, numbers)] for row in rows]

    def known(self, name: str, x: int, where: Any = None) -> int:
        """A known function of x."""
        return int(self.functions.value(name, x))

    def is_residue(self, x: int) -> bool:
        """Whether x plays a positive number.

        >>> [x for x in range(1, 23) if PrimeField(23).is_residue(x)]
        [1, 2, 3, 4, 6, 8, 9, 12, 13, 16, 18]
        """
        return jacobi(x, self.p) == 1

    def sign(self, x: int, where: Any = None) -> int:
        if x == 0:
            raise ZeroDivisionError
        if self.is_residue(x):
            return 1
        if where in self.positive:
            raise Rejected(_NO_RESIDUE)
        return self.p - 1

    def power(self, x: int, r: Fraction, where: Any = None) -> int:
        """x^r with the principal root; Rejected if x is no residue under an even root.

        >>> PrimeField(23).power(2, Fraction(1, 2)), PrimeField(23).power(22, Fraction(1, 3))
        (18, 22)
        """
        if x == 0 and r < 0:
            raise ZeroDivisionError
        q = r.denominator
        if q == 1:
            if where in self.positive and not self.is_residue(x):
                raise Rejected(_NO_RESIDUE)
            return int(pow(x, r.numerator, self.p))
        if not self.is_residue(x):
            if q % 2 == 0:
                raise Rejected("no residue under an even root")
            root = self.p - self._root(self.p - x, q)
        else:
            root = self._root(x, q)
        return int(pow(root, r.numerator, self.p))

    def _root(self, x: int, q: int) -> int:
        return pow(x, pow(q, -1, (self.p - 1) // 2), self.p)

    def solve(self, matrix: Sequence[Sequence[int]], right: Sequence[int]) -> list[int]:
        """The x with matrix x = right, by elimination; ZeroDivisionError if the matrix is singular."""
        p, n = self.p, len(matrix)
        rows = [[*row, b] for row, b in zip(matrix, right, strict=True)]
        for j in range(n):
            pivot = next((i for i in range(j, n) if rows[i][j]), None)
            if pivot is None:
                raise ZeroDivisionError
            rows[j], rows[pivot] = rows[pivot], rows[j]
            inverse = pow(rows[j][j], -1, p)
            rows[j] = [x * inverse % p for x in rows[j]]
            for i in range(n):
                factor = rows[i][j]
                if i != j and factor:
                    rows[i] = [(x - factor * y) % p for x, y in zip(rows[i], rows[j], strict=True)]
        return [row[n] for row in rows]

    def determinant(self, matrix: Sequence[Sequence[int]]) -> int:
        p, rows, result = self.p, [list(row) for row in matrix], 1
        for j in range(len(rows)):
            pivot = next((i for i in range(j, len(rows)) if rows[i][j]), None)
            if pivot is None:
                return 0
            if pivot != j:
                rows[j], rows[pivot], result = rows[pivot], rows[j], -result
            result = result * rows[j][j] % p
            inverse = pow(rows[j][j], -1, p)
            for i in range(j + 1, len(rows)):
                factor = rows[i][j] * inverse % p
                if factor:
                    rows[i] = [(x - factor * y) % p for x, y in zip(rows[i], rows[j], strict=True)]
        return result % p


def jacobi(a: int, n: int) -> int:
    """The Jacobi symbol (a/n), n odd; the Legendre symbol for a prime n.

    >>> jacobi(2, 7), jacobi(3, 7), jacobi(14, 7)
    (1, -1, 0)
    """
    a %= n
    result = 1
    while a:
        while not a & 1:
            a >>= 1
            if n & 7 in (3, 5):
                result = -result
        a, n = n, a
        if a & 3 == 3 and n & 3 == 3:
            result = -result
        a %= n
    return result if n == 1 else 0
