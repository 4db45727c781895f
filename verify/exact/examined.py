"""One random sample examined: the scheme's exact slow orbit there, and the values that a claim gives."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verify.exact.claimed import ClaimedField, claimed_values
from verify.exact.points import TermPoint, memory_values
from verify.exact.samples import rational_sample
from verify.exact.support import Supports
from verify.numbers.power_series import SingularSeries
from verify.orbits.slow_series import Orbit, Sample, SlowOrbit

#: random points tried when a denominator vanishes
RETRIES = 8


@dataclass(frozen=True)
class Mismatch:
    """A value that is not the claimed one: of f_power of `variable`, at a component of a sample."""

    variable: str
    power: int
    component: int
    claimed: Any
    true: Any
    sample: Sample


@dataclass(frozen=True)
class Examined:
    """One sample: its exact orbit, the terms' values there, and what the claim says."""

    sample: Sample
    orbit: Orbit
    point: TermPoint
    claimed: Mapping[str, list[list[Any]]]


def mismatches_at(examined: Examined, claimed: Mapping[str, list[list[Any]]] | None = None) -> list[Mismatch]:
    """Every component at which the claimed value is not the true one."""
    found = []
    for x, by_power in (claimed or examined.claimed).items():
        for k, vector in enumerate(by_power):
            for i, (said, true) in enumerate(zip(vector, examined.orbit.fields[x][k], strict=True)):
                if said != true:
                    found.append(Mismatch(x, k, i, said, true, examined.sample))
    return found


def examine(
    supports: Supports, claim: ClaimedField, source: random.Random, dimension: int, order: int, degree: int | None = None
) -> Examined:
    """One random sample with rational roots: the exact slow orbit and the claimed values.

    The losses have degree order + 3 unless another is asked for.
    """
    scalars = [m for m in supports.memory if m in supports.algebra.scalars]
    for _ in range(RETRIES):
        sample, point = rational_sample(supports, source, dimension, degree or order + 3)
        leads = memory_values(point, supports.leads, scalars)
        try:
            orbit = SlowOrbit(supports.configuration, sample, claim.slow, leads, order + 1).find()
            return Examined(sample, orbit, point, claimed_values(claim, sample))
        except (SingularSeries, ZeroDivisionError):  # a denominator happens to vanish at this point
            continue
    raise SingularSeries("a root or denominator vanishes at every random point")
