"""The law that is left after a long time, on a quadratic loss with additive noise: exact variance against the generator's.

    m_i = E m_i after a step      (i over moments; linear equations)          G m = 0

For gradient descent with samples h x^2/2 - b_s x, variance of b sigma^2, this is  gamma sigma^2/(h (2 - gamma h)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import log2
from typing import Any

from flint import arb, arb_mat

from derive.errors import UndecidedError
from derive.scheme import Configuration
from verify.numbers.precision import bits_of, precision
from verify.sde.moments import DIGITS, TOLERANCE, Moments, extrapolated
from verify.sde.statement import Claim
from verify.sde.structure import Structure

EXPONENTS = range(16, 21)
CURVATURE = Fraction(7, 5)


@dataclass(frozen=True)
class Stationary:
    """exact, claimed: variances at the smallest gamma; slope: of their difference against gamma, None where there is none."""

    gamma: Fraction
    exact: float
    claimed: float
    slope: float | None
    order: int
    parameters: Mapping[str, Fraction]

    @property
    def confirmed(self) -> bool:
        return self.slope is None or self.slope > self.order + 1 - TOLERANCE

    def to_json(self) -> dict[str, Any]:
        slope = None if self.slope is None else round(self.slope, 6)
        return {"gamma": str(self.gamma), "exact": self.exact, "claimed": self.claimed, "slope": slope}


def stationary_variance(c: Configuration, claim: Claim, structure: Structure) -> Stationary:
    """The variances at several gamma.  Raises UndecidedError where the claim leaves no law after a long time."""
    if len(c.scheme.unknowns) > 1:
        raise UndecidedError("players need have no law that is left after a long time")
    gammas = [Fraction(1, 2**k) for k in EXPONENTS]
    with precision(bits_of(10 * DIGITS)):
        moments = Moments(c, claim, structure, 1, 2, curvature=CURVATURE)
        found = [variances(moments, g, claim.order) for g in gammas]
    differences = [float(abs(a - b).mid()) if abs(a - b).mid() > arb(10) ** -DIGITS else 0.0 for a, b in found]
    raw = tuple(log2(a / b) for a, b in pairwise(differences) if a and b)
    exact, claimed = found[-1]
    return Stationary(gammas[-1], float(exact.mid()), float(claimed.mid()), extrapolated(raw), claim.order, moments.parameters)


def variances(moments: Moments, gamma: Fraction, order: int) -> tuple[arb, arb]:
    """(of the scheme, of the generator cut off after gamma^order)."""
    step = moments.exact(gamma)
    for i in range(moments.size):
        step[i, i] -= 1
    return _variance(moments, step), _variance(moments, moments.generator(gamma, order))


def _variance(moments: Moments, equations: arb_mat) -> arb:
    """Of the first unknown, for the moments m with equations m = 0 and m_0 = 1."""
    size = moments.size
    matrix = arb_mat([[equations[i, j] for j in range(1, size)] for i in range(1, size)])
    right = arb_mat([[-equations[i, 0]] for i in range(1, size)])
    try:
        found = matrix.solve(right)
    except ZeroDivisionError:
        raise UndecidedError("no law is left after a long time") from None
    first, second = moments.place(1), moments.place(2)
    return found[second - 1, 0] - found[first - 1, 0] ** 2
