"""Starting from rest: what the transient does to the initial point.

Users start with empty memory.  The orbit then differs from one on the slow manifold by transients a^n, which die out, and by
a displacement that stays: after some time it is the slow orbit that started not at x_0 but at

    x_0 + gamma c_1(x_0) + gamma^2 c_2(x_0) + ...

(heavy ball: c_1 = beta/(1 - beta)^2 grad L).  With the field's initial point moved by c_1, ..., c_N the slopes are 1, 2, ...,
N + 1 again; without it every truncation has slope 1.

Measured as follows: the scheme runs from rest for M steps at gamma = i 10^-s, M so large that a^M is below the accuracy; the slow
orbit found there is continued back to n = 0 as the polynomial in n that it is at every power of gamma; the displacements
at the different gamma are extrapolated to their coefficients c_k.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, log
from typing import Any

import mpmath
from flint import arb

from verify.numbers.precision import bits_of, precision, to_mpf
from verify.numbers.recurrences import number
from verify.numeric.recover import SCALE, identify, interpolation
from verify.numeric.slopes import SlopeTable, choose_steps, slope_table
from verify.orbits.integrate import Flow
from verify.orbits.slow_balls import NumericError, System, differences, relaxation_factor

MAX_STEPS = 20_000
#: values of gamma in the tables from rest: the runs are long, and far in the asymptotic range
LEVELS = 4


@dataclass(frozen=True)
class RestStart:
    """`shift[k-1]` is c_k; `ratio` c_1 = ratio * f_0 where the two are parallel (heavy ball: -beta/(1-beta)), else None.

    `without` and `with_shift` are the slopes from the unmoved and from the moved initial point.  Without memory, or from a
    rest that lies on the slow manifold, the shift vanishes and both are the same.
    """

    shift: tuple[tuple[mpmath.mpf, ...], ...]
    names: tuple[str, ...]
    ratio: Fraction | None
    without: SlopeTable
    with_shift: SlopeTable

    def to_json(self) -> dict[str, Any]:
        return {
            "shift": [{n: mpmath.nstr(x, 20) for n, x in zip(self.names, c, strict=True)} for c in self.shift],
            "ratio_to_limit_field": None if self.ratio is None else str(self.ratio),
            "slopes_without_shift": list(self.without.slopes),
            "slopes_with_shift": list(self.with_shift.slopes),
        }


def transient_shift(system: System, order: int) -> list[list[Any]]:
    """c_1, ..., c_order at the start of the system.

    Raises NumericError when the transient takes more than MAX_STEPS steps.
    """
    if not system.rest:
        return [[arb(0)] * system.slow_size for _ in range(order)]
    count = order + 3
    digits = SCALE * (count + 1) + 40
    with precision(bits_of(digits)):
        steps = _steps_to_forget(system, SCALE * order + 16)
        values = [_displacement(system, number(Fraction(i, 10**SCALE)), steps, count) for i in range(1, count + 1)]
        weights = interpolation(count, through_zero=True)
        return [
            [
                sum((w * v[i] for w, v in zip(weights[k], values, strict=True)), arb(0)).mid() * arb(10) ** (SCALE * k)
                for i in range(system.slow_size)
            ]
            for k in range(1, order + 1)
        ]


def _steps_to_forget(system: System, digits: int) -> int:
    """Steps after which |a|^n is below 10^-digits.

    Raises NumericError when that is more than MAX_STEPS.
    """
    largest = max(1e-3, relaxation_factor(system))
    if largest >= 1:
        raise NumericError("the transient does not decay: a relaxation factor is not inside the unit circle")
    steps = ceil(digits * log(10) / -log(largest)) + len(system.rest)
    if steps > MAX_STEPS:
        raise NumericError(f"the transient needs {steps} steps to die out, over {MAX_STEPS}; take smaller relaxation factors")
    return steps


def _displacement(system: System, gamma: Any, steps: int, width: int) -> list[Any]:
    """Where the slow orbit, that the orbit from rest becomes, was at n = 0, minus the start."""
    state = [number(x) for x in (*system.start, *system.rest)]
    for _ in range(steps):
        state = [x.mid() for x in system.fast_step(state, gamma)]
    low = system.slow_size
    table = differences([s[:low] for s in system.orbit(state, gamma, width)])
    back = [arb(0)] * low
    factor = arb(1)
    for j, row in enumerate(table):  # Newton's series sum_j binomial(-steps, j) Delta^j X
        back = [b + factor * x for b, x in zip(back, row, strict=True)]
        factor = factor * (-steps - j) / (j + 1)
    return [b - number(x) for b, x in zip(back, system.start, strict=True)]


def start_from_rest(system: System, digits: int = 30) -> RestStart:
    """The shift and the slopes with and without it.

    Raises NumericError as `transient_shift` does, and when a run from rest cannot be made.
    """
    shift = transient_shift(system, max(1, system.order))
    with precision(bits_of(digits)):
        time, gamma = choose_steps(system, Flow(system.fields, system.slow_size), None, None)
        wanted = _steps_to_forget(system, digits) if system.rest else 8
        while time / gamma < wanted:  # the transient must be below the errors measured at the end of the interval
            gamma = gamma / 2
        options: dict[str, Any] = {"levels": LEVELS, "time": time, "coarsest": gamma, "from_rest": True, "ends": {}}
        without = slope_table(system, digits, **options)
        moved = slope_table(system, digits, shifted=shift, **options) if system.rest else without
        ratio = _ratio(shift[0], system)
    return RestStart(tuple(tuple(to_mpf(x) for x in c) for c in shift), system.names, ratio, without, moved)


def _ratio(shift: Sequence[Any], system: System) -> Fraction | None:
    """c_1/f_0 as a fraction, where it is the same at every component and is a fraction."""
    limit = Flow(system.fields, system.slow_size).value(system.start)[0]
    pairs = [(c, f) for c, f in zip(shift, limit, strict=True) if abs(float(f.mid())) > 1e-12]
    values = [to_mpf((c / f).mid()) for c, f in pairs]
    if not values or max(abs(v - values[0]) for v in values) > 1e-15:
        return None
    found, _ = identify(values[0], 10.0 ** (-SCALE))
    return found
