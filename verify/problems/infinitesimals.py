"""Numbers with infinitesimals s_1, ..., s_k, each of square zero, over any kind of number.

    x = sum over sets I of x_I s_I          x^r = sum_j binomial(r, j) x_0^(r-j) (x - x_0)^j,   (x - x_0)^(k+1) = 0

The coefficient of s_1 ... s_k in P(u + s_1 v_1 + ... + s_k v_k) is d^kP(u)[v_1, ..., v_k].  A set is a number, by its bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derive.language import Call, Expression, Name
from verify.numbers.evaluation import elementary, evaluate
from verify.numbers.kinds import Numbers
from verify.problems.differentiation import differentiate


class Infinitesimal:
    """Behaves as a number; coefficients that are zero are missing.

    >>> from verify.numbers.kinds import FRACTIONS
    >>> x = Infinitesimal({0: Fraction(2), 1: Fraction(1), 2: Fraction(1)}, FRACTIONS)  # 2 + s_1 + s_2
    >>> (x * x * x).parts[3], (1 / x).parts[3]
    (Fraction(12, 1), Fraction(1, 4))
    """

    __slots__ = ("numbers", "parts")

    def __init__(self, parts: Mapping[int, Any], numbers: Numbers) -> None:
        self.parts, self.numbers = parts, numbers

    def _of(self, parts: Mapping[int, Any]) -> Infinitesimal:
        return Infinitesimal(parts, self.numbers)

    def __add__(self, other: Any) -> Infinitesimal:
        result = dict(self.parts)
        for key, y in _parts(other).items():
            result[key] = result[key] + y if key in result else y
        return self._of(result)

    __radd__ = __add__

    def __neg__(self) -> Infinitesimal:
        return self._of({key: -x for key, x in self.parts.items()})

    def __sub__(self, other: Any) -> Infinitesimal:
        return self.__add__(-other)

    def __rsub__(self, other: Any) -> Infinitesimal:
        return (-self).__add__(other)

    def __mul__(self, other: Any) -> Infinitesimal:
        result: dict[int, Any] = {}
        for i, x in self.parts.items():
            for j, y in _parts(other).items():
                if not i & j:
                    result[i | j] = result[i | j] + x * y if i | j in result else x * y
        return self._of(result)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Infinitesimal:
        one = self.numbers.lift(Fraction(1))
        return self.__mul__(other.power(Fraction(-1)) if isinstance(other, Infinitesimal) else one / other)

    def __rtruediv__(self, other: Any) -> Infinitesimal:
        return self.power(Fraction(-1)).__mul__(other)

    def power(self, r: Fraction) -> Infinitesimal:
        """x^r; a whole power of what has no finite part too."""
        if r.denominator == 1 and r >= 0:
            result = self._of({0: self.numbers.lift(Fraction(1))})
            for _ in range(int(r)):
                result = result * self
            return result
        factor, coefficients = Fraction(1), []
        for j in range(self.depth + 1):
            coefficients.append(self.numbers.power(self.finite, r - j) * self.numbers.lift(factor))
            factor = factor * (r - j) / (j + 1)
        return self.composed(coefficients)

    @property
    def finite(self) -> Any:
        return self.parts[0]

    @property
    def depth(self) -> int:
        """The highest power of x - x_0 that does not vanish, at most."""
        bits = 0
        for key in self.parts:
            bits |= key
        return bits.bit_count()

    def composed(self, coefficients: Sequence[Any]) -> Infinitesimal:
        """sum_j c_j (x - x_0)^j."""
        rest = self._of({key: x for key, x in self.parts.items() if key})
        result, power = self._of({0: coefficients[0]}), rest
        for c in coefficients[1:]:
            result, power = result + power * c, power * rest
        return result

    def _function(self, name: str) -> Infinitesimal:
        """f(x) = sum_j f^(j)(x_0) (x - x_0)^j / j!."""
        derivative: Expression = Call(name, (Name("u"),))
        factor, coefficients = Fraction(1), []
        for j in range(self.depth + 1):
            value = evaluate(derivative, {"u": self.finite}, self.numbers, lambda f, args: elementary(f, args, self.numbers))
            coefficients.append(value * self.numbers.lift(factor))
            derivative, factor = differentiate(derivative, "u"), factor / (j + 1)
        return self.composed(coefficients)

    def exp(self) -> Infinitesimal:
        return self._function("exp")

    def log(self) -> Infinitesimal:
        return self._function("log")

    def sin(self) -> Infinitesimal:
        return self._function("sin")

    def cos(self) -> Infinitesimal:
        return self._function("cos")

    def tanh(self) -> Infinitesimal:
        return self._function("tanh")

    def atan(self) -> Infinitesimal:
        return self._function("atan")


def _parts(x: Any) -> Mapping[int, Any]:
    return x.parts if isinstance(x, Infinitesimal) else {0: x}


@dataclass(frozen=True)
class InfinitesimalNumbers:
    """Those over a kind of number, which they do not mix with."""

    numbers: Numbers

    def finite(self, x: Any) -> Infinitesimal:
        return Infinitesimal({0: x}, self.numbers)

    def lift(self, q: Fraction) -> Infinitesimal:
        return self.finite(self.numbers.lift(q))

    def power(self, x: Infinitesimal, r: Fraction) -> Infinitesimal:
        return x.power(r)

    def absolute(self, x: Infinitesimal) -> Infinitesimal:
        return x * self.sign(x)

    def sign(self, x: Infinitesimal) -> Infinitesimal:
        return self.finite(self.numbers.sign(x.finite))

    def scaled(self, x: Infinitesimal, factor: Infinitesimal) -> Infinitesimal:
        return x * factor
