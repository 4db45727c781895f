"""The numbers that are coefficients of polynomials: those of a prime field, balls, floating point; arrays of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from flint import arb
from numpy.typing import NDArray

from derive.errors import UndecidedError
from verify.proof.errors import Rejected
from verify.proof.field import jacobi

Array = NDArray[Any]


class Scalars(Protocol):
    """Arithmetic of arrays is numpy's; `reduced` comes after every sum and product of it."""

    def array(self, values: Sequence[Any] | Array, /) -> Array: ...

    def reduced(self, values: Any, /) -> Any: ...

    def lift(self, q: Fraction, /) -> Any: ...

    def inverse(self, x: Any, /) -> Any: ...

    def power(self, x: Any, r: Fraction, /) -> Any: ...

    def sign(self, x: Any, /) -> Any: ...

    def exp(self, x: Any, /) -> Any: ...


@dataclass(frozen=True)
class Modular:
    """Numbers modulo a prime of 31 bits, so that a product of two fits into 64; p is 3 modulo 4.

    >>> f = Modular(23)
    >>> f.lift(Fraction(1, 2)), f.inverse(12), f.power(2, Fraction(1, 2))
    (12, 2, 18)
    """

    p: int

    def array(self, values: Sequence[Any] | Array) -> Array:
        return np.array(values, dtype=np.int64)

    def reduced(self, values: Any) -> Any:
        return values % self.p

    def lift(self, q: Fraction) -> int:
        return q.numerator * pow(q.denominator, -1, self.p) % self.p

    def inverse(self, x: int) -> int:
        return pow(int(x), -1, self.p)

    def power(self, x: int, r: Fraction) -> int:
        """x^r with the root that is a square itself.  Raises Rejected where x is no square."""
        if r.denominator == 1:
            return pow(int(x), int(r), self.p)
        if r.denominator != 2:
            raise UndecidedError(f"the power {r} of a parameter; square roots are the only ones here")
        if jacobi(int(x), self.p) != 1:
            raise Rejected("no square under a root")
        return pow(pow(int(x), (self.p + 1) // 4, self.p), r.numerator, self.p)

    def sign(self, x: int) -> int:
        """Squares play the positive numbers: -1 is none."""
        return 1 if jacobi(int(x), self.p) == 1 else self.p - 1

    def exp(self, x: int) -> int:
        if x:
            raise UndecidedError("an exponential whose exponent does not vanish with gamma")
        return 1


@dataclass(frozen=True)
class Balls:
    """Real numbers as balls, at the working precision."""

    def array(self, values: Sequence[Any] | Array) -> Array:
        return np.array(values, dtype=object)

    def reduced(self, values: Any) -> Any:
        return values

    def lift(self, q: Fraction) -> arb:
        return arb(q.numerator) / q.denominator

    def inverse(self, x: Any) -> arb:
        return 1 / arb(x)

    def power(self, x: Any, r: Fraction) -> arb:
        return arb(x) ** int(r) if r.denominator == 1 else arb(x) ** self.lift(r)

    def sign(self, x: Any) -> int:
        return 1 if arb(x) > 0 else -1

    def exp(self, x: Any) -> arb:
        return arb(x).exp()


@dataclass(frozen=True)
class Floats:
    """Floating point, for what has error bars anyway."""

    def array(self, values: Sequence[Any] | Array) -> Array:
        return np.array(values, dtype=np.float64)

    def reduced(self, values: Any) -> Any:
        return values

    def lift(self, q: Fraction) -> float:
        return float(q)

    def inverse(self, x: Any) -> float:
        return 1.0 / float(x)

    def power(self, x: Any, r: Fraction) -> float:
        return float(float(x) ** float(r))

    def sign(self, x: Any) -> int:
        return 1 if x > 0 else -1

    def exp(self, x: Any) -> float:
        return float(np.exp(x))
