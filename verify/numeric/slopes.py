"""The numerical route: the error of every truncation against gamma.

The scheme runs from the slow manifold for a fixed time T at gamma_j = gamma_0/2^j; the field truncated after gamma^k is
integrated to the same time by Taylor series.  The distance is

    e_k(gamma) = |theta_(T/gamma) - x_k(T)| = C gamma^m (1 + c_1 gamma + c_2 gamma^2 + ...),

with m = k + 1, or more where f_(k+1), ... vanish.  log2(e_k(gamma_j)/e_k(gamma_(j+1))) tends to m, its own error is a power
series in gamma, and Richardson extrapolation over the halvings leaves m to many digits.

Start.  The memory starts on the slow manifold right through gamma^(N+4) (`orbits.slow_balls`), so the transient is a smooth
perturbation of higher power than any error measured here; the derived memory expansion is not used.

Precision.  An error is about gamma^m, and only its leading digits matter: the logarithms want 12 of them, for the extrapolation
multiplies what they lack by eight.  So m log10(1/gamma) + 15 digits after the point are carried, each run at its own; an error
that turns out smaller than the field claims is measured again with 15 digits more, until it stands out or the digits asked for
are reached, below which it counts as zero.  The arithmetic has 24 digits beyond that.  The flow's rounding is enclosed by balls.
The scheme's orbit is run on midpoints: each of its steps rounds once and a stable scheme does not amplify that, while the balls
of a two-step recursion would grow like the sum of its coefficients' absolute values.

Where the expansion is in h, gamma = h^q with q > 1, a fixed time takes h^-q steps.  There runs have a fixed number of steps, and
e_k(h) is the distance over gamma, so that the same m is its slope in h.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor, inf, isfinite, log2, log10
from typing import Any

import mpmath
from flint import arb

from verify.numbers.precision import bits_of, precision, to_mpf
from verify.numbers.recurrences import number
from verify.numeric.runs import Ends, Runs
from verify.orbits.integrate import GUARD, Flow, IntegrationError
from verify.orbits.slow_balls import NumericError, System, memory_length, relaxation_factor, slow_memory

#: an extrapolated slope counts as the integer it should be within this distance
TOLERANCE = 5e-4
LEVELS = 6
SHORT = 4  # steps of a run where the expansion is in a root of gamma
#: digits to which an error is wanted, and the fewest that settle it
RELATIVE, ENOUGH = 15, 12


@dataclass(frozen=True)
class SlopeTable:
    """Errors of every truncation at every step, and the slopes.

    `digits` is the most that an error was carried to; `errors[k][j]` belongs to truncation k at `gammas[j]`; `raw[k]` are the
    slopes between neighbours, `slopes[k]` their extrapolated limit with `accuracy[k]` as its estimated error, `expected[k]` the
    slope the field claims (the next power at which it does not vanish).  A truncation whose error is zero to the digits asked for
    has slope None.
    """

    time: Fraction
    start: tuple[Fraction, ...]
    digits: int
    gammas: tuple[Fraction, ...]
    errors: tuple[tuple[mpmath.mpf, ...], ...]
    raw: tuple[tuple[float, ...], ...]
    slopes: tuple[float | None, ...]
    accuracy: tuple[float, ...]
    expected: tuple[int, ...]
    root: int = 1

    @property
    def monotone(self) -> tuple[bool, ...]:
        """Whether the slopes between neighbours approach their limit from one side, ever closer (below TOLERANCE: arrived)."""
        return tuple(limit is None or _approaches(raw, limit) for raw, limit in zip(self.raw, self.slopes, strict=True))

    @property
    def failures(self) -> tuple[int, ...]:
        """Truncations whose slope is not the expected one.

        Where the field vanishes beyond k as far as it is known, any integer from N + 1 on is expected: f_(N+1), ... may vanish.
        """
        return tuple(k for k, slope in enumerate(self.slopes) if slope is not None and not self._agrees(k, slope))

    def _agrees(self, k: int, slope: float) -> bool:
        open_ended = self.expected[k] == len(self.slopes)
        wanted = max(self.expected[k], round(slope)) if open_ended else self.expected[k]
        return abs(slope - wanted) < TOLERANCE

    def expected_text(self, k: int) -> str:
        """The slope that is expected of truncation k; '3 or more' where f_3, not derived, turns out to vanish."""
        slope, wanted = self.slopes[k], self.expected[k]
        more = slope is not None and wanted == len(self.slopes) and round(slope) > wanted
        return f"{wanted} or more" if more else str(wanted)

    @property
    def confirmed(self) -> bool:
        return not self.failures

    def to_json(self) -> dict[str, Any]:
        return {
            "time": str(self.time),
            "start": [str(x) for x in self.start],
            "digits": self.digits,
            "gammas": [str(g) for g in self.gammas],
            "errors": [[mpmath.nstr(e, 12) for e in row] for row in self.errors],
            "raw_slopes": [list(row) for row in self.raw],
            "slopes": list(self.slopes),
            "accuracy": list(self.accuracy),
            "expected": list(self.expected),
            "monotone": list(self.monotone),
            **({"expansion": f"gamma**(1/{self.root})"} if self.root > 1 else {}),
            "confirmed": self.confirmed,
        }


def _approaches(raw: Sequence[float], limit: float) -> bool:
    distances = [0.0 if abs(r - limit) < TOLERANCE else r - limit for r in raw]
    return all(a * b >= 0 and abs(b) <= abs(a) for a, b in pairwise(distances))


def richardson(values: Sequence[Any], ratio: int = 2) -> tuple[Any, Any]:
    """The limit of v(h), v(h/2), v(h/4), ... for v a power series in h, and an estimate of its error.

    >>> limit, error = richardson([Fraction(3) + h + h**2 for h in (Fraction(1, 2), Fraction(1, 4), Fraction(1, 8))])
    >>> limit
    Fraction(3, 1)
    """
    rows, previous = list(values), values[-1]
    for power in range(1, len(values)):
        previous = rows[-1]
        factor = ratio**power
        rows = [(factor * b - a) / (factor - 1) for a, b in pairwise(rows)]
    return rows[-1], abs(rows[-1] - previous)


def slope_table(
    system: System,
    digits: int = 30,
    levels: int = LEVELS,
    time: Fraction | None = None,
    coarsest: Fraction | None = None,
    shifted: Sequence[Sequence[Any]] = (),
    from_rest: bool = False,
    ends: Ends | None = None,
) -> SlopeTable:
    """Run the scheme and the truncated fields over the same time and compare.

    `time` and `coarsest` (the largest gamma, which must divide the time) are chosen from the field where not given.
    `from_rest` starts the memory as users do instead of on the slow manifold; `shifted` are then the vectors c_1, c_2, ... by
    which the field's initial point is moved, x_0 + gamma c_1 + gamma^2 c_2 + ....  `ends` remembers where the scheme's runs
    ended, for another table with the same time.

    gamma_0 is halved, at most three times, while the slopes do not approach their limits from one side.

    Raises NumericError or IntegrationError where the scheme or the flow cannot be run from the start.
    """
    flow = Flow(system.fields, system.slow_size)
    chosen, first = _feasible(system, *choose_steps(system, flow, time, coarsest))
    runs = Runs(system, flow, chosen, shifted, from_rest, {} if ends is None else ends)
    for halvings in range(1 if coarsest else 4):
        gammas = tuple(first / 2 ** (j + halvings) for j in range(levels))
        table = _measured(runs, digits, gammas)
        if table.confirmed and all(table.monotone):
            break
    if not table.confirmed and system.curved and (grows := relaxation_factor(system)) > 1:
        raise NumericError(f"the memory grows by the factor {grows:.4g} a step at this point, so no orbit stays near it")
    return table


def _feasible(system: System, time: Fraction, gamma: Fraction) -> tuple[Fraction, Fraction]:
    """Time and gamma, both quartered while the slow manifold is not found at that gamma."""
    for quarterings in range(7):
        scale = Fraction(1, 4**quarterings)
        shorter = scale if system.root == 1 else 1
        try:
            with precision(120):
                slow = [number(x) for x in system.start]
                slow_memory(system, slow, number(gamma * scale), system.order + 4, arb(10) ** -8, sweeps=12)
            return time * shorter, gamma * scale
        except NumericError:
            continue
    return time, gamma


def _measured(runs: Runs, digits: int, gammas: tuple[Fraction, ...]) -> SlopeTable:
    """Errors of every truncation at every gamma; one below 10^(4 - digits), or far below gammas[-1]^(N + 1), counts as zero."""
    order, root = runs.system.order, runs.system.root
    per_gamma = root if root > 1 else 0  # the power of h that errors are divided by
    largest = max(digits, _digits(gammas[-1], order + 1 + per_gamma))
    with precision(bits_of(largest) + 2 * GUARD):
        expected = _expected(runs.flow, runs.system)
        _ = runs.solution(gammas[-1], 0, _digits(gammas[-1], expected[0] + per_gamma))
        used, columns = 0, []
        for gamma in gammas:
            _ = runs.end(gamma, _digits(gamma, max(expected) + per_gamma))
            column: list[Any] = []
            for k in range(order + 1):
                if k and not any(_nonzero(c) for c in runs.flow.outputs[k]):
                    column.append(column[-1])
                    continue
                error, needed = _settled(runs, gamma, k, _digits(gamma, expected[k] + per_gamma), largest)
                column.append(error / number(gamma**per_gamma))
                used = max(used, needed)
            columns.append(column)
        return _table(runs, used, gammas, [list(row) for row in zip(*columns, strict=True)], expected)


def _settled(runs: Runs, gamma: Fraction, k: int, digits: int, largest: int) -> tuple[Any, int]:
    """An error that stands 10^ENOUGH above what is not known of it, or all the digits there are; and the digits it took."""
    while True:
        error = runs.error(gamma, k, digits)
        if error > arb(10) ** (ENOUGH - digits) or digits >= largest:
            return error, digits
        digits = min(largest, digits + RELATIVE)


def _digits(gamma: Fraction, power: int) -> int:
    """Digits after the point of an error of size gamma^power that is wanted to RELATIVE digits."""
    return ceil(power * log10(1 / gamma)) + RELATIVE


def _nonzero(node: Any) -> bool:
    operation, _, extra = node.tape.operations[node.index]
    return not (operation == "constant" and extra == 0)


def _table(
    runs: Runs, digits: int, gammas: tuple[Fraction, ...], errors: list[list[Any]], expected: tuple[int, ...]
) -> SlopeTable:
    raw: list[tuple[float, ...]] = []
    slopes: list[float | None] = []
    accuracy: list[float] = []
    for row in errors:
        if any(e == 0 for e in row):
            raw.append(())
            slopes.append(None)
            accuracy.append(0.0)
            continue
        ratios = [(a / b).log() / arb(2).log() for a, b in pairwise(row)]
        limit, doubt = richardson(ratios)
        if not isfinite(float(limit.mid())):
            grows = relaxation_factor(runs.system)
            reason = f"the memory grows by the factor {grows:.4g} a step" if grows > 1 else "the balls of the orbit grow too wide"
            raise NumericError(f"{reason}: the orbit does not stay on the slow manifold")
        raw.append(tuple(float(r.mid()) for r in ratios))
        slopes.append(float(limit.mid()))
        accuracy.append(float(doubt.mid()))
    table = tuple(tuple(to_mpf(e) for e in row) for row in errors)
    return SlopeTable(
        runs.time, runs.system.start, digits, gammas, table, tuple(raw), tuple(slopes), tuple(accuracy), expected,
        runs.system.root,
    )  # fmt: skip


def _expected(flow: Flow, system: System) -> tuple[int, ...]:
    """The slope that the field claims for every truncation."""
    vanishing = [not any(float(abs(c).mid()) > 1e-25 for c in vector) for vector in flow.value(system.start)]
    return tuple(_next_power(vanishing, k) for k in range(system.order + 1))


def _next_power(vanishing: Sequence[bool], k: int) -> int:
    """The first power above k at which the field does not vanish, or one more than its order."""
    return next((j for j in range(k + 1, len(vanishing)) if not vanishing[j]), len(vanishing))


# ------------------------------------------------------------------------------------------ time and steps


def choose_steps(system: System, flow: Flow, time: Fraction | None, coarsest: Fraction | None) -> tuple[Fraction, Fraction]:
    """gamma_0 an eighth of the smallest |f_k|/|f_(k+1)|, and of the radius of convergence over the memory's length; T a quarter
    of that radius, at most 64 gamma_0.  For roots of gamma SHORT steps, and the root's first value."""
    with precision(100):
        sizes = [max(float(abs(c).mid()) for c in vector) for vector in flow.value(system.start)]
        radius = flow.radius(system.start)
    if system.root > 1:
        scale = min([1.0, *_ratios(sizes)])
        return time or Fraction(SHORT), coarsest or Fraction(2) ** floor(log2(scale / 8))
    if time is not None and coarsest is not None:
        if (time / coarsest).denominator != 1:
            raise NumericError(f"the time {time} is no multiple of gamma = {coarsest}")
        return time, coarsest
    scale = min([radius / memory_length(system), *_ratios(sizes)])
    if not sizes[0] > 0:
        raise NumericError("the limit field vanishes at the starting point; take another point")
    if not 0 < scale < inf or not 0 < radius < inf:
        raise NumericError("no step is small enough at the starting point; take another point")
    gamma = coarsest or Fraction(2) ** floor(log2(scale / 8))
    time = time or _sign_safe(system, flow, min(Fraction(2) ** floor(log2(radius / 4)), 64 * gamma))
    while (time / gamma).denominator != 1 or time / gamma < 8:
        gamma = gamma / 2
    return time, gamma


def _ratios(sizes: Sequence[float]) -> list[float]:
    """(|f_j|/|f_k|)^(1/(k-j)) over neighbouring non-zero powers j < k."""
    powers = [k for k, size in enumerate(sizes) if size > 1e-25]
    return [(sizes[j] / sizes[k]) ** (1 / (k - j)) for j, k in pairwise(powers)]


def _sign_safe(system: System, flow: Flow, time: Fraction) -> Fraction:
    """The time, halved until nothing under a sign or an absolute value has come near zero along the limit flow."""
    with precision(100):
        before = flow.under_signs(system.start)
        for _ in range(40):
            try:
                after = flow.under_signs(flow.integrate(system.start, time, 15))
            except (IntegrationError, ZeroDivisionError):
                after = [arb(0)] if before else []
            if all(4 * a * b > b * b for a, b in zip(after, before, strict=False)):
                return time
            time = time / 2
    raise NumericError("a component of the gradient vanishes at the starting point; take another point")
