"""Numbers in the place of terms: the derivatives of L at a point as random symmetric tensors, parameters as random numbers.

For every choice of finitely many symmetric tensors there is a polynomial loss with these derivatives, so a sum of terms that
is not zero here is not zero as a function: a witness.  (Floating point: the claim rests on a value far above rounding.)
"""

from __future__ import annotations

from fractions import Fraction
from math import isfinite
from random import Random

from derive.algebra.coefficients import Ratio
from derive.algebra.sums import Sum
from derive.algebra.terms import Exponent, Factor
from derive.concrete.point import Index, Point


class _RandomNumbers:
    """Floats that depend on a seed and on what they stand for alone."""

    size = 2  # components; two suffice to tell orders of indices apart

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def positive(self, *key: object) -> float:
        """In (0.2, 0.9), so that decays decay."""
        return Random(f"{self.seed}{key}").uniform(0.2, 0.9)

    def signed(self, *key: object) -> float:
        return self.positive(*key) * (1 if Random(f"sign{self.seed}{key}").random() < 0.5 else -1)

    def rational(self, value: Fraction) -> float:
        return float(value)

    def state(self, f: Factor) -> list[float]:
        if f.scalar:
            return [self.signed("state", f.label)] * self.size
        return [self.signed("state", f.label, i) for i in range(self.size)]

    def derivative(self, label: str, i: int, index: Index) -> float:
        """Symmetric in all indices for a loss, in all but the first for a field."""
        inner = [j for j, e in enumerate(index) for _ in range(e)]
        return self.signed("derivative", tuple(sorted((i, *inner)))) if label == "L" else self.signed("field", i, tuple(inner))

    def power(self, x: float, exponent: Exponent, f: Factor) -> float:
        if x < 0 and not isinstance(exponent, int):
            raise ValueError("a root of a negative number")
        return float(x ** (exponent if isinstance(exponent, int) else float(exponent)))

    def absolute(self, x: float) -> float:
        return abs(x)

    def coefficient(self, c: Ratio) -> float:
        return float(c.at({s: self.positive("parameter", s) for s in c.symbols()}, float))


def is_nonzero(total: Sum, attempts: int = 12) -> bool:
    """Whether some random point shows that the sum is not identically zero."""
    for seed in range(attempts):
        numbers = _RandomNumbers(seed)
        point = Point(numbers)
        try:
            value = max(map(abs, point.total(total.items())))
            # what rounding is relative to
            size = sum(abs(numbers.coefficient(c)) * max(map(abs, point.term(t))) for t, c in total.items())
        except (ValueError, ZeroDivisionError, OverflowError):
            continue
        if isfinite(value) and value > 1e-8 * size > 0:
            return True
    return False
