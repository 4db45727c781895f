"""Taylor coefficients of the known functions over any ring:  f(a + h) = sum_m t_m h^m, from first-order differential equations.

    tanh      (m+1) t_(m+1) = [m = 0] - sum_i t_i t_(m-i)         sigmoid   (m+1) t_(m+1) = t_m - sum_i t_i t_(m-i)
    atan      (m+1) t_(m+1) = s_m,   (1 + a^2) s_m = [m = 0] - 2 a s_(m-1) - s_(m-2)
    softplus  (m+1) t_(m+1) = sigmoid's t_m                       erf       (m+1) t_(m+1) = derf's t_m
    derf      (m+1) t_(m+1) = -2 (a t_m + t_(m-1))                log       t_m = -(-a)^(-m) / m
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import factorial
from typing import Any, Protocol

_AT_ZERO: dict[str, int | Fraction] = {"exp": 1, "sin": 0, "cos": 1, "tanh": 0, "sigmoid": Fraction(1, 2), "atan": 0, "erf": 0}


class Ring(Protocol):
    """What Taylor coefficients need; the rings of proofs have it."""

    def constant(self, value: Fraction, /) -> Any: ...

    def add(self, x: Any, y: Any, /) -> Any: ...

    def scale(self, x: Any, factor: Fraction, /) -> Any: ...

    def inner(self, xs: Sequence[Any], ys: Sequence[Any], /) -> Any: ...

    def power(self, x: Any, r: Fraction, where: Any, /) -> Any: ...


def value_at_zero(name: str) -> Fraction | None:
    """Where it is rational.

    >>> value_at_zero("sigmoid"), value_at_zero("softplus")
    (Fraction(1, 2), None)
    """
    found = _AT_ZERO.get(name)
    return None if found is None else Fraction(found)


def taylor(name: str, a: Any, length: int, value: Callable[[str], Any], ring: Ring, where: Any = None) -> list[Any]:
    """t_0, ..., t_(length-1) at a; `value` gives functions there.

    >>> from verify.proof.field import PrimeField
    >>> ring = PrimeField(10007)
    >>> tanh = taylor("tanh", 0, 6, lambda f: 0, ring)
    >>> tanh == [ring.constant(Fraction(c)) for c in ("0", "1", "0", "-1/3", "0", "2/15")]
    True
    """
    t = [value(name)]
    if name in ("sin", "cos"):
        other = value("cos" if name == "sin" else "sin")
        cycle = [(t[0], 1), (other, 1 if name == "sin" else -1), (t[0], -1), (other, -1 if name == "sin" else 1)]
        return [ring.scale(cycle[m % 4][0], Fraction(cycle[m % 4][1], factorial(m))) for m in range(length)]
    slopes = _slopes(name, a, length, value, ring, where)
    for m in range(length - 1):
        t.append(ring.scale(slopes(m, t), Fraction(1, m + 1)))
    return t[:length]


def _slopes(
    name: str, a: Any, length: int, value: Callable[[str], Any], ring: Ring, where: Any
) -> Callable[[int, list[Any]], Any]:
    """(m, t_0, ..., t_m) -> the m-th Taylor coefficient of the derivative."""
    one, zero = ring.constant(Fraction(1)), ring.constant(Fraction(0))

    def square(m: int, t: list[Any]) -> Any:
        return ring.scale(ring.inner(t[: m + 1], t[m::-1]), Fraction(-1))

    match name:
        case "exp":
            return lambda m, t: t[m]
        case "tanh":
            return lambda m, t: ring.add(zero if m else one, square(m, t))
        case "sigmoid":
            return lambda m, t: ring.add(t[m], square(m, t))
        case "softplus" | "erf":
            partner = "sigmoid" if name == "softplus" else "derf"
            known = taylor(partner, a, length, value, ring, where)
            return lambda m, t: known[m]
        case "derf":
            return lambda m, t: ring.scale(ring.inner([a, one], [t[m], t[m - 1] if m else zero]), Fraction(-2))
        case "log":
            inverse = ring.power(a, Fraction(-1), where)
            return lambda m, t: ring.scale(ring.power(inverse, Fraction(m + 1), where), Fraction((-1) ** m))
    assert name == "atan"
    inverse = ring.power(ring.add(one, ring.inner([a], [a])), Fraction(-1), (where, "1 + x^2"))
    s: list[Any] = [inverse]
    for m in range(1, length):
        rest = ring.inner([ring.scale(a, Fraction(2)), one], [s[m - 1], s[m - 2] if m > 1 else zero])
        s.append(ring.scale(ring.inner([rest], [inverse]), Fraction(-1)))
    return lambda m, t: s[m]
