"""Rational functions of symbols as the numbers of a point: what has no value there stays a symbol."""

from __future__ import annotations

from typing import Any

from flint import arb, fmpq

from derive.algebra.coefficients import Ratio
from derive.errors import UsageError


class Formula:
    """A rational function that adds and multiplies with rationals, as `derive.concrete.problem` does with any number.

    >>> from derive.algebra.coefficients import Ring; ring = Ring(["x"]); x = Formula(ring.symbol("x"))
    >>> str(1 - fmpq(1, 2) * x**2 / (x + 1)), x - x == 0, x.contains(0)
    ('(2 + 2*x - x**2)/(2*(1 + x))', True, False)
    """

    __slots__ = ("ratio",)

    def __init__(self, ratio: Ratio) -> None:
        self.ratio = ratio

    def _other(self, other: Any) -> Ratio:
        if isinstance(other, arb):
            self._no_number()
        return other.ratio if isinstance(other, Formula) else self.ratio.ring.constant(fmpq(other))

    def __add__(self, other: Any) -> Formula:
        return Formula((self.ratio + self._other(other)).reduced())

    __radd__ = __add__

    def __mul__(self, other: Any) -> Formula:
        return Formula((self.ratio * self._other(other)).reduced())

    __rmul__ = __mul__

    def __neg__(self) -> Formula:
        return Formula(-self.ratio)

    def __sub__(self, other: Any) -> Formula:
        return Formula((self.ratio - self._other(other)).reduced())

    def __rsub__(self, other: Any) -> Formula:
        return Formula((self._other(other) - self.ratio).reduced())

    def __truediv__(self, other: Any) -> Formula:
        return Formula((self.ratio / self._other(other)).reduced())

    def __rtruediv__(self, other: Any) -> Formula:
        return Formula((self._other(other) / self.ratio).reduced())

    def __pow__(self, exponent: int) -> Formula:
        return Formula((self.ratio**exponent).reduced())

    def __eq__(self, other: object) -> bool:
        return not (self.ratio - self._other(other))

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return str(self.ratio)

    def contains(self, value: int) -> bool:
        """Whether it is that number, as a ball says it."""
        return self == value

    def _no_number(self, *_: object) -> Any:
        raise UsageError(
            f"{self.ratio} stands with a root, a function or an irrational number, where symbols have no exact value; give "
            "everything a value, --at x=1/2 and --set beta=9/10"
        )

    __gt__ = __lt__ = __abs__ = exp = log = sin = cos = tan = sinh = cosh = tanh = atan = erf = _no_number
