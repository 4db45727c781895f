"""Numbers in the place of terms: the derivatives of L at a point as random symmetric tensors, parameters as random numbers.

For every choice of finitely many symmetric tensors there is a polynomial loss with these derivatives, so a sum of terms that
is not zero here is not zero as a function: a witness.  (Floating point: the claim rests on a value far above rounding.)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product
from math import isfinite
from random import Random

from derive.algebra.coefficients import Ratio
from derive.algebra.sums import Sum
from derive.algebra.terms import Factor, Term
from derive.readings.stability import at_numbers

_SIZE = 2  # components; two suffice to tell orders of indices apart
Vector = tuple[float, ...]


class RandomPoint:
    """Values of terms at one random loss, point and set of parameters (all in (0.2, 0.9), so that decays decay)."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.term: Callable[[Term], Vector] = cache(self._term)
        self.factor: Callable[[Factor], Vector] = cache(self._factor)

    def number(self, *key: object) -> float:
        """A random number that depends on the key alone."""
        return Random(f"{self.seed}{key}").uniform(0.2, 0.9)

    def signed(self, *key: object) -> float:
        return self.number(*key) * (1 if Random(f"sign{self.seed}{key}").random() < 0.5 else -1)

    def total(self, total: Sum) -> Vector:
        result = [0.0] * _SIZE
        for t, c in total.items():
            scale = self.coefficient(c)
            result = [a + scale * x for a, x in zip(result, self.term(t), strict=True)]
        return tuple(result)

    def size(self, total: Sum) -> float:
        """The same with absolute values: what rounding is relative to."""
        return sum(abs(self.coefficient(c)) * max(map(abs, self.term(t))) for t, c in total.items())

    def coefficient(self, c: Ratio) -> float:
        return at_numbers(c, {s: self.number("parameter", s) for s in c.ring.symbols})

    def _term(self, term: Term) -> Vector:
        result = [1.0] * _SIZE
        for f, e in term.factors:
            values = self.factor(f)
            if any(v < 0 for v in values) and not isinstance(e, int):
                raise ValueError("a root of a negative number")
            result = [a * v ** (e if isinstance(e, int) else float(e)) for a, v in zip(result, values, strict=True)]
        return tuple(result)

    def _factor(self, f: Factor) -> Vector:
        match f.kind:
            case "state":
                if f.scalar:
                    return (self.signed("state", f.label),) * _SIZE
                return tuple(self.signed("state", f.label, i) for i in range(_SIZE))
            case "node":
                return tuple(self._contracted(i, f.children) for i in range(_SIZE))
            case "sum":
                return (sum(self.term(f.children[0])),) * _SIZE
            case "abs":
                return tuple(abs(v) for v in self.term(f.children[0]))
        values = self.total(dict(f.body))
        return tuple(map(abs, values)) if f.kind == "root" and f.label == "abs" else values

    def _contracted(self, i: int, children: tuple[Term, ...]) -> float:
        total = 0.0
        for index in product(range(_SIZE), repeat=len(children)):
            value = self.signed("derivative", tuple(sorted((i, *index))))
            for j, child in zip(index, children, strict=True):
                value *= self.term(child)[j]
            total += value
        return total


def is_nonzero(total: Sum, attempts: int = 12) -> bool:
    """Whether some random point shows that the sum is not identically zero."""
    for seed in range(attempts):
        point = RandomPoint(seed)
        try:
            value, size = max(map(abs, point.total(total))), point.size(total)
        except (ValueError, ZeroDivisionError, OverflowError):
            continue
        if isfinite(value) and value > 1e-8 * size > 0:
            return True
    return False
