"""Sums over n = 0, 1, 2, ... of sequences that are rational in the rho^n, as numbers with a proven error.

    c(n) = P(n, rho^n)/D(rho^n),   every monomial of P with some rho^n;   q = max |rho|

For n >= N a monomial is at most |c| n^a q^n, a factor f of D at least |f(0)| - q^N (its other coefficients), and

    sum_(n>=N) n^a q^n  <=  N^a q^N/(1 - q (1 + 1/N)^a).

Such sums are Lambert series, with no closed form.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from flint import arb, ctx, fmpq

from derive.algebra.coefficients import Ratio

MAX_TERMS = 1 << 20
GUARD = 40  # bits beside those that are printed


def total(sequence: Ratio, factors: Mapping[str, Fraction], digits: int = 30) -> arb:
    """sum_(n>=0) c(n), its symbols being n and those of `factors`, each for rho^n.

    ValueError where another symbol is left, where c does not tend to 0, or where this many terms do not do.

    >>> from derive.algebra.coefficients import Ring
    >>> ring = Ring(["z"]); z = ring.symbol("z")
    >>> total(z * ring.n, {"z": Fraction(1, 2)}, 10).str(10, radius=False)
    '2.000000000'
    """
    value, n = sequence.reduced(), sequence.ring.names[0]
    if other := value.symbols() - {n, *factors}:
        raise ValueError(f"{', '.join(sorted(other))} has no value")
    with ctx.workprec(int(3.33 * digits) + GUARD):
        return _total(value, n, factors, arb(10) ** -(digits + 1)) if value else arb(0)


def _total(value: Ratio, n: str, factors: Mapping[str, Fraction], wanted: arb) -> arb:
    q = max((abs(rho) for rho in factors.values()), default=Fraction(0))
    result, powers, ratios = arb(0), dict.fromkeys(factors, arb(1)), {z: _ball(rho) for z, rho in factors.items()}
    for step in range(MAX_TERMS):
        if step % 16 == 1 and (tail := _tail(value, n, q, step)) is not None and tail < wanted:
            return result + arb(0, tail.upper())
        result += value.at({n: arb(step), **powers}, _ball)
        powers = {z: p * ratios[z] for z, p in powers.items()}
    raise ValueError(f"{MAX_TERMS} terms of the sum are too few")


def decimal(value: arb, digits: int) -> str:
    """A number to this many digits, fewer where its error shows.

    >>> decimal(arb(1) / 3, 5)
    '0.33333'
    """
    return str(value.str(digits, radius=False))


def _ball(x: Fraction) -> arb:
    return arb(fmpq(x.numerator, x.denominator))


def _tail(value: Ratio, n: str, q: Fraction, start: int) -> arb | None:
    """A bound of |sum_(m>=start) c(m)|; None where `start` is too small for one."""
    ring, small = value.ring, _ball(q) ** start
    below = arb(1)
    for index, exponent in value.den:
        least = arb(0)
        for c, powers in ring.monomials(ring.factors[index]):
            least = least - abs(_ball(c)) * small if powers else least + abs(_ball(c))
        if not least > 0:
            return None
        below *= least**exponent
    result = arb(0)
    for c, powers in ring.monomials(value.num):
        degree = dict(powers).get(n, 0)
        if len(powers) == (degree > 0):
            raise ValueError(f"{value} does not tend to 0")
        ratio = _ball(q) * (1 + arb(1) / start) ** degree
        if not ratio < 1:
            return None
        result += abs(_ball(c)) * arb(start) ** degree * small / (1 - ratio)
    return result / below
