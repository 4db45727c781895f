"""The real numbers as balls with exact error bounds: a difference that a prime field shows is confirmed here.

A ball that does not contain zero is a proof that the number is not zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from operator import mul
from typing import Any

from flint import arb, arb_mat, fmpq

from verify.proof.errors import Rejected
from verify.proof.series import Products

PRECISION = 300


class BallRing(Products):
    """Arithmetic on balls; whatever stands under a sign, root or denominator must be clearly positive or negative."""

    zero = arb(0)

    def constant(self, value: Fraction) -> Any:
        return arb(fmpq(value.numerator, value.denominator))

    def is_zero(self, x: Any) -> bool:
        return bool(x.is_zero())

    def same(self, x: Any, y: Any) -> bool:
        """Whether two balls may stand for one point: then a smooth map may have the same derivatives at both."""
        return bool(x.overlaps(y))

    def add(self, x: Any, y: Any) -> Any:
        return x + y

    def neg(self, x: Any) -> Any:
        return -x

    def scale(self, x: Any, factor: Fraction) -> Any:
        return x * fmpq(factor.numerator, factor.denominator)

    def inner(self, xs: Sequence[Any], ys: Sequence[Any]) -> Any:
        return sum(map(mul, xs, ys), self.zero)

    def sign(self, x: Any, where: Any = None) -> Any:
        if x.contains(0):
            raise ZeroDivisionError
        return arb(1 if x > 0 else -1)

    def power(self, x: Any, r: Fraction, where: Any = None) -> Any:
        if r.denominator == 1 and r >= 0:
            return x ** int(r)
        if x.contains(0):
            raise ZeroDivisionError
        q = r.denominator
        if x < 0 and q % 2 == 0:
            raise Rejected("a root of a negative number")
        root = x if q == 1 else x.root(q) if x > 0 else -(-x).root(q)
        power = root ** abs(r.numerator)
        return power if r > 0 else 1 / power

    def known(self, name: str, x: Any, where: Any = None) -> Any:
        if name == "log" and not x > 0:
            raise Rejected("a logarithm of a number that is not positive")
        match name:
            case "sigmoid":
                return 1 / (1 + (-x).exp())
            case "softplus":
                return (1 + x.exp()).log()
            case "derf":
                return 2 * (-x * x).exp() / arb.pi().sqrt()
        return getattr(x, name)()

    def solve(self, matrix: Sequence[Sequence[Any]], right: Sequence[Any]) -> list[Any]:
        n = len(matrix)
        found = arb_mat(n, n, [x for row in matrix for x in row]).solve(arb_mat(n, 1, list(right)))
        return [found[i, 0] for i in range(n)]
