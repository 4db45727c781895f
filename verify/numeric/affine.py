"""Affine forms in a scheme's state whose coefficients are rational power series in gamma.

Running an update text on them gives its matrix on a quadratic loss; an update that is not linear there raises NotLinear.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from flint import ctx, fmpq, fmpq_series

from verify.numbers.kinds import MethodNumbers, Numbers


class NotLinear(ValueError):
    """The update is not linear in the state on a quadratic loss; the message says where."""


@contextmanager
def series_length(length: int) -> Iterator[None]:
    """Power series of this length inside the block."""
    before = ctx.cap
    ctx.cap = length
    try:
        yield
    finally:
        ctx.cap = before


def series(value: Any) -> Any:
    """A rational number as a power series."""
    if isinstance(value, fmpq_series):
        return value
    return fmpq_series([fmpq(value.numerator, value.denominator)])


class Affine:
    """c + sum_j a_j state_j, coefficients power series in gamma; what is not affine raises NotLinear."""

    __slots__ = ("constant", "linear")

    def __init__(self, constant: Any, linear: Mapping[int, Any]) -> None:
        self.constant, self.linear = constant, linear

    @staticmethod
    def of(value: Any) -> Affine:
        return value if isinstance(value, Affine) else Affine(series(value), {})

    def _scaled(self, factor: Any) -> Affine:
        return Affine(self.constant * factor, {j: a * factor for j, a in self.linear.items()})

    def __add__(self, other: Any) -> Affine:
        b = Affine.of(other)
        zero = series(Fraction(0))
        linear = {j: self.linear.get(j, zero) + b.linear.get(j, zero) for j in {**self.linear, **b.linear}}
        return Affine(self.constant + b.constant, linear)

    __radd__ = __add__

    def __neg__(self) -> Affine:
        return self._scaled(series(Fraction(-1)))

    def __sub__(self, other: Any) -> Affine:
        return self + -Affine.of(other)

    def __rsub__(self, other: Any) -> Affine:
        return Affine.of(other) - self

    def __mul__(self, other: Any) -> Affine:
        b = Affine.of(other)
        if self.linear and b.linear:
            raise NotLinear("the update multiplies two quantities that depend on the state")
        return b._scaled(self.constant) if b.linear else self._scaled(b.constant)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Affine:
        b = Affine.of(other)
        if b.linear:
            raise NotLinear("the update divides by a quantity that depends on the state or on time")
        if self.linear or self.constant:
            try:
                return Affine(self.constant / b.constant, {j: a / b.constant for j, a in self.linear.items()})
            except ValueError:  # no power series
                raise NotLinear("the update divides by gamma") from None
        return self

    def __rtruediv__(self, other: Any) -> Affine:
        return Affine.of(other) / self

    def __pow__(self, exponent: Any) -> Affine:
        e = Fraction(exponent) if isinstance(exponent, int | Fraction) else None
        if e == 1:
            return self
        if self.linear or e is None or e.denominator != 1:
            what = "raises a quantity that depends on the state to a power" if self.linear else "has an irrational root"
            raise NotLinear(f"the update {what}")
        return Affine(self.constant ** int(e) if e >= 0 else 1 / self.constant ** int(-e), {})

    def _refused(self) -> Affine:
        raise NotLinear("the update takes a root, a sign or another function of the state")

    sqrt = exp = log = sin = cos = tan = sinh = cosh = tanh = atan = erf = sign = __abs__ = _refused


#: affine forms as numbers of the interpreter
AFFINE: Numbers = MethodNumbers(Affine.of)
