"""A claim on a loss that the user names: exact where roots are rational, else enclosed in balls.

A ball comparison is one-sided: two balls that do not meet refute; two that meet confirm to their radius, which is stated and
below 10^-digits.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import fmpq

from derive.scheme import Configuration
from verify.counterexample.claimed import ClaimedField
from verify.counterexample.comparison import Mismatch, examine
from verify.counterexample.parameters import parameter_values, settings_of
from verify.counterexample.samples import NoRationalPoint, random_number, sample_of
from verify.numbers.kinds import BALLS, EXACT, Numbers
from verify.numbers.power_series import IrrationalRoot, SingularSeries, to_fraction
from verify.numbers.precision import bits_of, precision
from verify.orbits.slow_series import Sample
from verify.problems.problem import check_coordinates, parse_loss, problem_of

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


def coordinates(configuration: Configuration, loss: str) -> tuple[str, ...]:
    """The variables of a loss or field that the user names for a scheme.

    Raises UsageError for a text that is no loss, and for a parameter of the scheme among the variables.
    """
    scheme = configuration.scheme
    variables, _ = parse_loss(loss, scheme.label)
    check_coordinates(variables, {*scheme.parameters, *configuration.free}, "loss" if scheme.label == "L" else "field")
    return variables


def check_given_loss(
    claim: ClaimedField,
    loss: str,
    seed: int = 0,
    digits: int = 60,
    values: Mapping[str, fmpq] | None = None,
) -> GivenLoss:
    """Compare the claim with the scheme's slow orbit at a random point of the named loss.

    Raises what `coordinates` raises, SingularSeries where the scheme has no expansion at any point tried.
    """
    chosen = next(parameter_values(claim.configuration, seed)) if values is None else values
    variables = coordinates(claim.configuration, loss)
    with precision(bits_of(2 * digits) + 64):
        for numbers in (EXACT, BALLS):
            source = random.Random(f"given {seed}")
            for _ in range(ATTEMPTS):
                try:
                    sample = _sample(claim, loss, chosen, source, len(variables), numbers)
                    examined = examine(claim, sample, claim.order, numbers is BALLS)
                except (IrrationalRoot, NoRationalPoint, SingularSeries, ZeroDivisionError):
                    continue
                radius = examined.radius
                if radius is None or radius < 10.0**-digits:  # not for balls that are not finite
                    point = tuple(to_fraction(x) for x in sample.problem.point)
                    return GivenLoss(loss, variables, point, settings_of(chosen), tuple(examined.mismatches), radius)
    raise SingularSeries("no point tried will do: a root or denominator vanishes, or the balls grow too wide")


def _sample(
    claim: ClaimedField, loss: str, values: Mapping[str, fmpq], source: random.Random, dimension: int, numbers: Numbers
) -> Sample:
    point = [random_number(source) * source.choice((-1, 1)) for _ in range(dimension)]
    degree = claim.order + 3
    problem = problem_of(loss, point, degree, claim.configuration.scheme.label)
    return sample_of(claim, problem, values, source, degree, numbers)
