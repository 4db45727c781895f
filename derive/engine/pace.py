"""Expansions in a root h of gamma = h^q, and memory that relaxes by a power of h a step: more slowly than fast memory, faster
than the point moves.

    V+ = V + h^p c (R - V) + ...,   0 < p < q        (v = v + (gamma/t)^(4/5) (g^2 - v):   q = 5, p = 4)

A step moves the clock n of such memory by h^p, n = N h^p after N steps, and the point moves by h^(q-p) while n moves by 1.  So
states are polynomials in n at every power of h, a step is n -> n + h^p, and of a state x that changes by h^e in a step

    sum_(p j > e) h^(p j - e) x^(j)(n)/j!   +   [e = p] x'(n)   =   (U(x) - x)/h^e          (U the update text, e <= p)

has at every power a leading part that is the equation of a memory, x' + (1 - a) x = R where e = p, and (1 - a) x = R where e < p,
with solutions sum_j (-1)^j (1 - a)^(-j-1) R^(j), or that of a slow variable, x' = R.  The largest such e < q is p; p = 0 where
there is none, and then n is the number of the step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flint import fmpq

from derive.algebra.sequences import rate
from derive.algebra.sums import Sum, accumulate
from derive.algebra.terms import Exponent, as_exponent
from derive.engine.series import Series, State

if TYPE_CHECKING:
    from derive.engine.translation import Translation


class Paced(Series):
    """x + (U(x) - x)/h^e - sum_(p j > e) h^(p j - e) x^(j)/j!,  whose leading part is x + x' or x (`algebra.sequences`).

    Below h^e U(x) is x whatever x is, so what x is beyond h^k cancels at h^k, and need not be known.
    """

    context: Translation

    def __init__(self, update: Series, state: State, pace: int, lag: int) -> None:
        super().__init__(update.context, update.place)
        self.update, self.state, self.pace, self.lag = update, state, pace, lag
        self.low, self.step = min(0, as_exponent(update.low - pace)), update.step

    def compute(self, k: Exponent) -> Sum:
        context, name, power = self.context, self.state.name, as_exponent(k + self.pace)
        result = dict(self.state.at(k))
        accumulate(result, self.update.at(power))
        accumulate(result, _negative(self.state.at(power)))
        accumulate(result, _negative(context.moved(name, power, self.pace // self.lag + 1)))
        if k < 0 or k in context.solution[name]:
            context.unsolved.discard(name)
        return result


def moved(values: Mapping[int, Sum], power: Exponent, lag: int, first: int) -> Sum:
    """sum_(j >= first) x^(j)/j! at h^power of x(n + h^lag), the `values` of x by powers of h."""
    result: Sum = {}
    for k, value in values.items():
        j, rest = divmod(power - k, lag)
        if not rest and j >= first:
            accumulate(result, _derivative(value, int(j)))
    return result


def _derivative(value: Sum, j: int) -> Sum:
    """x^(j)/j!."""
    for i in range(1, j + 1):
        value = {t: d.scaled(fmpq(1, i)) for t, c in value.items() if (d := rate(c))}
    return value


def _negative(value: Sum) -> Sum:
    return {t: -c for t, c in value.items()}
