"""A claim against the scheme: values of f_k on the exact slow orbit at random samples, and the first that is not as claimed.

Where no sample has rational roots the comparison is made in balls.  It is one-sided there: balls that do not meet refute, balls
that meet confirm to their radius.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flint import arb

from verify.counterexample.claimed import ClaimedField, claimed_values, memory_values, values_at
from verify.counterexample.one_step import StepOrder, step_order
from verify.counterexample.parameters import parameter_values
from verify.counterexample.roots import with_rational_roots
from verify.counterexample.samples import NoRationalPoint, as_balls, random_sample
from verify.numbers.kinds import BALLS
from verify.numbers.power_series import IrrationalRoot, SingularSeries
from verify.numbers.precision import precision
from verify.orbits.slow_series import Orbit, Sample, SlowOrbit
from verify.problems.matrices import COMPONENTS

#: samples tried before a choice of parameter values is given up; bits of balls, and how wide they may become
TRIES, BITS, WIDEST = 12, 400, 1e-40


@dataclass(frozen=True)
class Mismatch:
    """A value that is not the claimed one: of f_power of `variable`, which lies in an unknown's `space`, at a component of a
    sample; `timed` if it depends on t."""

    variable: str
    power: int
    component: int
    claimed: Any
    true: Any
    sample: Sample
    timed: bool = False
    space: str = "theta"


@dataclass(frozen=True)
class Examined:
    """One sample, the scheme's slow orbit there, and what the claim says."""

    claim: ClaimedField
    sample: Sample
    orbit: Orbit
    claimed: Mapping[str, list[list[Any]]]

    @cached_property
    def mismatches(self) -> list[Mismatch]:
        return mismatches_at(self, self.claimed)

    @property
    def radius(self) -> float | None:
        """The widest ball among the values compared, None in exact arithmetic."""
        tables = (self.claimed, self.orbit.fields)
        radii = [float(v.rad()) for table in tables for rows in table.values() for row in rows for v in row if isinstance(v, arb)]
        return max(radii) if radii else None


def mismatches_at(examined: Examined, claimed: Mapping[str, list[list[Any]]]) -> list[Mismatch]:
    """Every component at which a claimed value is not the true one, in order of the power of gamma."""
    found = []
    for x, powers in claimed.items():
        for k, vector in enumerate(powers):
            for i, (said, true) in enumerate(zip(vector, examined.orbit.fields[x][k], strict=True)):
                if said != true:
                    claim = examined.claim
                    found.append(Mismatch(x, k, i, said, true, examined.sample, claim.timed, claim.space(x)))
    return sorted(found, key=lambda m: m.power)


def examine(claim: ClaimedField, sample: Sample, order: int, balls: bool = False) -> Examined:
    """The slow orbit through gamma^(order+1), and the claimed values.  Mismatches name the sample as it was given.

    Raises IrrationalRoot, SingularSeries and ZeroDivisionError where the text or the claim has no value in these numbers,
    NotSlow where no slow orbit has the claimed memory.
    """
    claim.configuration.scheme.require_whole_powers("exact orbits are series")
    place = as_balls(sample) if balls else sample
    orbit = SlowOrbit(claim.configuration, place, claim.slow, memory_values(claim, values_at(place)), order).find()
    return Examined(claim, sample, orbit, claimed_values(claim, place))


def examine_random(
    claim: ClaimedField,
    values: Mapping[str, Any],
    source: random.Random,
    dimension: int,
    degree: int,
    order: int,
    balls: bool = False,
) -> Examined:
    """The first random sample at these parameter values that will do: rational roots, or balls that stay small.

    Raises NoRationalPoint, IrrationalRoot where there is none with rational roots, SingularSeries where none has a value.
    """
    reason: ArithmeticError = SingularSeries("no random point will do")
    for _ in range(TRIES):
        try:
            if balls:
                found = examine(claim, random_sample(claim, values, source, dimension, degree, BALLS), order, balls)
                if found.radius is not None and found.radius < WIDEST:
                    return found
            else:
                sample = random_sample(claim, values, source, dimension, degree)
                return examine(claim, with_rational_roots(claim, sample, source), order)
        except (IrrationalRoot, SingularSeries, ZeroDivisionError) as error:
            reason = error
    raise reason


@dataclass(frozen=True)
class Comparison:
    """A claim at random samples: the last is the first at which it fails, if it fails at one."""

    claim: ClaimedField
    examined: tuple[Examined, ...]

    @property
    def mismatches(self) -> list[Mismatch]:
        return self.examined[-1].mismatches

    @property
    def refuted(self) -> bool:
        return bool(self.mismatches)

    @property
    def radius(self) -> float | None:
        """The widest ball that was compared, None in exact arithmetic."""
        return max((e.radius for e in self.examined if e.radius is not None), default=None)

    @cached_property
    def step(self) -> StepOrder:
        """One step of the scheme against the Taylor flow of the claimed field, in exact arithmetic."""
        if self.radius is not None or not self.claim.complete:
            return StepOrder(None, "")
        return step_order(self.claim, [(e.sample, e.orbit) for e in self.examined[:2]])


Progress = Callable[[int, int], None]


def compare(
    claim: ClaimedField, seed: int = 0, choices: int = 2, points: int = 2, progress: Progress | None = None
) -> Comparison:
    """The claim at `points` random samples for each of `choices` values of the free parameters; a mismatch ends it.

    Raises SingularSeries where neither rational points nor balls can be had, NotSlow as in `examine`.
    """
    try:
        return Comparison(claim, _search(claim, seed, choices, points, progress, balls=False))
    except (IrrationalRoot, NoRationalPoint):
        with precision(BITS):
            return Comparison(claim, _search(claim, seed, choices, points, progress, balls=True))


def _search(
    claim: ClaimedField, seed: int, choices: int, points: int, progress: Progress | None, balls: bool
) -> tuple[Examined, ...]:
    found: list[Examined] = []
    wanted = points * (choices if claim.configuration.free else 1)
    matrices = claim.configuration.scheme.runs_matrices
    dimension = COMPONENTS if matrices else 3 if claim.layered else 2  # three components come in layers of different sizes
    for n, values in enumerate(parameter_values(claim.configuration, seed)):
        source = random.Random(f"samples {seed + 1000 * n}")
        try:
            for _ in range(points):
                found.append(examine_random(claim, values, source, dimension, claim.order + 3, claim.order + 1, balls))
                if progress:
                    progress(len(found), wanted)
                if found[-1].mismatches:
                    return tuple(found)
        except NoRationalPoint:
            continue  # other parameter values may do
        if len(found) >= wanted:
            break
    if not found:
        raise NoRationalPoint("no values of the parameters make every root rational")
    return tuple(found)
