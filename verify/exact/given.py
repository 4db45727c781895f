"""The exact route on a loss that the user names: exact where roots are rational, else enclosed in balls.

A ball comparison is one-sided: two balls that do not meet refute; two that meet confirm to their radius, which is stated and
below 10^-digits.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import arb, fmpq

from verify.exact.claimed import ClaimedField, claimed_values, with_numbers
from verify.exact.examined import Examined, Mismatch, mismatches_at
from verify.exact.parameters import settings_of
from verify.exact.points import NoRationalRoot, TermPoint, memory_values, term_point
from verify.exact.support import Supports
from verify.numbers.kinds import BALLS
from verify.numbers.power_series import SingularSeries
from verify.numbers.precision import bits_of, precision
from verify.orbits.slow_series import Sample, SlowOrbit
from verify.problems.polynomials import Polynomial
from verify.problems.problem import Problem, parse_loss, problem_of

ATTEMPTS = 12


@dataclass(frozen=True)
class GivenLoss:
    """What was found on the named loss.  `radius` is None in exact arithmetic, else the widest ball that was compared."""

    loss: str
    variables: tuple[str, ...]
    point: tuple[Fraction, ...]
    settings: str
    mismatches: tuple[Mismatch, ...]
    radius: float | None

    @property
    def confirmed(self) -> bool:
        return not self.mismatches

    @property
    def text(self) -> str:
        place = ", ".join(f"{v} = {x}" for v, x in zip(self.variables, self.point, strict=True))
        how = "exactly" if self.radius is None else f"in balls of radius below {self.radius:.1e}"
        if self.mismatches:
            m = self.mismatches[0]
            return f"at {place} ({self.settings}): f_{m.power} of {m.variable} is {m.true}, not {m.claimed}"
        return f"at {place} ({self.settings}): the field is the scheme's own, {how}"

    def to_json(self) -> dict[str, Any]:
        return {
            "loss": self.loss,
            "point": {v: str(x) for v, x in zip(self.variables, self.point, strict=True)},
            "parameters": self.settings,
            "exact": self.radius is None,
            "radius": self.radius,
            "confirmed": self.confirmed,
        }


def check_given_loss(supports: Supports, claim: ClaimedField, loss: str, seed: int = 0, digits: int = 60) -> GivenLoss:
    """Compare the claim with the scheme's exact orbit at a random point of the named loss.

    Raises UsageError for a text that is no loss, SingularSeries where the scheme has no expansion at any point tried.
    """
    claim = with_numbers(claim, supports.values)
    variables, _ = parse_loss(loss, supports.configuration.scheme.label)
    source = random.Random(f"given {seed}")
    with precision(bits_of(2 * digits) + 64):
        samples = [_sample(supports, claim, loss, source, len(variables)) for _ in range(ATTEMPTS)]
        for balls in (False, True):
            for sample in samples:
                try:
                    examined = _examine(supports, claim, _as_balls(sample) if balls else sample)
                except (NoRationalRoot, SingularSeries, ZeroDivisionError):
                    continue
                found = tuple(sorted(mismatches_at(examined), key=lambda m: m.power))
                point = tuple(Fraction(int(x.p), int(x.q)) for x in sample.problem.point)
                radius = _radius(examined)
                if radius is not None and not radius < 10.0**-digits:  # also for balls that are not finite
                    continue
                return GivenLoss(loss, variables, point, settings_of(supports.values), found, radius)
    raise SingularSeries("no point tried will do: a root or denominator vanishes, or the balls grow too wide")


def _sample(supports: Supports, claim: ClaimedField, loss: str, source: random.Random, dimension: int) -> Sample:
    def number() -> fmpq:
        return fmpq(source.randint(2, 9), source.choice((4, 5, 7)))

    point = [number() * source.choice((-1, 1)) for _ in range(dimension)]
    problem = problem_of(loss, point, claim.order + 3, supports.configuration.scheme.label)
    scalars = supports.algebra.scalars
    slow = {s: number() if s in scalars else [number() for _ in point] for s in supports.slow if s != "theta"}
    functions = {f: [number() for _ in range(claim.order + 5)] for f in supports.configuration.scheme.functions}
    return Sample(problem, supports.values, slow, number(), functions)


def _as_balls(sample: Sample) -> Sample:
    """The same sample with every coefficient of the loss a ball of radius zero (or what it was)."""
    p = sample.problem

    def ball(q: Polynomial) -> Polynomial:
        return {e: arb(1) * c for e, c in q.items()}

    potential = None if p.potential is None else ball(p.potential)
    return Sample(
        Problem(p.point, potential, tuple(ball(q) for q in p.components)), sample.values, sample.slow, sample.t, sample.functions
    )


def _examine(supports: Supports, claim: ClaimedField, sample: Sample) -> Examined:
    if isinstance(sample.unit, arb):
        problem = sample.problem
        leaf = "grad" if problem.potential is not None else "field"
        values = {**sample.names(), "theta": list(problem.point), leaf: problem.tensor(problem.point, (), None)}
        point = TermPoint(supports.algebra, problem, values)
        point.add_bases(BALLS.power)
    else:
        point = term_point(supports.algebra, sample)
    scalars = [m for m in supports.memory if m in supports.algebra.scalars]
    leads = memory_values(point, supports.leads, scalars)
    orbit = SlowOrbit(supports.configuration, sample, claim.slow, leads, claim.order).find()
    return Examined(sample, orbit, point, claimed_values(claim, sample))


def _radius(examined: Examined) -> float | None:
    """The widest ball among the values compared, None in exact arithmetic."""
    values: Sequence[Any] = [
        v for table in (examined.claimed, examined.orbit.fields) for rows in table.values() for row in rows for v in row
    ]
    radii = [float(v.rad()) for v in values if isinstance(v, arb)]
    return max(radii) if radii else None
